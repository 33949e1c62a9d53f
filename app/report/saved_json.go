package report

import (
	"time"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The JSON of snapshot show; docs/snapshot.md is its description.
type savedJSON struct {
	File     string             `json:"file"`
	Format   int                `json:"format"`
	Program  string             `json:"program"`
	Taken    time.Time          `json:"taken"`
	Sources  []string           `json:"sources"`
	Objects  int                `json:"objects"`
	Digest   string             `json:"digest"`
	Coverage *snapshot.Coverage `json:"coverage,omitempty"`
	Kinds    []savedKindJSON    `json:"kinds"`
	Problems []problemJSON      `json:"problems"`
	Missing  []snapshot.Missing `json:"missing"`
	Warnings []snapshot.Warning `json:"warnings"`
	Skipped  []string           `json:"skipped"`
	Ignored  int                `json:"ignored"`
	Unused   int                `json:"unused"`
	Inputs   []object.Input     `json:"inputs"`
}

type savedKindJSON struct {
	Kind       string               `json:"kind"`
	Objects    int                  `json:"objects"`
	Namespaces []savedNamespaceJSON `json:"namespaces"`
}

type savedNamespaceJSON struct {
	Namespace string `json:"namespace"`
	Objects   int    `json:"objects"`
}

func (s *Saved) json() savedJSON {
	h, b := s.Header, s.Batch
	return savedJSON{
		File: s.File, Format: h.Format, Program: h.Program, Taken: h.Taken, Sources: append([]string{}, h.Sources...),
		Objects: h.Objects, Digest: h.Digest, Coverage: h.Coverage, Kinds: s.kinds(), Problems: unreadJSON(b),
		Missing: append([]snapshot.Missing{}, b.Missing...), Warnings: append([]snapshot.Warning{}, b.Warnings...),
		Skipped: append([]string{}, b.Skipped...), Ignored: b.Ignored, Unused: b.Unused, Inputs: append([]object.Input{}, b.Inputs...),
	}
}

// unreadJSON are the problems of a batch.
func unreadJSON(b object.Batch) []problemJSON {
	out := []problemJSON{}
	for _, p := range b.Problems {
		at := p.Origin
		if b.Locate != nil {
			at = b.Locate(at)
		}
		out = append(out, problemJSON{at, p.Err, p.Namespace})
	}
	return out
}

// The JSON of snapshot diff.
type savedDiffJSON struct {
	Old      string            `json:"old"`
	New      string            `json:"new"`
	Same     bool              `json:"same"`
	Objects  []savedChangeJSON `json:"objects"`
	Problems []sideProblem     `json:"problems"`
}

type savedChangeJSON struct {
	Change string           `json:"change"`
	Type   string           `json:"type"`
	Object snapshot.Ref     `json:"object"`
	Old    *verdict.Origin  `json:"old,omitempty"`
	New    *verdict.Origin  `json:"new,omitempty"`
	Fields []savedFieldJSON `json:"fields"`
	// MetadataOnly says that of one of the two no more was read.
	MetadataOnly bool `json:"metadataOnly"`
}

type savedFieldJSON struct {
	Change string `json:"change"`
	Field  string `json:"field"`
}

func (d *SavedDiff) json() savedDiffJSON {
	out := savedDiffJSON{Old: d.Old.Name, New: d.New.Name, Same: len(d.Changes) == 0, Objects: []savedChangeJSON{}, Problems: []sideProblem{}}
	for _, c := range d.Changes {
		one := savedChangeJSON{Change: string(c.Kind), Type: c.Type, Object: c.Ref, Old: originOrNone(c.Old), New: originOrNone(c.New),
			Fields: []savedFieldJSON{}, MetadataOnly: c.Partial}
		for _, f := range c.Fields {
			one.Fields = append(one.Fields, savedFieldJSON{string(f.Kind), f.Path})
		}
		out.Objects = append(out.Objects, one)
	}
	for _, p := range unreadJSON(d.Old.Batch) {
		out.Problems = append(out.Problems, sideProblem{"old", p})
	}
	for _, p := range unreadJSON(d.New.Batch) {
		out.Problems = append(out.Problems, sideProblem{"new", p})
	}
	return out
}

func originOrNone(o verdict.Origin) *verdict.Origin {
	if o == (verdict.Origin{}) {
		return nil
	}
	return &o
}
