package worldtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A printer writes indented lines.
type printer struct{ strings.Builder }

func (p *printer) line(depth int, format string, args ...any) {
	text := strings.Repeat("  ", depth) + fmt.Sprintf(format, args...)
	fmt.Fprintln(p, strings.TrimRight(text, " "))
}

// Print writes the servers of a world, then what could not be read.
func Print(w *operator.World) string {
	p := &printer{}
	for _, s := range w.Snapshot.Servers {
		p.server(s)
	}
	for _, wl := range w.Snapshot.Workloads {
		if !slices.ContainsFunc(w.Snapshot.Servers, func(s *snapshot.Server) bool { return s.Workload == wl }) {
			p.line(0, "workload %s", wl.Ref)
			p.pods(wl.Pods)
		}
	}
	for _, x := range w.Snapshot.Problems {
		p.line(0, "problem [%s] %s: %s", x.Namespace, x.Origin, x.Err)
	}
	for _, x := range w.Snapshot.Warnings {
		p.line(0, "warning %s %s: %s", x.Code, x.Origin, x.Text)
	}
	return p.String()
}

func (p *printer) server(s *snapshot.Server) {
	p.line(0, "server %s (%s) version %d", s.Ref(), strings.TrimSpace(s.Operator+" "+s.OperatorVersion), s.Version)
	if s.Parent != (snapshot.Ref{}) {
		p.line(1, "%s of %s", s.Duty, s.Parent)
	}
	p.pods(s.Workload.Pods)
	for _, port := range s.Ports {
		p.line(1, "port %s %d sees %d notls %t terminates %t%s", port.Name, port.Port, port.Sees, port.NoTLS, port.Terminates, doubt(port.Maybe))
		if port.Pooler != nil {
			p.hba(2, *port.Pooler)
		}
	}
	for _, c := range s.Control {
		p.line(1, "control %s %d", c.Name, c.Port)
	}
	p.tls(1, s.TLS)
	if s.SystemUser != "" {
		p.line(1, "system user %s", s.SystemUser)
	}
	p.kept(s)
	p.line(1, "databases %s", strings.Join(s.Databases, " "))
	for _, r := range s.Roles {
		p.line(1, "role %s super=%t repl=%t nologin=%t %v | %s", r.Name, r.Superuser, r.Replication, r.NoLogin, r.MemberOf, r.Origin)
	}
	p.hba(1, s.HBA)
	p.ident(s.Maps)
	p.services(1, s.Services)
	for _, pl := range s.Poolers {
		p.pooler(pl)
	}
	for _, f := range s.Vital {
		p.vital(f)
	}
}

func (p *printer) pooler(pl *snapshot.Pooler) {
	p.line(1, "pooler %s target %s part %s auth %s@%s becomes %q server tls %q", pl.Ref(), pl.Target, pl.Part, pl.AuthUser, pl.AuthDatabase,
		pl.Becomes, pl.ServerTLS)
	p.pods(pl.Workload.Pods)
	p.tls(2, pl.TLS)
	p.hba(2, pl.HBA)
	p.services(2, pl.Services)
}

func (p *printer) tls(depth int, t snapshot.TLS) {
	p.line(depth, "tls %s ca %s %s", t.Enabled, t.ClientCA, t.MinProtocol)
	if len(t.Names) > 0 || t.NamesKnown {
		p.line(depth+1, "names %s known=%t", strings.Join(t.Names, " "), t.NamesKnown)
	}
	for _, c := range t.Certificates {
		p.line(depth+1, "certificate %s %s[%s] %q %v ends %d every %dh before %dh signs %s %v | %s", c.Use, c.Secret, c.Key, c.Subject, c.Names,
			c.NotAfter, c.Lifetime, c.RenewBefore, c.CanSign, c.Readers, c.Origin)
	}
}

// kept writes what rules ask for.
func (p *printer) kept(s *snapshot.Server) {
	for _, x := range s.Secrets {
		p.line(1, "secret %s %s role=%s read=%t | %s", x.Secret, x.What, x.Role, x.Read, x.Origin)
	}
	for _, x := range s.Settings {
		p.line(1, "setting %s = %q default=%t | %s", x.Key, x.Value, x.Default, x.Origin)
	}
	for _, x := range s.Disagreements {
		p.line(1, "disagreement %s: declared %s, live %s | %s | %s", x.What, x.Declared, x.Live, x.Origin, x.At)
	}
	for _, x := range s.Unheeded {
		p.line(1, "unheeded %d %s: %s; %s; %s; %s | %s", x.How, x.Field, x.Why, x.Effect, x.Fact, x.Fix, x.Origin)
	}
	for _, x := range s.Unsettled {
		p.line(1, "unsettled %s: %s | %s", x.What, x.Fact, x.Origin)
	}
}

