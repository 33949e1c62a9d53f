package layer

import (
	"fmt"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// A folder of 200 objects, one of which changes pods, over a cluster of 40,000.
func BenchmarkOver(b *testing.B) {
	var base, next object.Batch
	add := func(to *object.Batch, text string) {
		o, err := object.New([]byte(text), object.Source{}, "shop")
		if err != nil {
			b.Fatal(err)
		}
		to.Objects = append(to.Objects, o)
	}
	const deployment = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d%d"%s},"spec":{"template":{"metadata":{"labels":{"app":"%d"}}}}}`
	for i := range 4000 {
		add(&base, fmt.Sprintf(deployment, i, fmt.Sprintf(`,"uid":"%d"`, i), i))
		for j := range 9 {
			add(&base, fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p%d-%d","ownerReferences":[
 {"apiVersion":"apps/v1","kind":"Deployment","name":"d%d","uid":"%d","controller":true}]}}`, i, j, i, i))
		}
		if i < 200 {
			add(&next, fmt.Sprintf(deployment, i, "", i/199+i))
		}
	}
	for b.Loop() {
		if got := Over(base, next); len(got.Objects) != len(base.Objects)-9 {
			b.Fatal(len(got.Objects))
		}
	}
}
