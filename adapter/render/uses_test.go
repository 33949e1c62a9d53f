package render_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/pgmoat/pgmoat/adapter/render"
)

// files makes a tree of texts; a text that begins with "-> " is a link.
func files(texts map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	for name, text := range texts {
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			tree[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink}
		} else {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return tree
}

// with is a tree with a kustomization at k, the base b and some files.
func with(kustomization string, more map[string]string) fstest.MapFS {
	texts := map[string]string{
		"k/kustomization.yaml": kustomization,
		"k/web.yaml":           "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}}",
		"b/kustomization.yaml": "resources: [web.yaml]",
		"b/web.yaml":           "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}}",
	}
	maps.Copy(texts, more)
	return files(texts)
}

// TestRefused has what is not handed to kustomize, and the words for it.
func TestRefused(t *testing.T) {
	localize := `; run "kustomize localize --scope . k" first`
	remote := " is remote, and nothing is fetched" + localize
	plugin := ` is not built into kustomize, and no plugin or function runs; run "kustomize build --enable-alpha-plugins --enable-exec k > FILE" first`
	inflated := ` is a chart that kustomize has helm inflate, and no program runs; run "kustomize build --enable-helm k > FILE" first`
	cases := map[string]struct {
		kustomization string
		more          map[string]string
		want          string
		is            error
	}{
		"resource over http":  {`resources: [web.yaml, "http://example.com/x.yaml"]`, nil, `resources[1]: "http://example.com/x.yaml"` + remote, render.ErrRemote},
		"base":                {`bases: ["github.com/org/repo/path?ref=v1"]`, nil, `bases[0]: "github.com/org/repo/path?ref=v1"` + remote, render.ErrRemote},
		"component":           {`components: ["git@github.com:org/repo"]`, nil, `components[0]: "git@github.com:org/repo"` + remote, render.ErrRemote},
		"crd":                 {`crds: ["https://example.com/crd"]`, nil, `crds[0]: "https://example.com/crd"` + remote, render.ErrRemote},
		"configuration":       {`configurations: ["https://example.com/c"]`, nil, `configurations[0]: "https://example.com/c"` + remote, render.ErrRemote},
		"schema":              {`openapi: {path: "https://example.com/s"}`, nil, `openapi.path: "https://example.com/s"` + remote, render.ErrRemote},
		"patch":               {`patches: [{path: "https://example.com/p"}]`, nil, `patches[0].path: "https://example.com/p"` + remote, render.ErrRemote},
		"strategic merge":     {`patchesStrategicMerge: ["https://example.com/p"]`, nil, `patchesStrategicMerge[0]: "https://example.com/p"` + remote, render.ErrRemote},
		"JSON patch":          {`patchesJson6902: [{path: "https://example.com/p"}]`, nil, `patchesJson6902[0].path: "https://example.com/p"` + remote, render.ErrRemote},
		"replacement":         {`replacements: [{path: "https://example.com/r"}]`, nil, `replacements[0].path: "https://example.com/r"` + remote, render.ErrRemote},
		"file of a ConfigMap": {`configMapGenerator: [{name: x, files: ["a=https://example.com/f"]}]`, nil, `configMapGenerator[0].files[0]: "https://example.com/f"` + remote, render.ErrRemote},
		"env of a Secret":     {`secretGenerator: [{name: x, env: "https://example.com/f"}]`, nil, `secretGenerator[0].env: "https://example.com/f"` + remote, render.ErrRemote},
		"envs of a Secret":    {`secretGenerator: [{name: x, envs: ["https://example.com/f"]}]`, nil, `secretGenerator[0].envs[0]: "https://example.com/f"` + remote, render.ErrRemote},
		"generator":           {`generators: ["https://example.com/g"]`, nil, `generators[0]: "https://example.com/g"` + remote, render.ErrRemote},
		"in the base":         {`resources: [../b]`, map[string]string{"b/kustomization.yaml": `resources: ["ssh://host/repo"]`}, `b/kustomization.yaml: resources[0]: "ssh://host/repo"` + remote, render.ErrRemote},
		"repository in lines": {"generators:\n- |\n  https://github.com/org/repo\n", nil, `generators[0]: "https://github.com/org/repo"` + remote, render.ErrRemote},
		"folder of the name": {`resources: [github.com/org/repo]`, map[string]string{"k/github.com/org/repo/kustomization.yaml": "resources: []"},
			`resources[0]: "github.com/org/repo" is a repository to kustomize, and nothing is fetched; the folder in the tree is ./ with this name`, render.ErrNamed},

		"chart":     {`helmCharts: [{name: postgresql, repo: "https://example.com"}]`, nil, `helmCharts[0]: "postgresql"` + inflated, render.ErrInflated},
		"old chart": {`helmChartInflationGenerator: [{chartName: postgresql}]`, nil, `helmChartInflationGenerator[0]: "postgresql"` + inflated, render.ErrInflated},
		"chart by a generator": {"generators:\n- |-\n  apiVersion: builtin\n  kind: HelmChartInflationGenerator\n  metadata: {name: x}\n  name: redis\n", nil,
			`generators[0]: "redis"` + inflated, render.ErrInflated},
		"plugin": {`transformers: [p.yaml]`, map[string]string{"k/p.yaml": "{apiVersion: example.com/v1, kind: Replace, metadata: {name: x}}"},
			`transformers[0]: "example.com/v1 Replace"` + plugin, render.ErrPlugin},
		"function": {"validators:\n- |-\n  apiVersion: v1\n  kind: Run\n  metadata:\n    name: x\n    annotations:\n      config.kubernetes.io/function: |\n        exec: {path: ./run.sh}\n", nil,
			`validators[0]: "v1 Run"` + plugin, render.ErrPlugin},
		"second of a file": {`generators: [p.yaml]`, map[string]string{"k/p.yaml": "{apiVersion: builtin, kind: PrefixTransformer, metadata: {name: x}}\n---\n{apiVersion: viaduct.ai/v1, kind: ksops, metadata: {name: x}}"},
			`generators[0]: "viaduct.ai/v1 ksops"` + plugin, render.ErrPlugin},
		"plugin in a folder": {`transformers: [t]`, map[string]string{"k/t/kustomization.yaml": "bases: [u]", "k/t/u/kustomization.yaml": "resources: [p.yaml]", "k/t/u/p.yaml": "{apiVersion: x/v1, kind: Yes1, metadata: {name: x}}"},
			`transformers[0]: "x/v1 Yes1"` + plugin, render.ErrPlugin},
		"file of a plugin": {"transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: x}\n  path: https://example.com/p\n", nil,
			`transformers[0]: PatchTransformer path: "https://example.com/p"` + remote, render.ErrRemote},

		"above the tree":      {`resources: [../../outside]`, nil, `resources[0]: "../../outside" leads out of the tree, where nothing is read`, render.ErrOutside},
		"far above the tree":  {`configMapGenerator: [{name: x, files: [../../../../etc/passwd]}]`, nil, `configMapGenerator[0].files[0]: "../../../../etc/passwd" leads out of the tree, where nothing is read`, render.ErrOutside},
		"absolute":            {`resources: [/etc/passwd]`, nil, `resources[0]: "/etc/passwd" is an absolute path, and nothing outside the tree is read`, render.ErrAbsolute},
		"link out":            {`resources: [out.yaml]`, map[string]string{"k/out.yaml": "-> ../../etc/passwd"}, `resources[0]: "out.yaml" leads out of the tree, where nothing is read`, render.ErrOutside},
		"absolute link":       {`resources: [out.yaml]`, map[string]string{"k/out.yaml": "-> /etc/passwd"}, `resources[0]: "out.yaml" leads out of the tree, where nothing is read`, render.ErrOutside},
		"link to a folder":    {`resources: [out]`, map[string]string{"k/out": "-> ../.."}, `resources[0]: "out" leads out of the tree, where nothing is read`, render.ErrOutside},
		"link to itself":      {`resources: [loop]`, map[string]string{"k/loop": "-> loop"}, `resources[0]: "loop" is a loop of symbolic links`, render.ErrLoop},
		"links in a ring":     {`resources: [a/b]`, map[string]string{"k/a": "-> c", "k/c": "-> a"}, `resources[0]: "a/b" is a loop of symbolic links`, render.ErrLoop},
		"outside the root":    {`configMapGenerator: [{name: x, files: [../b/web.yaml]}]`, nil, `configMapGenerator[0].files[0]: "../b/web.yaml" lies outside the kustomization's folder, where kustomize reads no file`, render.ErrRoot},
		"link out of root":    {`resources: [l.yaml]`, map[string]string{"k/l.yaml": "-> ../b/web.yaml"}, `resources[0]: "l.yaml" lies outside the kustomization's folder, where kustomize reads no file`, render.ErrRoot},
		"itself":              {`resources: [.]`, nil, `resources[0]: "." is a cycle: the folder uses what uses it`, render.ErrCycle},
		"above":               {`resources: [..]`, map[string]string{"kustomization.yaml": "resources: []"}, `resources[0]: ".." is a cycle: the folder uses what uses it`, render.ErrCycle},
		"ring":                {`resources: [../b]`, map[string]string{"b/kustomization.yaml": "resources: [../k]"}, `b/kustomization.yaml: resources[0]: "../k" is a cycle: the folder uses what uses it`, render.ErrCycle},
		"itself by a link":    {`resources: [l]`, map[string]string{"k/l": "-> ../k"}, `resources[0]: "l" is a cycle: the folder uses what uses it`, render.ErrCycle},
		"missing":             {`resources: [nowhere.yaml]`, nil, `resources[0]: "nowhere.yaml" does not exist`, render.ErrMissing},
		"dangling link":       {`patches: [{path: l}]`, map[string]string{"k/l": "-> nowhere"}, `patches[0].path: "l" does not exist`, render.ErrMissing},
		"no kustomization":    {`resources: [sub]`, map[string]string{"k/sub/x.yaml": ""}, `resources[0]: "sub" is a folder without a kustomization`, render.ErrNoKust},
		"component of a file": {`components: [web.yaml]`, nil, `components[0]: "web.yaml" is a folder without a kustomization`, render.ErrNoKust},
		"folder for a file":   {`crds: [sub]`, map[string]string{"k/sub/x.yaml": ""}, `crds[0]: "sub" is no regular file`, render.ErrNoFile},
		"two in a folder":     {`resources: []`, map[string]string{"k/Kustomization": ""}, `k/kustomization.yaml: is one of several kustomizations in a folder, of which kustomize takes none`, render.ErrTwoKusts},
		"two in a base":       {`resources: [../b]`, map[string]string{"b/kustomization.yml": ""}, `b/kustomization.yaml: is one of several kustomizations in a folder, of which kustomize takes none`, render.ErrTwoKusts},
		"unknown field":       {`resource: [web.yaml]`, nil, `k/kustomization.yaml: invalid Kustomization: json: unknown field "resource"`, nil},
		"no YAML":             {`resources: [`, nil, `k/kustomization.yaml: invalid Kustomization: yaml: line 1: did not find expected node content`, nil},
		"alias bomb":          {bomb(), nil, `k/kustomization.yaml: invalid Kustomization: yaml: document contains excessive aliasing`, nil},
		"alias bomb for a plugin": {`transformers: [bomb.yaml]`, map[string]string{"k/bomb.yaml": bomb()},
			`transformers[0]: "bomb.yaml" error converting YAML to JSON: yaml: document contains excessive aliasing`, nil},
		"large kustomization": {"#" + strings.Repeat(".", 4<<20), nil, `k/kustomization.yaml: takes more than it may (size)`, render.ErrTooMuch},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			want := c.want
			if !strings.Contains(want, "kustomization.yaml: ") {
				want = "k/kustomization.yaml: " + want
			}
			_, err := render.Uses(with(c.kustomization, c.more), "k", false)
			var refused *render.Refusal
			if !errors.As(err, &refused) || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not %v", err, c.is)
			}
		})
	}
}

