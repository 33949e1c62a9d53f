//go:build linux

package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// A Name says which object is meant.
type Name struct{ APIVersion, Kind, Namespace, Name string }

// NameOf reads the name of an object.
func NameOf(object []byte) (Name, error) {
	var in struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"metadata"`
	}
	err := json.Unmarshal(object, &in)
	return Name{in.APIVersion, in.Kind, in.Metadata.Namespace, in.Metadata.Name}, err
}

// Path returns the path of an object; that of the list it is in where it has no name.
// The namespace is left out where the kind has none.
func (c *Cluster) Path(ctx context.Context, n Name) (string, error) {
	base := "/apis/" + n.APIVersion
	if n.APIVersion == "v1" {
		base = "/api/v1"
	}
	r, err := c.resource(ctx, base, n.Kind)
	if err != nil {
		return "", fmt.Errorf("%s: %w", n.APIVersion, err)
	}
	if r.Namespaced {
		base += "/namespaces/" + url.PathEscape(n.Namespace)
	}
	if n.Name == "" {
		return base + "/" + r.Name, nil
	}
	return base + "/" + r.Name + "/" + url.PathEscape(n.Name), nil
}

// A resource is what the server calls a kind in paths.
type resource struct {
	Name, Kind string
	Namespaced bool
}

// resource asks the server once for each kind.
func (c *Cluster) resource(ctx context.Context, base, kind string) (resource, error) {
	if known, ok := c.resources.Load(base + " " + kind); ok {
		return known.(resource), nil
	}
	a, err := c.Do(ctx, Request{Path: base})
	if err == nil {
		err = a.Err()
	}
	if err != nil {
		return resource{}, err
	}
	var list struct{ Resources []resource }
	if err := json.Unmarshal(a.Body, &list); err != nil {
		return resource{}, err
	}
	for _, r := range list.Resources { // a resource comes before its parts, "pods" before "pods/status"
		if r.Kind == kind {
			c.resources.Store(base+" "+kind, r)
			return r, nil
		}
	}
	return resource{}, fmt.Errorf("the server has no kind %s", kind)
}

// Create makes an object, with what the server adds to it in the answer. Options are
// those of the request, "dryRun" or "fieldValidation"; nil has kubectl's strictness.
func (c *Cluster) Create(ctx context.Context, object []byte, options url.Values) (Answer, error) {
	n, err := NameOf(object)
	if err != nil {
		return Answer{}, err
	}
	n.Name = ""
	if options == nil {
		options = url.Values{"fieldValidation": {"Strict"}}
	}
	return c.ask(ctx, n, Request{Method: http.MethodPost, Query: options, Body: object})
}

// Apply is a server-side apply of an object, or of some of its fields, by a field manager.
// It takes fields from whoever has them. An unknown field is refused.
func (c *Cluster) Apply(ctx context.Context, object []byte, manager string) (Answer, error) {
	return c.apply(ctx, object, url.Values{"fieldManager": {manager}})
}

// Rehearse is Apply that changes nothing: the answer is what the object would be.
func (c *Cluster) Rehearse(ctx context.Context, object []byte, manager string) (Answer, error) {
	return c.apply(ctx, object, url.Values{"fieldManager": {manager}, "dryRun": {"All"}})
}

func (c *Cluster) apply(ctx context.Context, object []byte, options url.Values) (Answer, error) {
	n, err := NameOf(object)
	if err != nil {
		return Answer{}, err
	}
	options.Set("force", "true")
	options.Set("fieldValidation", "Strict")
	return c.ask(ctx, n, Request{Method: http.MethodPatch, Type: ApplyPatch, Query: options, Body: object})
}

// Get reads an object.
func (c *Cluster) Get(ctx context.Context, n Name) (Answer, error) { return c.ask(ctx, n, Request{}) }

// Patch changes an object; kind is one of the types of patches.
func (c *Cluster) Patch(ctx context.Context, n Name, kind string, patch []byte) (Answer, error) {
	return c.ask(ctx, n, Request{
		Method: http.MethodPatch, Type: kind, Body: patch, Query: url.Values{"fieldValidation": {"Strict"}},
	})
}

// Delete takes an object away.
func (c *Cluster) Delete(ctx context.Context, n Name) (Answer, error) {
	return c.ask(ctx, n, Request{Method: http.MethodDelete})
}

func (c *Cluster) ask(ctx context.Context, n Name, q Request) (Answer, error) {
	var err error
	if q.Path, err = c.Path(ctx, n); err != nil {
		return Answer{}, err
	}
	return c.Do(ctx, q)
}

// Define makes a CustomResourceDefinition and waits until the server serves its objects.
func (c *Cluster) Define(ctx context.Context, definition []byte) error {
	a, err := c.Apply(ctx, definition, "lab")
	if err == nil {
		err = a.Err()
	}
	if err != nil {
		return err
	}
	n, err := NameOf(definition)
	if err != nil {
		return err
	}
	for {
		if a, err = c.Get(ctx, n); err != nil {
			return err
		}
		done, err := c.served(ctx, a)
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: is not served: %w", n.Name, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// served reports whether a definition is established and its kind among what the server
// lists. An error is what the server has against the definition, or its names.
func (c *Cluster) served(ctx context.Context, definition Answer) (bool, error) {
	var in struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct{ Name string }
		}
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err := json.Unmarshal(definition.Body, &in); err != nil {
		return false, err
	}
	established := false
	for _, s := range in.Status.Conditions {
		switch {
		case s.Type == "Established":
			established = s.Status == "True"
		case s.Type == "NamesAccepted" && s.Status == "False", s.Type == "NonStructuralSchema" && s.Status == "True":
			return false, fmt.Errorf("%s: %s", in.Spec.Names.Kind, s.Message)
		}
	}
	if !established {
		return false, nil
	}
	for _, v := range in.Spec.Versions {
		n := Name{APIVersion: in.Spec.Group + "/" + v.Name, Kind: in.Spec.Names.Kind, Namespace: "default"}
		if _, err := c.Path(ctx, n); err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		// The list is told before the objects are served.
		if a, err := c.ask(ctx, n, Request{}); err != nil || a.Status != http.StatusOK {
			return false, err
		}
	}
	return true, nil
}
