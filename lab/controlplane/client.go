//go:build linux

package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// A Request is one to the API server, as the administrator. The zero Method is GET.
type Request struct {
	Method string
	// Path begins with a slash; Query may be nil.
	Path  string
	Query url.Values
	// Type is that of the Body, "application/json" where it is empty.
	Type string
	Body []byte
}

// Types of patches.
const (
	MergePatch = "application/merge-patch+json"
	ApplyPatch = "application/apply-patch+yaml"
)

// An Answer is what the server says, whatever the status.
type Answer struct {
	Status int
	Body   []byte
}

// Do asks the server. An error means that there was no answer.
func (c *Cluster) Do(ctx context.Context, q Request) (Answer, error) {
	method := q.Method
	if method == "" {
		method = http.MethodGet
	}
	to := c.URL + q.Path
	if len(q.Query) > 0 {
		to += "?" + q.Query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(q.Body))
	if err != nil {
		return Answer{}, err
	}
	if q.Body != nil {
		kind := q.Type
		if kind == "" {
			kind = "application/json"
		}
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("Accept", "application/json")
	answer, err := c.client.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	return Answer{answer.StatusCode, body}, err
}

// A Refusal is what the server says of what it does not take.
type Refusal struct {
	Code    int    `json:"code"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
	Details struct {
		Causes []Cause `json:"causes"`
	} `json:"details"`
}

// A Cause is one fault, with the path of the field that has it; the path is "<nil>" for
// the whole object.
type Cause struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
	Field   string `json:"field"`
}

// Error returns the server's message.
func (r *Refusal) Error() string { return r.Message }

// Err returns what the answer refuses: a *Refusal, or nil where it took what was asked.
func (a Answer) Err() error {
	if a.Status < http.StatusMultipleChoices {
		return nil
	}
	r := &Refusal{}
	if err := json.Unmarshal(a.Body, r); err != nil {
		return errors.Join(fmt.Errorf("status %d: %s", a.Status, a.Body), err)
	}
	return r
}
