package source

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/saved"
)

// enough is how many bytes tell a saved snapshot from anything else.
const enough = 64

// peek looks at the beginning of a stream, and gives back all of it.
func peek(in io.Reader) beginning {
	if in == nil {
		return beginning{}
	}
	r := bufio.NewReaderSize(in, 64<<10)
	first, _ := r.Peek(enough) // one that fails fails again for whoever reads
	return beginning{saved: saved.Is(first), rest: r}
}

// A summed reader knows the digest of what went through it.
type summed struct {
	io.Reader
	sum hash.Hash
}

func newSummed(in io.Reader) *summed {
	sum := sha256.New()
	return &summed{io.TeeReader(in, sum), sum}
}

// input reads what is left, and is the file with its digest.
func (s *summed) input(name string) (object.Input, error) {
	_, err := io.Copy(io.Discard, s)
	return object.Input{Name: name, SHA256: hex.EncodeToString(s.sum.Sum(nil))}, err
}

// saved reads a snapshot, which is one input, whatever it was made from.
func (r *reader) saved(ctx context.Context, name string, in io.Reader) (object.Batch, error) {
	if !r.opts.Digests {
		_, batch, err := saved.Read(ctx, name, in, r.wants)
		batch.Inputs = nil
		return batch, err
	}
	s := newSummed(in)
	_, batch, err := saved.Read(ctx, name, s, r.wants)
	if err != nil {
		return batch, err
	}
	input, err := s.input(name)
	batch.Inputs = []object.Input{input}
	return batch, err
}
