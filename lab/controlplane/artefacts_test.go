//go:build linux

package controlplane

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/model/artefact"
	"sigs.k8s.io/yaml"
)

// policies has the kinds of the policy API that is no part of Kubernetes.
func policies(t *testing.T) *Cluster {
	t.Helper()
	c := cluster(t)
	dir, err := Definitions()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(dir + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Define(t.Context(), asJSON(t, text)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// bookkeeping is what the server writes beside what it is given.
var bookkeeping = []string{"metadata.creationTimestamp", "metadata.generation", "metadata.managedFields",
	"metadata.resourceVersion", "metadata.uid"}

// All that is compiled for the estates of the examples is applied to a server that has
// those estates. The server takes each object in the order of the stream and keeps every
// field as it is; patches change what they are about and nothing else; and applying all of
// it again changes nothing.
func TestArtefactsAreTaken(t *testing.T) {
	c := policies(t)
	seen := map[string]bool{}
	for _, story := range stories(t) {
		t.Run(story.name, func(t *testing.T) {
			m := story.compiled(t)
			for _, a := range m.out.Artefacts {
				for _, part := range partsOf(a) {
					seen[part] = true
				}
			}
			s := newStage(t, c)
			s.estate(m)
			s.stream(m)
			s.patches(m)
			s.again(m)
		})
	}
	for _, part := range parts {
		if !seen[part] {
			t.Errorf("nobody makes %s: it was not tried", part)
		}
	}
}

// parts are all that backends make: whole objects, and fields of others' objects.
var parts = []string{
	"Cluster spec.podSelectorRefs",
	"Cluster spec.postgresql.parameters.ssl_min_protocol_version",
	"Cluster spec.postgresql.pg_hba",
	"Cluster spec.postgresql.pg_ident",
	"ClusterNetworkPolicy",
	"ConfigMap",
	"ConfigMap data[pg_hba.conf]",
	"DatabaseRole",
	"Namespace metadata.labels[pod-security.kubernetes.io/enforce]",
	"NetworkPolicy",
	"PerconaPGCluster spec.authentication.rules",
	"PerconaPGCluster spec.patroni.dynamicConfiguration.postgresql.parameters.ssl_min_protocol_version",
	"PerconaPGCluster spec.patroni.dynamicConfiguration.postgresql.pg_hba",
	"PerconaPGCluster spec.patroni.dynamicConfiguration.postgresql.pg_ident",
	"Pooler spec.pgbouncer.parameters.client_tls_protocols",
	"Pooler spec.pgbouncer.parameters.client_tls_sslmode",
	"Pooler spec.pgbouncer.pg_hba",
	"PostgresCluster spec.authentication.rules",
	"PostgresCluster spec.patroni.dynamicConfiguration.postgresql.parameters.ssl_min_protocol_version",
	"PostgresCluster spec.patroni.dynamicConfiguration.postgresql.pg_hba",
	"PostgresCluster spec.patroni.dynamicConfiguration.postgresql.pg_ident",
	"Role",
	"RoleBinding",
	"SGCluster spec.configurations.patroni.dynamicConfig.postgresql.pg_hba",
	"SGCluster spec.configurations.postgres[postgresql.conf].ssl_min_protocol_version",
	"postgresql spec.patroni.pg_hba",
	"postgresql spec.postgresql.parameters.ssl_min_protocol_version",
}

func partsOf(a artefact.Artefact) []string {
	if a.Object != nil {
		return []string{a.Ref.Kind}
	}
	var out []string
	for _, f := range a.Fields {
		out = append(out, a.Ref.Kind+" "+f.Name())
	}
	return out
}

// streamed are the objects of the stream that the program prints, as kubectl would read
// them.
func (s *stage) streamed(m made) []object.Object {
	s.t.Helper()
	var text strings.Builder
	if err := manifest.Stream(&text, m.out, manifest.Options{Objects: m.objects}); err != nil {
		s.t.Fatal(err)
	}
	batch, err := file.Read(s.t.Context(), []string{"-"}, file.Options{Stdin: strings.NewReader(text.String())})
	if err != nil && !errors.Is(err, file.ErrNothing) || len(batch.Problems) > 0 {
		s.t.Fatal(err, batch.Problems)
	}
	whole := 0
	for _, a := range s.together(m) {
		if a.Object != nil {
			whole++
		}
	}
	if len(batch.Objects) != whole {
		s.t.Errorf("the stream has %d objects, and %d were made", len(batch.Objects), whole)
	}
	return batch.Objects
}

func (s *stage) together(m made) []artefact.Artefact {
	s.t.Helper()
	out, err := artefact.Together(m.out.Artefacts)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// stream applies the whole objects.
func (s *stage) stream(m made) {
	s.t.Helper()
	for _, o := range s.streamed(m) {
		s.define(o)
		if o.Namespace != "" {
			s.namespace(o.Namespace)
		}
		n := Name{o.APIVersion, o.Kind, o.Namespace, o.Name}
		s.apply(withNamespace(s.t, o), "pgmoat")
		compare(s.t, n, tree(s.t, withNamespace(s.t, o)), tree(s.t, s.get(n)), slices.Concat(bookkeeping, defaults(s.t, n))...)
	}
}

// A command is one that a patch file says to run: a merge patch of an object in a version.
type command struct {
	target     *artefact.Artefact
	apiVersion string
	patch      []byte
}

func (c command) name() Name {
	r := c.target.Ref
	return Name{c.apiVersion, r.Kind, r.Namespace, r.Name}
}

var kubectl = regexp.MustCompile(`(?m)^#   kubectl patch (\S+) (\S+)(?: --namespace (\S+))? --type merge --patch-file (\S+)$`)

// kindOf reads what kubectl is told the kind by, "TYPE[.VERSION][.GROUP]".
func kindOf(word string) (kind, group, apiVersion string) {
	parts := strings.SplitN(word, ".", 3)
	if len(parts) < 3 {
		return word, "", "v1"
	}
	return parts[0], parts[2], parts[2] + "/" + parts[1]
}

// commands reads the patch files that the program writes, with the command in each.
func (s *stage) commands(m made, objects []object.Object) []command {
	s.t.Helper()
	files, err := manifest.Dir(m.out, manifest.Options{Objects: objects})
	if err != nil {
		s.t.Fatal(err)
	}
	all := s.together(m)
	var out []command
	for _, f := range files {
		if !strings.HasPrefix(f.Name, "patches/") {
			continue
		}
		words := kubectl.FindStringSubmatch(f.Data)
		if words == nil || words[4] != f.Name {
			s.t.Fatalf("%s says no command\n%s", f.Name, f.Data)
		}
		data, err := yaml.YAMLToJSONStrict([]byte(f.Data))
		if err != nil {
			s.t.Fatal(err)
		}
		kind, group, apiVersion := kindOf(words[1])
		c := command{apiVersion: apiVersion, patch: data}
		for i, a := range all {
			if strings.ToLower(a.Ref.Kind) == kind && a.Group() == group && a.Ref.Name == words[2] && a.Ref.Namespace == words[3] {
				c.target = &all[i]
			}
		}
		if c.target == nil {
			s.t.Fatalf("%s: nobody knows what it is about", words[0])
		}
		out = append(out, c)
	}
	return out
}

// patches runs the commands. Each object is then what it was, but for the fields.
func (s *stage) patches(m made) {
	s.t.Helper()
	for _, c := range s.commands(m, m.objects) {
		s.namespaceOf(c.name())
		s.patch(c)
	}
}

// namespaceOf makes a Namespace that a patch is about and no manifest declares.
func (s *stage) namespaceOf(n Name) {
	if n.Kind == "Namespace" {
		s.namespace(n.Name)
	}
}

func (s *stage) patch(c command) {
	s.t.Helper()
	n := c.name()
	before := s.get(n)
	want := tree(s.t, before)
	for _, f := range c.target.Fields {
		set(want, f.Path, valueOf(s.t, f.Value))
	}
	s.rehearse(c, want)
	a, err := s.Patch(s.t.Context(), n, MergePatch, c.patch)
	if err == nil {
		err = a.Err()
	}
	if err != nil {
		s.t.Errorf("%v: %v\n%s", n, err, c.patch)
		return
	}
	is := tree(s.t, s.get(n))
	first := revision(is)
	s.unmarked(n, want, is)
	again, err := s.Patch(s.t.Context(), n, MergePatch, c.patch)
	if err == nil {
		err = again.Err()
	}
	if err != nil {
		s.t.Errorf("%v, again: %v", n, err)
	} else if second := revision(tree(s.t, again.Body)); second != first {
		s.t.Errorf("%v: the same patch again makes revision %s of %s", n, second, first)
	}
}

// rehearse asks what a server-side apply of the fields would make of the object. It is
// taken, too, and changes nothing else. In the fields it may leave more than the patch does:
// entries of somebody else's, where an operator's list is one with keys.
func (s *stage) rehearse(c command, want map[string]any) {
	s.t.Helper()
	n := c.name()
	root := map[string]any{}
	set(root, []string{"apiVersion"}, n.APIVersion)
	set(root, []string{"kind"}, n.Kind)
	set(root, []string{"metadata", "name"}, n.Name)
	if n.Namespace != "" {
		set(root, []string{"metadata", "namespace"}, n.Namespace)
	}
	for _, f := range c.target.Fields {
		set(root, f.Path, valueOf(s.t, f.Value))
	}
	a, err := s.Rehearse(s.t.Context(), []byte(text(root)), "pgmoat")
	if err == nil {
		err = a.Err()
	}
	if err != nil {
		s.t.Errorf("%v: %v\n%s", n, err, text(root))
		return
	}
	is := tree(s.t, a.Body)
	others := tree(s.t, []byte(text(want)))
	for _, f := range c.target.Fields {
		set(is, f.Path, nil)
		set(others, f.Path, nil)
	}
	s.unmarked(n, others, is)
}

// unmarked compares two states of an object but for what the server writes itself: a parent
// that was not there brings the defaults below it.
func (s *stage) unmarked(n Name, want, is map[string]any) {
	s.t.Helper()
	for _, o := range []map[string]any{want, is} {
		meta := o["metadata"].(map[string]any)
		for _, key := range []string{"generation", "managedFields", "resourceVersion"} {
			delete(meta, key)
		}
	}
	compare(s.t, n, want, is, defaults(s.t, n)...)
}

// again applies everything a second time.
func (s *stage) again(m made) {
	s.t.Helper()
	for _, o := range s.streamed(m) {
		n := Name{o.APIVersion, o.Kind, o.Namespace, o.Name}
		before := revision(tree(s.t, s.get(n)))
		s.apply(withNamespace(s.t, o), "pgmoat")
		if after := revision(tree(s.t, s.get(n))); before != after {
			s.t.Errorf("%v: applying it again makes revision %s of %s", n, after, before)
		}
	}
	var stored []object.Object
	for _, o := range m.objects {
		read, err := object.New(s.get(Name{o.APIVersion, o.Kind, o.Namespace, o.Name}), o.Source, "")
		if err != nil {
			s.t.Fatal(err)
		}
		stored = append(stored, read)
	}
	read := overlay.ByKey(stored)
	for _, c := range s.commands(m, stored) {
		if _, ok := read[c.target.Key()]; ok {
			s.t.Errorf("%v: what is set already is patched: %s", c.name(), c.patch)
		}
	}
}

func revision(o map[string]any) string {
	rv, _ := o["metadata"].(map[string]any)["resourceVersion"].(string)
	return rv
}

// set is the dullest way to set a field.
func set(root map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		below, ok := root[key].(map[string]any)
		if !ok {
			below = map[string]any{}
			root[key] = below
		}
		root = below
	}
	root[path[len(path)-1]] = value
}

func valueOf(t *testing.T, v artefact.Value) any {
	t.Helper()
	return tree(t, []byte(`{"v":`+text(v)+`}`))["v"]
}
