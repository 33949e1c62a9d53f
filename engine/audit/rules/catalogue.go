package rules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
)

// Catalogue is docs/rules.md.
func Catalogue() string {
	var b strings.Builder
	b.WriteString(`# Audit rules

Written by ` + "`go test ./engine/audit/rules -update`" + ` from the rules themselves; a test notices when it is stale.

` + "`pgmoat audit -f DIR`" + ` checks every rule, ` + "`pgmoat hba lint FILE`" + ` those about pg_hba.conf, also of a file without
any manifest. A rule that lacks its facts is *not checked*, which is not a pass. A
finding that may or may not hold is a *doubt*. Severities: **critical** (mend now), **high** (a door is open, or an
outage waits), **medium** (works by luck), **low** (worth knowing). One finding may be worse or better than its rule.
The examples are tested: each bad one is reported beside its setting, and the good one is not.

| Rule | Severity | What it finds |
|--|--|--|
`)
	for _, r := range All() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", r.ID, strings.ToLower(r.ID), r.Severity, r.Title)
	}
	for _, f := range Families {
		fmt.Fprintf(&b, "\n## %s\n", f.Title)
		for _, r := range f.Rules {
			page(&b, r)
		}
	}
	return b.String()
}

func page(b *strings.Builder, r *audit.Rule) {
	fmt.Fprintf(b, "\n### %s\n\n**%s** (%s)\n\n%s\n", r.ID, r.Title, r.Severity, r.Why)
	var needs []string
	for _, n := range r.Needs {
		needs = append(needs, string(n))
	}
	fmt.Fprintf(b, "\nNot checked without: %s.\n", strings.Join(needs, ", "))
	for _, example := range []struct{ word, text string }{{"Where there is", r.Setting}, {"reported", r.Bad}, {"not reported", r.Good}} {
		if example.text != "" {
			syntax := "text"
			if audit.IsManifest(example.text) {
				syntax = "yaml"
			}
			fmt.Fprintf(b, "\n%s:\n\n```%s\n%s```\n", strings.ToUpper(example.word[:1])+example.word[1:], syntax, example.text)
		}
	}
}
