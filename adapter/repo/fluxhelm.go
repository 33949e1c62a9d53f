package repo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/render"
	"sigs.k8s.io/yaml"
)

// A fluxRelease is what is read of a HelmRelease (helm.toolkit.fluxcd.io v2 and its betas).
type fluxRelease struct {
	Spec struct {
		Chart *struct {
			Kind string    `json:"kind"` // HelmChart when empty
			Spec fluxChart `json:"spec"`
		} `json:"chart"`
		ChartRef        *fluxRef        `json:"chartRef"`
		ReleaseName     string          `json:"releaseName"`
		TargetNamespace string          `json:"targetNamespace"`
		KubeConfig      json.RawMessage `json:"kubeConfig"`
		Values          json.RawMessage `json:"values"`
		ValuesFrom      []fluxValues    `json:"valuesFrom"`
		Install         struct {
			CRDs     string `json:"crds"`
			SkipCRDs bool   `json:"skipCRDs"`
		} `json:"install"`
		PostRenderers []struct {
			Kustomize *fluxPostRenderer `json:"kustomize"`
		} `json:"postRenderers"`
		CommonMetadata fluxMetadata `json:"commonMetadata"`
	} `json:"spec"`
}

// A fluxChart is the spec of a HelmChart.
type fluxChart struct {
	Chart         string   `json:"chart"`
	Version       string   `json:"version"`
	URL           string   `json:"url"` // of an OCIRepository
	SourceRef     fluxRef  `json:"sourceRef"`
	ValuesFiles   []string `json:"valuesFiles"`
	ValuesFile    string   `json:"valuesFile"` // of v2beta1, before valuesFiles
	IgnoreMissing bool     `json:"ignoreMissingValuesFiles"`
}

type fluxPostRenderer struct {
	Patches               []fluxPatch       `json:"patches"`
	PatchesStrategicMerge []json.RawMessage `json:"patchesStrategicMerge"`
	PatchesJSON6902       []fluxJSONPatch   `json:"patchesJson6902"`
	Images                []map[string]any  `json:"images"`
}

// A release is a HelmRelease on its way to a unit.
type release struct {
	*trace
	object    object.Object
	spec      fluxRelease
	chart     fluxChart
	field     string // of the chart
	namespace string
}

// helmRelease follows a HelmRelease to a chart of the tree.
func (t *trace) helmRelease(o object.Object) {
	var hr fluxRelease
	if err := o.Decode(&hr); err != nil {
		t.refuse(o, err)
		return
	}
	if isSet(hr.Spec.KubeConfig) {
		t.otherCluster(o)
		t.elsewhere(func(t *trace) { t.released(o, hr) })
		return
	}
	t.released(o, hr)
}

// released makes the unit of a HelmRelease, if its chart is of this tree.
func (t *trace) released(o object.Object, hr fluxRelease) {
	r := release{trace: t, object: o, spec: hr, namespace: hr.Spec.TargetNamespace}
	if r.namespace == "" {
		r.namespace = o.Namespace
	}
	source, ok := r.source()
	if !ok {
		return
	}
	if source.held {
		t.miss(o, r.namespace, "chart %s of %s", versioned(r.chart.Chart, r.chart.Version), source.name)
		return
	}
	if strings.HasSuffix(r.chart.Chart, ".tgz") {
		t.miss(o, r.namespace, "what is packed in %s", r.chart.Chart)
		return
	}
	dir, ok := t.folderOf(o, source.place)
	if !ok {
		return
	}
	if err := r.unit(dir); err != nil {
		t.refuse(o, err)
	}
}

// source finds where the chart is from, and tells where that is missing.
func (r *release) source() (fluxSource, bool) {
	s := r.spec.Spec
	switch {
	case s.Chart != nil && s.Chart.Kind == "OCIRepository":
		r.miss(r.object, r.namespace, "chart %s", shownURL(s.Chart.Spec.URL))
		return fluxSource{}, false
	case s.Chart != nil:
		r.chart, r.field = s.Chart.Spec, "spec.chart.spec"
	case s.ChartRef != nil && s.ChartRef.Kind == "HelmChart":
		return r.helmChart(*s.ChartRef)
	case s.ChartRef != nil:
		source, ok := r.fluxSource(r.object, *s.ChartRef, "spec.chartRef", r.namespace)
		if ok {
			r.miss(r.object, r.namespace, "chart of %s", source.name)
		}
		return source, false
	default:
		r.refuse(r.object, fault("spec", "chart is missing"))
		return fluxSource{}, false
	}
	return r.chartSource(r.chart.SourceRef)
}

func (r *release) chartSource(ref fluxRef) (fluxSource, bool) {
	if r.chart.Chart == "" {
		r.refuse(r.object, fault(r.field, "chart is missing"))
		return fluxSource{}, false
	}
	source, ok := r.fluxSource(r.object, ref, r.field+".sourceRef", r.namespace)
	source.path, source.field = strings.TrimLeft(r.chart.Chart, "/"), r.field+".chart"
	return source, ok
}

