package kube

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	corev1 "k8s.io/api/core/v1"
)

// otherSecrets are the types that have nothing to do with a server: tokens, the
// credentials of registries, the releases of Helm.
var otherSecrets = []string{
	string(corev1.SecretTypeServiceAccountToken), string(corev1.SecretTypeDockercfg), string(corev1.SecretTypeDockerConfigJson),
	string(corev1.SecretTypeBootstrapToken), "helm.sh/release.v1",
}

// A secretText is a Secret as it is written, with what SOPS adds: how its values were
// encrypted.
type secretText struct {
	Type       json.RawMessage `json:"type"`
	Data       json.RawMessage `json:"data"`
	StringData json.RawMessage `json:"stringData"`
	SOPS       json.RawMessage `json:"sops"`
}

// secret takes what may be known of a Secret: names, and certificates, which are no
// secrets. What else it holds is in nothing that this package makes or says: the
// decoder's errors would quote it, and are replaced.
func (c *converter) secret(o object.Object) {
	var in secretText
	if err := unreadable(o, &in); err != nil {
		c.fail(o, err)
		return
	}
	s := &snapshot.Secret{Namespace: o.Namespace, Name: o.Name, Partial: o.Partial, Labels: o.Labels, Origin: o.Origin()}
	if o.Partial && unrelated(o) {
		return
	}
	err := in.typed(s)
	if err != nil {
		c.fail(o, err)
		return
	}
	if slices.Contains(otherSecrets, s.Type) {
		return
	}
	entries, err := secretEntries(in.Data, in.StringData)
	if err != nil {
		c.fail(o, err)
		return
	}
	s.Keys = slices.Sorted(maps.Keys(entries))
	for _, key := range s.Keys {
		switch {
		case in.encrypts(entries[key].value):
			s.Sealed = true
		case looksCertified(key):
			c.certificate(s, o, key, entries[key])
		}
	}
	c.world.Secrets = append(c.world.Secrets, s)
}

// typed takes the type. The server makes one that is not said Opaque; of a Secret of which
// only a part was read, or whose type is encrypted, it is not known.
func (t secretText) typed(s *snapshot.Secret) error {
	said, err := text("type", t.Type)
	switch {
	case err != nil:
		return err
	case t.encrypts(said):
	case said != "" || s.Partial:
		s.Type = said
	default:
		s.Type = string(corev1.SecretTypeOpaque)
	}
	return nil
}

// encrypts reports whether a value is one that SOPS encrypted: it writes "ENC[" before what
// it makes of a value, and leaves the names as they are (SOPS manual, "Encryption Protocol").
func (t secretText) encrypts(value string) bool {
	return len(t.SOPS) > 0 && strings.HasPrefix(value, "ENC[")
}

// unrelated reports whether a Secret of unknown type is surely of another than those of
// servers: Helm's releases have one form of name [helm pkg/storage/storage.go], and the API
// server asks for the annotation of a service account's token.
func unrelated(o object.Object) bool {
	return strings.HasPrefix(o.Name, "sh.helm.release.v1.") || o.Annotations[corev1.ServiceAccountNameKey] != ""
}

// A secretEntry is a value of a Secret, with the list it stands in. Encoded values are
// in base64.
type secretEntry struct {
	field   string
	value   string
	encoded bool
}

func (e secretEntry) bytes() ([]byte, bool) {
	if !e.encoded {
		return []byte(e.value), true
	}
	out, err := base64.StdEncoding.DecodeString(e.value)
	return out, err == nil
}

// secretEntries reads both lists; what stringData says replaces what data does.
func secretEntries(data, plain json.RawMessage) (map[string]secretEntry, error) {
	out := map[string]secretEntry{}
	for _, list := range []struct {
		field   string
		in      json.RawMessage
		encoded bool
	}{{"data", data, true}, {"stringData", plain, false}} {
		var entries map[string]json.RawMessage
		if len(list.in) > 0 && json.Unmarshal(list.in, &entries) != nil {
			return nil, fault(list.field, "want an object")
		}
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			value, err := text(list.field+object.Key(false, key), entries[key])
			if err != nil {
				return nil, err
			}
			out[key] = secretEntry{list.field, value, list.encoded}
		}
	}
	return out, nil
}

// text reads a string without a word about what stands in its place.
func text(field string, in json.RawMessage) (out string, err error) {
	if len(in) > 0 && json.Unmarshal(in, &out) != nil {
		return "", fault(field, "want a string")
	}
	return out, nil
}

// looksCertified reports whether an entry is named as one that holds a certificate.
func looksCertified(key string) bool {
	for _, end := range []string{".crt", ".pem", ".cert", ".cer"} {
		if strings.HasSuffix(key, end) {
			return true
		}
	}
	return false
}

// certificate adds the first certificate of an entry. One that is not there yet is
// nothing to tell of: cert-manager leaves ca.crt empty where it knows of no authority.
func (c *converter) certificate(s *snapshot.Secret, o object.Object, key string, e secretEntry) {
	if e.value == "" {
		return
	}
	certs, whole, other, err := certificates(e)
	switch {
	case len(certs) > 0:
		first := certificateOf(key, certs[0])
		if whole {
			first.Chain = chain(certs)
		}
		s.Certificates = append(s.Certificates, first)
	case err != "":
		c.warn("secret-certificate", o.Origin().At("%s", e.field+object.Key(false, key)), err)
	case !other:
		c.warn("secret-certificate", o.Origin().At("%s", e.field+object.Key(false, key)), "the entry is named as a certificate and holds none in PEM")
	}
}

// certificates finds those among the blocks of the entry, up to one that cannot be read:
// whole says that there is none. Other says that there were blocks of other kinds, as of a
// private key. The error, where not even the first could be read, is the words for people:
// those of the libraries may hold what they could not read.
func certificates(e secretEntry) (certs []*x509.Certificate, whole, other bool, err string) {
	rest, ok := e.bytes()
	if !ok {
		return nil, false, false, "the entry is not in base64, and its certificate cannot be read"
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(bytes.TrimSpace(rest)); block == nil {
			return certs, len(bytes.TrimSpace(rest)) == 0, other, ""
		}
		if block.Type != "CERTIFICATE" {
			other = true
			continue
		}
		cert, failed := x509.ParseCertificate(block.Bytes)
		switch {
		case failed == nil:
			certs = append(certs, cert)
		case len(certs) == 0:
			return nil, false, other, "the certificate cannot be read"
		default:
			return certs, false, other, ""
		}
	}
}

// chain says of each certificate who signed it.
func chain(certs []*x509.Certificate) []snapshot.ChainLink {
	var out []snapshot.ChainLink
	for _, c := range certs {
		out = append(out, snapshot.ChainLink{
			Subject: c.Subject.String(), SubjectKey: hex.EncodeToString(c.SubjectKeyId),
			Issuer: c.Issuer.String(), IssuerKey: hex.EncodeToString(c.AuthorityKeyId),
		})
	}
	return out
}

func certificateOf(key string, in *x509.Certificate) snapshot.SecretCertificate {
	out := snapshot.SecretCertificate{
		Key: key, Subject: in.Subject.CommonName, CA: in.IsCA, NotAfter: snapshot.Moment(in.NotAfter.Unix()),
		Names: slices.Clone(in.DNSNames),
	}
	for _, ip := range in.IPAddresses {
		out.Names = append(out.Names, ip.String())
	}
	return out
}
