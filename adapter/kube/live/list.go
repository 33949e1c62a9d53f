package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"k8s.io/client-go/rest"
)

const (
	// objectsPerPage is kubectl's, too. Here only one object is held at a time, but the
	// server holds a page as a whole.
	objectsPerPage = 500
	// fatPerPage is for definitions, some of which have a megabyte, and configMapsPerPage for
	// what may have one.
	fatPerPage, configMapsPerPage = 50, 100
	// maxPages ends a list that has no end.
	maxPages = 20000
	// maxListings is how often a list is begun that the server forgets under way: it keeps the
	// place in a list for five minutes.
	maxListings = 3
)

var secretType = object.Type{Kind: "Secret"}

const (
	acceptObjects  = "application/json"
	acceptMetadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
)

// A listing is the objects of one kind on their way.
type listing struct {
	*cluster
	t        Type
	place    place
	wants    func(object.Type, []byte) bool
	progress func(objects, remaining int)
	// count are all that were seen, unused those that nobody wants.
	count, unused int
	objects       []object.Object
	problems      []snapshot.Problem
}

func perPage(t object.Type) int {
	switch t {
	case object.Type{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
		return fatPerPage
	case object.Type{Kind: "ConfigMap"}:
		return configMapsPerPage
	}
	return objectsPerPage
}

// all reads the list of a namespace, "" for the list of the whole cluster. One that the
// server forgot under way is read anew: what was read by then is not what there was at any
// one time. A *refusal leaves the listing as it was.
func (l *listing) all(ctx context.Context, namespace string) error {
	before := *l
	for try := 1; ; try++ {
		err := l.pages(ctx, namespace)
		if err == nil {
			return nil
		}
		read := l.count - before.count
		*l = before
		var no *refusal
		switch {
		case isCode(err, http.StatusGone) && try < maxListings:
			continue
		case isCode(err, http.StatusGone):
			return fmt.Errorf("%s: the server forgot the place in the list %d times before it was read: %s", l.t, try, oneLine(err.Error()))
		case errors.As(err, &no):
			return err
		}
		return fmt.Errorf("%s: the list ended after %d objects: %w", l.t, read, err)
	}
}

// pages reads to the end of the list.
func (l *listing) pages(ctx context.Context, namespace string) error {
	seen := map[string]bool{"": true}
	token := ""
	for range maxPages {
		p, err := l.page(ctx, namespace, token)
		if err != nil {
			return err
		}
		l.progress(l.count, p.Metadata.Remaining)
		token = p.Metadata.Continue
		if token == "" {
			return nil
		}
		if seen[token] {
			return errors.New("the server leads in a circle: it told the same place to continue at twice")
		}
		seen[token] = true
	}
	return fmt.Errorf("there are more than %d pages", maxPages)
}

// page asks for one page and takes its objects.
func (l *listing) page(ctx context.Context, namespace, token string) (page, error) {
	ctx, done := patience(ctx)
	defer done()
	body, err := l.request(namespace, token).Stream(ctx)
	if err != nil {
		return page{}, verdictOf(ctx, err)
	}
	p, err := readPage(body, l.item)
	if err != nil {
		_ = body.Close() // why it cannot be read is known
		return p, impatient(ctx, err)
	}
	return p, body.Close()
}

func (l *listing) request(namespace, token string) *rest.Request {
	accept := acceptObjects
	if l.t.Metadata {
		accept = acceptMetadata
	}
	r := l.client.Get().AbsPath(l.place.version.path()).NamespaceIfScoped(namespace, namespace != "").Resource(l.place.resource.name).
		SetHeader("Accept", accept).Param("limit", strconv.Itoa(perPage(l.t.Type)))
	if token != "" {
		r = r.Param("continue", token)
	}
	return r
}

// item takes an object, or drops one that nobody wants. Of metadata it is first made sure that
// it is no more than that; Namespaces are wanted always.
func (l *listing) item(text []byte) error {
	l.count++
	if !l.t.Metadata && !l.wanted(text) {
		l.unused++
		return nil
	}
	text, err := l.trimmed(text)
	if err != nil {
		return err
	}
	if l.t.Metadata && !l.wanted(text) {
		l.unused++
		return nil
	}
	l.take(slices.Clip(text))
	return nil
}

func (l *listing) wanted(text []byte) bool {
	return l.wants == nil || l.t.Type == namespaceType || l.wants(l.t.Type, text)
}
