package plain

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pgmoat/pgmoat/adapter/object"
)

type workloadSpec struct {
	Replicas *int `json:"replicas"`
	Template struct {
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
		Spec struct {
			Containers []container `json:"containers"`
			Volumes    []volume    `json:"volumes"`
		} `json:"spec"`
	} `json:"template"`
}

type container struct {
	Name    string   `json:"name"`
	Image   string   `json:"image"`
	Command []string `json:"command"`
	Args    []string `json:"args"`
	Env     []envVar `json:"env"`
	EnvFrom []struct {
		Prefix string `json:"prefix"`
	} `json:"envFrom"`
	Ports  []port  `json:"ports"`
	Mounts []mount `json:"volumeMounts"`
}

type port struct {
	Name   string `json:"name"`
	Number int    `json:"containerPort"`
}

type envVar struct {
	Name  string    `json:"name"`
	Value string    `json:"value"`
	From  *struct{} `json:"valueFrom"`
}

type mount struct {
	Name    string `json:"name"`
	Path    string `json:"mountPath"`
	SubPath string `json:"subPath"`
}

type volume struct {
	Name      string `json:"name"`
	ConfigMap *struct {
		Name  string `json:"name"`
		Items []struct {
			Key  string `json:"key"`
			Path string `json:"path"`
		} `json:"items"`
	} `json:"configMap"`
}

// A setting of the environment.
type envSetting struct {
	value string
	index int
	set   bool
	// elsewhere says that the value is in a Secret, a ConfigMap or the pod's own
	// fields, which are not read.
	elsewhere bool
}

// env returns a variable; of duplicates the last wins. One that is not written out
// may still come with envFrom.
func (s *server) env(name string) envSetting {
	out := envSetting{elsewhere: len(s.container.EnvFrom) > 0}
	for i, e := range s.container.Env {
		if e.Name == name {
			out = envSetting{e.Value, i, true, e.From != nil}
		}
	}
	return out
}

// servers are the base names of images that run PostgreSQL.
var servers = regexp.MustCompile(`^(postgres|postgresql|postgis|pgvector|timescaledb(-ha)?|supabase-postgres|citus)$`)

// library are those of them that are built upon the image of the Docker library
// and keep its entrypoint.
var library = []string{"postgres", "postgis", "pgvector", "timescaledb"}

// foreign are repositories that use a base name of the library for something else.
var foreign = regexp.MustCompile(`(^|/)(supabase|cloudnative-pg|bitnami|bitnamilegacy|cimg|rapidfort|ongres|crunchydata|percona)/`)

// base returns the last part of an image's repository, without tag and digest.
func base(image string) (name, tag string) {
	image, _, _ = strings.Cut(image, "@")
	image = image[strings.LastIndexByte(image, '/')+1:]
	name, tag, _ = strings.Cut(image, ":")
	return name, tag
}

// signs are words of which the text of a workload that find takes has one, unless it has one
// of isNamed: what images are called, and the number of the port.
var signs = [...][]byte{[]byte("timescaledb"), []byte("citus"), []byte("5432")}

// mayServe reports whether find may take the object, by its text. False is sure: what is
// escaped is read.
func mayServe(o object.Object) bool {
	return slices.ContainsFunc(signs[:], func(sign []byte) bool { return bytes.Contains(o.JSON, sign) }) ||
		isNamed(o.JSON) || bytes.Contains(o.JSON, []byte(`\u`)) || o.Annotations[Annotation] != ""
}

// isNamed reports whether a text has what all names of PostgreSQL begin with, in any case,
// our annotation too; beyond ASCII, where a letter may fold to one of theirs, it may.
func isNamed(text []byte) bool {
	for i, c := range text {
		switch {
		case c >= utf8.RuneSelf:
			return true
		case c|0x20 == 'p' && (begins(text[i:], "pg") || begins(text[i:], "postg")):
			return true
		}
	}
	return false
}

// begins is HasPrefix for a word in lower case, whatever the case of the text.
func begins(text []byte, word string) bool {
	return len(text) >= len(word) && bytes.EqualFold(text[:len(word)], []byte(word))
}

