package plain

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// hba finds the file that the server reads: what a person says it is, the one that
// hba_file names, one that is mounted over the usual one, or what the image of the
// Docker library writes at first start. Of any other nothing is known.
func (s *server) hba(version int) hba.File {
	if text := s.annotation(HBAAnnotation); text != "" {
		at := s.obj.Origin().At("metadata.annotations[%s]", HBAAnnotation)
		if s.obj.Annotations[HBAAnnotation] == "" {
			at = s.obj.Origin().At("spec.template.metadata.annotations[%s]", HBAAnnotation)
		}
		return hba.Parse(sources(text, at), version)
	}
	where, set := s.setting("hba_file")
	if !set {
		where = path.Join(s.dataDirectory(version), "pg_hba.conf")
	}
	m, mounted := s.mountAt(where)
	elsewhere, another := s.mountNamed("pg_hba.conf")
	switch {
	case mounted:
		return s.mounted(m, where, version)
	case set:
		return s.unknown(version, "what is in hba_file %s is not in the snapshot", where)
	case !s.knownConfiguration() && another:
		return s.mounted(elsewhere, elsewhere.Path, version)
	case !s.knownConfiguration():
		return s.unknown(version, "which pg_hba.conf image %s starts with is not known", s.container.Image)
	case another:
		return s.unknown(version, "pg_hba.conf is mounted at %s, where nothing says that the server reads it", elsewhere.Path)
	}
	s.warnOfScripts()
	return s.written(version)
}

// mountNamed returns the mount of one file of this name, wherever it is.
func (s *server) mountNamed(name string) (mount, bool) {
	for _, m := range s.container.Mounts {
		if path.Base(m.Path) == name {
			return m, true
		}
	}
	return mount{}, false
}

// initScripts is where the image finds what it runs at first start: SQL, but also
// shell scripts, which may append to pg_hba.conf.
const initScripts = "/docker-entrypoint-initdb.d"

func (s *server) warnOfScripts() {
	for i, m := range s.container.Mounts {
		if strings.HasPrefix(m.Path, initScripts) {
			world.Warn(s.w, s.obj, "plain/init-scripts", s.at("volumeMounts[%d]", i).Field,
				"scripts of %s may change the pg_hba.conf that the image writes; they are not read", initScripts)
			return
		}
	}
}

// sources makes lines of a text, each with the text's origin.
func sources(text string, at verdict.Origin) []hba.Source {
	return []hba.Source{{Text: text, Origin: at}}
}

// unknown is a file of which nothing is known.
func (s *server) unknown(version int, format string, args ...any) hba.File {
	return hba.File{Version: version, Errors: []hba.Error{{Message: fmt.Sprintf(format, args...), Origin: s.at("image"), Missing: true}}}
}

// dataDirectory is PGDATA, with the image's default: since 18 it has the version
// in it (docker-library/postgres 18 Dockerfile).
func (s *server) dataDirectory(version int) string {
	usual := "/var/lib/postgresql/data"
	if version >= 18 || version == 0 {
		usual = fmt.Sprintf("/var/lib/postgresql/%d/docker", cmp.Or(version, hba.Newest))
	}
	return cmp.Or(s.env("PGDATA").value, usual)
}

// mountAt returns the mount that the file is in, if it is a ConfigMap's.
func (s *server) mountAt(file string) (mount, bool) {
	best, found := mount{}, false
	for _, m := range s.container.Mounts {
		dir := strings.TrimSuffix(m.Path, "/")
		if (file == dir || strings.HasPrefix(file, dir+"/")) && (!found || len(m.Path) > len(best.Path)) {
			best, found = m, true
		}
	}
	if !found {
		return best, false
	}
	for _, v := range s.spec.Template.Spec.Volumes {
		if v.Name == best.Name {
			return best, v.ConfigMap != nil
		}
	}
	return best, false
}

// mounted reads the file from the ConfigMap of its mount.
func (s *server) mounted(m mount, file string, version int) hba.File {
	text, at, ok := s.textOf(m, file)
	if !ok {
		return s.unknown(version, "what is mounted at %s is not in the snapshot", file)
	}
	return hba.Parse(sources(text, at), version)
}