// bomb is a short text that aliases make long.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for c := 'b'; c < 'k'; c++ {
		name, before := string(c)+"0", string(c-1)+"0"
		b.WriteString(name + ": &" + name + " [" + strings.Repeat("*"+before+", ", 9) + "*" + before + "]\n")
	}
	return b.String()
}

// TestRefusedTop has what is wrong with the folder that is asked about.
func TestRefusedTop(t *testing.T) {
	tree := with("resources: []", map[string]string{"loop": "-> loop", "empty/x": ""})
	for dir, want := range map[string]string{
		"nowhere": "nowhere: does not exist",
		"empty":   "empty: is a folder without a kustomization",
		"loop":    "loop: is a loop of symbolic links",
		"../k":    "../k: leads out of the tree, where nothing is read",
	} {
		if _, err := render.Uses(tree, dir, false); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", dir, err, want)
		}
	}
}

// TestRemoteSpellings has the ways in which people name what is elsewhere.
func TestRemoteSpellings(t *testing.T) {
	for _, entry := range spellings {
		_, err := render.Uses(with("resources:\n- |-\n  "+entry, nil), "k", true)
		if !errors.Is(err, render.ErrRemote) {
			t.Errorf("%s: %v", entry, err)
		}
	}
	for _, entry := range []string{"./github.com/org/repo", "web@v1.yaml", "a:b.yaml", "httpd", "git.yaml", "org/repo.git/x"} {
		name := "k/" + strings.TrimPrefix(entry, "./")
		_, err := render.Uses(with("resources: ["+`"`+entry+`"]`, map[string]string{name: ""}), "k", true)
		if err != nil {
			t.Errorf("%s is a file: %v", entry, err)
		}
	}
}

