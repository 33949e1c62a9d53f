package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// No server has a say in how long a read takes or how much memory it needs.
const (
	// maxAnswer is the size of an answer. A page of the fattest kind is far below: etcd takes
	// no object above a megabyte and a half.
	maxAnswer = 256 << 20
	// maxWait is the time for one answer to arrive, with the waits that the server asks for.
	// The kube-apiserver itself gives up after one minute.
	maxWait = 3 * time.Minute
)

var (
	errTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)
	errTooSlow  = fmt.Errorf("there is no whole answer within %s", maxWait)
)

// bounding limits the size of every answer, those that are errors among them.
func bounding(next http.RoundTripper) http.RoundTripper { return bounded{next} }

type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err == nil {
		answer.Body = &shortened{answer.Body, maxAnswer}
	}
	return answer, err
}

// A shortened body ends with errTooLarge after so many bytes.
type shortened struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (s *shortened) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if s.left -= int64(n); s.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// patience gives a request its time.
func patience(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, maxWait, errTooSlow)
}

// impatient replaces the error of a request that ran out of its time.
func impatient(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errTooSlow) {
		return errTooSlow
	}
	return err
}
