package exposurerules

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// EXP1005 finds load balancers in front of a database. One that takes only named
// ranges is worth knowing of, no more.
var EXP1005 = &audit.Rule{
	ID:       "EXP1005",
	Title:    "a load balancer in front of the database",
	Severity: audit.High,
	Why: `A Service of type LoadBalancer gives the database an address outside the cluster,
with most providers a public one, unless an annotation of the cloud makes it internal.
Without spec.loadBalancerSourceRanges it takes connections from everywhere, an internal
one from all of the private network: other clusters, offices, every machine of the VPC.`,
	Setting: database,
	Bad: `apiVersion: v1
kind: Service
metadata: {name: db, namespace: legacy}
spec:
  type: LoadBalancer
  selector: {app: db}
  ports: [{port: 5432}]
`,
	Good: `apiVersion: v1
kind: Service
metadata: {name: db, namespace: legacy}
spec:
  selector: {app: db}
  ports: [{port: 5432}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, l := range leading(p.World, doors(p.World), ofType("LoadBalancer")) {
			balanced(p, l)
		}
	},
}

func balanced(p *audit.Pass, l led) {
	svc := l.service
	f := audit.Finding{Subject: svc.Ref(), Certain: !unsettled(l.door.server, svc), Origin: edit(svc, "type")}
	ranges := flow.AddressesOf(svc.SourceRanges...)
	switch {
	case len(svc.SourceRanges) > 0 && ranges.Minus(flow.Loopback()).IsEmpty():
		p.Useless(svc.Ref(), "its ranges let in nobody but the node itself")
		return
	case len(svc.SourceRanges) > 0 && !wide(ranges):
		f.Severity = audit.Low
		f.Message = fmt.Sprintf("the Service gives %s %s, for the clients of its loadBalancerSourceRanges", l.door.ref, address(svc))
		f.Fix = "leave it where those clients need it; keep externalTrafficPolicy: Local, so that policies and pg_hba.conf see their addresses"
		if !svc.NoNodePorts {
			f.Fix += "; beside it there is a node port that the ranges do not limit, unless allocateLoadBalancerNodePorts is false"
		}
	case isPrivate(svc):
		f.Severity = audit.Medium
		f.Message = fmt.Sprintf("the Service gives %s %s and takes connections from all of the private network", l.door.ref, address(svc))
		f.Fix = opened(l)
	default:
		f.Certain = f.Certain && (svc.InternalOrigin.IsZero() || svc.Internal != verdict.Unknown)
		f.Message = fmt.Sprintf("the Service gives %s %s and takes connections from everywhere", l.door.ref, address(svc))
		f.Fix = opened(l)
	}
	if !svc.InternalOrigin.IsZero() {
		f.Also = append(f.Also, svc.InternalOrigin)
	}
	p.Report(f)
}

func opened(l led) string {
	return "write where the clients come from; " + sourceRanges(l.service, l.door.server) + "\nor keep it inside; " + shut(l.service)
}

// address says what address a load balancer has, as far as it is told.
func address(svc *snapshot.Service) string {
	switch {
	case svc.Internal == verdict.Deny:
		return fmt.Sprintf("a public address (%s)", annotation(svc))
	case svc.Internal == verdict.Allow:
		return fmt.Sprintf("an address in the private network (%s)", annotation(svc))
	case len(svc.LoadBalancer) > 0:
		return fmt.Sprintf("the address %s outside the cluster", svc.LoadBalancer[0])
	case !svc.InternalOrigin.IsZero():
		return fmt.Sprintf("an address outside the cluster, of which %s does not tell whether it is public,", annotation(svc))
	}
	return "an address outside the cluster"
}

// annotation is what makes a load balancer internal or public, as it is written.
func annotation(svc *snapshot.Service) string {
	_, key, found := strings.Cut(svc.InternalOrigin.Field, "annotations[")
	if !found {
		return svc.InternalOrigin.Field
	}
	return strings.Trim(strings.TrimSuffix(key, "]"), `"'`)
}

// isPrivate reports whether a load balancer is surely for the private network alone: an
// annotation says so, or all of its addresses do where none contradicts.
func isPrivate(svc *snapshot.Service) bool {
	if svc.Internal != verdict.Unknown {
		return svc.Internal == verdict.Allow
	}
	return len(svc.LoadBalancer) > 0 && !slices.ContainsFunc(svc.LoadBalancer, func(a netip.Addr) bool { return !a.IsPrivate() })
}

// unsettled reports whether the server lacks a fact that decides what the Service is. A
// console has no server.
func unsettled(s *snapshot.Server, svc *snapshot.Service) bool {
	return s != nil && s.InDoubt(svc.Ref())
}
