package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// acceptCatalog asks for all that is served in one answer, and else for the older form, an
// answer for each group and version.
const acceptCatalog = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
	"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"

// A catalog is what a server serves: the versions of each group, those it prefers first.
type catalog map[string][]*version

// A version of a group. Its resources may be unknown yet, and unavailable says why they stay so.
type version struct {
	group, name string
	resources   []resource
	known       bool
	unavailable string
}

// A resource is what a kind is called in paths.
type resource struct {
	name, kind string
	namespaced bool
	listed     bool
}

// An index is an answer about groups, in any of the forms: aggregated, which has items;
// /apis, which has groups; and /api, which has versions.
type index struct {
	Kind  string
	Items []struct {
		Metadata struct{ Name string }
		Versions []struct {
			Version, Freshness string
			Resources          []struct {
				Resource, Scope string
				ResponseKind    struct{ Group, Kind string }
				Verbs           []string
			}
		}
	}
	Groups []struct {
		Name             string
		Versions         []struct{ Version string }
		PreferredVersion struct{ Version string }
	}
	Versions []string
}

// catalog asks what is served.
func (c *cluster) catalog(ctx context.Context) (catalog, error) {
	out := catalog{}
	for _, path := range []string{"/api", "/apis"} {
		var in index
		err := c.ask(ctx, path, acceptCatalog, &in)
		switch {
		case isCode(err, http.StatusForbidden):
			return nil, fmt.Errorf("may not ask what is served (%w): the account lacks what the ClusterRole system:discovery grants", err)
		case err != nil:
			return nil, fmt.Errorf("cannot ask what is served: %w", err)
		case !slices.Contains([]string{"APIGroupDiscoveryList", "APIGroupList", "APIVersions"}, in.Kind):
			return nil, fmt.Errorf("%s answers as no kube-apiserver does", path)
		}
		out.add(in)
	}
	return out, nil
}

func (c catalog) add(in index) {
	for _, g := range in.Items {
		for _, v := range g.Versions {
			is := &version{group: g.Metadata.Name, name: v.Version, known: true}
			if v.Freshness == "Stale" {
				is.unavailable = "the server that has this API does not answer"
			}
			for _, r := range v.Resources {
				if r.ResponseKind.Group == "" || r.ResponseKind.Group == g.Metadata.Name {
					is.resources = append(is.resources, resource{r.Resource, r.ResponseKind.Kind, r.Scope == "Namespaced", slices.Contains(r.Verbs, "list")})
				}
			}
			c[is.group] = append(c[is.group], is)
		}
	}
	for _, g := range in.Groups {
		for _, v := range g.Versions {
			is := &version{group: g.Name, name: v.Version}
			if v.Version == g.PreferredVersion.Version {
				c[g.Name] = slices.Insert(c[g.Name], 0, is)
				continue
			}
			c[g.Name] = append(c[g.Name], is)
		}
	}
	for _, v := range in.Versions {
		c[""] = append(c[""], &version{name: v})
	}
}

// path begins the paths of the version's resources.
func (v *version) path() string {
	if v.group == "" {
		return "/api/" + v.name
	}
	return "/apis/" + v.group + "/" + v.name
}

// apiVersion is what objects of the version say.
func (v *version) apiVersion() string {
	if v.group == "" {
		return v.name
	}
	return v.group + "/" + v.name
}

// learn asks for the resources of a version, once, where the first answer did not have them.
func (c *cluster) learn(ctx context.Context, v *version) error {
	if v.known {
		return nil
	}
	var in struct {
		Resources []struct {
			Name, Kind, Group string
			Namespaced        bool
			Verbs             []string
		}
	}
	err := c.ask(ctx, v.path(), "application/json", &in)
	var no *refusal
	if err != nil && !errors.As(err, &no) || isCode(err, http.StatusUnauthorized) {
		return err
	}
	v.known = true
	if no != nil {
		v.unavailable = no.why
	}
	for _, r := range in.Resources {
		if r.Group == "" || r.Group == v.group {
			v.resources = append(v.resources, resource{r.Name, r.Kind, r.Namespaced, slices.Contains(r.Verbs, "list")})
		}
	}
	return nil
}

// A place is where the objects of a kind are listed.
type place struct {
	version  *version
	resource resource
}

// find looks a kind up: in its own version where that is served, else in the one that the
// server prefers. Where there is none, the Kind says what that means: a group that does not
// answer may have the kind.
func (c *cluster) find(ctx context.Context, served catalog, t Type) (place, snapshot.Kind, error) {
	none := snapshot.Kind{Name: t.String(), Decides: t.Decides, Listing: snapshot.KindAbsent}
	is := none
	for _, v := range preferring(served[t.Group], t.Version) {
		if err := c.learn(ctx, v); err != nil {
			return place{}, is, err
		}
		i := slices.IndexFunc(v.resources, func(r resource) bool { return r.kind == t.Kind && !strings.Contains(r.name, "/") })
		switch {
		case v.unavailable != "":
			is.Listing, is.Why = snapshot.KindRefused, fmt.Sprintf("%s: %s", v.apiVersion(), v.unavailable)
		case i >= 0 && !v.resources[i].listed:
			is.Listing, is.Why = snapshot.KindRefused, fmt.Sprintf("%s: objects of it cannot be listed", v.apiVersion())
		case i >= 0:
			return place{v, v.resources[i]}, none, nil
		}
	}
	return place{}, is, nil
}

// preferring puts one version before all others.
func preferring(all []*version, name string) []*version {
	i := slices.IndexFunc(all, func(v *version) bool { return v.name == name })
	if i < 0 {
		return all
	}
	return slices.Concat(all[i:i+1], all[:i], all[i+1:])
}

// ask gets an answer that is small enough to be held as a whole.
func (c *cluster) ask(ctx context.Context, path, accept string, into any) error {
	ctx, done := patience(ctx)
	defer done()
	answer := c.client.Get().AbsPath(path).SetHeader("Accept", accept).Do(ctx)
	if err := answer.Error(); err != nil { // Raw has not the server's words
		return verdictOf(ctx, err)
	}
	text, err := answer.Raw()
	if err != nil {
		return verdictOf(ctx, err)
	}
	if json.Unmarshal(text, into) != nil {
		return fmt.Errorf("%s: what answers is no kube-apiserver: the answer is not JSON as one writes it", path)
	}
	return nil
}
