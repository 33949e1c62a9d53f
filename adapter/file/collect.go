package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A collector joins the outcomes into one batch, in their order.
type collector struct {
	batch object.Batch
	known map[identity]int // index in batch.Objects
	lines *locator
}

// An identity is what two documents must not share.
type identity struct {
	object.Type
	namespace, name string
}

func collect(outcomes []outcome) object.Batch {
	total := 0
	for _, o := range outcomes {
		total += len(o.objects)
	}
	c := collector{known: make(map[identity]int, total), lines: &locator{}}
	c.batch.Objects = make([]object.Object, 0, total)
	for _, o := range outcomes {
		c.batch.Problems = append(c.batch.Problems, o.problems...)
		c.batch.Ignored += o.ignored
		c.batch.Unused += o.unused
		for _, f := range o.objects {
			c.add(f)
		}
	}
	c.batch.Locate = c.lines.locate
	return c.batch
}

// add keeps an object. One that is there already is not kept again, and where the
// two differ nobody can say which of them the cluster has.
func (c *collector) add(f found) {
	id := identity{f.Type(), f.Namespace, f.Name}
	if at, ok := c.known[id]; ok && !strings.HasSuffix(f.Name, "-") { // generateName makes many
		if first := c.batch.Objects[at]; !Same(first.JSON, f.JSON) {
			c.batch.Problems = append(c.batch.Problems, c.twice(at, f))
		}
		return
	}
	c.known[id] = len(c.batch.Objects)
	c.batch.Objects = append(c.batch.Objects, f.Object)
	c.lines.objects = append(c.lines.objects, f)
}

func (c *collector) twice(at int, again found) snapshot.Problem {
	first := c.lines.objects[at]
	place := first.Source.File
	if line := c.lines.line(first); line > 0 {
		place = fmt.Sprintf("%s:%d", place, line)
	}
	p := again.Problem(errors.New("is also at " + place + ", with other content"))
	p.Origin.Line = c.lines.line(again)
	return p
}

// Same reports whether two JSON texts are the same object.
func Same(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
