package live

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// The client library's own limit is five requests in a second, which is for controllers that
// run for ever beside others. A read asks once for each of some seventy kinds, or for each in
// each named namespace, one request at a time; this is kubectl's own. The server protects
// itself: it answers 429 with the time to wait, and that is heeded.
const (
	requestsPerSecond = 50
	requestsAtOnce    = 300
)

// inCluster is what a cluster is called that is found by the pod's own account.
const inCluster = "in-cluster"

// A cluster is a server that was found, and what people call it.
type cluster struct {
	// name is that of the context, or "in-cluster".
	name string
	// server is the address without credentials.
	server string
	client *rest.RESTClient
}

// connect finds the cluster. Nothing is asked of it yet.
func connect(opts Options, pod func() (*rest.Config, error)) (*cluster, error) {
	config, name, err := configure(opts, pod)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst, config.RateLimiter = requestsPerSecond, requestsAtOnce, nil
	config.UserAgent = "pgmoat"
	config.WarningHandler = rest.NoWarnings{} // that a version is deprecated is for those who write objects
	config.NegotiatedSerializer = statuses()
	config.GroupVersion, config.APIPath = nil, ""
	config.Timeout = 0 // each request has its own, which a caller can end
	config.Wrap(bounding)
	client, err := rest.UnversionedRESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	address, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("%s: server: %w", name, err)
	}
	return &cluster{name: name, server: (&url.URL{Scheme: address.Scheme, Host: address.Host, Path: address.Path}).String(), client: client}, nil
}

// statuses decodes what the server says when it refuses; all else is read as bytes.
func statuses() runtime.NegotiatedSerializer {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	return serializer.NewCodecFactory(scheme).WithoutConversion()
}

// configure reads the kubeconfig as kubectl does, and returns the name of the context.
func configure(opts Options, pod func() (*rest.Config, error)) (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = opts.Kubeconfig
	rules.MigrationRules = nil // it copies files
	rules.Warner = func(error) {}
	kubeconfig, err := rules.Load()
	if err != nil {
		return nil, "", unreadable(rules, err)
	}
	name := opts.Context
	if name == "" {
		name = kubeconfig.CurrentContext
	}
	if name == "" && opts.Kubeconfig == "" {
		config, err := pod()
		switch {
		case errors.Is(err, rest.ErrNotInCluster):
			return nil, "", noContext(rules, kubeconfig)
		case err != nil:
			return nil, "", fmt.Errorf("%s: %w", inCluster, err)
		}
		return config, inCluster, nil
	}
	is := kubeconfig.Contexts[name]
	switch {
	case is == nil:
		return nil, "", unknownContext(rules, kubeconfig, name)
	case kubeconfig.Clusters[is.Cluster] == nil:
		return nil, "", fmt.Errorf("%s: context %q: has no cluster %q", files(rules), name, is.Cluster)
	case is.AuthInfo != "" && kubeconfig.AuthInfos[is.AuthInfo] == nil:
		return nil, "", fmt.Errorf("%s: context %q: has no user %q", files(rules), name, is.AuthInfo)
	}
	config, err := clientcmd.NewNonInteractiveClientConfig(*kubeconfig, name, &clientcmd.ConfigOverrides{}, rules).ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("%s: context %q: %w: look at it with kubectl config view", files(rules), name, err)
	}
	return config, name, nil
}

// files names the kubeconfigs that count.
func files(rules *clientcmd.ClientConfigLoadingRules) string {
	if rules.ExplicitPath != "" {
		return rules.ExplicitPath
	}
	return strings.Join(rules.Precedence, ", ")
}

// unreadable is the error of a kubeconfig that cannot be read. The parser's words may quote
// what stands there, a token, so that only the place is taken from them.
func unreadable(rules *clientcmd.ClientConfigLoadingRules, err error) error {
	name := files(rules)
	if m := faultyFile.FindStringSubmatch(err.Error()); m != nil {
		name = m[1]
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("kubeconfig %s: there is no such file", name)
	case strings.Contains(err.Error(), "permission denied"):
		return fmt.Errorf("kubeconfig %s: permission denied", name)
	}
	where := ""
	if m := faultyPlace.FindStringSubmatch(err.Error()); m != nil {
		where = cmp.Or(m[1], m[2]) + ": "
	}
	return fmt.Errorf("kubeconfig %s: %scannot be understood; kubectl config view says why", name, where)
}

var (
	faultyFile  = regexp.MustCompile(`^error loading config file "([^"]+)"`)
	faultyPlace = regexp.MustCompile(`yaml: (line \d+)|Go struct field \w+\.([\w.]+) of type`)
)

// noContext is the error where nothing says which cluster.
func noContext(rules *clientcmd.ClientConfigLoadingRules, kubeconfig *clientcmdapi.Config) error {
	if len(kubeconfig.Contexts) == 0 {
		return fmt.Errorf("%w: no context in %s, and this is no pod", ErrNoCluster, files(rules))
	}
	return fmt.Errorf("%w: no current context in %s: name one of %s, or choose with kubectl config use-context",
		ErrNoCluster, files(rules), contexts(kubeconfig))
}

// unknownContext is the error where the context that was named is not there.
func unknownContext(rules *clientcmd.ClientConfigLoadingRules, kubeconfig *clientcmdapi.Config, name string) error {
	switch {
	case name == "":
		return noContext(rules, kubeconfig)
	case len(kubeconfig.Contexts) == 0:
		return fmt.Errorf("%s: has no context %q, nor any other", files(rules), name)
	}
	return fmt.Errorf("%s: has no context %q; there are %s", files(rules), name, contexts(kubeconfig))
}

// contexts lists the names of the contexts that there are.
func contexts(kubeconfig *clientcmdapi.Config) string {
	const most = 20
	names := slices.Sorted(maps.Keys(kubeconfig.Contexts))
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	for i, n := range names {
		names[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(names, ", ") + more
}