// mountedText returns the text of a file in the container.
func (s *server) mountedText(file string) (string, verdict.Origin, bool) {
	m, ok := s.mountAt(file)
	if !ok {
		return "", verdict.Origin{}, false
	}
	return s.textOf(m, file)
}

func (s *server) textOf(m mount, file string) (string, verdict.Origin, bool) {
	inside := strings.TrimPrefix(strings.TrimPrefix(file, strings.TrimSuffix(m.Path, "/")), "/")
	inside = path.Join(m.SubPath, inside)
	for _, v := range s.spec.Template.Spec.Volumes {
		if v.Name != m.Name || v.ConfigMap == nil {
			continue
		}
		key := inside
		for _, item := range v.ConfigMap.Items {
			if item.Path == inside {
				key = item.Key
			}
		}
		return s.configMap(v.ConfigMap.Name, key)
	}
	return "", verdict.Origin{}, false
}

// configMap returns a key of a ConfigMap of the namespace.
func (s *server) configMap(name, key string) (string, verdict.Origin, bool) {
	for _, o := range s.w.Objects["ConfigMap"] {
		if o.Namespace != s.obj.Namespace || o.Name != name {
			continue
		}
		var in struct {
			Data map[string]string `json:"data"`
		}
		if err := o.Decode(&in); err != nil {
			s.w.Snapshot.Problems = append(s.w.Snapshot.Problems, o.Problem(err))
		}
		text, ok := in.Data[key]
		return text, o.Origin().At("%s", "data"+object.Key(false, key)), ok
	}
	return "", verdict.Origin{}, false
}

// written is what initdb and the entrypoint of the image write: trust on the
// socket, on loopback and for replication over both, then one line for everybody
// (docker-library/postgres docker-entrypoint.sh, pg_setup_hba_conf; initdb.c).
func (s *server) written(version int) hba.File {
	locally, hosts, ok := s.initdbMethods()
	method, at, known := s.hostMethod(version)
	if !ok || !known {
		return s.unknown(version, "how the image was told to write pg_hba.conf is not in the snapshot")
	}
	image := s.at("image")
	image.Note = "written by the image's entrypoint"
	lines := []hba.Source{
		{Text: "local all all " + locally}, {Text: "host all all 127.0.0.1/32 " + hosts}, {Text: "host all all ::1/128 " + hosts},
		{Text: "local replication all " + locally}, {Text: "host replication all 127.0.0.1/32 " + hosts},
		{Text: "host replication all ::1/128 " + hosts},
	}
	for i := range lines {
		lines[i].Origin = image
	}
	at.Note = image.Note
	return hba.Parse(append(lines, hba.Source{Text: "host all all all " + method, Origin: at}), version)
}

// hostMethod is POSTGRES_HOST_AUTH_METHOD, by default password_encryption: md5
// before 14.
func (s *server) hostMethod(version int) (method string, at verdict.Origin, known bool) {
	e := s.env("POSTGRES_HOST_AUTH_METHOD")
	switch {
	case e.elsewhere:
		return "", at, false
	case e.value != "":
		return e.value, s.at("env[%d]", e.index), true
	case version != 0 && version < 14:
		return "md5", s.at("image"), true
	}
	return "scram-sha-256", s.at("image"), true
}

// initdbMethods reads --auth, --auth-local and --auth-host of POSTGRES_INITDB_ARGS.
func (s *server) initdbMethods() (locally, hosts string, ok bool) {
	e := s.env("POSTGRES_INITDB_ARGS")
	locally, hosts = "trust", "trust"
	words := strings.Fields(e.value)
	for i, word := range words {
		name, value, _ := strings.Cut(word, "=")
		if rest, ok := strings.CutPrefix(word, "-A"); ok && rest != "" {
			name, value = "-A", rest
		}
		if (word == "-A" || word == "--auth" || word == "--auth-local" || word == "--auth-host") && i+1 < len(words) {
			value = words[i+1]
		}
		switch name {
		case "-A", "--auth":
			locally, hosts = value, value
		case "--auth-local":
			locally = value
		case "--auth-host":
			hosts = value
		}
	}
	if hosts == "peer" { // for TCP that is ident (initdb.c)
		hosts = "ident"
	}
	return locally, hosts, !e.elsewhere
}
