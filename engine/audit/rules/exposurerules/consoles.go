package exposurerules

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A login is what a console asks a person for.
type login uint8

// The kinds of login. A console that asks nobody is the zero value.
const (
	nothing  login = iota
	password       // the password of a role of the database
	account        // an account of its own
)

// A program is a web console through which people get at databases.
type program struct {
	name string
	// images are ends of an image's path without its tag; labels are what charts and
	// operators label its pods with.
	images, labels []string
	asks           login
	// gives says what it gives; empty for SQL.
	gives string
	// ports are where it listens, for pods that declare none.
	ports []uint16
}

// programs are the consoles that are known. What each asks by default is taken from its
// documentation; a console that was told to ask for more is fronted by nothing that a
// manifest shows.
var programs = []program{
	{name: "pgAdmin", images: []string{"/pgadmin4", "crunchy-pgadmin4"}, labels: []string{"pgadmin", "pgadmin4"}, asks: account, ports: []uint16{80, 5050}},
	{name: "Adminer", images: []string{"adminer"}, labels: []string{"adminer"}, asks: password, ports: []uint16{8080}},
	{name: "phpPgAdmin", images: []string{"/phppgadmin"}, labels: []string{"phppgadmin"}, asks: password, ports: []uint16{80, 8080}},
	{name: "pgweb", images: []string{"/pgweb"}, labels: []string{"pgweb"}, ports: []uint16{8081}},
	{name: "PgHero", images: []string{"/pghero"}, labels: []string{"pghero"}, ports: []uint16{8080}},
	{name: "DbGate", images: []string{"/dbgate"}, labels: []string{"dbgate"}, ports: []uint16{3000}},
	{name: "CloudBeaver", images: []string{"/cloudbeaver", "/cloudbeaver-ee"}, labels: []string{"cloudbeaver"}, asks: account, ports: []uint16{8978}},
	{name: "SQLPad", images: []string{"/sqlpad"}, labels: []string{"sqlpad"}, asks: account, ports: []uint16{3000}},
	{name: "PoWA", images: []string{"/powa-web"}, labels: []string{"powa-web"}, asks: password, ports: []uint16{8888}},
	{name: "postgres-meta", images: []string{"/postgres-meta"}, labels: []string{"postgres-meta"}, ports: []uint16{8080}},
	{name: "Supabase Studio", images: []string{"supabase/studio"}, ports: []uint16{3000}},
	{name: "the Postgres Operator UI", images: []string{"/postgres-operator-ui"}, labels: []string{"postgres-operator-ui"}, ports: []uint16{8081},
		gives: "makes, changes and deletes database clusters"},
	{name: "the web console of StackGres", images: []string{"stackgres/restapi", "stackgres/admin-ui"}, labels: []string{"stackgres-restapi"}, asks: account,
		gives: "makes, changes and deletes database clusters, and reads their passwords", ports: []uint16{9080, 9443}},
	{name: "PMM", images: []string{"/pmm-server"}, labels: []string{"pmm", "pmm-server"}, asks: account, gives: "shows queries with their text", ports: []uint16{8080, 8443}},
}

// gatekeepers are images that ask for an account before they let anybody on to the
// container beside them.
var gatekeepers = []string{"/oauth2-proxy", "/gatekeeper", "/authelia", "/pomerium", "/vouch-proxy", "/kube-rbac-proxy", "/louketo-proxy", "/oauth-proxy"}

// The labels that name a program, and those that only one operator's console has.
var (
	programLabels = []string{"app.kubernetes.io/name", "app", "name", "postgres-operator.crunchydata.com/role"}
	stackgresUI   = "stackgres.io/restapi"
)

// A console is a workload that runs one, or the Service of one whose pods were not read.
type console struct {
	program *program
	door    door
	guarded bool
	service *snapshot.Service // nil where the pods were read
}

// consoles finds them in the estate.
func consoles(world *snapshot.Snapshot) []console {
	out := declared(world)
	for _, w := range world.Workloads {
		for _, pod := range w.Pods {
			if p := programOf(pod); p != nil {
				out = append(out, console{program: p, guarded: hasImage(pod, gatekeepers),
					door: door{ref: w.Ref, origin: w.Origin, pods: w.Pods, ports: listens(pod, p)}})
				break
			}
		}
	}
	return out
}

// declared are the consoles of StackGres that an SGConfig opens and whose pods, which are
// the operator's, were not read.
func declared(world *snapshot.Snapshot) []console {
	var out []console
	for _, svc := range world.Services {
		if svc.DeclaredAt.Field != "spec.adminui.service" || hasPods(world, svc) {
			continue
		}
		out = append(out, console{program: stackgres(), door: door{ref: svc.Ref(), origin: svc.DeclaredAt}, service: svc})
	}
	return out
}

func hasPods(world *snapshot.Snapshot, svc *snapshot.Service) bool {
	return slices.ContainsFunc(world.Workloads, func(w *snapshot.Workload) bool {
		return slices.ContainsFunc(w.Pods, func(pod *snapshot.Pod) bool { return isBehind(svc, pod) })
	})
}

// waysTo lists the ways to a console from beyond the cluster.
func (c console) waysTo(w ways) []outsideWay {
	if c.service == nil {
		return w.to(c.door)
	}
	var out []outsideWay
	for _, sp := range c.service.Ports {
		if exposed(c.service) {
			out = append(out, throughService(c.door, c.service, sp))
		}
	}
	return out
}

// stackgres is the console of that operator.
func stackgres() *program {
	return &programs[slices.IndexFunc(programs, func(p program) bool { return slices.Contains(p.labels, "stackgres-restapi") })]
}

// programOf recognises a pod's program: by its images where they are known, else by its
// labels.
func programOf(pod *snapshot.Pod) *program {
	for i := range programs {
		p := &programs[i]
		if hasImage(pod, p.images) || len(pod.Images) == 0 && labelled(pod, p.labels) {
			return p
		}
	}
	if len(pod.Images) == 0 && pod.Labels.Set[stackgresUI] == "true" {
		return stackgres()
	}
	return nil
}

// hasImage reports whether one of the pod's images ends in one of the paths.
func hasImage(pod *snapshot.Pod, ends []string) bool {
	return slices.ContainsFunc(pod.Images, func(image string) bool {
		path := "/" + withoutTag(image)
		return slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(path, "/"+strings.TrimPrefix(end, "/")) })
	})
}

// withoutTag cuts digest and tag; the port of a registry is none.
func withoutTag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		image = image[:i]
	}
	return image
}

func labelled(pod *snapshot.Pod, values []string) bool {
	return slices.ContainsFunc(programLabels, func(key string) bool { return slices.Contains(values, pod.Labels.Set[key]) })
}

// listens are the TCP ports that the pod declares, else those of the program.
func listens(pod *snapshot.Pod, p *program) []uint16 {
	var out []uint16
	for _, c := range pod.Ports {
		if c.Protocol == flow.TCP {
			out = append(out, c.Port)
		}
	}
	if len(out) == 0 {
		return p.ports
	}
	return out
}

// power says what a console gives to who gets in.
func (c console) power() string {
	if c.program.gives != "" {
		return c.program.gives
	}
	return "runs SQL in the databases it connects to"
}
