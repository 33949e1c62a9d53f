package repo

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// warnSkipped tells of what the user leaves out and a kustomization or a chart uses.
const warnSkipped = "tree/skipped"

// used tells of what the user leaves out, and what is built reads all the same: to build it
// without would be to answer about something that nobody applies. Such a file is not among
// what was skipped; of a folder the rest is.
func (r *reading) used(b *object.Batch) {
	told := 0
	b.Skipped = slices.DeleteFunc(slices.Clone(b.Skipped), func(name string) bool {
		by := r.usedBy(name)
		if by == nil {
			return false
		}
		if told++; told <= maxUnused {
			b.Warnings = append(b.Warnings, snapshot.Warning{
				Code: warnSkipped, Origin: verdict.Origin{File: name},
				Text: fmt.Sprintf("is not left out: %s uses it; skip that as well, or take it out of there", r.via(by.unit)),
			})
		}
		return !strings.HasSuffix(name, string(filepath.Separator))
	})
	if told > maxUnused {
		b.Warnings = append(b.Warnings, snapshot.Warning{Code: warnSkipped, Text: fmt.Sprintf(
			"and %d more files and folders that kustomizations and charts use: they are not left out", told-maxUnused)})
	}
}

// usedBy returns the first of what is built that reads a file, or what is below a folder.
func (r *reading) usedBy(name string) *result {
	dir, ok := r.tree.placeOf(filepath.Clean(name))
	if !ok {
		return nil
	}
	at := path.Join(dir, filepath.Base(name))
	for _, res := range slices.Concat(r.units, r.entries) {
		for file := range res.files {
			if file == at || strings.HasPrefix(file, at+"/") {
				return res
			}
		}
	}
	return nil
}
