package plain

import (
	"regexp"
	"slices"
	"strings"
)

// arguments are what the server is started with.
type arguments struct {
	settings map[string]string
	// shell says that a shell starts it: then anything may happen first.
	shell bool
}

// parseArguments reads "-c name=value", "-cname=value", "--name=value" and "-p
// port" (PostgreSQL manual, postgres; postmaster.c ParseLongOption).
func parseArguments(words []string) arguments {
	out := arguments{settings: map[string]string{}}
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case i == 0 && isShell(word):
			out.shell = true
		case (word == "-c" || word == "-p") && i+1 < len(words):
			i++
			if word == "-p" {
				out.settings["port"] = words[i]
				continue
			}
			out.set(words[i])
		case strings.HasPrefix(word, "--"):
			out.set(word[2:])
		case strings.HasPrefix(word, "-c"):
			out.set(word[2:])
		case word == "-l": // enables TLS, as ssl=on
			out.settings["ssl"] = "on"
		}
	}
	return out
}

func (a arguments) set(text string) {
	name, value, _ := strings.Cut(text, "=")
	a.settings[strings.ToLower(strings.ReplaceAll(name, "-", "_"))] = strings.Trim(value, `'"`)
}

func isShell(word string) bool {
	word = word[strings.LastIndexByte(word, '/')+1:]
	return slices.Contains([]string{"sh", "bash", "ash", "dash"}, word)
}

// A settingsFile is the postgresql.conf that config_file names.
type settingsFile struct {
	settings map[string]string
	// unread says that there is one, and that its text is not known.
	unread bool
}

// setting returns a setting by name: the command line wins over the file.
func (s *server) setting(name string) (string, bool) {
	if v, ok := s.args.settings[name]; ok {
		return v, true
	}
	v, ok := s.file.settings[name]
	return v, ok
}

// readSettings reads the file of config_file from its ConfigMap. One that includes
// others is not known.
func (s *server) readSettings() settingsFile {
	where, set := s.args.settings["config_file"]
	if !set {
		return settingsFile{}
	}
	text, _, ok := s.mountedText(where)
	if !ok {
		return settingsFile{unread: true}
	}
	return parseSettings(text)
}

// assignment is "name = value", the value quoted or not, the sign optional
// (PostgreSQL manual, Parameter Interaction via the Configuration File).
var assignment = regexp.MustCompile(`^\s*([A-Za-z_][A-Za-z0-9_.]*)(?:\s*=\s*|\s+)('(?:[^']|'')*'|[^\s#]+)`)

func parseSettings(text string) settingsFile {
	out := settingsFile{settings: map[string]string{}}
	for line := range strings.SplitSeq(text, "\n") {
		m := assignment.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := strings.ToLower(m[1])
		if slices.Contains([]string{"include", "include_if_exists", "include_dir"}, name) {
			return settingsFile{unread: true}
		}
		out.settings[name] = strings.Trim(m[2], "'")
	}
	return out
}
