package hbarules

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/internal/audittest"
)

const searching = "    ldap: {server: ldap.example.com, tls: true, bindSearchAuth: {baseDN: 'dc=example', bindDN: 'cn=pg', bindPassword: {name: ldap, key: password}, searchAttribute: uid}}\n"

func fixes(t *testing.T, manifests string, rules ...*audit.Rule) []string {
	t.Helper()
	var out []string
	for _, f := range audit.Run(audittest.Load(t, manifests), rules).Findings {
		out = append(out, f.Fix)
	}
	return out
}

// The lines that HBA1004 writes beside LDAP leave nothing for HBA1034 to say, and those of
// HBA1034 nothing for HBA1004.
func TestLDAPFixesAgree(t *testing.T) {
	lines := []string{"hostssl ledger app 10.0.0.0/8 scram-sha-256"}
	open := fixes(t, clusterWith("", lines...)+searching, HBA1004, HBA1034)
	if len(open) != 1 || !strings.Contains(open[0], "\n- "+leftByLDAP+"\n") {
		t.Fatalf("fixes %q", open)
	}
	if left := fixes(t, clusterWith("", append(lines, leftByLDAP)...)+searching, HBA1004, HBA1034); len(left) > 0 {
		t.Errorf("after the fix: %q", left)
	}

	cut := fixes(t, clusterWith("", append(lines, "host all all all reject")...)+searching, HBA1004, HBA1034)
	if len(cut) != 1 || !strings.Contains(cut[0], "\n- "+leftByLDAP+"\n") || !strings.Contains(cut[0], "ldapbinddn=cn=pg ldapsearchattribute=uid ldapbindpasswd=PASSWORD\n") {
		t.Fatalf("fixes %q", cut)
	}
	_, written, _ := strings.Cut(cut[0], "no spec.postgresql.ldap:\n- ")
	own, _, _ := strings.Cut(written, "\n")
	if left := fixes(t, clusterWith("", append(lines, own, "host all all all reject")...), HBA1004, HBA1034); len(left) > 0 {
		t.Errorf("with a line of one's own: %q", left)
	}
}

// Beside LDAP the fix for a line on pods refuses the others of its role, and leaves LDAP
// to the rest.
func TestLDAPAndPods(t *testing.T) {
	refs := "  podSelectorRefs: [{name: app, selector: {matchLabels: {app: app}}}]\n"
	lines := []string{"hostssl ledger app ${podselector:app} scram-sha-256", leftByLDAP}
	open := fixes(t, clusterWith(refs, lines...)+searching, HBA1005)
	if len(open) != 1 || !strings.HasSuffix(open[0], "\n- host ledger app all reject") {
		t.Fatalf("fixes %q", open)
	}
	if left := fixes(t, clusterWith(refs, lines[0], "host ledger app all reject", leftByLDAP)+searching, HBA1004, HBA1005, HBA1034); len(left) > 0 {
		t.Errorf("after the fix: %q", left)
	}
}
