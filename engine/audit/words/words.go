// Package words is what rules of several families say alike: lists of names, lines of
// pg_hba.conf, and the labels by which a policy that they propose selects pods.
package words

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
)

// most is how many names of a list are told before the rest is counted.
const most = 4

// List writes names as people do, sorted and each once: "a, b and c", and of more than
// four "a, b, c, d and 3 more".
func List(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) > most {
		names = append(names[:most:most], fmt.Sprintf("%d more", len(names)-most))
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// Soon is how long before its end a certificate or a password is told of, in seconds: the
// 30 days that a person may need to bring another one.
const Soon = 30 * 24 * 3600

// Written reports whether a person wrote the record: what operators write has a note.
func Written(r *hba.Record) bool { return r.Origin.Note == "" && !r.Origin.IsZero() }

// Quoted writes a record as a finding cites it.
func Quoted(r *hba.Record) string { return "\"" + r.String() + "\"" }
