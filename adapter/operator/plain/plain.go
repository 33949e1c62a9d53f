// Package plain recognises PostgreSQL that no operator runs: a StatefulSet or a
// Deployment with the image of the Docker library, or one that says of itself what
// it is.
package plain

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Name stands in Server.Operator.
const Name = "plain"

// Annotations that a person can put on the workload or its template: what it is,
// with "true" or "false", and its pg_hba.conf.
const (
	Annotation    = "pgmoat.dev/postgresql"
	HBAAnnotation = "pgmoat.dev/pg-hba"
)

// A server is a workload on its way to be a Server.
type server struct {
	w    *operator.World
	obj  object.Object
	spec workloadSpec
	// container is the one that runs PostgreSQL, at spec.template.spec.containers[index].
	container container
	index     int
	args      arguments
	file      settingsFile
}

// Adapter adds a Server for each workload that runs PostgreSQL.
var Adapter = operator.Adapter{Wants: configures, Adapt: Adapt}

// configures reports whether a ConfigMap may hold a server's files. All others, the
// large ones among them, are nobody's business.
func configures(t object.Type, text []byte) bool {
	return t == object.Type{Kind: "ConfigMap"} && (bytes.Contains(text, []byte("hba")) || bytes.Contains(text, []byte("postgresql")))
}

// Adapt adds a Server for each workload of the Snapshot that runs PostgreSQL and
// that no operator owns.
func Adapt(w *operator.World) {
	workloads, served := w.Workloads(), map[*snapshot.Workload]bool{}
	for _, s := range w.Snapshot.Servers {
		served[s.Workload] = true
	}
	for _, key := range []string{"StatefulSet.apps", "Deployment.apps"} {
		for _, o := range w.Objects[key] {
			if len(o.Owners) > 0 || !mayServe(o) {
				continue
			}
			if wl := workloads[o.Ref()]; wl != nil && !served[wl] {
				served[wl] = adapt(w, o, wl)
			}
		}
	}
	world.Sort(w.Snapshot)
}

// adapt reports whether the workload runs a server, which it then adds.
func adapt(w *operator.World, o object.Object, wl *snapshot.Workload) bool {
	var in struct {
		Spec workloadSpec `json:"spec"`
	}
	err := o.Decode(&in)
	s := &server{w: w, obj: o, spec: in.Spec}
	if !s.find() {
		return false
	}
	if err != nil {
		w.Snapshot.Problems = append(w.Snapshot.Problems, o.Problem(err))
	}
	s.args = parseArguments(slices.Concat(s.container.Command, s.container.Args))
	s.file = s.readSettings()
	w.Snapshot.Servers = append(w.Snapshot.Servers, s.server(wl))
	return true
}

// annotation reads one of ours from the object or its template.
func (s *server) annotation(name string) string {
	return cmp.Or(s.obj.Annotations[name], s.spec.Template.Metadata.Annotations[name])
}

// at is the origin of a field of the container.
func (s *server) at(format string, args ...any) verdict.Origin {
	o := s.obj.Origin().At(format, args...)
	o.Field = strings.TrimSuffix("spec.template.spec.containers["+strconv.Itoa(s.index)+"]."+o.Field, ".")
	return o
}

// server builds the Server. Nothing replicates by itself in a plain workload, so
// that each of its pods is taken as one that may be written to.
func (s *server) server(wl *snapshot.Workload) *snapshot.Server {
	for _, p := range wl.Pods {
		p.Part = snapshot.Primary
	}
	out := &snapshot.Server{
		Operator: Name, Workload: wl, Version: imageMajor(s.container.Image), TLS: s.tls(), Origin: s.obj.Origin(),
		Services: world.Leading(s.w, wl.Pods), Stopped: world.Stopped(s.spec.Replicas, s.obj.Origin().At("spec.replicas")),
	}
	out.Ports = []snapshot.ServerPort{{
		Name: "postgres", Port: s.port(), Sees: snapshot.SeesClient, NoTLS: out.TLS.Enabled == verdict.Deny, Origin: s.at("ports"),
	}}
	out.Ports = append(out.Ports, s.sidecars()...)
	out.HBA = s.hba(out.Version)
	out.Maps = s.ident(out.Version)
	s.names(out)
	s.secrets(out)
	s.vital(out)
	return out
}

