package overlay

import (
	"context"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/artefact"
)

// Source delivers what another source does, with the artefacts applied: estate.From makes
// of it the snapshot of the estate as it would be.
func Source(inner estate.Source, artefacts []artefact.Artefact) estate.Source {
	return func(ctx context.Context, wants estate.Wants) (object.Batch, error) {
		ours := map[object.Type]bool{}
		for _, a := range artefacts {
			ours[object.Type{Group: a.Group(), Kind: a.Ref.Kind}] = true
		}
		// Fields may be of an object that nobody else asks for.
		batch, err := inner(ctx, func(t object.Type, text []byte) bool { return ours[t] || wants(t, text) })
		if err != nil {
			return batch, err
		}
		if batch, err = Batch(batch, artefacts); err != nil {
			return batch, err
		}
		return wanted(batch, ours, wants), nil
	}
}

// wanted leaves out the objects of our types that nobody asks for.
func wanted(b object.Batch, ours map[object.Type]bool, wants estate.Wants) object.Batch {
	kept := b.Objects[:0:0]
	for _, o := range b.Objects {
		if ours[o.Type()] && !wants(o.Type(), o.JSON) {
			b.Unused++
			continue
		}
		kept = append(kept, o)
	}
	b.Objects = kept
	return b
}