var spellings = []string{
	"https://github.com/org/repo", "https://github.com/org/repo//path?ref=v1", "HTTPS://GitHub.com/org/repo", "http://host/x.yaml",
	"http:host/x.yaml", "https:/host/x.yaml", "https://raw.githubusercontent.com/org/repo/main/x.yaml",
	"github.com/org/repo", "GitHub.com/org/repo?ref=main", "github.com:org/repo.git", "git@github.com:org/repo.git", "git@github.com/org/repo",
	"git::https://host/org/repo.git", "git::git@host:org/repo", "GIT::ssh://host/org/repo", "git::github.com/org/repo",
	"ssh://git@host/org/repo", "ssh://host:22/org/repo//path", "git@host:org/repo", "user@host.example:path/to/repo.git/", "org-1@host/a/b",
	"file:///tmp/repo", "FILE:///tmp/repo.git//x", "git://host/repo", "git+ssh://host/repo", "s3::https://host/bucket/x", "s3://bucket/x", "hg::http://host/x",
	"gs://bucket/x", "oci://host/x", "https://user@dev.azure.com/org/project/_git/repo/path", "https://host/repo.git?ref=a&timeout=9s&submodules=0",
}

// TestUses has what is not remote, run or outside, in ways that look alike.
func TestUses(t *testing.T) {
	tree := with(`
resources: [./web.yaml, ../b/, "../k/web.yaml"]
patchesStrategicMerge: ["{apiVersion: v1, kind: ConfigMap, metadata: {name: web, annotations: {see: https://example.com}}}"]
images: [{name: github.com/org/repo}]
configMapGenerator: [{name: x, literals: ["url=https://example.com"], files: [key=web.yaml]}]
`, map[string]string{"unused.yaml": ""})
	used, err := render.Uses(tree, "./k/", false)
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(used.Files))
	want := []string{"b/kustomization.yaml", "b/web.yaml", "k/kustomization.yaml", "k/web.yaml"}
	if !slices.Equal(names, want) || !slices.Equal(used.Dirs, []string{"b"}) || used.File != "k/kustomization.yaml" || used.Component {
		t.Errorf("%q, %+v", names, used)
	}
	if used, err := render.Uses(with("kind: Component\nresources: [../b/web.yaml]", nil), "k", true); err != nil || !used.Component {
		t.Errorf("%+v, %v", used, err)
	}
}

