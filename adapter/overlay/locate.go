package overlay

import (
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// marks are the fields that artefacts set, by the origin of their object.
type marks map[verdict.Origin][]string

func (m marks) add(o object.Object, field string) {
	m[o.Origin()] = append(m[o.Origin()], steps(field))
}

// steps writes a path with a dot before each key, however its author wrote keys with dots.
func steps(field string) string {
	return strings.NewReplacer("[", ".", "]", "").Replace(field)
}

// locate leads origins of the fields to Compiled; what the lines of the file say there
// holds no more. Others go to inner, which may be nil.
func (m marks) locate(inner func(verdict.Origin) verdict.Origin) func(verdict.Origin) verdict.Origin {
	if len(m) == 0 {
		return inner
	}
	return func(o verdict.Origin) verdict.Origin {
		field := steps(o.Field)
		for _, set := range m[verdict.Origin{File: o.File, Line: o.Line, Object: o.Object}] {
			if field == set || strings.HasPrefix(field, set+".") {
				o.File, o.Line = Compiled, 0
				return o
			}
		}
		if inner == nil {
			return o
		}
		return inner(o)
	}
}