// helmChart takes the chart of a HelmChart object, whose source is in its own namespace.
func (r *release) helmChart(ref fluxRef) (fluxSource, bool) {
	if ref.Namespace == "" {
		ref.Namespace = r.object.Namespace
	}
	conflicts := len(r.out.conflicts)
	at, ok := r.find(object.Type{Group: groupSource, Kind: "HelmChart"}, ref.Namespace, ref.Name)
	if !ok {
		if len(r.out.conflicts) == conflicts {
			r.miss(r.object, r.namespace, "chart of HelmChart %s/%s", ref.Namespace, ref.Name)
		}
		return fluxSource{}, false
	}
	var chart struct {
		Spec fluxChart `json:"spec"`
	}
	if err := at.Decode(&chart); err != nil {
		r.refuse(at, err)
		return fluxSource{}, false
	}
	r.chart, r.field = chart.Spec, "spec.chartRef"
	source := chart.Spec.SourceRef
	source.Namespace = at.Namespace
	return r.chartSource(source)
}

// unit makes the unit of a chart in the tree.
func (r *release) unit(dir string) error {
	s := r.spec.Spec
	c := charted{release: r.name(), skipCRDs: s.Install.SkipCRDs || s.Install.CRDs == "Skip"}
	var err error
	if c.defaults, err = r.defaults(); err != nil {
		return err
	}
	if err := r.values(&c); err != nil {
		return err
	}
	if c.post, err = r.post(); err != nil {
		return fault("spec.postRenderers", "%w", err)
	}
	r.out.units = append(r.out.units, unit{by: r.object.Ref(), dir: dir, namespace: r.namespace, chart: &c})
	return nil
}

// name is the release's: by default [TARGETNAMESPACE-]NAME, and what is longer than helm
// allows is cut with a digest behind it (HelmRelease, Release name).
func (r *release) name() string {
	s := r.spec.Spec
	if s.ReleaseName != "" {
		return s.ReleaseName
	}
	name := r.object.Name
	if s.TargetNamespace != "" {
		name = s.TargetNamespace + "-" + name
	}
	if len(name) <= 53 {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:40] + "-" + hex.EncodeToString(sum[:])[:12]
}

// defaults merges valuesFiles, whose paths begin at the root of the source. They take the
// place of the chart's own values.yaml, which is not among them by itself (HelmChart, Values
// files). Nil where there are none.
func (r *release) defaults() ([]byte, error) {
	names := r.chart.ValuesFiles
	if r.chart.ValuesFile != "" {
		names = append([]string{r.chart.ValuesFile}, names...)
	}
	var whole map[string]any
	for _, name := range names {
		at, err := within(".", strings.TrimLeft(name, "/"))
		if err != nil {
			return nil, fault(r.field+".valuesFiles", "%q %w", name, err)
		}
		text, err := r.files.read(at)
		if errors.Is(err, fs.ErrNotExist) && r.chart.IgnoreMissing {
			continue
		}
		if err != nil {
			return nil, fault(r.field+".valuesFiles", "%w", err)
		}
		var values map[string]any
		if err := unmarshal(text, &values); err != nil {
			return nil, fault(r.field+".valuesFiles", "%s: %w", at, err)
		}
		whole = overlaid(whole, values)
	}
	if whole == nil {
		return nil, nil
	}
	return yaml.Marshal(whole)
}

// overlaid lays values over others: mappings are merged, all else is replaced.
func overlaid(under, over map[string]any) map[string]any {
	out := map[string]any{}
	for name, value := range under {
		out[name] = value
	}
	for name, value := range over {
		inner, ok := value.(map[string]any)
		if below, also := out[name].(map[string]any); ok && also {
			out[name] = overlaid(below, inner)
			continue
		}
		out[name] = value
	}
	return out
}

// post is what postRenderers say, each as a kustomization without resources, and
// spec.commonMetadata after them.
func (r *release) post() ([][]byte, error) {
	var out [][]byte
	for i, p := range r.spec.Spec.PostRenderers {
		if p.Kustomize == nil {
			return nil, fmt.Errorf("[%d]: has no kustomize, and nothing else is known", i)
		}
		k := kustomizationFile{}
		if err := addPatches(k, p.Kustomize.Patches, p.Kustomize.PatchesStrategicMerge, p.Kustomize.PatchesJSON6902); err != nil {
			return nil, err
		}
		for _, image := range p.Kustomize.Images {
			if err := k.put("images", image); err != nil {
				return nil, err
			}
		}
		text, err := k.text()
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	if m := r.spec.Spec.CommonMetadata; len(m.Labels)+len(m.Annotations) > 0 {
		k := kustomizationFile{"labels": []any{map[string]any{"pairs": m.Labels}}}
		if err := k.merge("commonAnnotations", m.Annotations, true); err != nil {
			return nil, err
		}
		text, err := k.text()
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// named is what a file of values is called that an object holds.
func (r *release) named(what string, text []byte) render.Values {
	return render.Values{Name: what + " of " + r.object.Ref().String(), Text: text}
}
