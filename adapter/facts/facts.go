// Package facts reads what manifests cannot say: a small file about the cluster,
// written by whoever knows it.
package facts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	yaml3 "go.yaml.in/yaml/v3"
)

// document is the file. Every field may be absent, and no other may be there.
type document struct {
	Estate    string  `yaml:"estate"`
	CNI       *plugin `yaml:"cni"`
	PodCIDRs  []text  `yaml:"podCIDRs"`
	APIServer *struct {
		Addresses []text   `yaml:"addresses"`
		Ports     []uint16 `yaml:"ports"`
	} `yaml:"apiServer"`
	DNS       *dns               `yaml:"dns"`
	Operators map[text]installed `yaml:"operators"`
	Outside   []outside          `yaml:"outside"`
	Domains   map[text][]text    `yaml:"domains"`
	Now       text               `yaml:"now"`
}

type dns struct {
	Namespace string            `yaml:"namespace"`
	Labels    map[string]string `yaml:"labels"`
	Addresses []text            `yaml:"addresses"`
	Port      uint16            `yaml:"port"`
}

type outside struct {
	Name  text   `yaml:"name"`
	CIDRs []text `yaml:"cidrs"`
}

// A text is a string with the line it stands on.
type text struct {
	value string
	line  int
}

// UnmarshalYAML keeps the line.
func (t *text) UnmarshalYAML(n *yaml3.Node) error {
	t.line = n.Line
	return n.Decode(&t.value)
}

// known refuses other keys: a nested decoder has forgotten to be strict.
func known(n *yaml3.Node, where string, fields ...string) error {
	for i := 0; n.Kind == yaml3.MappingNode && i < len(n.Content); i += 2 {
		ok := false
		for _, f := range fields {
			ok = ok || n.Content[i].Value == f
		}
		if !ok {
			return fmt.Errorf("line %d: field %s not found in %s", n.Content[i].Line, n.Content[i].Value, where)
		}
	}
	return nil
}

// Read reads a facts file. An unknown field, or a value that cannot be what it
// should, is an error with its line: a misspelt fact would silently be an
// assumption. The path is the File of the origins as it is written.
func Read(path string) (snapshot.Facts, error) {
	f, _, err := ReadText(path)
	return f, err
}

// ReadText is Read that returns the text of the file, too: a pipe can be read only once.
func ReadText(path string) (snapshot.Facts, []byte, error) {
	data, err := readSmall(path)
	if err != nil {
		return snapshot.Facts{}, nil, fmt.Errorf("facts: %w", err)
	}
	f, err := Parse(path, data)
	if err != nil {
		return snapshot.Facts{}, nil, fmt.Errorf("facts %s: %w", path, err)
	}
	return f, data, nil
}

// maxFile is the size above which a file is refused: facts are a page or two.
const maxFile = 16 << 20

// readSmall reads a file whole, or refuses it.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s: larger than %d MiB", path, maxFile>>20)
	}
	return data, err
}

// Parse reads the text of a facts file; an empty one states nothing.
func Parse(path string, data []byte) (snapshot.Facts, error) {
	if err := nullEntry(data); err != nil {
		return snapshot.Facts{}, err
	}
	dec := yaml3.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var doc document
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return snapshot.Facts{}, tidy(err)
	}
	if err := dec.Decode(&document{}); !errors.Is(err, io.EOF) {
		return snapshot.Facts{}, errors.New("more than one document")
	}
	return doc.facts(path)
}

// nullEntry finds an entry of a list that is null: the decoder leaves it out. What
// cannot be parsed is left for the decoder to tell.
func nullEntry(data []byte) error {
	var doc yaml3.Node
	if yaml3.Unmarshal(data, &doc) != nil {
		return nil
	}
	return nullBelow(&doc)
}

func nullBelow(n *yaml3.Node) error {
	for _, child := range n.Content {
		if n.Kind == yaml3.SequenceNode && child.Tag == "!!null" {
			return fmt.Errorf("line %d: an entry of a list is null", child.Line)
		}
		if err := nullBelow(child); err != nil {
			return err
		}
	}
	return nil
}

var (
	wrongType = regexp.MustCompile("cannot unmarshal !!(\\w+)(?: (`[^`]*`))? into (.*)")
	notFound  = regexp.MustCompile(`(field \S+ not found) in type .*`)
)

