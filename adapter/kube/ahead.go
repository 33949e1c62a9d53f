package kube

import (
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// A result is what was made of one element of a list, or why nothing could be.
type result[T any] struct {
	value T
	err   error
}

// batch is how many elements are read before the first of them is taken: enough to keep all
// processors at work, and few beside what a cluster holds.
const batch = 1024

// ahead reads the elements of a list, several at a time, and yields them in their order with
// what each came to. What is read before it is taken must not depend on what is taken: read
// looks at nothing but its element.
func ahead[E, T any](list []E, read func(E) (T, error)) iter.Seq2[E, result[T]] {
	return func(yield func(E, result[T]) bool) {
		for part := range slices.Chunk(list, batch) {
			for i, r := range sideBySide(part, read) {
				if !yield(part[i], r) {
					return
				}
			}
		}
	}
}

// step is how many elements are read by one goroutine in a row: to read one takes about as
// long as to ask which is next.
const step = 16

func sideBySide[E, T any](list []E, read func(E) (T, error)) []result[T] {
	out := make([]result[T], len(list))
	var next atomic.Int64
	work := func() {
		for from := int(next.Add(step)) - step; from < len(list); from = int(next.Add(step)) - step {
			for i := from; i < min(from+step, len(list)); i++ {
				out[i].value, out[i].err = read(list[i])
			}
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (len(list)+step-1)/step) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	return out
}

// decoded reads an object of a kind as the API server does.
func decoded[T any](o object.Object) (*T, error) {
	in := new(T)
	return in, o.Decode(in)
}
