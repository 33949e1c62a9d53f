package tlsrules

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/internal/audittest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const ownCertificates = `---
apiVersion: v1
kind: Secret
metadata: {name: ca, namespace: payments}
stringData: {other: x}
---
apiVersion: v1
kind: Secret
metadata: {name: leaf, namespace: payments}
stringData: {other: x}
`

// unreadable turns every Secret into one that tells less than it holds.
func unreadable(world *snapshot.Snapshot, change func(*snapshot.Secret)) *snapshot.Snapshot {
	for _, s := range world.Secrets {
		change(s)
	}
	return world
}

func metadataOnly(s *snapshot.Secret) { s.Partial, s.Keys, s.Certificates, s.Type = true, nil, nil, "" }

func sealed(s *snapshot.Secret) {
	s.Sealed, s.Keys, s.Certificates = true, []string{"ca.crt", "tls.crt", "tls.key"}, nil
}

func notChecked(r audit.Result) string {
	var out []string
	for _, n := range r.NotChecked {
		out = append(out, n.Reason)
	}
	return strings.Join(out, "\n")
}

// An entry that was not read is not one that is missing: the rule is not checked, and says
// what would tell.
func TestUnreadEntriesAreNotMissing(t *testing.T) {
	text := cluster("  certificates: {serverCASecret: ca, serverTLSSecret: leaf}\n") + ownCertificates
	whole := audit.Run(audittest.Load(t, text), []*audit.Rule{TLS1010})
	if !slices.ContainsFunc(whole.Findings, func(f audit.Finding) bool { return strings.Contains(f.Message, "has no ca.crt") }) {
		t.Fatalf("of whole Secrets: %v", whole.Findings)
	}
	for want, change := range map[string]func(*snapshot.Secret){
		"of Secret payments/ca, only its metadata was read, and --certificates reads its certificates": metadataOnly,
		"of Secret payments/ca, what it holds is encrypted or kept elsewhere":                          sealed,
	} {
		got := audit.Run(unreadable(audittest.Load(t, text), change), []*audit.Rule{TLS1010})
		if len(got.Findings) > 0 || !strings.Contains(notChecked(got), want) {
			t.Errorf("%v\n%s\nwant %s", got.Findings, notChecked(got), want)
		}
	}
}

// Of a certificate that was not read neither its end nor its names are known.
func TestUnreadCertificates(t *testing.T) {
	text := cluster("  certificates: {serverCASecret: ca, serverTLSSecret: leaf}\n") + ownCertificates
	for rule, want := range map[*audit.Rule]string{
		TLS1001: "when the certificate in Secret payments/leaf ends is not known: ",
		TLS1005: "the names in its certificate are not known: ",
	} {
		for why, change := range map[string]func(*snapshot.Secret){
			"only its metadata was read, and --certificates reads its certificates": metadataOnly,
			"what it holds is encrypted or kept elsewhere":                          sealed,
			notRead: func(*snapshot.Secret) {},
		} {
			got := audit.Run(unreadable(audittest.Load(t, text), change), []*audit.Rule{rule})
			if !strings.Contains(notChecked(got), want+why) {
				t.Errorf("%s: %s\nwant %s", rule.ID, notChecked(got), want+why)
			}
		}
	}
}

// A copy of a CA may be in a Secret that was not read.
func TestUnreadCopies(t *testing.T) {
	const copies = "whether copies of its CA in other Secrets have ended is not known: of some only the metadata was read"
	text := cluster("") + ownCertificates
	for want, change := range map[bool]func(*snapshot.Secret){true: metadataOnly, false: func(*snapshot.Secret) {}} {
		got := notChecked(audit.Run(unreadable(audittest.Load(t, text), change), []*audit.Rule{TLS1001}))
		if strings.Contains(got, copies) != want {
			t.Errorf("%s", got)
		}
	}
}

// The label is missing where the controller takes it from.
func TestLabelsOfSealedSecrets(t *testing.T) {
	own := cluster("  certificates: {serverTLSSecret: leaf, serverCASecret: leaf}\n")
	for text, want := range map[string]string{
		"apiVersion: v1\nkind: Secret\nmetadata: {name: leaf, namespace: payments}\n":                                                        "Secret payments/leaf metadata.labels",
		"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: leaf, namespace: payments}\n":                                "SealedSecret payments/leaf spec.template.metadata.labels",
		"apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: x, namespace: payments}\nspec: {target: {name: leaf}}\n": "ExternalSecret payments/x spec.target.template.metadata.labels",
	} {
		got := audit.Run(audittest.Load(t, own+"---\n"+text), []*audit.Rule{TLS1012}).Findings
		if len(got) != 1 || got[0].Origin.Object+" "+got[0].Origin.Field != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}
