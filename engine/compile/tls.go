package compile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// TLS writes the least version of TLS that servers and poolers take, and asks for the
// certificates that clients show.
var TLS = Backend{Name: tlsBackend, Compile: compileTLS}

func compileTLS(job *Job, out *Output) {
	for _, site := range job.Sites {
		t := &tlsSite{job: job, site: site, out: out}
		t.server()
		for _, p := range site.Server.Poolers {
			t.pooler(p)
		}
		t.certificates()
	}
}

type tlsSite struct {
	job  *Job
	site *Site
	out  *Output
}

func (t *tlsSite) gap(code, what, consequence string, at verdict.Origin) {
	t.out.Gaps = append(t.out.Gaps, artefact.Gap{Code: code, Backend: tlsBackend, What: what, Consequence: consequence, Origin: at})
}

const minProtocol = "ssl_min_protocol_version"

// server sets ssl_min_protocol_version where the server takes older ones, or where nobody
// knows what it takes, and where somebody wrote just that. One that asks for more is left as
// it is.
func (t *tlsSite) server() {
	s, p := t.site.Server, t.site.Perimeter
	if p.MinProtocol == "" {
		return
	}
	if slices.ContainsFunc(s.Ports, func(port snapshot.ServerPort) bool { return port.Terminates }) {
		t.gap("tls/terminated", "TLS of clients ends before PostgreSQL in the pods of "+s.Ref().String(), "which versions are taken there is not what "+minProtocol+" says", p.Origin)
	}
	way, known := hbaWays[s.Operator]
	switch {
	case atLeast(s.TLS.MinProtocol, p.MinProtocol) && !isWritten(s, "postgresql."+minProtocol, p.MinProtocol, ""):
	case s.TLS.Enabled == verdict.Deny:
		t.gap("tls/off", s.Ref().String()+" does not take TLS", "it has no least version", p.Origin)
	case !known || s.Parent != snapshot.Ref{}:
		t.gap("tls/by-hand", "nothing writes parameters of "+s.Ref().String(), "set "+minProtocol+" = "+p.MinProtocol+" by hand: older versions may be taken until then", p.Origin)
	default:
		a := t.site.fields(tlsBackend, way.apiVersion)
		a.Because = a.Because[:1]
		a.Fields = []artefact.Field{{Path: append(slices.Clone(way.parameters), minProtocol), Value: p.MinProtocol,
			Comment: perimeterName(p) + ": no older version of TLS"}}
		t.out.Artefacts = append(t.out.Artefacts, a)
	}
}

// protocols are the values of ssl_min_protocol_version, the oldest first.
var protocols = []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}

// atLeast reports whether a version that is known is one or a newer one.
func atLeast(version, least string) bool {
	return version != "" && slices.Index(protocols, version) >= slices.Index(protocols, least)
}

// pooler sets what PgBouncer takes of its clients, where a Pooler says it. Its words are
// lists, and its default begins with 1.2 (PgBouncer manual, client_tls_protocols).
func (t *tlsSite) pooler(p *snapshot.Pooler) {
	perimeter := t.site.Perimeter
	if p.Workload.Kind != "Pooler" {
		return
	}
	a := artefact.Artefact{Backend: tlsBackend, APIVersion: hbaWays["cloudnative-pg"].apiVersion, Ref: p.Ref(), At: p.Origin,
		Because: []verdict.Origin{perimeter.Origin}}
	set := func(parameter, value, why string) {
		a.Fields = append(a.Fields, artefact.Field{Path: append(fieldPath("spec.pgbouncer.parameters"), parameter), Value: value,
			Comment: perimeterName(perimeter) + ": " + why})
	}
	if perimeter.MinProtocol != "" {
		var words []string
		for _, v := range protocols[slices.Index(protocols, perimeter.MinProtocol):] {
			words = append(words, strings.ToLower(v))
		}
		value := strings.Join(words, ",")
		if !atLeast(p.TLS.MinProtocol, perimeter.MinProtocol) || isWritten(t.site.Server, "pgbouncer.client_tls_protocols", value, p.Origin.Object) {
			set("client_tls_protocols", value, "no older version of TLS")
		}
	}
	if mode := poolerSetting(t.site.Server, p, "client_tls_sslmode"); !perimeter.PlainText &&
		slices.Contains([]string{"", "disable", "allow", "prefer", "require"}, mode) {
		set("client_tls_sslmode", "require", "nobody without TLS")
	}
	if len(a.Fields) > 0 {
		t.out.Artefacts = append(t.out.Artefacts, a)
	}
}

// isWritten reports whether somebody, perhaps an earlier run, wrote the value that is to be
// written: left out of what is compiled it would be gone as soon as that takes its place. An
// object narrows it to settings of its own; empty for any.
func isWritten(s *snapshot.Server, key, value, object string) bool {
	return slices.ContainsFunc(s.Settings, func(set snapshot.Setting) bool {
		return set.Key == key && set.Value == value && !set.Default && (object == "" || set.Origin.Object == object)
	})
}

// poolerSetting is a parameter of one of the server's poolers; empty where nothing tells.
func poolerSetting(s *snapshot.Server, p *snapshot.Pooler, name string) string {
	for _, set := range s.Settings {
		if set.Key == "pgbouncer."+name && set.Origin.Object == p.Origin.Object {
			return set.Value
		}
	}
	return ""
}

// certificates asks for those of roles that log in by one.
func (t *tlsSite) certificates() {
	done := map[string]bool{}
	for _, a := range t.site.Accesses {
		for i := range a.To {
			e := &a.To[i]
			if e.Authentication == intent.SCRAM || e.Authentication == intent.NoAuthentication || e.Pooler != "" || done[e.Role] {
				continue
			}
			done[e.Role] = true
			t.certificate(a, e)
		}
	}
}

