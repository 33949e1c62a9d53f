package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/login"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// hbaAttempt are the flags of an attempt.
type hbaAttempt struct {
	user, db, from, cert, osUser, identUser, replication, hostName, passwordEncryption string
	local, tls, gss, untrusted, noSSL, noCA                                            bool
	interfaces                                                                         []string
}

func (a *app) hbaEval() *cobra.Command {
	var in hbaInput
	var try hbaAttempt
	var batch string
	cmd := &cobra.Command{
		Use:   "eval FILE --user ROLE [--db DATABASE] (--from ADDRESS | --local)",
		Short: "Say which line decides an attempt, and what the client sees first",
		Long: `Say which line of pg_hba.conf decides an attempt, by which method, what pg_ident.conf
makes of it, and what the client sees first: the outcome, the SQLSTATE and the message.

What is not given is not known: without --roles nobody is known to be a member of
+role, and without --host-name the client's name in DNS is not known. The answer is
then "unknown" where it depends on it, and nowhere else; the lines that may decide
are told. "unknown" is also the answer to method md5 without --roles (the kind of
secret decides), to peer without --os-user, to gss over a connection that GSSAPI
encrypts, and to an expression with back references that takes too long.

--batch reads JSON Lines instead, each with a server, its files and an attempt, and
answers one line each, in order; docs/hba.md has the fields. There everything is
given, and what is absent is not there: no role, no host name.

Exit status: 0 let in, or asked for a secret; 1 refused; 2 cannot tell; 3 the run
failed or an input could not be read. With --batch 0, or 3 where a line was not read.`,
		Example: `  pgmoat hba eval pg_hba.conf --user app --db ledger --from 10.1.2.3 --tls
  pgmoat hba eval pg_hba.conf --user bob --from 10.1.2.3 --tls --cert /O=Acme/CN=bob --ident pg_ident.conf
  pgmoat hba eval pg_hba.conf --user standby --replication true --from 2001:db8::7
  pgmoat hba eval pg_hba.conf --user postgres --local --os-user postgres -o json
  pgmoat hba eval cluster.yaml --server payments/ledger --user app --from 10.244.3.9
  pgmoat hba eval auth_hba.conf --dialect pgbouncer --user app --db ledger --from 10.1.2.3
  pgmoat hba eval --batch cases.jsonl > answers.jsonl`,
		Args: func(_ *cobra.Command, args []string) error { return fileOrBatch(args, batch) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if batch != "" {
				return a.batch(batch, func(e *hbacase.Evaluator, text []byte) (any, error) { return e.Attempt(text) })
			}
			return a.evaluate(cmd.Context(), args[0], &in, &try, cmd.Flags().Changed("host-name"), cmd.Flags().Changed("replication"))
		},
	}
	f := cmd.Flags()
	f.StringVar(&batch, "batch", "", "answer JSON Lines of this file, or - for standard input")
	f.StringVar(&try.user, "user", "", "role that the client asks for")
	f.StringVar(&try.db, "db", "", "database that the client asks for; by default that of the role's name")
	f.StringVar(&try.from, "from", "", "address of a client over TCP")
	f.BoolVar(&try.local, "local", false, "over the Unix socket")
	f.BoolVar(&try.tls, "tls", false, "the client asks for TLS")
	f.BoolVar(&try.gss, "gss", false, "the client asks for GSSAPI encryption")
	f.StringVar(&try.cert, "cert", "", `subject of the client's certificate, "/O=Acme/CN=alice"; with it --tls`)
	f.BoolVar(&try.untrusted, "cert-untrusted", false, "no CA of the server signed the certificate")
	f.StringVar(&try.replication, "replication", "", "the parameter: true for physical replication, database for logical")
	f.StringVar(&try.osUser, "os-user", "", "operating system user at the other end of the socket")
	f.StringVar(&try.identUser, "ident-user", "", "user that an ident server at the client names")
	f.StringVar(&try.hostName, "host-name", "", `the client's name in DNS, which has its address; "" for none`)
	f.StringArrayVar(&try.interfaces, "interface", nil, "address of the server with its network's length, for samehost and samenet; repeatable; loopback is always among them")
	f.StringVar(&try.passwordEncryption, "password-encryption", "", "the setting; by default the version's")
	f.BoolVar(&try.noSSL, "no-ssl", false, "the server has ssl = off")
	f.BoolVar(&try.noCA, "no-ca", false, "the server has no ssl_ca_file")
	return in.flags(a, cmd, "text", "json")
}