// tidy writes the errors of the YAML decoder on one line, without Go's types.
func tidy(err error) error {
	lines := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	var te *yaml3.TypeError
	if errors.As(err, &te) {
		lines = te.Errors
	}
	for i, line := range lines {
		line = strings.NewReplacer(" in type facts.dns", " in dns", " in type facts.outside", " in outside").Replace(line)
		line = notFound.ReplaceAllString(line, "$1")
		if m := wrongType.FindStringSubmatchIndex(line); m != nil {
			what := line[m[2]:m[3]]
			if m[4] >= 0 {
				what = line[m[4]:m[5]]
			}
			line = line[:m[0]] + found(what) + " where " + expected(line[m[6]:m[7]]) + " is expected"
		}
		lines[i] = line
	}
	return errors.New(strings.Join(lines, "; "))
}

// found names a YAML tag; a scalar is shown as it is.
func found(what string) string {
	switch what {
	case "seq":
		return "a list"
	case "map":
		return "a mapping"
	}
	return what
}

// expected names what a Go type is written as.
func expected(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case goType == "string":
		return "a text"
	case goType == "bool":
		return "true or false"
	case goType == "uint16":
		return "a port"
	}
	return "a mapping"
}

func (d document) facts(path string) (f snapshot.Facts, err error) {
	switch d.Estate {
	case "complete":
		f.Complete = true
	case "", "partial":
	default:
		return f, fmt.Errorf("estate: %q: want complete or partial", d.Estate)
	}
	if err := d.CNI.facts(path, &f); err != nil {
		return f, err
	}
	if f.PodCIDRs, err = prefixes("podCIDRs", d.PodCIDRs); err != nil {
		return f, err
	}
	if d.APIServer != nil {
		if f.APIServer, err = addresses("apiServer.addresses", d.APIServer.Addresses); err != nil {
			return f, err
		}
		if f.APIServerPorts, err = ports(d.APIServer.Ports); err != nil {
			return f, err
		}
	}
	if f.DNS, err = d.DNS.facts(); err != nil {
		return f, err
	}
	if err = operators(d.Operators, &f); err != nil {
		return f, err
	}
	if f.Outside, err = ranges(d.Outside); err != nil {
		return f, err
	}
	if f.Domains, err = resolved(d.Domains); err != nil {
		return f, err
	}
	f.Now, err = d.Now.moment("now")
	return f, err
}

// moment reads a time, or a day, which begins at midnight in UTC; nothing is not known.
func (t text) moment(field string) (snapshot.Moment, error) {
	if t.value == "" {
		return 0, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, t.value); err == nil {
			return snapshot.Moment(at.Unix()), nil
		}
	}
	return 0, fmt.Errorf("line %d: %s: %q: want a time as 2026-11-21T15:00:00Z, or a day as 2026-11-21", t.line, field, t.value)
}

func ports(in []uint16) ([]uint16, error) {
	for _, p := range in {
		if p == 0 {
			return nil, errors.New("apiServer.ports: 0 is not a port")
		}
	}
	return in, nil
}

// facts fills in what every cluster has unless somebody changed it.
func (d *dns) facts() (*snapshot.DNS, error) {
	if d == nil {
		return nil, nil
	}
	out := &snapshot.DNS{Namespace: d.Namespace, Labels: netpol.Labels{Set: d.Labels}, Port: d.Port}
	if out.Namespace == "" {
		out.Namespace = "kube-system"
	}
	if len(d.Labels) == 0 {
		out.Labels.Set = map[string]string{"k8s-app": "kube-dns"}
	}
	if out.Port == 0 {
		out.Port = 53
	}
	var err error
	out.Addresses, err = addresses("dns.addresses", d.Addresses)
	return out, err
}

func ranges(in []outside) (out []snapshot.OutsideRange, err error) {
	seen := map[string]bool{}
	for i, o := range in {
		field := fmt.Sprintf("outside[%d]", i)
		if o.Name.value == "" || len(o.CIDRs) == 0 {
			return nil, fmt.Errorf("%s: needs a name and cidrs", field)
		}
		if seen[o.Name.value] {
			return nil, fmt.Errorf("line %d: %s.name: %q is there twice", o.Name.line, field, o.Name.value)
		}
		seen[o.Name.value] = true
		a, err := addresses(field+".cidrs", o.CIDRs)
		if err != nil {
			return nil, err
		}
		out = append(out, snapshot.OutsideRange{Name: o.Name.value, Addresses: a})
	}
	return out, nil
}

func addresses(field string, in []text) (flow.Addresses, error) {
	ps, err := prefixes(field, in)
	return flow.AddressesOf(ps...), err
}

// prefixes reads CIDRs; a bare address is a range of one.
func prefixes(field string, in []text) (out []netip.Prefix, err error) {
	for i, t := range in {
		p, err := netip.ParsePrefix(t.value)
		if a, aerr := netip.ParseAddr(t.value); err != nil && aerr == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %s[%d]: %q is neither an address nor a CIDR", t.line, field, i, t.value)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
