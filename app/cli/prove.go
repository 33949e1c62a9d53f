package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func (a *app) prove() *cobra.Command {
	var now string
	var asIs bool
	cmd := &cobra.Command{
		Use:   "prove -f DIR",
		Short: "Prove that what is compiled admits exactly what was declared",
		Long: `Prove that what is compiled admits exactly what was declared: compile the intents, lay the
artefacts over the estate that -f names, and ask of the outcome every client that there is,
the pods that do not exist yet, and everybody outside, by every path. Each statement is
PROVEN, REFUTED with an attempt that anybody can repeat, or UNKNOWN with the fact that is
missing. What refutes names the object that admits and the change that would close it.

Stated are: that nobody but who was declared gets a session at a server, and who was declared
nothing but that; that each of them gets it; that the server's vital flows pass; that no other
connection changes; the accept and deny tests of accesses; and invariants.

--as-is lays nothing over the estate: for who keeps what is compiled beside the manifests.

Exit status: 0 all is proven; 1 something is refuted, or an intent cannot be compiled;
2 something is unknown; 3 the run failed, an input could not be read, or there is nothing
to prove. 3 wins over 2, 2 over 1.`,
		Example: `  pgmoat prove -f k8s/ -f access/
  pgmoat prove -f k8s/ -f access/ --facts facts.yaml -o json > evidence.json
  pgmoat prove -f k8s/ -f access/ -o junit > pgmoat.xml
  pgmoat prove -f k8s/ -f access/ --now 2027-01-01
  pgmoat prove -f k8s/ --as-is`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := moment(now)
			if err != nil {
				return err
			}
			return a.proved(cmd.Context(), at, asIs)
		},
	}
	cmd.Flags().StringVar(&now, "now", "", nowFlag)
	cmd.Flags().BoolVar(&asIs, "as-is", false, "prove the estate as it stands, without laying over it what is compiled")
	return a.sourced(cmd, report.ProvedFormats...)
}

// proved reads, compiles, proves and tells.
func (a *app) proved(ctx context.Context, now time.Time, asIs bool) error {
	var inputs []object.Input
	p, err := a.plan(ctx, now, &inputs)
	if err != nil {
		return err
	}
	result := &report.Proved{World: p.world, AsIs: asIs, Errors: p.faults, Unread: p.unread(), Inputs: inputs, Version: version, Flags: a.readFlags()}
	switch {
	case p.unread():
		a.exit(exitFailed)
	case p.failed():
		a.exit(exitNo)
	case len(p.intents.Perimeters)+len(p.intents.Invariants) == 0:
		return errors.New("nothing to prove: no PostgresPerimeter and no AccessInvariant was read")
	default:
		if err := a.proof(ctx, p, result); err != nil {
			return err
		}
	}
	return result.Write(a.out, a.output)
}

// proof compiles and proves.
func (a *app) proof(ctx context.Context, p *plan, result *report.Proved) error {
	result.Output = compile.Compile(p.job, backends)
	var err error
	if result.Artefacts, err = digest(p, result.Output); err != nil {
		return err
	}
	if err := a.holdAgainst(ctx, p, result); err != nil {
		return err
	}
	if result.Proof != nil {
		a.exit(proofStatus(result.Proof))
	}
	return nil
}

// holdAgainst proves what was compiled, against the estate with it.
func (a *app) holdAgainst(ctx context.Context, p *plan, result *report.Proved) (err error) {
	result.Job = p.job
	before := reach.New(p.world)
	after := before
	if !result.AsIs {
		if result.World, err = a.applied(ctx, p, result.Output); err != nil {
			return err
		}
		after = reach.New(result.World)
	}
	// What is compiled and cannot be read back proves nothing.
	if result.Unread = len(result.World.Problems) > 0; result.Unread {
		a.tell(result.World)
		return nil
	}
	for _, s := range result.World.Servers {
		if err := tooMany(s); err != nil && p.isAbout(s) {
			return err
		}
	}
	result.Proof = prove.Prove(prove.Question{
		Intents: p.intents, Job: p.job, Before: before, After: after,
		Find: func(name string) (prove.Client, error) { return proveClient(result.World, name) },
	})
	return nil
}

// isAbout reports whether something may be stated about a server: invariants are about any.
func (p *plan) isAbout(s *snapshot.Server) bool {
	return len(p.intents.Invariants) > 0 ||
		slices.ContainsFunc(p.job.Sites, func(one *compile.Site) bool { return one.Server.Ref() == s.Ref() })
}

// applied is the estate as it would be with what was compiled. The objects are those that
// were read before: standard input is read once, and a file that changes meanwhile is not
// what was compiled for.
func (a *app) applied(ctx context.Context, p *plan, output *compile.Output) (*snapshot.Snapshot, error) {
	var again intent.Intents
	opts := p.opts
	opts.Intents, opts.Inputs = &again, nil
	read := func(context.Context, estate.Wants) (object.Batch, error) { return p.batch, nil }
	return estate.From(ctx, overlay.Source(read, output.Artefacts), opts)
}

// digest is that of the stream that compile -o yaml prints.
func digest(p *plan, output *compile.Output) (string, error) {
	sum := sha256.New()
	if err := manifest.Stream(sum, output, manifest.Options{Objects: p.batch.Objects, Locate: p.world.Locate}); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// proveClient is whom a name in a test means. An insider is at no endpoint.
func proveClient(world *snapshot.Snapshot, name string) (prove.Client, error) {
	if i, ok := findInsider(world, name); ok {
		return prove.Client{Ref: i.Ref, Inside: i.Inside}, nil
	}
	c, err := findClient(world, name)
	return prove.Client{Ref: c.ref, Endpoints: c.endpoints}, err
}

// proofStatus is the exit status of a proof: a doubt wins over what is refuted.
func proofStatus(p *prove.Proof) int {
	if len(p.Statements) == 0 {
		return exitUnknown
	}
	code := exitYes
	for _, s := range p.Statements {
		switch s.Result {
		case prove.Proven:
		case prove.Refuted:
			code = max(code, exitNo)
		default:
			code = max(code, exitUnknown)
		}
	}
	return code
}

// readFlags read the estate again as it was read.
func (a *app) readFlags() []string {
	var out []string
	for _, path := range a.paths() {
		out = append(out, "-f", path)
	}
	for _, ref := range a.sources.delete {
		out = append(out, "--delete", ref)
	}
	return append(out, a.sourceFlags(a.facts)...)
}
