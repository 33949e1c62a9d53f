package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// A refusal is the server's answer that it does not deliver what was asked for.
type refusal struct {
	code int
	why  string
}

// Error returns the server's words.
func (r *refusal) Error() string { return r.why }

// broken reports whether the server could not, rather than would not.
func (r *refusal) broken() bool {
	return r.code >= http.StatusInternalServerError || r.code == http.StatusTooManyRequests
}

// verdictOf sorts the errors of the client library: a *refusal where the server said no, and
// all else in its own words, without the address, which has the token of the next page in it.
func verdictOf(ctx context.Context, err error) error {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		s := status.Status()
		return &refusal{int(s.Code), oneLine(s.Message)}
	}
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	return impatient(ctx, err)
}

// isCode reports whether the server refused with this status.
func isCode(err error, code int) bool {
	var r *refusal
	return errors.As(err, &r) && r.code == code
}

// oneLine folds a text of many lines, as programs of kubeconfigs and proxies write them, and
// leaves out what a terminal would obey.
func oneLine(text string) string {
	const most = 400
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// unauthorized is the error of credentials that nobody takes. What they are, it does not say.
func (c *cluster) unauthorized() error {
	if c.name == inCluster {
		return fmt.Errorf("%s: %s refuses the token of the pod's service account: it has expired, or the account is gone", c.name, c.server)
	}
	return fmt.Errorf("context %q: %s refuses the credentials: they have expired or were withdrawn; log in again, "+
		"or look with kubectl config current-context whether this is the cluster you mean", c.name, c.server)
}

// stopped is the error of a read that its caller ended.
func (c *cluster) stopped(err error) error {
	return fmt.Errorf("%s: reading was ended: %w", c.label(), err)
}

// failed says of which cluster an error is. A connection that nobody answers is an error
// like others, although it says that a deadline was exceeded.
func (c *cluster) failed(err error) error {
	return fmt.Errorf("%s at %s: %w", c.label(), c.server, folded{err})
}

func (c *cluster) label() string {
	if c.name == inCluster {
		return c.name
	}
	return fmt.Sprintf("context %q", c.name)
}

// folded is an error on one line.
type folded struct{ error }

// Error returns the line.
func (f folded) Error() string { return oneLine(f.error.Error()) }

// Unwrap returns the error.
func (f folded) Unwrap() error { return f.error }