// certificate lets the operator issue and renew the certificate of a role, where it can;
// otherwise a person has to.
func (t *tlsSite) certificate(a *intent.Access, e *intent.Entry) {
	s := t.site.Server
	if t.holds(e) || s.TLS.ClientCA == verdict.Deny { // then backend hba says that none is taken
		return
	}
	byHand := "issue one by hand for CN " + e.Role + ", signed by the server's CA for clients"
	if s.Operator == "cloudnative-pg" {
		byHand = "issue one by hand, and again before it ends: kubectl cnpg certificate " + cmp.Or(e.Secret, name(s.Ref().Name, e.Role, "client-cert")) +
			" --cnpg-cluster " + s.Ref().Name + " --cnpg-user " + e.Role + " -n " + s.Ref().Namespace
	}
	why := t.cannotIssue(e.Role)
	if why != "" {
		t.gap("tls/certificate", "no certificate is asked for role "+e.Role+": "+why, byHand, e.Origin)
		return
	}
	declared, at := t.databaseRole(e.Role)
	if t.isOurs(e.Role, declared) {
		declared = ""
	}
	art := artefact.Artefact{Backend: tlsBackend, APIVersion: hbaWays["cloudnative-pg"].apiVersion, Because: []verdict.Origin{a.Origin},
		Ref: snapshot.Ref{Kind: databaseRole, Namespace: s.Ref().Namespace, Name: declared}}
	comment := accessName(a) + ": the operator issues the certificate, and renews it, in Secret "
	if declared != "" {
		art.At, art.Fields = at, []artefact.Field{
			{Path: fieldPath("spec.clientCertificate"), Value: artefact.Map{}, Comment: comment + declared + clientCert}}
	} else {
		art.Ref.Name = name(s.Ref().Name, e.Role)
		art.Object = append(object(art.APIVersion, art.Ref), artefact.Entry{Key: "spec", Value: artefact.Map{
			{Key: "cluster", Value: artefact.Map{{Key: "name", Value: s.Ref().Name}}},
			{Key: "name", Value: e.Role},
			{Key: "login", Value: true},
			{Key: "clientCertificate", Value: artefact.Map{}, Comment: comment + art.Ref.Name + clientCert},
		}})
		t.out.Notes = append(t.out.Notes, artefact.Note{Code: "tls/managed-role", Origin: e.Origin,
			Text: "from then on the operator keeps role " + e.Role + " as " + art.Ref.String() +
				" says: what else it needs, such as memberships, has to stand there"})
	}
	t.out.Artefacts = append(t.out.Artefacts, art)
}

// databaseRole is the kind that brings roles with certificates, from 1.30 on [cnpg
// docs/src/release_notes/v1.30.md@1.30.0]; clientCert ends the name of its Secret.
const databaseRole, clientCert = "DatabaseRole", "-client-cert"

// holds reports whether somebody has asked for a certificate of the role already, and not an
// earlier run.
func (t *tlsSite) holds(e *intent.Entry) bool {
	if declared, _ := t.databaseRole(e.Role); t.isOurs(e.Role, declared) {
		return false
	}
	return slices.ContainsFunc(t.site.Server.TLS.Certificates, func(c snapshot.Certificate) bool { return c.Use == e.Role })
}

// cannotIssue says why the operator issues no certificate of a role; empty where it does. A
// role that the Cluster itself declares has no DatabaseRole: "inline wins" [cnpg
// docs/src/declarative_role_management.md@1.30.0].
func (t *tlsSite) cannotIssue(role string) string {
	s := t.site.Server
	switch {
	case s.Operator != "cloudnative-pg":
		return "the operator of " + s.Ref().String() + " issues none for roles"
	case !releaseIs(s, release{1, 30}):
		return "the operator issues some from 1.30 on, and is " + cmp.Or(s.OperatorVersion, "of a release that is not known")
	case slices.ContainsFunc(s.TLS.Certificates, func(c snapshot.Certificate) bool { return c.Use == "client CA" && c.CanSign == verdict.Deny }):
		return "the key of the CA for clients is not in the cluster"
	}
	for _, r := range s.Roles {
		if r.Name == role && !strings.HasPrefix(r.Origin.Object, databaseRole+" ") {
			return "it is declared in " + cmp.Or(r.Origin.Object, s.Ref().String()) + ", and only a " + databaseRole + " has certificates"
		}
	}
	return ""
}

// isOurs reports whether a DatabaseRole is as an earlier run wrote it. One to which somebody
// has added is his: only the field that is needed is set in it.
func (t *tlsSite) isOurs(role, declared string) bool {
	s := t.site.Server
	return declared == name(s.Ref().Name, role) && slices.ContainsFunc(s.Roles, func(r snapshot.Role) bool {
		return r.Name == role && strings.HasPrefix(r.Origin.Object, databaseRole+" ") && !r.NoLogin && !r.Superuser && !r.Replication &&
			!r.BypassRLS && !r.CreateRole && r.ValidUntil == 0 && len(r.MemberOf) == 0
	})
}

// databaseRole finds the object that declares a role; empty where there is none.
func (t *tlsSite) databaseRole(role string) (name string, at verdict.Origin) {
	for _, r := range t.site.Server.Roles {
		if _, ref, found := strings.Cut(r.Origin.Object, databaseRole+" "); found && r.Name == role {
			_, name, _ = strings.Cut(ref, "/")
			return name, r.Origin
		}
	}
	return "", at
}
