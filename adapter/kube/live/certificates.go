package live

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/client-go/rest"
)

// CertificatesKind is the name of the Kind that says which certificates could not be read.
const CertificatesKind = "Secret (certificates)"

// certificateKeys are the entries of a Secret in which a certificate stands, which is no
// secret: cert-manager and the operators call them so.
var certificateKeys = []string{"tls.crt", "ca.crt"}

// Certificates gets the Secrets that are named and returns them with their type, the names of
// their entries, and of tls.crt and ca.crt the certificates; other values are empty, and were
// dropped before the next Secret was asked for. A Secret that is not there is left out. What
// may not be read is told by one Kind with the server's words; there is none where all was.
// An error is as Read's.
func Certificates(ctx context.Context, opts Options, refs []snapshot.Ref) ([]object.Object, []snapshot.Kind, error) {
	return certificates(ctx, opts, refs, rest.InClusterConfig)
}

func certificates(ctx context.Context, opts Options, refs []snapshot.Ref, pod func() (*rest.Config, error)) ([]object.Object, []snapshot.Kind, error) {
	if len(refs) == 0 {
		return nil, nil, nil
	}
	for _, ref := range refs {
		if ref.Kind != secretType.Kind || len(content.IsPathSegmentName(ref.Name)) > 0 || ref.Name == "" {
			return nil, nil, fmt.Errorf("%s is no Secret that could be read", ref)
		}
		if _, err := namespaceNames([]string{ref.Namespace}); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", ref, err)
		}
	}
	c, err := connect(opts, pod)
	if err != nil {
		return nil, nil, err
	}
	r := &reader{cluster: c, opts: opts}
	refs = slices.Clone(refs)
	slices.SortFunc(refs, snapshot.Ref.Compare)
	out, is, err := r.secrets(ctx, slices.Compact(refs))
	if err != nil {
		return nil, nil, r.end(ctx, err)
	}
	return out, is, nil
}

// secrets gets each of them.
func (r *reader) secrets(ctx context.Context, refs []snapshot.Ref) ([]object.Object, []snapshot.Kind, error) {
	var out []object.Object
	var without []string
	is := snapshot.Kind{Name: CertificatesKind, Listing: snapshot.KindListed}
	allowed := map[string]bool{}
	for _, ref := range refs {
		o, err := r.secret(ctx, ref)
		switch {
		case err == nil:
			allowed[ref.Namespace] = true
			out = append(out, o)
			continue
		case isCode(err, http.StatusNotFound):
			allowed[ref.Namespace] = true
			continue
		}
		why := is.Why
		if err := r.refused(ctx, err, &is); err != nil {
			return nil, nil, err
		}
		if why != "" {
			is.Why = why // one is enough to know what is missing
		}
		without = append(without, ref.Namespace)
	}
	if is.Listing == snapshot.KindListed {
		return out, nil, nil
	}
	if len(allowed) > 0 {
		is.Namespaces = slices.Compact(without)
	}
	return out, []snapshot.Kind{is}, nil
}

// secret gets one, and keeps what may be known of it.
func (r *reader) secret(ctx context.Context, ref snapshot.Ref) (object.Object, error) {
	var in struct {
		Kind     string                     `json:"kind"`
		Type     string                     `json:"type"`
		Metadata json.RawMessage            `json:"metadata"`
		Data     map[string]json.RawMessage `json:"data"`
	}
	if err := r.ask(ctx, "/api/v1/namespaces/"+ref.Namespace+"/secrets/"+ref.Name, acceptObjects, &in); err != nil {
		return object.Object{}, err
	}
	if in.Kind != secretType.Kind {
		return object.Object{}, fmt.Errorf("%s: the answer is no Secret", ref)
	}
	l := &listing{t: Type{Type: secretType, Metadata: true}}
	for _, t := range r.opts.Types {
		if t.Type == secretType {
			l.t.Annotations = t.Annotations
		}
	}
	meta, err := l.metadata(in.Metadata)
	if err != nil {
		return object.Object{}, err
	}
	kept := map[string]string{}
	for key, value := range in.Data {
		kept[key] = ""
		if slices.Contains(certificateKeys, key) {
			kept[key] = onlyCertificates(value)
		}
	}
	text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": secretType.Kind, "metadata": meta, "type": in.Type, "data": kept})
	if err != nil {
		return object.Object{}, fmt.Errorf("%s: cannot be written", ref)
	}
	o, err := object.New(text, object.Source{}, "")
	if err != nil || o.Ref() != ref {
		return object.Object{}, fmt.Errorf("%s: the answer is another object", ref)
	}
	return o, nil
}

// onlyCertificates leaves of an entry its certificates in PEM, in their order: some people put
// the private key beside them. It is empty where there are none.
func onlyCertificates(value json.RawMessage) string {
	var encoded string
	if json.Unmarshal(value, &encoded) != nil {
		return ""
	}
	rest, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return ""
	}
	var out strings.Builder
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return base64.StdEncoding.EncodeToString([]byte(out.String()))
		}
		if block.Type == "CERTIFICATE" {
			out.Write(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
		}
	}
}
