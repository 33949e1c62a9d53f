package hbarules

import (
	"fmt"
	"net/netip"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// HBA1005 finds lines on podSelectorRefs that keep nobody out: a pod that the
// selector does not match gets as far with the same role and database.
var HBA1005 = &audit.Rule{
	ID:       "HBA1005",
	Title:    "podSelectorRefs restrict nothing",
	Severity: audit.High,
	Why: `A pg_hba line on a ${podselector:NAME} token matches the pods of the selector, and
only them. It does not refuse the others: they go on to the lines below, and where
one of these admits them, and the operator's last one does, the selector has kept
nobody out.`,
	Bad: clusterWith("  podSelectorRefs: [{name: app, selector: {matchLabels: {app: app}}}]\n",
		"hostssl ledger app ${podselector:app} scram-sha-256"),
	Good: clusterWith("  podSelectorRefs: [{name: app, selector: {matchLabels: {app: app}}}]\n",
		"hostssl ledger app ${podselector:app} scram-sha-256", "host all all all reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			for i := range f.hba.Records {
				r := &f.hba.Records[i]
				if result, ok := f.stranger(p.World, r); ok {
					p.Report(unrestricted(f, r, result))
				}
			}
		})
	},
}

// stranger decides the sessions of a record on pods as if an unselected pod made them, and
// returns the first that is not refused.
func (f file) stranger(world *snapshot.Snapshot, r *hba.Record) (hba.Result, bool) {
	if r.Address.Kind != hba.Pods || r.Method == "reject" || len(r.Address.Pods) == 0 {
		return hba.Result{}, false
	}
	client := hba.Client{Pod: true, Namespace: r.Address.Namespace, ServerHost: netpol.No, Prefixes: world.Facts.PodCIDRs}
	if len(client.Prefixes) == 0 {
		client.Prefixes = []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0)}
	}
	if r.Address.Pods.Match(client.Labels) != netpol.No {
		return hba.Result{}, false
	}
	var doubt *hba.Result
	for _, s := range f.sessions(r, probe{}) {
		s.Client = client
		switch result := f.decide(s); result.Verdict {
		case verdict.Allow:
			return result, true
		case verdict.Unknown:
			doubt = &result
		}
	}
	if doubt == nil {
		return hba.Result{}, false
	}
	return *doubt, true
}

// comesTo reports whether a pod that the record does not select surely comes to the other.
func (f file) comesTo(world *snapshot.Snapshot, r, other *hba.Record) bool {
	result, ok := f.stranger(world, r)
	return ok && result.Verdict == verdict.Allow && result.Record == other
}

func unrestricted(f file, r *hba.Record, result hba.Result) audit.Finding {
	out := audit.Finding{Subject: f.ref, Origin: r.Origin, Also: []verdict.Origin{result.Record.Origin}, Certain: result.Verdict == verdict.Allow}
	out.Message = fmt.Sprintf("the line restricts nothing: a pod that selector %s does not match comes to %s with the same role and database",
		r.Address.Name, line(result.Record))
	if !words.Written(result.Record) {
		out.Message += ", as everybody does whom none of your lines matches"
	}
	out.Fix = "take away the wider line, if it is yours, and " + f.closing(r)
	return out
}
