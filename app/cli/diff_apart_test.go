package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// What only one of two clusters was read for is neither added nor removed: nothing is certain.
func TestTellApart(t *testing.T) {
	read := func(namespaces ...string) *snapshot.Snapshot {
		return &snapshot.Snapshot{Coverage: &snapshot.Coverage{Namespaces: namespaces}}
	}
	for name, test := range map[string]struct {
		worlds [2]*snapshot.Snapshot
		want   string
	}{
		"all and one":           {[2]*snapshot.Snapshot{read(), read("shop")}, "old has what is in all namespaces, and new what is in shop: "},
		"one and another":       {[2]*snapshot.Snapshot{read("shop"), read("shop", "till")}, "old has what is in shop, and new what is in shop, till: "},
		"the same":              {[2]*snapshot.Snapshot{read("shop"), read("shop")}, ""},
		"all of both":           {[2]*snapshot.Snapshot{read(), read()}, ""},
		"cluster and manifests": {[2]*snapshot.Snapshot{read("shop"), {}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			a := &app{err: &said}
			a.tellApart([]string{"old", "new"}, test.worlds)
			if !strings.Contains(said.String(), test.want) || (test.want == "") != (said.Len() == 0) || (a.code == exitUnknown) != (test.want != "") {
				t.Errorf("%q, status %d, want %q", said.String(), a.code, test.want)
			}
		})
	}
}
