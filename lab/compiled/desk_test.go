//go:build linux

package compiled

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// settled gives each pod of both estates an address and a value for each label, where it has
// none yet; pods of one instance are one pod.
func (st *story) settled() []*runner {
	var out []*runner
	at := map[string][]netip.Addr{}
	for i, w := range st.before.Workloads {
		for j, p := range w.Pods {
			later := st.after.Workloads[i].Pods[j]
			key := fmt.Sprint(w.Ref, p.Instance, "/", p.Part)
			if p.Instance != "" {
				key = fmt.Sprint(w.Ref, p.Instance)
			}
			if at[key] == nil {
				at[key] = st.addressesOf(p, len(at)+1)
			}
			for _, q := range []*snapshot.Pod{p, later} {
				q.Addresses = at[key]
				named(q)
			}
			out = append(out, &runner{model: p, later: later, was: p, is: later})
		}
	}
	return out
}

func (st *story) addressesOf(p *snapshot.Pod, n int) []netip.Addr {
	at := addresses(fmt.Sprintf("10.244.201.%d", n), fmt.Sprintf("fd00:10:244:201::%x", n))
	switch {
	case len(p.Addresses) > 0:
		return p.Addresses
	case p.HostNetwork:
		at = nodesAre[n%2].Addresses
	}
	var out []netip.Addr
	for _, f := range st.families {
		out = append(out, at[f])
	}
	return out
}

// named gives the labels a value whose value only running pods have.
func named(p *snapshot.Pod) {
	set := map[string]string{}
	for k, v := range p.Labels.Set {
		set[k] = v
	}
	for _, k := range p.Labels.Unknown {
		set[k] = "some"
	}
	p.Labels = netpol.Labels{Set: set}
}

// A desk is a server of a story as a real one stands in for it.
type desk struct {
	*story
	ward
	// later is the server after.
	later   *snapshot.Server
	clients []end
	engine  *reach.Engine
	port    snapshot.ServerPort
	served  hbacase.Server
	random  *rand.Rand
}

// desks are the servers of a story that something may be asked about.
func (st *story) desks(r *rand.Rand) []*desk {
	runners := st.settled()
	var clients []end
	for _, p := range runners {
		for _, a := range p.is.Addresses {
			clients = append(clients, end{p, a})
		}
	}
	for _, a := range outside {
		clients = append(clients, end{at: a})
	}
	open := *st.after // of packets others are asked
	open.Policies, open.ClusterPolicies, open.Unmodelled = nil, nil, nil
	engine := reach.New(&open)
	var out []*desk
	for _, site := range st.job.Sites {
		d := &desk{story: st, ward: ward{site, st.before}, clients: clients, engine: engine, random: r}
		for _, s := range st.after.Servers {
			if s.Ref() == site.Server.Ref() {
				d.later = s
			}
		}
		d.served = d.server()
		out = append(out, d)
	}
	return out
}

// server is what a real server is told.
func (d *desk) server() hbacase.Server {
	s := d.later
	out := hbacase.Server{Version: s.Version, SSL: s.TLS.Enabled != verdict.Deny, ClientCA: s.TLS.ClientCA != verdict.Deny,
		Databases: []string{"postgres"}, Dir: "/etc/pg", PasswordEncryption: "scram-sha-256"}
	if out.Version == 0 {
		out.Version = hba.Newest
	}
	if out.Version != 15 { // as the lab's servers are built
		out.Features = []string{"openssl"}
	}
	kind := "scram-sha-256"
	super := map[string]bool{"postgres": true}
	memberships := map[hbacase.Membership]bool{}
	for _, r := range s.Roles {
		super[r.Name] = super[r.Name] || r.Superuser
		for _, group := range r.MemberOf {
			memberships[hbacase.Membership{Role: group, Member: r.Name, Inherit: true, Set: true}] = true
		}
	}
	for _, name := range d.roles() {
		out.Roles = append(out.Roles, hbacase.Role{Name: name, Login: true, Superuser: super[name], Replication: true, Password: &kind})
	}
	for m := range memberships {
		out.Memberships = append(out.Memberships, m)
	}
	out.Files = map[string]string{"pg_hba.conf": d.file(), "pg_ident.conf": d.maps()}
	return out
}

