package repo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/render"
)

// An argoHelm is spec.source.helm.
type argoHelm struct {
	ValueFiles              []string            `json:"valueFiles,omitempty"`
	Parameters              []argoParameter     `json:"parameters,omitempty"`
	ReleaseName             string              `json:"releaseName,omitempty"`
	Values                  string              `json:"values,omitempty"`
	FileParameters          []argoFileParameter `json:"fileParameters,omitempty"`
	Version                 string              `json:"version,omitempty"` // of helm
	PassCredentials         bool                `json:"passCredentials,omitempty"`
	IgnoreMissingValueFiles bool                `json:"ignoreMissingValueFiles,omitempty"`
	SkipCRDs                bool                `json:"skipCrds,omitempty"`
	ValuesObject            json.RawMessage     `json:"valuesObject,omitempty"`
	Namespace               string              `json:"namespace,omitempty"`
	KubeVersion             string              `json:"kubeVersion,omitempty"`
	APIVersions             []string            `json:"apiVersions,omitempty"`
	SkipTests               bool                `json:"skipTests,omitempty"`            // no test is rendered anyway
	SkipSchemaValidation    bool                `json:"skipSchemaValidation,omitempty"` // what the schema refuses is a problem
}

type argoParameter struct {
	Name        string `json:"name"`
	Value       string `json:"value"`
	ForceString bool   `json:"forceString,omitempty"`
}

type argoFileParameter struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// helm makes the unit of a chart. The release has the Application's name, and its namespace
// is the destination's, unless the options say otherwise (Helm, Release Name).
func (a argoApp) helm() error {
	c := charted{release: a.object.Name}
	if h := a.source.Helm; h != nil {
		c.skipCRDs, c.kubeVersion, c.apiVersions, c.namespace = h.SkipCRDs, h.KubeVersion, h.APIVersions, h.Namespace
		if h.ReleaseName != "" {
			c.release = h.ReleaseName
		}
		if err := a.values(&c); err != nil {
			return err
		}
	}
	a.out.units = append(a.out.units, unit{by: a.object.Ref(), dir: a.dir, namespace: a.namespace, chart: &c})
	return nil
}

// values reads what is given beside the chart's own: valueFiles, values or valuesObject,
// parameters and fileParameters, each before what comes before it (Helm, Values).
func (a argoApp) values(c *charted) error {
	h := a.source.Helm
	for i, name := range h.ValueFiles {
		field := fmt.Sprintf("%s.helm.valueFiles[%d]", a.field, i)
		at, text, err := a.valueFile(name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && h.IgnoreMissingValueFiles, errors.Is(err, errElsewhere):
		case err != nil:
			return fault(field, "%q: %w", name, err)
		default:
			c.values = append(c.values, render.Values{Name: at, Text: text})
		}
	}
	inline := render.Values{Name: a.object.Ref().String() + " " + a.field + ".helm.values", Text: []byte(h.Values)}
	if isSet(h.ValuesObject) {
		inline.Name, inline.Text = inline.Name+"Object", h.ValuesObject
	}
	if len(inline.Text) > 0 {
		c.values = append(c.values, inline)
	}
	for _, p := range h.Parameters {
		set := p.Name + "=" + escapeCommas(a.expand(p.Value))
		if p.ForceString {
			c.setString = append(c.setString, set)
			continue
		}
		c.set = append(c.set, set)
	}
	for i, p := range h.FileParameters {
		field := fmt.Sprintf("%s.helm.fileParameters[%d].path", a.field, i)
		_, text, err := a.valueFile(p.Path)
		if errors.Is(err, errElsewhere) {
			continue
		}
		if err != nil {
			return fault(field, "%q: %w", p.Path, err)
		}
		c.setString = append(c.setString, p.Name+"="+escapeLiteral(string(text)))
	}
	return nil
}

// errElsewhere says that a file is of something that the tree does not hold, which was told.
var errElsewhere = errors.New("is not in the tree")

// valueFile reads a file of values. Its path is relative to the source's, or with a slash
// before it to the repository; $NAME/ before it stands for the repository of the source that
// has the ref (Multiple Sources).
func (a argoApp) valueFile(name string) (at string, text []byte, err error) {
	dir := a.dir
	if ref, rest, _ := strings.Cut(name, "/"); strings.HasPrefix(ref, "$") && !strings.HasPrefix(ref, "$ARGOCD_") && !strings.HasPrefix(ref, "${") {
		repository, ok := a.refs[ref]
		if !ok {
			return "", nil, fmt.Errorf("no source has the ref %q", ref[1:])
		}
		if is, _ := a.isTree(repository); !is {
			a.miss(a.object, a.namespace, "what the values %s of %s change", rest, shownURL(repository))
			return "", nil, errElsewhere
		}
		dir, name = ".", rest
	}
	name = a.expand(name)
	if u, uerr := url.Parse(name); uerr == nil && u.Scheme != "" {
		a.miss(a.object, a.namespace, "what the values %s change", shownURL(name))
		return "", nil, errElsewhere
	}
	if path.IsAbs(name) {
		dir, name = ".", strings.TrimLeft(name, "/")
	}
	if at, err = within(dir, name); err != nil {
		return "", nil, err
	}
	text, err = a.files.read(at)
	return at, text, err
}

// escapeCommas does what Argo CD does to a parameter: a comma ends no value, unless the value
// is a list in braces or has a backslash before it.
func escapeCommas(value string) string {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return value
	}
	var b strings.Builder
	for i := range len(value) {
		if value[i] == ',' && (i == 0 || value[i-1] != '\\') {
			b.WriteByte('\\')
		}
		b.WriteByte(value[i])
	}
	return b.String()
}

// escapeLiteral writes a value so that --set-string takes each byte of it as it is.
func escapeLiteral(value string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `{`, `\{`, `}`, `\}`, `[`, `\[`).Replace(value)
}
