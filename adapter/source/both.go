package source

import (
	"context"
	"errors"
	"sync"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/layer"
	"github.com/pgmoat/pgmoat/adapter/object"
)

// Once returns a source that reads once, however often it is asked: a cluster goes on
// between two reads, and standard input has an end. All askers want the same.
func Once(read estate.Source) estate.Source {
	var once sync.Once
	var batch object.Batch
	var err error
	return func(ctx context.Context, wants estate.Wants) (object.Batch, error) {
		once.Do(func() { batch, err = read(ctx, wants) })
		return batch, err
	}
}

// Over returns the source that lays next over base. That next holds nothing is an error, as
// it changes nothing.
func Over(base, next estate.Source) estate.Source {
	return func(ctx context.Context, wants estate.Wants) (object.Batch, error) {
		below, err := base(ctx, wants)
		if err != nil && !errors.Is(err, file.ErrNothing) {
			return below, err
		}
		above, err := next(ctx, wants)
		if err != nil {
			return above, err
		}
		return layer.Over(below, above), nil
	}
}

// Without returns the source without some objects; each is KIND/NAMESPACE/NAME or KIND/NAME.
func Without(read estate.Source, refs []string) (estate.Source, error) {
	parsed, err := parseRefs(refs)
	if err != nil || len(refs) == 0 {
		return read, err
	}
	return func(ctx context.Context, wants estate.Wants) (object.Batch, error) {
		batch, err := read(ctx, wants)
		if err != nil {
			return batch, err
		}
		return layer.Delete(batch, parsed...)
	}, nil
}