// sidecars are the ports of poolers that run beside the server in its pods.
func (s *server) sidecars() (out []snapshot.ServerPort) {
	for i, c := range s.spec.Template.Spec.Containers {
		var ports []uint16
		for _, p := range c.Ports {
			if n := uint16(p.Number); int(n) == p.Number && n != s.port() { //nolint:gosec // compared
				ports = append(ports, n)
			}
		}
		if program := world.Passes(c.Image, ports...); i != s.index && program != "" {
			out = append(out, world.SidecarPorts(program, c.Name, ports, s.obj.Origin().At("spec.template.spec.containers[%d]", i))...)
		}
	}
	return out
}

// port is where the server listens: as it is told, else as the container declares,
// of the image of the Docker library 5432.
func (s *server) port() uint16 {
	text, ok := s.setting("port")
	if !ok {
		text = s.env("PGPORT").value
	}
	if i := slices.IndexFunc(s.container.Ports, port.isPostgres); text == "" && i >= 0 && !s.fromLibrary() {
		text = strconv.Itoa(s.container.Ports[i].Number)
	}
	if n, err := strconv.ParseUint(text, 10, 16); err == nil && n > 0 {
		return uint16(n)
	}
	return 5432
}

// names takes the role and the database that the image makes at first start
// (docker-library/postgres docker-entrypoint.sh): postgres, and the role's name.
func (s *server) names(out *snapshot.Server) {
	user, db := s.env("POSTGRES_USER"), s.env("POSTGRES_DB")
	out.Databases = []string{"postgres"}
	if user.elsewhere || !user.set && !s.fromLibrary() {
		return
	}
	name := cmp.Or(user.value, "postgres")
	out.Roles = []snapshot.Role{{Name: name, Superuser: true, Origin: s.at("env")}}
	if made := cmp.Or(db.value, name); !db.elsewhere && made != "postgres" {
		out.Databases = append(out.Databases, made)
		slices.Sort(out.Databases)
	}
}

// tls: ssl is off unless an argument or a configuration file turns it on
// (PostgreSQL manual, ssl). Only the image of the Docker library is known to bring
// no such file.
func (s *server) tls() snapshot.TLS {
	out := snapshot.TLS{Origin: s.at("args")}
	ssl, set := s.setting("ssl")
	ca, hasCA := s.setting("ssl_ca_file")
	switch {
	case set:
		out.Enabled = allowed(isOn(ssl))
	case s.knownConfiguration():
		out.Enabled = verdict.Deny
	}
	if least, said := s.setting("ssl_min_protocol_version"); said {
		out.MinProtocol, out.MinProtocolOrigin = least, s.at("args")
	} else if s.knownConfiguration() && out.Enabled == verdict.Allow {
		out.MinProtocol = world.LeastProtocol(imageMajor(s.container.Image))
	}
	switch {
	case hasCA:
		out.ClientCA = allowed(ca != "")
	case s.knownConfiguration():
		out.ClientCA = verdict.Deny
	}
	return out
}

func allowed(b bool) verdict.Verdict {
	if b {
		return verdict.Allow
	}
	return verdict.Deny
}

// isOn reads a boolean setting (PostgreSQL bool.c parse_bool).
func isOn(text string) bool {
	return slices.Contains([]string{"on", "true", "yes", "1"}, strings.ToLower(text))
}

// vital: only pods of one workload that are more than one may replicate, and
// nothing tells whether they do.
func (s *server) vital(out *snapshot.Server) {
	pods := out.Workload.Pods
	if len(pods) == 1 && !pods[0].Many {
		return
	}
	members := world.Pods("the members", pods...)
	out.Vital = append(out.Vital, snapshot.VitalFlow{
		ID: "replication", What: "members may replicate from each other", From: members, To: members,
		Ports: world.TCP(s.port()), Optional: true, Source: "PostgreSQL manual, High Availability", Origin: s.obj.Origin().At("spec.replicas"),
	})
}

// ident: peer maps of a file that nobody mounts are empty.
func (s *server) ident(version int) ident.File {
	if !s.knownConfiguration() {
		return ident.File{Version: version, Errors: []hba.Error{{
			Message: "pg_ident.conf is not in the snapshot", Missing: true, Origin: s.at("image")}}}
	}
	return ident.Parse(nil, version)
}
