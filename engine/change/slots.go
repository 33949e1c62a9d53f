package change

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A slot is a place of a file that may hold a line in each version.
type slot[T any] struct {
	lines [2]*T
	edit  int // none for a line that both have
}

// none stands for what was not edited.
const none = -1

// A fileEdit is two versions of a file laid over each other: which lines were added,
// removed, moved, or stand in the place of another.
type fileEdit[T any] struct {
	slots []slot[T]
	edits [][2]*T // the two lines of each edit; nil where there is none
}

// compareFiles lays two versions over each other.
func compareFiles[T any](versions [2][]T, text func(*T) string) *fileEdit[T] {
	var texts [2][]string
	var edited [2][]int
	for v, list := range versions {
		for i := range list {
			texts[v], edited[v] = append(texts[v], text(&list[i])), append(edited[v], none)
		}
	}
	f := &fileEdit[T]{}
	kept := common(texts[before], texts[after])
	f.findMoves(versions, texts, kept, edited)
	for i, j := 0, 0; i < len(versions[before]) || j < len(versions[after]); {
		gap := [2]int{gapEnd(kept[before], i), gapEnd(kept[after], j)}
		f.pair(versions, edited, [2]int{i, j}, gap)
		f.fill(versions, edited, [2]int{i, j}, gap)
		if i, j = gap[before], gap[after]; i < len(versions[before]) && j < len(versions[after]) {
			f.slots = append(f.slots, slot[T]{[2]*T{&versions[before][i], &versions[after][j]}, none})
			i, j = i+1, j+1
		}
	}
	return f
}

// gapEnd is the first line from there on that both have.
func gapEnd(kept []bool, from int) int {
	for from < len(kept) && !kept[from] {
		from++
	}
	return from
}

// findMoves finds lines that both have, at other places.
func (f *fileEdit[T]) findMoves(versions [2][]T, texts [2][]string, kept [2][]bool, edited [2][]int) {
	gone := map[string][]int{}
	for i, text := range texts[before] {
		if !kept[before][i] {
			gone[text] = append(gone[text], i)
		}
	}
	for j, text := range texts[after] {
		if from := gone[text]; !kept[after][j] && len(from) > 0 {
			gone[text] = from[1:]
			edited[before][from[0]], edited[after][j] = len(f.edits), len(f.edits)
			f.edits = append(f.edits, [2]*T{&versions[before][from[0]], &versions[after][j]})
		}
	}
}

// pair takes the lines between two that both have for the same lines, edited; what one
// version has more of was added or removed.
func (f *fileEdit[T]) pair(versions [2][]T, edited [2][]int, from, to [2]int) {
	var fresh [2][]int
	for v := range versions {
		for i := from[v]; i < to[v]; i++ {
			if edited[v][i] == none {
				fresh[v] = append(fresh[v], i)
			}
		}
	}
	for n := range max(len(fresh[before]), len(fresh[after])) {
		var lines [2]*T
		for v := range versions {
			if n < len(fresh[v]) {
				lines[v], edited[v][fresh[v][n]] = &versions[v][fresh[v][n]], len(f.edits)
			}
		}
		f.edits = append(f.edits, lines)
	}
}

// fill adds the slots of a gap, each version's lines in their order.
func (f *fileEdit[T]) fill(versions [2][]T, edited [2][]int, from, to [2]int) {
	i := from[before]
	for j := from[after]; j < to[after]; j++ {
		s := slot[T]{[2]*T{nil, &versions[after][j]}, edited[after][j]}
		if at := slices.Index(edited[before][i:to[before]], s.edit); at >= 0 {
			f.only(versions, edited, i, i+at)
			s.lines[before], i = &versions[before][i+at], i+at+1
		}
		f.slots = append(f.slots, s)
	}
	f.only(versions, edited, i, to[before])
}

// only adds slots of old lines.
func (f *fileEdit[T]) only(versions [2][]T, edited [2][]int, from, to int) {
	for i := from; i < to; i++ {
		f.slots = append(f.slots, slot[T]{[2]*T{&versions[before][i], nil}, edited[before][i]})
	}
}

// without is the new version with edits undone.
func (f *fileEdit[T]) without(undone map[int]bool) []T {
	var out []T
	for _, s := range f.slots {
		line := s.lines[after]
		if undone[s.edit] {
			line = s.lines[before]
		}
		if line != nil {
			out = append(out, *line)
		}
	}
	return out
}

// recordText is all of a record that decides.
func recordText(r *hba.Record) string {
	text := r.String()
	if r.Address.Kind == hba.Pods {
		text += " (pods " + r.Address.Pods.String() + ")"
	}
	if r.Maybe != "" {
		text += " (perhaps)"
	}
	return text
}

func recordOrigin(r *hba.Record) verdict.Origin { return r.Origin }

func mapText(m *ident.Mapping) string { return m.String() }

func mapOrigin(m *ident.Mapping) verdict.Origin { return m.Origin }

