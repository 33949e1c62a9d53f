package world

import (
	"regexp"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// passers are the programs that take sessions of PostgreSQL and pass them on as their own,
// by the base names of their images.
var passers = []struct {
	image *regexp.Regexp
	name  string
}{
	{regexp.MustCompile(`(^|[-_])pgbouncer([-_]|$)`), "PgBouncer"},
	{regexp.MustCompile(`(^|[-_])pgpool(-?(2|ii))?([-_]|$)`), "Pgpool-II"},
	{regexp.MustCompile(`^pgcat$`), "PgCat"},
	{regexp.MustCompile(`^pgdog$`), "PgDog"},
	{regexp.MustCompile(`^odyssey$`), "Odyssey"},
	{regexp.MustCompile(`^supavisor$`), "Supavisor"},
}

// proxies pass on whatever they are told to: sessions of PostgreSQL where they declare a
// port of its.
var proxies = regexp.MustCompile(`^(haproxy|envoy|pgproxy)([-_]|$)`)

// beside are images that ask a pooler or look at it.
var beside = regexp.MustCompile(`exporter|metrics|dashboard|config|operator`)

// poolerPorts are those that PostgreSQL and its poolers have by themselves.
var poolerPorts = map[uint16]bool{5432: true, 5433: true, 6432: true, 9999: true}

// Passes names the program that a container runs, where it is one that passes sessions of
// PostgreSQL on; empty for any other. Ports are those that the container, or its pod,
// declares.
func Passes(image string, ports ...uint16) string {
	image, _, _ = strings.Cut(image, "@")
	name, _, _ := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	if beside.MatchString(name) {
		return ""
	}
	for _, p := range passers {
		if p.image.MatchString(name) {
			return p.name
		}
	}
	for _, port := range ports {
		if poolerPorts[port] && proxies.MatchString(name) {
			return name
		}
	}
	return ""
}

// usual is where poolers listen that are not told otherwise.
const usual = 6432

// SidecarPorts are the ports at which a pooler in the server's own pods listens, as far as
// its container declares them: of what it does with clients nothing is known.
func SidecarPorts(program, container string, declared []uint16, at verdict.Origin) []snapshot.ServerPort {
	if len(declared) == 0 {
		declared = []uint16{usual}
	}
	what := "how " + program + " in container " + container + " is configured"
	var out []snapshot.ServerPort
	for _, port := range declared {
		out = append(out, snapshot.ServerPort{Name: container, Port: port, Maybe: what, Origin: at,
			Pooler: &hba.File{Dialect: hba.PgBouncer, Errors: []hba.Error{Elsewhere(what+" is not known", at)}}})
	}
	return out
}

// Passers marks the workloads whose pods pass sessions on and that no server of the world
// knows as its own, and returns them.
func Passers(w *operator.World) (out []*snapshot.Workload) {
	own := map[*snapshot.Workload]bool{}
	for _, s := range w.Snapshot.Servers {
		own[s.Workload] = true
		for _, p := range s.Poolers {
			own[p.Workload] = true
		}
	}
	for _, wl := range w.Snapshot.Workloads {
		if own[wl] {
			continue
		}
		if wl.Passes = passesIn(wl.Pods); wl.Passes != "" {
			out = append(out, wl)
		}
	}
	return out
}

func passesIn(pods []*snapshot.Pod) string {
	for _, p := range pods {
		var ports []uint16
		for _, c := range p.Ports {
			ports = append(ports, c.Port)
		}
		for _, image := range p.Images {
			if name := Passes(image, ports...); name != "" {
				return name
			}
		}
	}
	return ""
}
