package file

import (
	"bytes"
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// An outcome is what one chunk came to.
type outcome struct {
	objects  []found
	problems []snapshot.Problem
	ignored  int
	unused   int
}

// found is an object with the bytes that its lines are found in.
type found struct {
	object.Object
	in chunk
}

// parse reads the chunks, several at a time; the outcomes are in their order.
func parse(ctx context.Context, chunks []chunk, opts Options) ([]outcome, error) {
	outcomes := make([]outcome, len(chunks))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(chunks)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(chunks) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				r := reader{opts: opts}
				r.chunk(chunks[i])
				outcomes[i] = r.out
			}
		})
	}
	wg.Wait()
	return outcomes, ctx.Err()
}

// A reader turns one chunk into its outcome.
type reader struct {
	opts  Options
	out   outcome
	lines locator // for the lines of problems
}

func (r *reader) chunk(c chunk) {
	if blank(c.data) {
		if c.marked || len(c.data) == 0 || c.line == 1 {
			r.out.ignored++
		}
		return
	}
	h := scan(c.data)
	switch {
	case !h.sure, h.kind != "" && h.apiVersion == "", isList(h.kind):
	case h.kind == "" && h.apiVersion == "":
		r.out.ignored++
		return
	case h.kind != "" && !r.opts.wants(object.Type{Group: object.GroupOf(h.apiVersion), Kind: h.kind}, c.data):
		r.out.unused++
		return
	}
	if f := unreadable(c); f != nil {
		r.refuse(c, h, f)
		return
	}
	if text := bytes.TrimLeft(c.data, " \t\r\n"); text[0] == '{' && r.stream(c, h) {
		return
	}
	data, err := toJSON(c.data)
	if err != nil {
		r.refuse(c, h, yamlFault(c, err))
		return
	}
	r.take(c, data, c.source(c.begins()), nil)
}

// refuse notes a document that cannot be parsed, with what its margin tells of it.
func (r *reader) refuse(c chunk, h header, f *fault) {
	p := snapshot.Problem{Err: f.text}
	if h.sure && h.kind != "" && h.name != "" {
		t := object.Type{Group: object.GroupOf(h.apiVersion), Kind: h.kind}
		ref := snapshot.Ref{Kind: h.kind, Name: h.name}
		if t.Namespaced() && h.namespaceTold {
			ref.Namespace = h.namespace
			p.Namespace = h.namespace
		}
		p.Origin.Object = ref.String()
	}
	p.Origin.File, p.Origin.Via, p.Origin.Line = c.file, c.via, f.line
	r.out.problems = append(r.out.problems, p)
}
