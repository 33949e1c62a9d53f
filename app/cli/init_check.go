package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/pgmoat"
	"github.com/pgmoat/pgmoat/app/starter"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A fault is what keeps documents from being what was asked for.
type fault struct {
	at       verdict.Origin
	why, fix string
	warning  bool
	// ours says that it is in a document that init made.
	ours bool
}

func (f fault) text() string {
	at := f.at.String()
	text := strings.TrimPrefix(f.reason(), f.at.Field+": ")
	if f.warning {
		text = "warning: " + text
	}
	if at != "" {
		return at + ": " + text
	}
	return text
}

func (f fault) reason() string {
	if f.fix == "" {
		return f.why
	}
	return f.why + " (" + f.fix + ")"
}

// check reads back what would be written, by the rules that hold for every file, and plans
// it against the estate beside the intents that are there already.
func (b *beginning) check(answers starter.Answers) []fault {
	batch, places, err := b.readBack(answers)
	if err != nil {
		return []fault{{why: err.Error(), ours: true}}
	}
	var facts snapshot.Facts
	if b.world != nil {
		facts = b.world.Facts
	}
	intents := pgmoat.Read(batch, facts)
	var out []fault
	if len(intents.Problems) > 0 || b.world == nil {
		for _, p := range intents.Problems {
			out = append(out, places.fault(compile.Error{Origin: p.Origin, Text: p.Fault()}))
		}
		return out
	}
	_, errs := compile.Plan(intents, b.world, facts.Now)
	for _, e := range errs {
		e.Origin = batch.Locate(e.Origin)
		out = append(out, places.fault(e))
	}
	return out
}

// places are where the documents of one stream are to stand.
type places []written

// A written document has a name, and its first line in the stream.
type written struct {
	name string
	line int
}

// stdinName is the name that package file gives to what it reads from no file; madeStream
// takes its place, since the estate may have come that way, too.
const (
	stdinName  = "-"
	madeStream = "what init makes"
)

func (p places) fault(e compile.Error) fault {
	f := fault{at: e.Origin, why: e.Text, fix: e.Fix, warning: e.Warning}
	if f.at.File != madeStream {
		return f
	}
	f.ours = true
	for _, place := range slices.Backward(p) {
		if f.at.Line >= place.line {
			f.at.File, f.at.Line = place.name, f.at.Line-place.line+1
			break
		}
	}
	return f
}

// readBack reads what would be written together with the documents of ours that the estate
// has elsewhere: a second perimeter of one server, or an access of the same name, is told
// before it is there.
func (b *beginning) readBack(answers starter.Answers) (object.Batch, places, error) {
	var text strings.Builder
	var where places
	line := 1
	for _, f := range starter.Documents(answers) {
		where = append(where, written{filepath.Join(b.out, f.Name), line})
		text.WriteString(f.Data + "---\n")
		line += strings.Count(f.Data, "\n") + 1
	}
	batch, err := file.Read(context.Background(), []string{stdinName}, file.Options{Stdin: strings.NewReader(text.String()), Namespace: answers.Server.Namespace})
	if err != nil {
		return batch, where, fmt.Errorf("what was made cannot be read back: %w", err)
	}
	for i := range batch.Objects {
		batch.Objects[i].Source.File = madeStream
	}
	batch.Locate = b.locator(batch.Locate)
	batch.Objects = append(batch.Objects, b.kept(where)...)
	return batch, where, nil
}

// locator finds lines in what was made, and in what was read.
func (b *beginning) locator(made func(verdict.Origin) verdict.Origin) func(verdict.Origin) verdict.Origin {
	return func(o verdict.Origin) verdict.Origin {
		if o.File != madeStream {
			if b.batch.Locate == nil {
				return o
			}
			return b.batch.Locate(o)
		}
		if made != nil {
			o.File = stdinName
			o = made(o)
			o.File = madeStream
		}
		return o
	}
}

// kept are the documents of ours that stay: those in a file that is replaced are not read.
func (b *beginning) kept(where places) []object.Object {
	var out []object.Object
	for _, o := range b.batch.Objects {
		replaced := slices.ContainsFunc(where, func(w written) bool { return sameFile(w.name, o.Source.File) })
		if pgmoat.Wants(o.Type()) && !replaced {
			out = append(out, o)
		}
	}
	return out
}

func sameFile(a, b string) bool {
	x, errX := filepath.Abs(a)
	y, errY := filepath.Abs(b)
	return errX == nil && errY == nil && x == y
}