func fileOrBatch(args []string, batch string) error {
	switch {
	case batch != "" && len(args) > 0:
		return errors.New("--batch brings its own files: leave FILE out")
	case batch == "" && len(args) != 1:
		return fmt.Errorf("want one FILE, got %d; see --help", len(args))
	}
	return nil
}

func (a *app) evaluate(ctx context.Context, path string, in *hbaInput, try *hbaAttempt, named, replicates bool) error {
	f, err := a.oneHBA(ctx, path, in)
	if err != nil {
		return err
	}
	attempt, err := try.attempt(named, replicates)
	if err != nil {
		return err
	}
	s := login.Server{Version: f.Version, SSL: !try.noSSL, ClientCA: !try.noCA, GSSAPI: true, Roles: f.Roles, HBA: f.HBA, Maps: f.Ident,
		MD5: try.passwordEncryption == "md5" || try.passwordEncryption == "" && f.Version != 0 && f.Version < 14}
	if f.Server != nil {
		s.SSL = s.SSL && f.Server.TLS.Enabled != verdict.Deny
		s.ClientCA = s.ClientCA && f.Server.TLS.ClientCA != verdict.Deny
	}
	s.MapsUnknown = !f.HasIdent
	got := inItsWords(f.HBA, login.Decide(&s, attempt))
	switch {
	case got.Outcome == login.Unknown || got.NotLoaded != nil && got.NotLoaded.Missing:
		a.exit(exitUnknown)
	case !got.Outcome.Admits():
		a.exit(exitNo)
	}
	return report.WriteLogin(a.out, a.output, f.Name, got)
}

// attempt reads the flags.
func (try *hbaAttempt) attempt(named, replicates bool) (login.Attempt, error) {
	out := login.Attempt{Local: try.local, TLS: try.tls || try.cert != "", GSS: try.gss, User: try.user, Database: try.db,
		OSUser: try.osUser, OSUserUnknown: try.osUser == "", IdentUser: try.identUser}
	if replicates {
		out.Replication = &try.replication
	}
	if try.cert != "" {
		out.Cert = hbacase.Subject(try.cert, !try.untrusted)
	}
	switch {
	case try.passwordEncryption != "" && try.passwordEncryption != "md5" && try.passwordEncryption != "scram-sha-256":
		return out, fmt.Errorf("--password-encryption %s: want md5 or scram-sha-256", try.passwordEncryption)
	case try.user == "":
		return out, errors.New("--user is missing: the role that the client asks for")
	case try.local == (try.from != ""):
		return out, errors.New("want either --from ADDRESS or --local")
	case try.local:
		return out, nil
	}
	addr, err := netip.ParseAddr(try.from)
	if err != nil {
		return out, fmt.Errorf("--from: %w", err)
	}
	out.Host, out.Client = hba.AddressText(addr.Unmap()), hba.ClientAt(addr)
	out.Client.NameKnown, out.Client.HostName = named, try.hostName
	return out, try.networks(&out.Client)
}

// networks says what samehost and samenet say of the client, where the server's
// interfaces are given.
func (try *hbaAttempt) networks(c *hba.Client) error {
	nets, err := prefixes(try.interfaces)
	if err != nil || nets == nil {
		return err
	}
	c.Beside(nets)
	return nil
}
