package artefact

import (
	"bytes"
	"encoding/json"
)

// MarshalJSON writes the entries in their order; comments have no place in JSON.
func (m Map) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, e := range m {
		if i > 0 {
			out.WriteByte(',')
		}
		key, err := json.Marshal(e.Key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(e.Value)
		if err != nil {
			return nil, err
		}
		out.Write(key)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// MarshalJSON writes the values; a list without any is empty and never null.
func (l List) MarshalJSON() ([]byte, error) {
	values := make([]Value, len(l))
	for i, item := range l {
		values[i] = item.Value
	}
	return json.Marshal(values)
}
