//go:build linux

package controlplane

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A mutator does random damage to good documents.
type mutator struct {
	seed  uint64
	rand  *rand.Rand
	good  []object.Object
	facts snapshot.Facts
	// words are all values and keys of the good documents: in another place most are wrong.
	words []string
	tried int
}

func newMutator(t *testing.T, seed uint64) *mutator {
	t.Helper()
	m := &mutator{seed: seed, rand: rand.New(rand.NewPCG(seed, 0)), good: good(t)}
	m.facts = factsOf(t, m.good)
	namespace(t, ours(t), "shop")
	words := map[string]bool{}
	for i := range m.good {
		m.good[i].Namespace = placed(m.good[i])
		each(tree(t, m.good[i].JSON), func(key string, value any) {
			words[key] = true
			if s, ok := value.(string); ok {
				words[s] = true
			}
		})
	}
	m.words = slices.Sorted(maps.Keys(words))
	return m
}

// agree tries one document, and reports whether it was refused.
func (m *mutator) agree(t *testing.T, c *Cluster) bool {
	t.Helper()
	m.tried++
	o := m.good[m.rand.IntN(len(m.good))]
	root := tree(t, o.JSON)
	for range 1 + m.rand.IntN(3) {
		m.damage(root)
	}
	// What says which object it is stays right: else there is nobody to ask.
	root["apiVersion"], root["kind"], root["metadata"] = o.APIVersion, o.Kind, map[string]any{"name": "a"}
	data, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	if o.JSON = data; m.rand.IntN(8) == 0 {
		o.JSON = m.doubled(data)
	}
	return agree(t, c, fmt.Sprintf("seed %d, document %d", m.seed, m.tried), o, m.facts)
}

// damage changes one place below spec.
func (m *mutator) damage(root map[string]any) {
	spec, ok := root["spec"].(map[string]any)
	if !ok || m.rand.IntN(60) == 0 {
		m.inMap(root, "spec")
		return
	}
	var at any = spec
	for {
		switch v := at.(type) {
		case map[string]any:
			if len(v) == 0 {
				v[m.word()] = m.value()
				return
			}
			keys := slices.Sorted(maps.Keys(v))
			key := keys[m.rand.IntN(len(keys))]
			if !m.deeper(v[key]) {
				m.inMap(v, key)
				return
			}
			at = v[key]
		case []any:
			i := m.rand.IntN(len(v))
			if !m.deeper(v[i]) {
				v[i] = m.other(v[i])
				return
			}
			at = v[i]
		}
	}
}

// deeper reports whether to go on below a value.
func (m *mutator) deeper(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return m.rand.IntN(5) > 0
	case []any:
		return len(v) > 0 && m.rand.IntN(3) > 0
	}
	return false
}

func (m *mutator) inMap(in map[string]any, key string) {
	switch m.rand.IntN(6) {
	case 0:
		delete(in, key)
	case 1: // a slip of the finger
		in[key[:max(0, len(key)-1)]] = in[key]
	case 2:
		in[m.word()] = m.value()
	default:
		in[key] = m.other(in[key])
	}
}

// other is what may stand in the place of a value: often something near.
func (m *mutator) other(v any) any {
	switch v := v.(type) {
	case string:
		return m.otherText(v)
	case []any:
		if len(v) > 0 && m.rand.IntN(2) == 0 {
			return append(slices.Clone(v), v[m.rand.IntN(len(v))]) // twice
		}
		return []any{nil, []any{}, slices.Repeat(v, 70), map[string]any{"a": v}, first(v)}[m.rand.IntN(5)]
	case map[string]any:
		return []any{nil, []any{v}, map[string]any{}, "x", 7}[m.rand.IntN(5)]
	case json.Number:
		return []any{0, -1, 65536, 1.5, 1000000, v.String(), nil}[m.rand.IntN(7)]
	}
	return m.value()
}

func (m *mutator) otherText(v string) any {
	texts := []any{
		"", v + v, strings.ToLower(v), strings.ToUpper(v), v + "/8", v + " ", "*", "a\nb", "ü" + v, strings.Repeat("é", 40), strings.Repeat("a", 300),
		"10.1.2.3/8", "::ffff:10.0.0.0/104", "2001:db8::/48", "0.0.0.0/0", "2026-12-31T18:00:00Z", "2026-12-31", v + "\u200b",
		nil, true, 5432, []any{v}, map[string]any{v: v},
	}
	if i := m.rand.IntN(len(texts) + 10); i < len(texts) {
		return texts[i]
	}
	return m.word()
}

func first(v []any) any {
	if len(v) == 0 {
		return nil
	}
	return v[0]
}

func (m *mutator) word() string { return m.words[m.rand.IntN(len(m.words))] }

func (m *mutator) value() any {
	values := []any{m.word(), m.word(), []any{m.word()}, map[string]any{}, map[string]any{m.word(): m.word()}, 5432, true, nil}
	return values[m.rand.IntN(len(values))]
}

// doubled writes a key of spec twice, which no tree can hold.
func (m *mutator) doubled(data []byte) []byte {
	for _, key := range []string{`"server":`, `"from":`, `"message":`, `"mode":`} {
		if i := strings.Index(string(data), key); i >= 0 && m.rand.IntN(2) == 0 {
			return slices.Concat(data[:i], []byte(key+`null,`), data[i:])
		}
	}
	return data
}
