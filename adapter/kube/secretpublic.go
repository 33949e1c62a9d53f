package kube

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// Public returns a Secret, or what a controller makes one of, without what it holds: the
// names of the entries stay, and the certificates of those that are named as one. Objects of
// other kinds are returned as they are.
//
// Convert makes the same of both, warnings and problems with it: in the place of a value
// that means something to it stands another one that means the same.
func Public(o object.Object) object.Object {
	switch {
	case o.Kind == "Secret": // in whatever group somebody puts it
		return publicSecret(o)
	case sealing[o.Type()] != nil:
		o.JSON = publicSealed(o.JSON)
	}
	return o
}

// wrong stands for a value of a type that cannot be: it is a problem, and says nothing.
var wrong = json.RawMessage("0")

// publicSecret keeps the fields that are known, so that nothing is in one that is not.
func publicSecret(o object.Object) object.Object {
	var in map[string]json.RawMessage
	if json.Unmarshal(o.JSON, &in) != nil {
		in = nil
	}
	values := secretValues(in)
	o.Annotations = publicAnnotations(o.Annotations, values)
	out := map[string]json.RawMessage{"apiVersion": quote(o.APIVersion), "kind": quote(o.Kind), "metadata": publicMetadata(in["metadata"], o.Annotations)}
	var sops secretText
	if was, ok := in["sops"]; ok {
		sops.SOPS, out["sops"] = was, wrong
	}
	if was, ok := in["type"]; ok {
		out["type"] = publicType(was, sops)
	}
	for field, encoded := range map[string]bool{"data": true, "stringData": false} {
		if was, ok := in[field]; ok {
			out[field] = eachEntry(was, func(key string, value json.RawMessage) json.RawMessage {
				return publicEntry(key, value, encoded, sops)
			})
		}
	}
	o.JSON = marshal(out)
	return o
}

func publicType(was json.RawMessage, sops secretText) json.RawMessage {
	said, err := text("", was)
	switch {
	case err != nil:
		return wrong
	case sops.encrypts(said):
		return quote("ENC[]")
	}
	return was
}

// publicEntry stands for the value of an entry.
func publicEntry(key string, was json.RawMessage, encoded bool, sops secretText) json.RawMessage {
	value, err := text("", was)
	switch {
	case err != nil:
		return wrong
	case sops.encrypts(value):
		return quote("ENC[]")
	case value == "" || !looksCertified(key):
		return quote("")
	}
	kept, ok := publicCertificates(secretEntry{value: value, encoded: encoded})
	if ok && encoded {
		kept = base64.StdEncoding.EncodeToString([]byte(kept))
	}
	return quote(kept)
}

// publicCertificates returns the certificates of an entry, and something behind them where
// there is. Without one it returns what is found wanting for the same reason; not ok says
// that it is no base64.
func publicCertificates(e secretEntry) (kept string, ok bool) {
	if _, ok := e.bytes(); !ok {
		return "-", false
	}
	certs, whole, other, fault := certificates(e)
	var out bytes.Buffer
	for _, c := range certs {
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // a Buffer takes all
	}
	switch {
	case len(certs) > 0 && !whole:
		out.WriteString("-\n")
	case len(certs) > 0:
	case fault != "":
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE"})
	case other:
		_ = pem.Encode(&out, &pem.Block{Type: "REMOVED"})
	default:
		out.WriteString("-")
	}
	return out.String(), true
}

// leastCopied is from how many bytes on a value in an annotation is taken to be a copy.
const leastCopied = 4

// secretValues are all values of a Secret, as they stand, decoded and encoded.
func secretValues(in map[string]json.RawMessage) []string {
	var out []string
	for _, field := range []string{"data", "stringData"} {
		_ = eachEntry(in[field], func(_ string, was json.RawMessage) json.RawMessage {
			value, err := text("", was)
			if err != nil {
				value = string(was)
			}
			out = append(out, value, base64.StdEncoding.EncodeToString([]byte(value)))
			if plain, err := base64.StdEncoding.DecodeString(value); err == nil {
				out = append(out, string(plain))
			}
			return was
		})
	}
	return out
}

