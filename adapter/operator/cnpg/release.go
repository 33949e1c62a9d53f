package cnpg

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A version is major, minor and patch of a release of the operator.
type version [3]int

var versionText = regexp.MustCompile(`^v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+@].*)?$`)

// parseVersion reads "1.30.0" and "v1.30.0-rc1"; a release candidate counts as its
// release.
func parseVersion(text string) (version, bool) {
	m := versionText.FindStringSubmatch(text)
	if m == nil {
		return version{}, false
	}
	var out version
	for i := range out {
		out[i], _ = strconv.Atoi(m[i+1])
	}
	return out, true
}

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

func (v version) less(o version) bool { return slices.Compare(v[:], o[:]) < 0 }

func (v version) next() version { return version{v[0], v[1], v[2] + 1} }

// A release is what is known of the operator's version: it is from, or later, and
// before the other where that is not zero.
type release struct{ from, before version }

// oldest is the oldest release that is thought of: those before it have been without
// support since 2024.
var oldest = version{1, 22, 0}

var anyRelease = release{from: oldest}

func exactly(v version) release { return release{v, v.next()} }

// exact returns the version as text, empty where it is not known exactly.
func (r release) exact() string {
	if r.before != r.from.next() {
		return ""
	}
	return r.from.String()
}

// String is for people: "1.30.0", "a release before 1.29.0".
func (r release) String() string {
	switch {
	case r.exact() != "":
		return r.exact()
	case r.before != (version{}):
		return "a release before " + r.before.String()
	}
	return "a release from " + r.from.String() + " on"
}

// since asks whether the release is this one or a later one.
func (r release) since(v version) netpol.Match {
	switch {
	case !r.from.less(v):
		return netpol.Yes
	case r.before != (version{}) && !v.less(r.before):
		return netpol.No
	}
	return netpol.Unsure
}

// exporter asks whether the metrics exporter has a role of its own, which 1.28.3 and
// 1.29.1 brought [cnpg docs/src/release_notes/v1.29.md, CVE-2026-44477].
func (r release) exporter() netpol.Match {
	in28, next, in29 := r.since(version{1, 28, 3}), r.since(version{1, 29, 0}), r.since(version{1, 29, 1})
	switch {
	case in29 == netpol.Yes, in28 == netpol.Yes && next == netpol.No:
		return netpol.Yes
	case in28 == netpol.No, next == netpol.Yes && in29 == netpol.No:
		return netpol.No
	}
	return netpol.Unsure
}

// and is what is known from two sources.
func (r release) and(o release) release {
	if r.from.less(o.from) {
		r.from = o.from
	}
	if o.before != (version{}) && (r.before == (version{}) || o.before.less(r.before)) {
		r.before = o.before
	}
	return r
}

// or is what is known where either is true.
func (r release) or(o release) release {
	if o.from.less(r.from) {
		r.from = o.from
	}
	if o.before == (version{}) || r.before != (version{}) && r.before.less(o.before) {
		r.before = o.before
	}
	return r
}

// releaseOf finds the operator's release: as the facts state it, else as its Deployment
// does, else as far as the schema of its objects tells.
func releaseOf(w *operator.World) release {
	if v, ok := parseVersion(w.Snapshot.Facts.OperatorVersions[Name]); ok {
		return exactly(v)
	}
	var found []release
	namespace, told := w.Snapshot.Facts.Operators[Name]
	for _, o := range w.Objects["Deployment.apps"] {
		if told && o.Namespace != namespace {
			continue
		}
		if v, ok := deployed(o); ok {
			found = append(found, exactly(v))
		}
	}
	if len(found) == 0 {
		return ofSchema(w)
	}
	out := found[0]
	for _, r := range found[1:] {
		out = out.or(r)
	}
	return out
}

var imageTag = regexp.MustCompile(`:(v?\d[^/@:]*)(?:@.*)?$`)

// deployed reads the version of a Deployment of the operator: the tag of its image,
// else what the Operator Lifecycle Manager calls it, else the label
// app.kubernetes.io/version, which the Helm chart sets.
func deployed(o object.Object) (version, bool) {
	if !world.Has(o.Labels, theOperator.Labels) && !world.PodsHave(o, theOperator.Labels) {
		return version{}, false
	}
	for _, c := range containersOf(o).Template.Spec.Containers {
		if m := imageTag.FindStringSubmatch(c.Image); m != nil && c.Name == "manager" {
			if v, ok := parseVersion(m[1]); ok {
				return v, true
			}
		}
	}
	return parseVersion(cmp.Or(world.ManagedRelease(o), o.Labels["app.kubernetes.io/version"]))
}

// crdType is the kind of the objects that hold schemas.
var crdType = object.Type{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

// ofSchema reads what the installed schemas know: a field that they do not know is
// pruned, whatever release the operator is of.
func ofSchema(w *operator.World) release {
	out := anyRelease
	for _, o := range w.Objects[crdType.String()] {
		switch o.Name {
		case "databaseroles.postgresql.cnpg.io":
			out = out.and(release{from: version{1, 30, 0}})
		case "clusters.postgresql.cnpg.io":
			if bytes.Contains(o.JSON, []byte(`"podSelectorRefs"`)) {
				out = out.and(release{from: version{1, 29, 0}})
			} else {
				out = out.and(release{from: oldest, before: version{1, 29, 0}})
			}
		}
	}
	return out
}

// wants asks for the schemas and for the operator's settings.
func wants(t object.Type, text []byte) bool {
	switch t {
	case crdType:
		return bytes.Contains(text, []byte("postgresql.cnpg.io"))
	case object.Type{Kind: "ConfigMap"}:
		return bytes.Contains(text, []byte(configName))
	}
	return false
}

// since asks whether what a release brought is there. Where that is not known, what
// depends on it is Unsettled.
func (c *cluster) since(v version, what string, origin verdict.Origin) netpol.Match {
	return c.settle(c.release.since(v), what, origin)
}

func (c *cluster) settle(m netpol.Match, what string, origin verdict.Origin) netpol.Match {
	if m == netpol.Unsure {
		c.server.Unsettled = append(c.server.Unsettled, snapshot.Unsettled{What: what, Fact: theRelease, Origin: origin})
	}
	return m
}

// theRelease is the fact that settles what releases differ in.
const theRelease = "the operator's release (operators." + Name + ".version in the facts file)"
