package kube

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// said writes what is known of Secrets, one a line.
func said(s *snapshot.Snapshot) string {
	var out []string
	for _, x := range s.Secrets {
		text := fmt.Sprintf("%s/%s %s %v %v", x.Namespace, x.Name, x.Type, x.Keys, x.Labels)
		if x.Partial {
			text += " partial"
		}
		if x.Sealed {
			text += " sealed"
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}

func readAll(t *testing.T, documents ...string) *snapshot.Snapshot {
	t.Helper()
	s := &snapshot.Snapshot{}
	Convert(objects(t, documents...), s)
	return s
}

const sealedText = `{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
 "metadata": {"name": "db", "namespace": "shop", "labels": {"of": "the sealed one"}},
 "spec": {"encryptedData": {"password": "hunter2==", "old": "hunter2=="},
  "template": {"type": "kubernetes.io/basic-auth", "metadata": {"name": "elsewhere", "namespace": "other", "labels": {"app": "db"}},
   "data": {"username": "hunter2", "old": null}}}}`

func TestSealedSecrets(t *testing.T) {
	external := func(spec string) string {
		return `{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "db", "namespace": "shop", "labels": {"own": "1"}}, "spec": ` + spec + `}`
	}
	const fetched = `"data": [{"secretKey": "password"}, {"secretKey": "host"}]`
	for _, c := range []struct{ name, text, want string }{
		{"sealed", sealedText, "shop/db kubernetes.io/basic-auth [password username] map[app:db] sealed"},
		{"sealed without a template", `{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "db", "namespace": "shop"}, "spec": {"encryptedData": {"a": "x"}}}`,
			"shop/db Opaque [a] map[] sealed"},
		{"sealed whole", `{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "db", "namespace": "shop"}, "spec": {"data": "hunter2"}}`,
			"shop/db Opaque [] map[] partial sealed"},
		{"a registry's", `{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "db", "namespace": "shop"}, "spec": {"template": {"type": "kubernetes.io/dockerconfigjson"}, "encryptedData": {".dockerconfigjson": "x"}}}`, ""},
		{"external", external(`{` + fetched + `}`), "shop/db Opaque [host password] map[own:1] sealed"},
		{"external, named", external(`{"target": {"name": "other"}, ` + fetched + `}`), "shop/other Opaque [host password] map[own:1] sealed"},
		{"external, all of a store's", external(`{"dataFrom": [{"extract": {"key": "x"}}], ` + fetched + `}`), "shop/db Opaque [host password] map[own:1] partial sealed"},
		{"external, typed", external(`{"target": {"template": {"type": "kubernetes.io/tls", "metadata": {"labels": {"a": "b"}}}}, ` + fetched + `}`),
			"shop/db kubernetes.io/tls [host password] map[a:b] sealed"},
		{"external, a template in place of it", external(`{"target": {"template": {"data": {"url": "hunter2"}}}, "dataFrom": [{}], ` + fetched + `}`),
			"shop/db Opaque [url] map[] sealed"},
		{"external, a template beside it", external(`{"target": {"template": {"mergePolicy": "Merge", "data": {"url": "hunter2"}}}, ` + fetched + `}`),
			"shop/db Opaque [host password url] map[] sealed"},
		{"external, a template of somebody's", external(`{"target": {"template": {"templateFrom": [{}], "data": {"url": "x"}}}}`), "shop/db Opaque [url] map[] partial sealed"},
		{"external, into another's", external(`{"target": {"creationPolicy": "Merge"}, ` + fetched + `}`), ""},
		{"external, nothing", external(`{"target": {"creationPolicy": "None"}, ` + fetched + `}`), ""},
		{"external, no Secret", external(`{"target": {"manifest": {"apiVersion": "v1", "kind": "ConfigMap"}}, ` + fetched + `}`), ""},
	} {
		s := readAll(t, c.text)
		if got := said(s); got != c.want || len(s.Problems)+len(s.Warnings) > 0 {
			t.Errorf("%s: %q %v %v, want %q", c.name, got, s.Problems, s.Warnings, c.want)
		}
		if text := fmt.Sprintf("%+v", s); strings.Contains(text, "hunter2") {
			t.Errorf("%s: a value is in %s", c.name, text)
		}
	}
}

// What is wrong with one is told without a value.
func TestSealedSecretsStaySecret(t *testing.T) {
	for _, text := range []string{
		strings.Replace(sealedText, `{"username": "hunter2", "old": null}`, `["hunter2"]`, 1),
		strings.Replace(sealedText, `"kubernetes.io/basic-auth"`, `["hunter2"]`, 1),
	} {
		s := readAll(t, text)
		if len(s.Problems) != 1 || strings.Contains(fmt.Sprint(s.Problems), "hunter2") {
			t.Errorf("%v", s.Problems)
		}
	}
}

// The Secret that was read tells more than what it is made of, whichever is read first.
func TestSecretBeforeSealed(t *testing.T) {
	const secret = `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}, "data": {"more": "eA=="}}`
	for _, order := range [][]string{{sealedText, secret}, {secret, sealedText}} {
		if got := said(readAll(t, order...)); got != "shop/db Opaque [more] map[]" {
			t.Errorf("%q", got)
		}
	}
}

func TestKindsThatBecomeSecretsAreWanted(t *testing.T) {
	for kind := range sealing {
		if !Wants(kind) {
			t.Errorf("%s is not wanted", kind)
		}
	}
}

// SOPS leaves the names of entries and encrypts their values: what they hold is not known,
// and that is nothing to warn of. What it was told to leave alone is as good as ever.
func TestSOPS(t *testing.T) {
	cert, _ := keyPair(t, x509.Certificate{Subject: pkix.Name{CommonName: "ledger"}})
	const enc = "ENC[AES256_GCM,data:aGk=,iv:x,tag:y,type:str]"
	s := secretOf(t, map[string]any{
		"sops": map[string]any{"mac": enc, "version": "3.9.0"}, "type": enc,
		"data": map[string]string{"tls.crt": enc}, "stringData": map[string]string{"password": enc, "ca.crt": cert},
	})
	if got := said(s); got != "default/a  [ca.crt password tls.crt] map[l:1] sealed" || len(s.Problems)+len(s.Warnings) > 0 {
		t.Fatalf("%q %v %v", got, s.Problems, s.Warnings)
	}
	if held, unread := s.Secrets[0].Certificate("tls.crt"); held != nil || !unread {
		t.Errorf("an encrypted certificate: %v, unread %v", held, unread)
	}
	if held, unread := s.Secrets[0].Certificate("ca.crt"); held == nil || held.Subject != "ledger" || unread {
		t.Errorf("a plain certificate: %v, unread %v", held, unread)
	}
	typed := secretOf(t, map[string]any{"sops": map[string]any{}, "type": "kubernetes.io/tls", "data": map[string]string{"tls.crt": enc}})
	if got := said(typed); got != "default/a kubernetes.io/tls [tls.crt] map[l:1] sealed" {
		t.Errorf("%q", got)
	}
}

// partialOf converts a Secret of which only this was read.
func partialOf(t *testing.T, text string) *snapshot.Snapshot {
	t.Helper()
	all := objects(t, text)
	for i := range all {
		all[i].Partial = true
	}
	s := &snapshot.Snapshot{}
	Convert(all, s)
	return s
}

// Of metadata alone nothing follows about entries: they are neither there nor absent.
func TestPartialSecret(t *testing.T) {
	s := partialOf(t, `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop", "labels": {"a": "b"}}}`)
	if got := said(s); got != "shop/db  [] map[a:b] partial" {
		t.Fatalf("%q", got)
	}
	if has := s.Secrets[0].Has("tls.crt"); has != verdict.Unknown {
		t.Errorf("has %v", has)
	}
	if _, unread := s.Secrets[0].Certificate("tls.crt"); !unread {
		t.Error("the certificate is taken for absent")
	}
	whole := readAll(t, `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}, "data": {"a": ""}}`).Secrets[0]
	if whole.Has("a") != verdict.Allow || whole.Has("b") != verdict.Deny {
		t.Error("a whole Secret knows its entries")
	}
}

// Certificates that were read beside the metadata are known, and the rest is not.
func TestPartialSecretWithCertificate(t *testing.T) {
	cert, _ := keyPair(t, x509.Certificate{Subject: pkix.Name{CommonName: "ledger"}})
	x := partialOf(t, fmt.Sprintf(`{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"},
		"type": "kubernetes.io/tls", "data": {"tls.crt": %q}}`, encoded(cert))).Secrets[0]
	held, unread := x.Certificate("tls.crt")
	if held == nil || unread || x.Has("tls.key") != verdict.Unknown || x.Type != "kubernetes.io/tls" {
		t.Errorf("%+v %v", x, unread)
	}
}

// Helm's releases and tokens are told by their metadata, too.
func TestPartialSecretsOfOthers(t *testing.T) {
	for _, meta := range []string{
		`{"name": "sh.helm.release.v1.db.v1", "namespace": "shop"}`,
		`{"name": "token", "namespace": "shop", "annotations": {"kubernetes.io/service-account.name": "default"}}`,
	} {
		if s := partialOf(t, `{"apiVersion": "v1", "kind": "Secret", "metadata": `+meta+`}`); len(s.Secrets) > 0 {
			t.Errorf("%s: %s", meta, said(s))
		}
	}
	if !slices.Contains(otherSecrets, "helm.sh/release.v1") {
		t.Error("a release that was read whole is kept")
	}
}
