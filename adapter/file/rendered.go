package file

import (
	"context"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// A Text is what somebody rendered: documents that stand in no file.
type Text struct {
	// Name is the template or the resource file that they came of, as shown.
	Name string
	// Via is what rendered them: "chart charts/db". Never empty.
	Via string
	// Text is YAML or JSON.
	Text []byte
}

// Rendered reads texts as strictly as Read reads files. Nothing in the batch has a line;
// origins say what rendered it. Paths, globs and digests of the
// options are not looked at. The error is the context's.
func Rendered(ctx context.Context, texts []Text, opts Options) (object.Batch, error) {
	var chunks []chunk
	for _, t := range texts {
		for _, c := range split(content{t.Name, t.Text}) {
			c.via = t.Via
			chunks = append(chunks, c)
		}
	}
	outcomes, err := parse(ctx, chunks, opts)
	if err != nil {
		return object.Batch{}, err
	}
	batch := collect(outcomes)
	batch.Locate = nil
	return batch, nil
}
