package hbagen

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
)

// Cases go to servers and into bug reports as JSON Lines.
func TestCasesSurviveJSON(t *testing.T) {
	for _, version := range Versions {
		cases, err := Tricky(version)
		if err != nil {
			t.Fatal(err)
		}
		for c := range Random(1, version) {
			if cases = append(cases, c); len(cases) > 900 {
				break
			}
		}
		seen := map[string]bool{}
		for _, c := range cases {
			text, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			var back hbacase.Case
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(back)
			if err != nil || string(again) != string(text) || !reflect.DeepEqual(back.Server.Files, c.Server.Files) {
				t.Errorf("%s: is another case after JSON (%v)", c.ID, err)
			}
			if seen[string(c.ID)] {
				t.Errorf("two cases are called %s", c.ID)
			}
			seen[string(c.ID)] = true
		}
	}
}

func TestRandomRepeats(t *testing.T) {
	first := take(Random(7, 16), 300)
	if again := take(Random(7, 16), 300); !reflect.DeepEqual(first, again) {
		t.Error("one seed made two sequences")
	}
	if other := take(Random(8, 16), 300); reflect.DeepEqual(first, other) {
		t.Error("two seeds made one sequence")
	}
}

func take(from func(func(hbacase.Case) bool), n int) []hbacase.Case {
	var out []hbacase.Case
	for c := range from {
		if out = append(out, c); len(out) == n {
			break
		}
	}
	return out
}

// Before 16 a file that includes itself by way of @ ends the server.
func TestDeadly(t *testing.T) {
	tests := []struct {
		name    string
		version int
		files   map[string]string
		want    bool
	}{
		{"itself", 15, map[string]string{"pg_hba.conf": "host @pg_hba.conf"}, true},
		{"another, in quotes", 15, map[string]string{"pg_hba.conf": "", "a": "x @\"sub/../b\"", "b": "@./a"}, true},
		{"over two lines", 14, map[string]string{"pg_hba.conf": "@list\\\nfile", "listfile": "@listfi\\\nle"}, true},
		{"a directory that includes itself, perhaps", 16, map[string]string{"pg_hba.conf": "include_dir d", "d/a.conf": "include_if_exists ../d/a.conf"}, true},
		{"16 has a limit", 16, map[string]string{"pg_hba.conf": "host @pg_hba.conf"}, false},
		{"no circle", 13, map[string]string{"pg_hba.conf": "@users", "users": "@more", "more": "app"}, false},
		{"no at sign", 13, map[string]string{"pg_hba.conf": "pg_hba.conf"}, false},
	}
	for _, test := range tests {
		if got := deadly(test.version, test.files); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