func (p *printer) pods(pods []*snapshot.Pod) {
	for _, pod := range pods {
		many := ""
		if pod.Many {
			many = " many"
		}
		p.line(1, "pod %q part %q instance %q%s sa %q", pod.Name, pod.Part, pod.Instance, many, pod.ServiceAccount)
		p.line(2, "%s", labels(pod.Labels))
		for _, c := range pod.Ports {
			p.line(2, "port %s %s %d%s", c.Name, c.Protocol, c.Port, hostPort(c))
		}
	}
}

func hostPort(c snapshot.ContainerPort) string {
	switch {
	case c.HostPort == 0:
		return ""
	case c.HostIP.IsValid():
		return fmt.Sprintf(" host port %s:%d", c.HostIP, c.HostPort)
	}
	return fmt.Sprintf(" host port %d", c.HostPort)
}

func labels(l netpol.Labels) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(l.Set)) {
		out = append(out, k+"="+l.Set[k])
	}
	for _, k := range l.Unknown {
		out = append(out, k+"=?")
	}
	return strings.Join(out, " ")
}

func (p *printer) hba(depth int, f hba.File) {
	for _, r := range f.Records {
		p.line(depth, "hba %d: %s%s | %s", r.Line, r, doubt(r.Maybe), r.Origin)
	}
	for _, e := range f.Errors {
		p.line(depth, "hba %d! %s | %s", e.Line, e.Message, e.Origin)
	}
}

func doubt(maybe string) string {
	if maybe == "" {
		return ""
	}
	return " (maybe: " + maybe + ")"
}

func (p *printer) ident(f ident.File) {
	for _, m := range f.Mappings {
		p.line(1, "ident %d: %s %s %s | %s", m.Line, m.Map, m.System, m.Role, m.Origin)
	}
	for _, e := range f.Errors {
		p.line(1, "ident %d! %s | %s", e.Line, e.Message, e.Origin)
	}
}

func (p *printer) services(depth int, services []*snapshot.Service) {
	for _, s := range services {
		selector := "none"
		if s.Selector != nil {
			selector = s.Selector.String()
		}
		p.line(depth, "service %s %s synthetic=%t selector %s %s | %s", s.Name, s.Type, s.Synthetic, selector, s.ExternalName, s.Origin)
		if reach := outside(s); reach != "" {
			p.line(depth+1, "outside: %s", reach)
		}
		for _, b := range s.Backends {
			p.line(depth+1, "backend %s", b.Ref())
		}
		for _, sp := range s.Ports {
			p.line(depth+1, "port %s %s %d to %s%d node %d", sp.Name, sp.Protocol, sp.Port, sp.TargetName, sp.Target, sp.NodePort)
		}
	}
}

// outside is what decides who reaches the Service from outside the cluster, and as whom.
func outside(s *snapshot.Service) string {
	var out []string
	if s.SourceRanges != nil {
		out = append(out, fmt.Sprint("ranges ", s.SourceRanges))
	}
	if len(s.ExternalIPs) > 0 {
		out = append(out, fmt.Sprint("external IPs ", s.ExternalIPs))
	}
	if s.KeepsClient {
		out = append(out, "keeps the client's address")
	}
	if s.Internal != verdict.Unknown {
		out = append(out, "internal "+s.Internal.String())
	}
	return strings.Join(out, ", ")
}

func (p *printer) vital(f snapshot.VitalFlow) {
	var tags []string
	for tag, set := range map[string]bool{"optional": f.Optional, "replication": f.Replication, "any-of": f.AnyOf} {
		if set {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	for _, tag := range []string{f.Role, f.Database, f.Cert} {
		if tag != "" {
			tags = append(tags, tag)
		}
	}
	p.line(1, "vital %s (%s%s): %s → %s %s %v | %s", f.ID, f.Phase, releases(f), peer(f.From), peer(f.To), ports(f.Ports), tags, f.Origin)
}

func releases(f snapshot.VitalFlow) string {
	if f.Releases == "" {
		return ""
	}
	return " (" + f.Releases + ")"
}

func ports(rs []flow.PortRange) string { return flow.PortsOf(rs...).String() }

func peer(v snapshot.VitalPeer) string {
	var out []string
	for _, p := range v.Pods {
		name := p.Name
		if name == "" {
			name = p.Workload.Name
		}
		if p.Part != "" {
			name += "/" + p.Part
		}
		out = append(out, name)
	}
	if len(out) == 0 && v.Namespace != "" {
		out = append(out, v.Namespace+": "+labels(v.Labels))
	}
	for _, prefix := range v.Outside.Prefixes() {
		out = append(out, prefix.String())
	}
	if v.OutsideUnknown {
		out = append(out, "somewhere outside")
	}
	if v.Lost != nil {
		out = append(out, string(v.Lost.Reason)+" at "+v.Lost.Origin.String())
	}
	if v.Unread != (snapshot.Ref{}) {
		out = append(out, "not read: "+v.Unread.String())
	}
	return v.Name + " [" + strings.Join(out, ", ") + "]"
}
