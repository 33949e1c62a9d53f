package facts

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
	yaml3 "go.yaml.in/yaml/v3"
)

// plugin is the section cni.
type plugin struct {
	Name            string `yaml:"name"`
	Version         string `yaml:"version"`
	Enforces        *bool  `yaml:"enforces"`
	ClusterPolicies *bool  `yaml:"clusterPolicies"`
	line            int
}

// UnmarshalYAML keeps the line; the fields are checked as everywhere else.
func (p *plugin) UnmarshalYAML(n *yaml3.Node) error {
	type plain plugin
	if err := known(n, "cni", "name", "version", "enforces", "clusterPolicies"); err != nil {
		return err
	}
	p.line = n.Line
	return n.Decode((*plain)(p))
}

// facts says what the section states. Whether a plugin that is only named enforces
// policies is left open: objects may tell that it was switched off.
func (p *plugin) facts(path string, f *snapshot.Facts) error {
	if p == nil {
		return nil
	}
	profile, ok := cni.For(p.Name, p.Version, nil)
	switch {
	case p.Name != "" && !ok && p.Enforces == nil:
		return fmt.Errorf("line %d: cni.name: nothing is known of %q: want one of %s, or cni.enforces beside it",
			p.line, p.Name, strings.Join(cni.Names(), ", "))
	case p.Version != "" && p.Name == "":
		return fmt.Errorf("line %d: cni.version: needs cni.name", p.line)
	case p.Version != "" && !cni.IsVersion(p.Version):
		return fmt.Errorf("line %d: cni.version: %q is not a version as 1.20 or v3.28.1", p.line, p.Version)
	}
	profile.Name, profile.Version = p.Name, p.Version
	f.CNI, f.Enforces = p.Name, enforces(p.Enforces)
	f.Profile = profile.State(clusterPolicies(p.ClusterPolicies)...)
	f.CNIOrigin = verdict.Origin{File: path, Line: p.line, Field: "cni"}
	return nil
}

func enforces(b *bool) verdict.Verdict {
	switch {
	case b == nil:
		return verdict.Unknown
	case *b:
		return verdict.Allow
	}
	return verdict.Deny
}

func clusterPolicies(b *bool) []cni.Difference {
	const text = "stated as cni.clusterPolicies in the facts file"
	switch {
	case b == nil:
		return nil
	case *b:
		return []cni.Difference{{Trait: cni.ClusterPolicies, Text: text}, {Trait: cni.AdminPolicies, Text: text}}
	}
	return []cni.Difference{{Trait: cni.NoClusterPolicies, Text: text}, {Trait: cni.NoAdminPolicies, Text: text}}
}

// Contradiction is the code of the warning that two sources tell different things of
// the network plugin.
const Contradiction = "cni-contradiction"

// NamePlugin puts the plugin that the command line names before what the facts file
// says of it. The name must be one of the catalogue. What the file says of another
// plugin is dropped, and the warning tells of it; w is nil when nothing contradicts.
func NamePlugin(f *snapshot.Facts, name string) (w *snapshot.Warning, err error) {
	profile, ok := cni.For(name, "", nil)
	if !ok {
		return nil, fmt.Errorf("--cni %s: want one of %s", name, strings.Join(cni.Names(), ", "))
	}
	stated := *f
	f.CNI, f.CNIOrigin = name, verdict.Origin{Field: "--cni"}
	switch {
	case stated.CNI != "" && stated.CNI != name:
		f.Enforces, f.Profile = verdict.Unknown, profile
		return contradicts(stated.CNIOrigin, "the facts file says that the network plugin is %s, and --cni that it is %s", stated.CNI, name), nil
	case name == cni.None && stated.Enforces == verdict.Allow, stated.CNI == "" && differ(stated.Enforces, profile.Enforces):
		f.Enforces, f.Profile = verdict.Unknown, profile
		return contradicts(stated.CNIOrigin, "cni.enforces of the facts file is not so of %s, which --cni names", name), nil
	case stated.CNI == "":
		f.Profile = profile.State(stated.Profile.Stated...)
	}
	return nil, nil
}

// differ reports whether both are known and not the same.
func differ(a, b verdict.Verdict) bool {
	return a != verdict.Unknown && b != verdict.Unknown && a != b
}

func contradicts(at verdict.Origin, format string, args ...any) *snapshot.Warning {
	return &snapshot.Warning{Code: Contradiction, Text: fmt.Sprintf(format, args...) + ": --cni counts", Origin: at}
}
