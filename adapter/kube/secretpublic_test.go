package kube

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// hidden are texts that nobody may find in what is public.
var hidden = []string{"hunter2hunter2", encoded("hunter2hunter2"), "7355608", "PRIVATE KEY", encoded("-----BEGIN PRIVATE KEY")[:20], "ENC[AES"}

// samePublic holds what Convert makes of an object against what it makes of the public one,
// and looks for what must not be there.
func samePublic(t *testing.T, text string) {
	t.Helper()
	before := objects(t, text)
	public := Public(before[0])
	if again := Public(public); !reflect.DeepEqual(again, public) {
		t.Errorf("public once\n%s\nand twice\n%s", public.JSON, again.JSON)
	}
	for _, s := range hidden {
		if strings.Contains(string(public.JSON), s) || strings.Contains(fmt.Sprint(public.Annotations), s) {
			t.Errorf("%q is in %s, annotations %v", s, public.JSON, public.Annotations)
		}
	}
	read, err := object.New(public.JSON, public.Source, "default")
	if err != nil || read.Ref() != before[0].Ref() || !reflect.DeepEqual(read.Labels, before[0].Labels) || !reflect.DeepEqual(read.Annotations, public.Annotations) {
		t.Errorf("%+v is read as %+v: %v", public, read, err)
	}
	var was, is snapshot.Snapshot
	Convert(before, &was)
	Convert([]object.Object{public}, &is)
	if !reflect.DeepEqual(was, is) {
		t.Errorf("of\n%s\nread\n%+v\nand of\n%s\n%+v", text, was, public.JSON, is)
	}
}

// secretJSON is a Secret with these fields, and annotations of which one repeats it.
func secretJSON(t *testing.T, fields map[string]any) string {
	t.Helper()
	fields["apiVersion"], fields["kind"] = "v1", "Secret"
	fields["metadata"] = map[string]any{"name": "a", "labels": map[string]string{"l": "1"}, "annotations": map[string]string{
		"copy": `{"stringData":{"password":"hunter2hunter2"}}`, "cnpg.io/operatorVersion": "1.29.0"}}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What may be known of a Secret is the same once it is public, and what it holds is gone: for
// entries of all sorts, in both lists, and of a wrong type.
func TestPublicSecrets(t *testing.T) {
	ca, caKey := keyPair(t, x509.Certificate{Subject: pkix.Name{CommonName: "the CA"}, IsCA: true})
	leaf, key := keyPair(t, x509.Certificate{Subject: pkix.Name{CommonName: "ledger"}, DNSNames: []string{"ledger-rw"}})
	block, _ := pem.Decode([]byte(ca))
	withHeader := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Headers: map[string]string{"note": "hunter2hunter2"}, Bytes: block.Bytes}))
	broken := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("hunter2hunter2")}))
	values := []any{
		"", "hunter2hunter2", 7355608, nil, true, []string{"hunter2hunter2"}, map[string]int{"k": 7355608},
		leaf + ca, leaf + key, key + leaf, leaf + key + ca, caKey, broken, leaf + broken, broken + leaf, leaf + "hunter2hunter2", "hunter2hunter2\n" + leaf,
		withHeader, leaf + "-----BEGIN CERTIFICATE-----\nhunter2hunter2", strings.Repeat("-----BEGIN ", 9), "ENC[AES256_GCM,data:x]",
	}
	for _, value := range values {
		for _, entry := range []string{"tls.crt", "password", "a.pem"} {
			plain := map[string]any{entry: value, "other": "hunter2hunter2"}
			data := map[string]any{"password": encoded("hunter2hunter2"), "ca.crt": encoded(ca)}
			if text, ok := value.(string); ok {
				data[entry] = encoded(text)
			}
			for _, fields := range []map[string]any{
				{"stringData": plain}, {"data": plain}, {"data": data}, {"data": data, "stringData": plain, "type": "kubernetes.io/tls"},
				{"data": plain, "sops": map[string]string{"mac": "ENC[AES256_GCM,data:y]"}, "type": "ENC[AES256_GCM,data:z]"},
				{"data": value}, {"stringData": value}, {"type": 7355608}, {"type": []string{"hunter2hunter2"}}, {"other": value},
			} {
				samePublic(t, secretJSON(t, fields))
			}
		}
	}
}

// A Secret in a group that has none is a problem, and no less a secret.
func TestPublicSecretElsewhere(t *testing.T) {
	samePublic(t, `{"apiVersion":"extensions/v1beta1","kind":"Secret","metadata":{"name":"a"},"data":{"password":"hunter2hunter2"}}`)
	samePublic(t, `{"apiVersion":"example.com/v1","kind":"Secret","metadata":{"name":"a"},"data":{"password":"hunter2hunter2"}}`)
}

// Annotations stay that say nothing of values.
func TestPublicAnnotations(t *testing.T) {
	o := objects(t, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","annotations":{"copy":"of hunter2hunter2","coded":"`+encoded("hunter2hunter2")+
		`","cnpg.io/operatorVersion":"1.29.0"}},"stringData":{"password":"hunter2hunter2","short":"1.2"}}`)[0]
	if got := Public(o).Annotations; len(got) != 1 || got["cnpg.io/operatorVersion"] != "1.29.0" {
		t.Errorf("%v", got)
	}
	if len(o.Annotations) != 3 {
		t.Error("the object itself was changed")
	}
}

// What becomes a Secret has neither what it encrypts nor what its template says in the open.
func TestPublicSealed(t *testing.T) {
	for _, text := range []string{
		`{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"a"},"spec":{"encryptedData":{"tls.crt":"hunter2hunter2","b":null},"template":{"type":"kubernetes.io/tls","metadata":{"labels":{"l":"1"}},"data":{"b":"hunter2hunter2","tls.crt":null}}}}`,
		`{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"a"},"spec":{"data":"hunter2hunter2"}}`,
		`{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"a"},"spec":{"data":"","encryptedData":null}}`,
		`{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"a"},"spec":{"encryptedData":"hunter2hunter2"}}`,
		`{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"a"},"spec":"hunter2hunter2"}`,
		`{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"a"},"spec":{"template":7355608}}`,
		`{"apiVersion":"external-secrets.io/v1","kind":"ExternalSecret","metadata":{"name":"a"},"spec":{"target":{"name":"b","template":{"data":{"c":"user {{ .u }} hunter2hunter2"}}},"data":[{"secretKey":"d"}]}}`,
		`{"apiVersion":"external-secrets.io/v1","kind":"ExternalSecret","metadata":{"name":"a"},"spec":{"data":[{"secretKey":"d"}],"dataFrom":[{}]}}`,
		`{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"a"},"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"hunter2hunter2"}}}}}`,
		`{"apiVersion":"external-secrets.io/v1","kind":"ExternalSecret","metadata":{"name":"a"},"spec":{"target":{"template":{"metadata":{"annotations":{"a":"hunter2hunter2"}},"templateFrom":[{"literal":"hunter2hunter2"},{"configMap":{"name":"c"}}]}}}}`,
		`{"apiVersion":"external-secrets.io/v1","kind":"ExternalSecret","metadata":{"name":"a"},"spec":{"target":{"template":{"templateFrom":"hunter2hunter2"}}}}`,
	} {
		samePublic(t, text)
	}
}

// Other objects stay as they are.
func TestPublicLeavesOthers(t *testing.T) {
	o := objects(t, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"pg_hba.conf":"host all all all md5"}}`)[0]
	if got := Public(o); !reflect.DeepEqual(got, o) {
		t.Errorf("%+v", got)
	}
}
