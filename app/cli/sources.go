package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/kube/live"
	"github.com/pgmoat/pgmoat/adapter/repo"
	"github.com/pgmoat/pgmoat/adapter/source"
)

// A sources is what the flags say of where to read, beside paths and files of facts.
type sources struct {
	charts       repo.Charts
	kubeconfig   string
	context      string
	certificates bool
	delete       []string
	// narrowed says that --namespace was given.
	narrowed bool
}

// sourceFlagsOf adds the flags of everything that reads an estate, beside those of files.
func (a *app) sourceFlagsOf(cmd *cobra.Command) {
	f, s := cmd.Flags(), &a.sources
	f.StringVar(&s.context, "context", "", "read the live cluster of this kube context, below what -f names")
	f.StringVar(&s.kubeconfig, "kubeconfig", "", "kubeconfig of live clusters (default: as kubectl)")
	f.BoolVar(&s.certificates, "certificates", false, "of a live cluster, read the certificates that servers name in Secrets, too")
	f.StringArrayVar(&s.delete, "delete", nil, "answer as if this object were deleted: KIND/NAMESPACE/NAME or KIND/NAME; repeatable")
	f.StringArrayVar(&s.charts.Values, "values", nil, "file of values for the one Helm chart that is read; repeatable")
	f.StringArrayVar(&s.charts.Set, "set", nil, "value for the chart, as helm --set; repeatable")
	f.StringArrayVar(&s.charts.SetString, "set-string", nil, "string for the chart, as helm --set-string; repeatable")
	f.StringVar(&s.charts.Release, "release", "", "name of the chart's release (default: the chart's name)")
}

// again are the flags that open sources again as they were opened, but for what is deleted.
func (s sources) again() []string {
	var out []string
	for _, f := range []struct {
		name   string
		values []string
	}{
		{"--values", s.charts.Values}, {"--set", s.charts.Set}, {"--set-string", s.charts.SetString},
		{"--release", given(s.charts.Release)}, {"--kubeconfig", given(s.kubeconfig)},
	} {
		for _, v := range f.values {
			out = append(out, f.name, v)
		}
	}
	if s.certificates {
		out = append(out, "--certificates")
	}
	return out
}

// given is a list of the text, where there is one.
func given(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// paths are the sources of a run: those that -f names, over the cluster where one is asked
// for that -f does not name, and the cluster of the current context where nothing is named.
func (a *app) paths() []string {
	files := a.inContext(a.files)
	at := source.Live + a.sources.context
	if len(files) == 0 || a.sources.context != "" && !slices.Contains(files, at) {
		return append([]string{at}, files...)
	}
	return files
}

// inContext says the context that --context names in the place of the current one.
func (a *app) inContext(paths []string) []string {
	out := slices.Clone(paths)
	for i, p := range out {
		if p == source.Live {
			out[i] += a.sources.context
		}
	}
	return out
}

// compared are the two sources of a comparison, which --context puts none below.
func (a *app) compared(names []string) ([]string, error) {
	names = a.inContext(names)
	at := source.Live + a.sources.context
	if a.sources.context != "" && !slices.Contains(names, at) {
		return nil, fmt.Errorf("--context %s: neither OLD nor NEW is %s", a.sources.context, source.Live)
	}
	return names, nil
}

// namespaces are those that --namespace names, each as it is meant.
func (a *app) namespaces() ([]string, error) {
	names := strings.Split(a.namespace, ",")
	for i, n := range names {
		if names[i] = strings.TrimSpace(n); names[i] == "" {
			return nil, fmt.Errorf("--namespace %q: a name is empty", a.namespace)
		}
	}
	return names, nil
}

// source opens what paths name, as the flags say, without some objects.
func (a *app) source(paths []string, opts estate.Options, without ...string) (estate.Source, error) {
	namespaces, err := a.namespaces()
	if err != nil {
		return nil, err
	}
	if len(namespaces) > 1 && slices.ContainsFunc(paths, func(p string) bool { return !strings.HasPrefix(p, source.Live) }) {
		return nil, fmt.Errorf("--namespace %s: several are for a live cluster alone; manifests that name none are in one", a.namespace)
	}
	if !a.sources.narrowed {
		namespaces = nil
	}
	return source.Open(source.Options{
		Paths: paths, Stdin: opts.Stdin, Skip: opts.Skip, Namespace: cmp.Or(opts.Namespace, "default"), Digests: opts.Inputs != nil,
		Charts:       a.sources.charts,
		Certificates: a.sources.certificates,
		Live:         live.Options{Kubeconfig: a.sources.kubeconfig, Context: a.sources.context, Namespaces: namespaces, Progress: a.progress()},
		Estate:       opts,
		Delete:       without,
	})
}

// progress shows on a terminal how far a cluster is read; nil for nobody who looks.
func (a *app) progress() func(live.Progress) {
	if s, ok := a.err.(*screen); ok {
		return s.progress
	}
	return nil
}

// nothingNamed explains a run that named no source and found no cluster.
func (a *app) nothingNamed(err error) error {
	if len(a.files) > 0 || a.sources.context != "" || !errors.Is(err, live.ErrNoCluster) {
		return err
	}
	return fmt.Errorf("nothing to read: name manifests with -f FILE, -f DIRECTORY or -f -, or a cluster with --context: %w", err)
}
