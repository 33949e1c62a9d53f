package exposurerules

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// EXP1010 finds restrictions by the address of clients that come with another one.
var EXP1010 = &audit.Rule{
	ID:       "EXP1010",
	Title:    "the address of outside clients is lost before it is asked for",
	Severity: audit.Medium,
	Why: `With externalTrafficPolicy: Cluster, the default, a node that passes a connection on
puts its own address in the client's place, and a proxy always does. A line of
pg_hba.conf or an ipBlock that names outside addresses then never matches those who come
that way: what it was to admit is refused, what it was to refuse goes on to the next
line. Whoever helps himself by naming the nodes admits everybody.`,
	Setting: database + "---\n" + policy("    - from: [{ipBlock: {cidr: 192.0.2.0/24}}]\n      ports: [{port: 5432}]\n"),
	Bad: `apiVersion: v1
kind: Service
metadata: {name: db-office, namespace: legacy}
spec:
  type: LoadBalancer
  loadBalancerSourceRanges: [192.0.2.0/24]
  selector: {app: db}
  ports: [{port: 5432}]
`,
	Good: `apiVersion: v1
kind: Service
metadata: {name: db-office, namespace: legacy}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  loadBalancerSourceRanges: [192.0.2.0/24]
  selector: {app: db}
  ports: [{port: 5432}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		ways := outsideWays(p.World)
		for _, d := range doors(p.World) {
			for _, w := range ways.to(d) {
				if w.route == nil && !w.service.KeepsClient || w.route != nil && w.route.TCP {
					lost(p, w)
				}
			}
		}
	},
}

// A restriction asks for addresses outside the cluster.
type restriction struct {
	name    string
	origin  verdict.Origin
	refuses bool
}

func lost(p *audit.Pass, w outsideWay) {
	asked := append(lines(p, w), blocks(p, w)...)
	if len(asked) == 0 {
		return
	}
	f := w.finding()
	f.Subject = w.service.Ref()
	var names []string
	for _, r := range asked {
		names, f.Also = append(names, r.name), append(f.Also, r.origin)
		if r.refuses { // those it names go on to the next line
			f.Severity = audit.High
		}
	}
	f.Message = fmt.Sprintf("who comes through %s has a node's address at %s, so that what names outside addresses there does not see it: %s",
		w.name, w.door.ref, words.List(names))
	f.Origin, f.Fix = edit(w.service, "externalTrafficPolicy"), keepClient(w.service, w.door.server)
	if w.route != nil {
		f.Subject, f.Origin = w.route.Ref, w.origin
		f.Message = fmt.Sprintf("who comes through %s has the proxy's address at %s, so that what names outside addresses there does not see it: %s",
			w.name, w.door.ref, words.List(names))
		f.Fix = "limit the clients at the proxy, by its own list of ranges, or lead them to the database by a LoadBalancer Service with externalTrafficPolicy: Local"
	}
	p.Report(f)
}

// lines are the restrictions of the pg_hba.conf that decides who comes by the way.
func lines(p *audit.Pass, w outsideWay) []restriction {
	var out []restriction
	for _, r := range deciding(w).Records {
		if prefix, ok := r.Address.Prefix(); ok && beyond(p, w, prefix) {
			out = append(out, restriction{fmt.Sprintf("%s (%s %s)", place(r.Origin), prefix, r.Method), r.Origin, r.Method == "reject"})
		}
	}
	return out
}

// deciding is the file that sees the client's address: the pooler's own, or the server's
// where no socket and no loopback address stands between.
func deciding(w outsideWay) hba.File {
	if w.door.pooler != nil {
		return w.door.pooler.HBA
	}
	for _, sp := range w.door.server.Ports {
		if sp.Sees == snapshot.SeesClient && slices.ContainsFunc(w.door.pods, func(pod *snapshot.Pod) bool { return w.port.PodPort(pod) == sp.Port }) {
			return w.door.server.HBA
		}
	}
	return hba.File{}
}

// place names a line for people.
func place(o verdict.Origin) string {
	if o.Object == "" || o.Field == "" {
		return o.String()
	}
	return o.Field
}

// blocks are the restrictions of policies.
func blocks(p *audit.Pass, w outsideWay) []restriction {
	var out []restriction
	for _, e := range entries(p, w.door.pods, w.door.ports) {
		if e.peer == nil || e.peer.Block == nil {
			continue
		}
		ranges := e.peer.Block.Addresses.Prefixes()
		if !slices.ContainsFunc(ranges, isVast) && slices.ContainsFunc(ranges, func(b netip.Prefix) bool { return beyond(p, w, b) }) {
			out = append(out, restriction{fmt.Sprintf("%s (%s)", e.ref(), e.peer.Block.Text), e.origin(), false})
		}
	}
	return out
}

// beyond reports whether a range is surely one of clients outside: not nearly all
// addresses, and either none of a private network, or one that the Service or the facts
// name as outside.
func beyond(p *audit.Pass, w outsideWay, prefix netip.Prefix) bool {
	a := flow.AddressesOf(prefix)
	if isVast(prefix) || prefix.Addr().IsLoopback() || !a.Intersect(flow.AddressesOf(p.World.Facts.PodCIDRs...)).IsEmpty() {
		return false
	}
	named := flow.AddressesOf(w.service.SourceRanges...)
	for _, o := range p.World.Facts.Outside {
		named = named.Union(o.Addresses)
	}
	if wide(named) {
		named = flow.Addresses{}
	}
	return !a.Intersect(named).IsEmpty() || a.Intersect(flow.Private()).IsEmpty()
}

// isVast reports whether a range is one of those that "everything but" is written as.
func isVast(p netip.Prefix) bool { return p.Bits() <= 4 }