// TestUsesOnce: a kustomization is read once however many use it, or a few files would make
// work without end.
func TestUsesOnce(t *testing.T) {
	texts := map[string]string{"l0/kustomization.yaml": "namePrefix: x"}
	for i := range 40 {
		above, below := "l"+strings.Repeat("i", i+1), "l"+strings.Repeat("i", i)
		if i == 0 {
			below = "l0"
		}
		texts[above+"/kustomization.yaml"] = "resources: [a, b]"
		texts[above+"/a/kustomization.yaml"] = "namePrefix: a\nresources: [../../" + below + "]"
		texts[above+"/b/kustomization.yaml"] = "namePrefix: b\nresources: [../../" + below + "]"
	}
	used, err := render.Uses(files(texts), "l"+strings.Repeat("i", 40), false)
	if err != nil || len(used.Dirs) != 120 {
		t.Errorf("%d folders, %v", len(used.Dirs), err)
	}
}

// TestUsesBounded: what the scan parses has an end, however many files it is in.
func TestUsesBounded(t *testing.T) {
	texts := map[string]string{}
	var all strings.Builder
	all.WriteString("resources:\n")
	for i := range 9 {
		name := fmt.Sprintf("b%d", i)
		texts[name+"/kustomization.yaml"] = "#" + strings.Repeat(".", 4<<20-2)
		all.WriteString("- ../" + name + "\n")
	}
	_, err := render.Uses(with(all.String(), texts), "k", false)
	if !errors.Is(err, render.ErrTooMuch) {
		t.Error(err)
	}
}

