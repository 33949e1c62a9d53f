package layer

import "testing"

// A live value says what the manifest's does, and more of it only what is filled in.
func TestFilled(t *testing.T) {
	for _, test := range []struct {
		live, manifest, fill string
		want                 bool
	}{
		{`{"a":1}`, `{"a":1}`, `{}`, true},
		{`{"a":1}`, `{"a":2}`, `{"a":1}`, false},
		{`{"a":1}`, `{}`, `{}`, false},
		{`{"a":1}`, `{}`, `{"a":1}`, true},
		{`{"a":2}`, `{}`, `{"a":1}`, false},
		{`{}`, `{"a":1}`, `{"a":1}`, false},
		{`{}`, `{"a":null}`, `{}`, true},
		{`{"a":1}`, `{"a":null}`, `{}`, false},
		{`{"a":{"b":1}}`, `{}`, `{"a":{"b":1,"c":2}}`, true},
		{`{"a":{"b":1,"x":1}}`, `{}`, `{"a":{"b":1}}`, false},
		{`{"a":{}}`, `{}`, `{}`, false},
		{`{"a":{}}`, `{}`, `{"a":{}}`, true},
		{`{"a":{"b":1,"c":2}}`, `{"a":{"c":2}}`, `{"a":{"b":1}}`, true},
		{`{"a":[{"b":1,"c":2}]}`, `{"a":[{"c":2}]}`, `{"a":[{"b":1}]}`, true},
		{`{"a":[{"b":1},{"b":1}]}`, `{"a":[{}]}`, `{"a":[{"b":1}]}`, false},
		{`{"a":[1,2]}`, `{"a":[2,1]}`, `{}`, false},
		{`{"a":[1]}`, `{}`, `{"a":[1]}`, true},
		{`{"a":"1"}`, `{"a":1}`, `{}`, false},
		{`{"a":{}}`, `{"a":1}`, `{}`, false},
		{`{"a":1}`, `{"a":{}}`, `{}`, false},
		{`{"a":1}`, `{"a":[1]}`, `{}`, false},
	} {
		if got := filled(parsed(test.live), parsed(test.manifest), parsed(test.fill)); got != test.want {
			t.Errorf("%s of %s with %s: %t", test.live, test.manifest, test.fill, got)
		}
	}
}
