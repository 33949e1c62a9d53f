package hbarules

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/internal/audittest"
)

// "If a line ends with a backslash, it is joined with the next one": since 14 only. No
// comment fits behind it, so that this is no section of the rule's file.
func TestContinuedLines(t *testing.T) {
	world := audittest.Bare(t, map[string]string{"version": "13",
		"pg_hba.conf": "host all all 10.0.0.0/8 ldap ldapserver=x ldapprefix=\\\nhost all all 10.0.0.0/9 reject\n"})
	found := audit.Run(world, []*audit.Rule{HBA1015}).Findings
	if len(found) != 2 || found[0].Origin.Line != 1 || found[1].Origin.Line != 2 ||
		!strings.Contains(found[0].Message, "PostgreSQL 14") || !strings.Contains(found[1].Message, "no line of its own") {
		t.Errorf("found %+v", found)
	}
}