// roles are all that are asked about.
func (d *desk) roles() []string {
	out := slices.Concat(roleNames, reach.Roles(d.later), []string{"postgres", "stranger"})
	for _, a := range d.Accesses {
		for _, e := range a.To {
			out = append(out, e.Role)
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(name string) bool { return name == "" || name == reach.AnyOther })
}

func (d *desk) databases() []string {
	out := slices.Concat(databaseNames, reach.Databases(d.later), []string{"postgres", "elsewhere"})
	for _, a := range d.Accesses {
		for _, e := range a.To {
			out = append(out, e.Databases...)
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(name string) bool {
		return name == "" || name == reach.AnyOther || name == reach.PhysicalReplication
	})
}

// file is the operator's complete pg_hba.conf. The operator puts the addresses of pods in
// the place of the words for them, a line for each, and leaves a line without any out.
func (d *desk) file() string {
	var b strings.Builder
	for _, r := range d.later.HBA.Records {
		if r.Address.Kind != hba.Pods {
			b.WriteString(r.Raw + "\n")
			continue
		}
		for _, w := range d.after.Workloads {
			for _, p := range w.Pods {
				if p.Namespace != r.Address.Namespace || p.Leaving || r.Address.Pods.Match(p.Labels) != netpol.Yes {
					continue
				}
				for _, a := range p.Addresses {
					b.WriteString(strings.ReplaceAll(r.Raw, "${"+r.Address.Name+"}", netip.PrefixFrom(a, a.BitLen()).String()) + "\n")
				}
			}
		}
	}
	return b.String()
}

func (d *desk) maps() string {
	var b strings.Builder
	for _, m := range d.later.Maps.Mappings {
		b.WriteString(m.String() + "\n")
	}
	return b.String()
}

// whyNot says why no real server can stand in; empty where one can.
func (d *desk) whyNot() string {
	for i := range d.later.HBA.Records {
		if r := &d.later.HBA.Records[i]; r.Maybe != "" {
			return "it is not known which lines are there"
		} else if d.served.Version != 15 && slices.Contains([]string{"pam", "ldap", "gss"}, r.Method) {
			return "the lab's server has no " + r.Method
		}
	}
	i := slices.IndexFunc(d.later.Ports, func(p snapshot.ServerPort) bool { return p.Pooler == nil && p.Sees == snapshot.SeesClient })
	if i < 0 {
		i = slices.IndexFunc(d.later.Ports, func(p snapshot.ServerPort) bool { return p.Pooler == nil && p.Sees == snapshot.SeesLoopback })
	}
	if i < 0 {
		return "no port leads to it"
	}
	d.port = d.later.Ports[i]
	return ""
}

// written reports whether the file is one that was compiled.
func (d *desk) written() bool {
	return slices.ContainsFunc(d.later.HBA.Records, d.ours)
}

// ours reports whether a record is one that was compiled.
func (d *desk) ours(r hba.Record) bool { return d.after.Locate(r.Origin).File == overlay.Compiled }

func (d *desk) describe(t *testing.T) string {
	t.Helper()
	var gaps []string
	for _, g := range d.out.Gaps {
		gaps = append(gaps, fmt.Sprintf("%s %s: %s (%s)", g.Code, g.What, g.Consequence, g.Origin))
	}
	return fmt.Sprintf("%s of PostgreSQL %d\n%s\n%s\n%s\n%s", d.later.Ref(), d.served.Version, d.served.Files["pg_hba.conf"], d.served.Files["pg_ident.conf"], strings.Join(gaps, "\n"), d.texts)
}