// find looks for the container that runs PostgreSQL: by annotation, by its image,
// or by the port it declares.
func (s *server) find() bool {
	containers := s.spec.Template.Spec.Containers
	switch s.annotation(Annotation) {
	case "false":
		return false
	case "true":
		if len(containers) > 0 {
			s.take(max(s.index1(containers), 0))
			return true
		}
		return false
	}
	if i := s.index1(containers); i >= 0 {
		s.take(i)
		return true
	}
	return false
}

func (s *server) take(i int) { s.index, s.container = i, s.spec.Template.Spec.Containers[i] }

// index1 returns the first container that looks like a server, -1 for none.
func (s *server) index1(containers []container) int {
	if i := slices.IndexFunc(containers, func(c container) bool {
		name, _ := base(c.Image)
		return servers.MatchString(name) && runsServer(c)
	}); i >= 0 {
		return i
	}
	return slices.IndexFunc(containers, func(c container) bool {
		return listens(c) && !s.beside(c)
	})
}

// beside reports whether a container is something that goes with a server.
func (s *server) beside(c container) bool {
	name, _ := base(c.Image)
	return other.MatchString(name) || other.MatchString(c.Name) || other.MatchString(s.obj.Name) && !named.MatchString(c.Name)
}

// starts are words of a command that starts a server.
var starts = regexp.MustCompile(`(?i)postgres|postmaster|pg_ctl|patroni|entrypoint`)

// runsServer reports whether a container of a server's image runs the server: the
// same images serve as psql in a shell or a migration. One that declares the port
// runs it, whatever its command is called.
func runsServer(c container) bool {
	if listens(c) {
		return true
	}
	if len(c.Command) > 0 {
		words := slices.Concat(c.Command, c.Args)
		return slices.ContainsFunc(words, func(w string) bool { return starts.MatchString(w) && !strings.Contains(w, "://") })
	}
	// The library's entrypoint takes a first argument without a dash as the program.
	return len(c.Args) == 0 || strings.HasPrefix(c.Args[0], "-") || starts.MatchString(c.Args[0])
}

// named are names of PostgreSQL; other is what only goes with it.
var (
	named = regexp.MustCompile(`(?i)(^|[-_.])(postgres(ql)?|pg(sql|db)?)([-_.0-9]|$)`)
	other = regexp.MustCompile(`(?i)exporter|pgbouncer|bouncer|pgadmin|pgpool|pgcat|odyssey|backup|barman|operator|proxy|tunnel|socat|migrat|pgweb|adminer`)
)

// listens reports whether the container declares the port of PostgreSQL.
func listens(c container) bool { return slices.ContainsFunc(c.Ports, port.isPostgres) }

// isPostgres: the number that PostgreSQL has by itself, or a name that says so.
func (p port) isPostgres() bool { return p.Number == 5432 || named.MatchString(p.Name) }

// knownConfiguration reports whether the server's settings are known: the image is
// of the Docker library, no shell starts it, and a file of settings is none or read.
func (s *server) knownConfiguration() bool {
	return s.fromLibrary() && !s.args.shell && !s.file.unread && !s.mountsConfiguration()
}

// fromLibrary reports whether the image has the entrypoint of the Docker library's.
func (s *server) fromLibrary() bool {
	name, _ := base(s.container.Image)
	return slices.Contains(library, name) && !foreign.MatchString(s.container.Image)
}

// mountsConfiguration reports whether a postgresql.conf is put into the data
// directory.
func (s *server) mountsConfiguration() bool {
	return slices.ContainsFunc(s.container.Mounts, func(m mount) bool {
		return strings.HasSuffix(m.Path, "/postgresql.conf") || strings.HasSuffix(m.Path, "/postgresql.auto.conf")
	})
}

var (
	leading = regexp.MustCompile(`^v?(\d{1,2})(?:[.\-_]|$)`)
	after   = regexp.MustCompile(`pg(\d{2})(?:\D|$)`)
)

// imageMajor reads the major version from a tag: "16.4-alpine", or "2.14-pg16" and
// "pg16" of images with a version of their own. Zero where it does not tell.
func imageMajor(image string) int {
	name, tag := base(image)
	m := after.FindStringSubmatch(tag)
	if m == nil && name != "timescaledb" && name != "timescaledb-ha" && name != "pgvector" && name != "citus" {
		m = leading.FindStringSubmatch(tag)
	}
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	if n < 9 {
		return 0
	}
	return n
}
