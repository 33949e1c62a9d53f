package live

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

func secretRef(namespace, name string) snapshot.Ref {
	return snapshot.Ref{Kind: "Secret", Namespace: namespace, Name: name}
}

func block(kind, text string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Headers: map[string]string{"note": hidden}, Bytes: []byte(text)}))
}

func plainBlock(kind, text string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(text)}))
}

// Of a Secret that is named there are its type, the names of its entries, and the certificates
// of two of them; not what else stands beside them.
func TestCertificates(t *testing.T) {
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	text := fmt.Sprintf(`{"kind": "Secret", "apiVersion": "v1", "type": "kubernetes.io/tls", "metadata": {"namespace": "a", "name": "s",
 "annotations": {"kubectl.kubernetes.io/last-applied-configuration": %q, "other": %q}},
 "data": {"tls.key": %q, "tls.crt": %q, "ca.crt": %q, "password": %q}}`, hidden, hidden,
		encode(block("PRIVATE KEY", hidden)), encode(block("CERTIFICATE", "one")+block("PRIVATE KEY", hidden)+block("CERTIFICATE", "two")), encode(hidden), encode(hidden))
	f := serving(t, map[string]http.HandlerFunc{"/api/v1/namespaces/a/secrets/s": says(text)})
	objects, kinds, err := Certificates(t.Context(), f.options(t), []snapshot.Ref{secretRef("a", "s"), secretRef("a", "gone"), secretRef("a", "s")})
	if err != nil || len(kinds) != 0 || len(objects) != 1 {
		t.Fatal(objects, kinds, err)
	}
	o := objects[0]
	var in struct {
		Type string
		Data map[string]string
	}
	if err := json.Unmarshal(o.JSON, &in); err != nil {
		t.Fatal(err)
	}
	if want := encode(plainBlock("CERTIFICATE", "one") + plainBlock("CERTIFICATE", "two")); in.Type != "kubernetes.io/tls" || len(in.Data) != 4 ||
		in.Data["tls.crt"] != want || in.Data["tls.key"] != "" || in.Data["password"] != "" || in.Data["ca.crt"] != "" {
		t.Errorf("%+v", in)
	}
	if strings.Contains(string(o.JSON), hidden) || strings.Contains(string(o.JSON), encode(hidden)) || len(o.Annotations) > 0 || o.Partial || o.Ref() != secretRef("a", "s") {
		t.Errorf("%+v %s", o, o.JSON)
	}
	if n := len(f.requests("/api/v1/namespaces/a/secrets/s")); n != 1 {
		t.Errorf("got %d times", n)
	}
}

// Those that may not be read are told of once, with the namespaces where some could be.
func TestRefusedCertificates(t *testing.T) {
	const no = `secrets "s" is forbidden`
	f := serving(t, map[string]http.HandlerFunc{
		"/api/v1/namespaces/a/secrets/s": refuses(http.StatusForbidden, no),
		"/api/v1/namespaces/a/secrets/t": refuses(http.StatusForbidden, "another"),
		"/api/v1/namespaces/b/secrets/s": says(`{"kind": "Secret", "metadata": {"namespace": "b", "name": "s"}}`),
	})
	objects, kinds, err := Certificates(t.Context(), f.options(t), []snapshot.Ref{secretRef("a", "t"), secretRef("b", "s"), secretRef("a", "s")})
	if err != nil || len(objects) != 1 || len(kinds) != 1 {
		t.Fatal(objects, kinds, err)
	}
	if is := kinds[0]; is.Name != CertificatesKind || is.Listing != snapshot.KindRefused || is.Why != no || !slices.Equal(is.Namespaces, []string{"a"}) {
		t.Errorf("%+v", is)
	}
	_, kinds, err = Certificates(t.Context(), f.options(t), []snapshot.Ref{secretRef("a", "s")})
	if err != nil || len(kinds) != 1 || kinds[0].Namespaces != nil {
		t.Errorf("%+v %v", kinds, err)
	}
}

// What is no Secret is not asked for, and another answer than a Secret of that name is none.
func TestCertificatesOfNothing(t *testing.T) {
	f := serving(t, map[string]http.HandlerFunc{
		"/api/v1/namespaces/a/secrets/other": says(`{"kind": "Secret", "metadata": {"namespace": "a", "name": "s"}, "data": {"p": "` + hidden + `"}}`),
		"/api/v1/namespaces/a/secrets/map":   says(`{"kind": "ConfigMap", "metadata": {"namespace": "a", "name": "map"}, "data": {"p": "` + hidden + `"}}`),
		"/api/v1/namespaces/a/secrets/text":  says(`{"kind": "Secret", "data": "` + hidden + `"}`),
	})
	for name, ref := range map[string]snapshot.Ref{
		"another kind": {Kind: "ConfigMap", Namespace: "a", Name: "s"}, "no namespace": secretRef("", "s"), "a path": secretRef("a", "../../x"),
		"no name": secretRef("a", ""), "another": secretRef("a", "other"), "a map": secretRef("a", "map"), "a text": secretRef("a", "text"),
	} {
		objects, kinds, err := Certificates(t.Context(), f.options(t), []snapshot.Ref{ref})
		if err == nil || objects != nil || kinds != nil || strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: %v %v %v", name, objects, kinds, err)
		}
	}
	if len(f.requests("/api/v1/namespaces/a/configmaps/s")) > 0 || len(f.asked) != 3 {
		t.Errorf("%d requests", len(f.asked))
	}
	if objects, kinds, err := Certificates(t.Context(), Options{Kubeconfig: "missing"}, nil); objects != nil || kinds != nil || err != nil {
		t.Error("nothing is named, and something is asked")
	}
}
