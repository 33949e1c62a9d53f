package netpolrules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// NET1007 finds pods that may ask DNS over UDP only.
var NET1007 = &audit.Rule{
	ID:       "NET1007",
	Title:    "DNS over UDP only",
	Severity: audit.Medium,
	Why: `A DNS answer that is too long for a datagram comes back truncated, and the client
asks again over TCP ("DNS resolvers and recursive servers MUST support UDP, and
SHOULD support TCP", RFC 1123; both MUST since RFC 7766). With TCP 53 closed such
names fail now and then, mostly after the answer has grown.`,
	Setting: dnsSetting,
	Bad:     dnsPolicy("[{protocol: UDP, port: 53}]"),
	Good:    dnsPolicy("[{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]"),
	Needs:   []audit.Fact{audit.Policies},
	Run: func(p *audit.Pass) {
		refused := func(udp, tcp verdict.Step) (verdict.Step, bool) {
			return tcp, udp.Verdict == verdict.Allow && tcp.Verdict == verdict.Deny
		}
		for _, m := range mutes(p, refused) {
			f := m.finding(p, audit.Medium, "may ask the cluster's DNS over UDP but not over TCP %d: long answers fail now and then")
			if m.step.Origin.Line != 0 || m.step.Origin.Field != "" {
				f.Origin = m.step.Origin
			}
			f.Fix = "add the TCP port beside the UDP one, in the rule that admits DNS:\n- {protocol: UDP, port: 53}\n- {protocol: TCP, port: 53}"
			p.Report(f)
		}
	},
}
