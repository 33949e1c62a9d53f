package overlay

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/artefact"
)

// Merge returns fields as a JSON merge patch (RFC 7386) says them; none where the object
// has all of them already. If it lacks one, all are said: what runs may have less than what
// was read, and who says again what is there does no harm. Lists and texts take the place
// of what is there. A map would be joined with it, so what the object has besides in one is
// null, which takes it away; what nobody read stays.
func Merge(o object.Object, fields []artefact.Field) ([]artefact.Field, error) {
	out := slices.Clone(fields)
	held := true
	for i, f := range fields {
		is, err := lookup(o.JSON, f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Ref(), err)
		}
		held = held && is.same
		out[i].Value = exactly(f.Value, is.was.value)
	}
	if held {
		return nil, nil
	}
	return out, nil
}

// exactly adds to a map a null for each key that only the object has.
func exactly(value artefact.Value, is json.RawMessage) artefact.Value {
	want, ok := value.(artefact.Map)
	if !ok {
		return value
	}
	entries, err := members(is)
	if err != nil {
		return value // what is no map is not joined with one
	}
	want = slices.Clone(want)
	for _, e := range entries {
		at := slices.IndexFunc(want, func(w artefact.Entry) bool { return w.Key == e.key })
		if at < 0 {
			want = append(want, artefact.Entry{Key: e.key})
			continue
		}
		want[at].Value = exactly(want[at].Value, e.value)
	}
	return want
}