// publicAnnotations leaves out those that hold a value, and those in which a tool keeps the
// whole Secret as it once was.
func publicAnnotations(in map[string]string, values []string) map[string]string {
	out := maps.Clone(in)
	maps.DeleteFunc(out, func(_, text string) bool {
		return strings.Contains(text, `"data"`) || strings.Contains(text, `"stringData"`) ||
			slices.ContainsFunc(values, func(v string) bool { return len(v) >= leastCopied && strings.Contains(text, v) })
	})
	return out
}

// publicMetadata is the metadata with these annotations.
func publicMetadata(was json.RawMessage, annotations map[string]string) json.RawMessage {
	var in map[string]json.RawMessage
	if json.Unmarshal(was, &in) != nil || in == nil {
		return wrong
	}
	if _, ok := in["annotations"]; ok {
		in["annotations"] = marshal(annotations)
	}
	return marshal(in)
}

// publicSealed leaves out what is encrypted, what a template says of entries, and what a
// whole Secret is encrypted to.
func publicSealed(data []byte) []byte {
	blank := func(was json.RawMessage) json.RawMessage {
		return eachEntry(was, func(string, json.RawMessage) json.RawMessage { return quote("") })
	}
	template := func(was json.RawMessage) json.RawMessage { return publicTemplate(was, blank) }
	return inside(data, "spec", func(spec json.RawMessage) json.RawMessage {
		spec = inside(spec, "encryptedData", blank)
		spec = inside(spec, "template", template)
		spec = inside(spec, "target", func(target json.RawMessage) json.RawMessage { return inside(target, "template", template) })
		return inside(spec, "data", func(was json.RawMessage) json.RawMessage {
			if !isGiven(was) || was[0] == '[' { // an ExternalSecret lists where values are
				return was
			}
			return quote("-")
		})
	})
}

// publicTemplate leaves out the values of entries, and annotations, one of which may hold the
// whole Secret as it was applied.
func publicTemplate(template json.RawMessage, blank func(json.RawMessage) json.RawMessage) json.RawMessage {
	template = inside(template, "data", blank)
	template = inside(template, "metadata", func(was json.RawMessage) json.RawMessage { return inside(was, "annotations", blank) })
	return inside(template, "templateFrom", func(was json.RawMessage) json.RawMessage {
		var list []json.RawMessage
		if json.Unmarshal(was, &list) != nil {
			return wrong
		}
		for i, from := range list {
			list[i] = inside(from, "literal", func(json.RawMessage) json.RawMessage { return quote("") })
		}
		return marshal(list)
	})
}

// inside changes a field of an object; what is no object stays none.
func inside(data json.RawMessage, field string, change func(json.RawMessage) json.RawMessage) json.RawMessage {
	var in map[string]json.RawMessage
	switch {
	case json.Unmarshal(data, &in) != nil:
		return wrong
	case in == nil:
		return data
	}
	was, ok := in[field]
	if !ok {
		return data
	}
	in[field] = change(was)
	return marshal(in)
}

// eachEntry changes the entries of an object but those that are null; what is no object
// stays none.
func eachEntry(data json.RawMessage, change func(string, json.RawMessage) json.RawMessage) json.RawMessage {
	var in map[string]json.RawMessage
	switch {
	case json.Unmarshal(data, &in) != nil:
		return wrong
	case in == nil:
		return data
	}
	for key, value := range in {
		if !bytes.Equal(value, []byte("null")) {
			in[key] = change(key, value)
		}
	}
	return marshal(in)
}

func quote(text string) json.RawMessage { return marshal(text) }

// marshal writes strings, maps of them, and JSON that was read: none of them can fail.
func marshal(v any) json.RawMessage {
	out, err := json.Marshal(v)
	if err != nil {
		return wrong
	}
	return out
}