// lineCause tells of an edit of a file: of the object that holds the line, where one does.
func lineCause[T any](kind, object string, lines [2]*T, text func(*T) string, origin func(*T) verdict.Origin) Cause {
	x := Cause{Kind: kind, Change: changeOf(lines[before] != nil, lines[after] != nil), Object: object}
	for v, into := range []struct {
		text *string
		at   *verdict.Origin
	}{{&x.Was, &x.Old}, {&x.Is, &x.New}} {
		if lines[v] != nil {
			*into.text, *into.at = text(lines[v]), origin(lines[v])
			x.Field, x.Object = into.at.Field, cmp.Or(into.at.Object, x.Object)
		}
	}
	if x.Was == x.Is { // moved
		x.Field, x.Was, x.Is = fmt.Sprintf("order of %s, %q", kind, x.Is), x.Old.Field, x.New.Field
		if x.Was == x.Is { // all lines of the file have one place
			x.Was, x.Is = "", ""
		}
	}
	return x
}

// A revert is an edit that can be undone by itself. Of more causes than one any may be
// behind it.
type revert struct {
	causes []Cause
	undo   func(*mixture)
}

// A mixture is the new estate with some edits undone, as far as one server is concerned.
type mixture struct {
	server snapshot.Server
	world  snapshot.Snapshot
	// client is the subject's pod.
	client *snapshot.Pod
	// undone are edits of lines, by file; after all are known, rebuild makes the files.
	undone  map[any]map[int]bool
	rebuild []func()
}

// undoLine marks an edit of a file, which put then makes.
func undoLine[T any](m *mixture, f *fileEdit[T], edit int, put func([]T)) {
	if m.undone[f] == nil {
		m.undone[f] = map[int]bool{}
		m.rebuild = append(m.rebuild, func() { put(f.without(m.undone[f])) })
	}
	m.undone[f][edit] = true
}

// lines finds the edits of a file of records. At returns it in a mixture; nil where it
// is not there. Lines that no manifest holds are the work of what made them.
func (e *edits) lines(server snapshot.Ref, kind, object string, files [2]*hba.File, at func(*mixture) *hba.File) {
	f := compareFiles([2][]hba.Record{files[before].Records, files[after].Records}, recordText)
	put := func(m *mixture) func([]hba.Record) {
		return func(records []hba.Record) {
			if file := at(m); file != nil {
				file.Records = records
			}
		}
	}
	for i, lines := range f.edits {
		undo := func(m *mixture) { undoLine(m, f, i, put(m)) }
		x := lineCause(kind, object, lines, recordText, recordOrigin)
		if isManifest(x) && !isReread(lines) {
			e.revert(server, x, undo)
		} else {
			e.render(server, x, undo)
		}
	}
	if was, is := errorsText(files[before]), errorsText(files[after]); was != is {
		x := Cause{Kind: kind, Change: changeOf(was != "", is != ""), Object: object, Field: "errors", Was: was, Is: is}
		for v, origin := range []*verdict.Origin{&x.Old, &x.New} {
			if len(files[v].Errors) > 0 {
				*origin = files[v].Errors[0].Origin
			}
		}
		e.revert(server, x, func(m *mixture) {
			if file := at(m); file != nil {
				file.Errors = files[before].Errors
			}
		})
	}
}

// errorsText is what a server says of the lines that it refuses.
func errorsText(f *hba.File) string {
	if len(f.Errors) == 0 {
		return ""
	}
	_, text := f.Errors[0].Shown()
	return text
}

// mapLines finds the edits of pg_ident.conf.
func (e *edits) mapLines(server snapshot.Ref, files [2]*ident.File) {
	f := compareFiles([2][]ident.Mapping{files[before].Mappings, files[after].Mappings}, mapText)
	for i, lines := range f.edits {
		undo := func(m *mixture) {
			undoLine(m, f, i, func(mappings []ident.Mapping) { m.server.Maps.Mappings = mappings })
		}
		x := lineCause("pg_ident", server.String(), lines, mapText, mapOrigin)
		if isManifest(x) {
			e.revert(server, x, undo)
		} else {
			e.render(server, x, undo)
		}
	}
}

// isManifest reports whether a manifest holds the line, in one version at least.
func isManifest(x Cause) bool { return x.Old.Object != "" || x.New.Object != "" }

// isReread reports whether a line stands as it did, and only what is made of it is another.
func isReread(lines [2]*hba.Record) bool {
	old, next := lines[before], lines[after]
	return old != nil && next != nil && old.String() == next.String() &&
		old.Origin.Object == next.Origin.Object && old.Origin.Field == next.Origin.Field && recordText(old) != recordText(next)
}

// render adds an edit of what no manifest holds: where it is known what it is made of, that
// is the edit.
func (e *edits) render(server snapshot.Ref, x Cause, undo func(*mixture)) {
	if len(e.makers[server]) == 0 {
		e.revert(server, x, undo)
		return
	}
	e.rendered[server] = append(e.rendered[server], undo)
}

func (e *edits) revert(server snapshot.Ref, x Cause, undo func(*mixture)) {
	e.list = append(e.list, x)
	e.reverts[server] = append(e.reverts[server], revert{[]Cause{x}, undo})
}

// changed is revert for a part with a text that differs.
func (e *edits) changed(server snapshot.Ref, x Cause, undo func(*mixture)) {
	if x.Was != x.Is {
		x.Change = network.ChangeMoved
		e.revert(server, x, undo)
	}
}
