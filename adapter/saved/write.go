package saved

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Write writes a batch. Format, Coverage, Objects and Digest of the header are filled in, and
// the header is returned with them.
//
// Of Secrets the names of the entries are kept, and the certificates of those that are named
// as one; of no object are metadata.managedFields and the annotations that repeat it. The
// same batch and header give the same bytes.
func Write(w io.Writer, h Header, b object.Batch) (Header, error) {
	h.Format, h.Coverage, h.Objects, h.Digest = newest, b.Coverage, len(b.Objects), ""
	h.Taken = h.Taken.UTC()
	line, err := json.Marshal(h)
	if err != nil {
		return h, err
	}
	body, err := appendBody(line, b)
	if err != nil {
		return h, err
	}
	sum := sha256.Sum256(body)
	h.Digest = hex.EncodeToString(sum[:])
	if line, err = json.Marshal(h); err != nil {
		return h, err
	}
	for _, text := range [][]byte{fmt.Appendf(nil, "%s%d\n", magic, newest), line, {'\n'}, body} {
		if _, err := w.Write(text); err != nil {
			return h, err
		}
	}
	return h, nil
}

// appendBody is what follows the header.
func appendBody(header []byte, b object.Batch) ([]byte, error) {
	body, err := appendSection(nil, sectionHeader, 0, header)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(restOf(b))
	if err != nil {
		return nil, err
	}
	if len(header) >= maxHeader || len(text) > maxRest {
		return nil, fmt.Errorf("%d problems and warnings, and %d files, are more than a snapshot takes", len(b.Problems)+len(b.Warnings), len(b.Inputs))
	}
	if body, err = appendSection(body, sectionRest, 0, text); err != nil {
		return nil, err
	}
	return appendObjects(body, b.Objects)
}

// restOf takes what is told of lines from whoever knows them while there is somebody.
func restOf(b object.Batch) rest {
	locate := b.Locate
	if locate == nil {
		locate = func(o verdict.Origin) verdict.Origin { return o }
	}
	r := rest{
		Problems: append([]snapshot.Problem(nil), b.Problems...), Skipped: b.Skipped, Ignored: b.Ignored, Unused: b.Unused,
		Missing: b.Missing, Warnings: append([]snapshot.Warning(nil), b.Warnings...), Inputs: b.Inputs,
	}
	for i := range r.Problems {
		r.Problems[i].Origin = locate(r.Problems[i].Origin)
	}
	for i := range r.Warnings {
		r.Warnings[i].Origin = locate(r.Warnings[i].Origin)
	}
	return r
}

// appendObjects fills chunks. What could not be read again is not written.
func appendObjects(body []byte, objects []object.Object) ([]byte, error) {
	if int64(len(objects)) > maxObjects {
		return nil, fmt.Errorf("%d objects are more than a snapshot takes, %d", len(objects), maxObjects)
	}
	var raw, entries, strings int64
	c := newChunk()
	flush := func() (err error) {
		text := c.bytes()
		if strings += int64(len(c.strings)); strings > maxStrings {
			return fmt.Errorf("the objects have more names than a snapshot takes, %d", maxStrings)
		}
		if raw += int64(len(text)); raw > maxRaw {
			return fmt.Errorf("the objects come to more than a snapshot takes, %d MiB", maxRaw>>20)
		}
		body, err = appendSection(body, sectionObjects, 0, text)
		c = newChunk()
		return err
	}
	for _, o := range objects {
		o, err := strip(o)
		if err != nil {
			return nil, err
		}
		if entries += int64(len(o.Labels) + len(o.Annotations) + len(o.Owners)); entries > maxEntries {
			return nil, fmt.Errorf("the objects have more labels, annotations and owners than a snapshot takes, %d", maxEntries)
		}
		if err := c.add(o); err != nil {
			return nil, err
		}
		if len(c.json) >= chunkSize {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if c.count == 0 {
		return body, nil
	}
	return body, flush()
}