// TestFieldsKnown fails when the library learns a field: it may load something.
func TestFieldsKnown(t *testing.T) {
	for _, c := range []struct {
		of           reflect.Type
		loads, other string
	}{
		{reflect.TypeFor[types.Kustomization](),
			"OpenAPI PatchesStrategicMerge PatchesJson6902 Patches Replacements Resources Components Crds Bases ConfigMapGenerator SecretGenerator " +
				"HelmCharts HelmChartInflationGenerator Configurations Generators Transformers Validators",
			"TypeMeta MetaData NamePrefix NameSuffix Namespace CommonLabels Labels CommonAnnotations Images ImageTags Replicas Vars SortOptions " +
				"HelmGlobals GeneratorOptions BuildMetadata"},
		{reflect.TypeFor[types.KvPairSources](), "FileSources EnvSources EnvSource", "LiteralSources"},
		{reflect.TypeFor[types.GeneratorArgs](), "KvPairSources", "Namespace Name Behavior Options"},
		{reflect.TypeFor[types.Patch](), "Path", "Patch Target Options"},
		{reflect.TypeFor[types.ReplacementField](), "Path", "Replacement"},
		{reflect.TypeFor[types.Replacement](), "", "Source SourceValue Targets"},
	} {
		known := strings.Fields(c.loads + " " + c.other)
		for i := range c.of.NumField() {
			if name := c.of.Field(i).Name; !slices.Contains(known, name) {
				t.Errorf("%v has a field %s: does it load a file?", c.of, name)
			}
		}
	}
}

// FuzzUses: whatever a kustomization says, no file is used that is not of the tree.
func FuzzUses(f *testing.F) {
	f.Add("resources: [web.yaml, ../b]\npatches: [{path: web.yaml}]")
	f.Add("transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  path: l\n")
	f.Fuzz(func(t *testing.T, text string) {
		tree := with(text, map[string]string{"k/l": "-> ../../x", "k/m": "-> ../b/web.yaml", "b/n": "-> ../k"})
		used, err := render.Uses(tree, "k", true)
		var refused *render.Refusal
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("%v is no Refusal", err)
		}
		for name := range used.Files {
			if file := tree[name]; file == nil || file.Mode&fs.ModeSymlink != 0 {
				t.Errorf("%q is used", name)
			}
		}
	})
}
