package rolerules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// ROL1014 finds passwords that have ended or soon will.
var ROL1014 = &audit.Rule{
	ID:       "ROL1014",
	Title:    "a role's password has ended, or ends soon",
	Severity: audit.Medium,
	Why: `After validUntil the server refuses the password, whatever the Secret holds, and tells
the client only that authentication failed. No operator moves the date, so that it is told
30 days before. Other credentials, a certificate or peer, go on.`,
	Bad: cluster(`  managed:
    roles:
      - {name: app, login: true, passwordSecret: {name: app}, validUntil: "2001-01-01T00:00:00Z"}
`),
	Good: cluster(`  managed:
    roles:
      - {name: app, login: true, passwordSecret: {name: app}}
`),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			for _, r := range s.Roles {
				if r.ValidUntil != 0 {
					ending(p, s, r)
				}
			}
		}
	},
}

func ending(p *audit.Pass, s *snapshot.Server, r snapshot.Role) {
	now := p.World.Facts.Now
	if now == 0 {
		p.Skip(s.Ref(), fmt.Sprintf("whether the password of role %s has ended: what time it is is not known (now in the facts file)", r.Name))
		return
	}
	f := audit.Finding{Subject: s.Ref(), Origin: attributeField(s, r, "validUntil"), Certain: true,
		Message: fmt.Sprintf("the password of role %s has ended: the server refuses it", r.Name),
		Fix:     "write a later date with a new password, or leave validUntil out"}
	switch left := int64(r.ValidUntil - now); {
	case left > words.Soon:
		return
	case left > 0:
		f.Severity = audit.Low
		f.Message = fmt.Sprintf("the password of role %s ends in %d days, and nobody moves the date unasked", r.Name, left/(24*3600))
	}
	p.Report(f)
}
