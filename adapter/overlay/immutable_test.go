package overlay

import (
	"testing"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// "It is not possible to ... mutate the contents of the data or the binaryData field": by a
// field, or by a whole object. What stays as it is, and labels, may be set.
func TestImmutable(t *testing.T) {
	objects := estateOf(t,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"immutable":true,"data":{"x":"1"}}`,
		`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"immutable":true}`,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"open"},"immutable":false,"data":{"x":"1"}}`,
		`{"apiVersion":"other/v1","kind":"ConfigMap","metadata":{"name":"other"},"immutable":true,"data":{"x":"1"}}`)
	const fix = ": the object is immutable, and the API server refuses to change it: make another "
	whole := func(value string) artefact.Artefact {
		return artefact.Artefact{APIVersion: "v1", Ref: snapshot.Ref{Kind: "ConfigMap", Namespace: "default", Name: "a"}, Object: artefact.Map{
			{Key: "apiVersion", Value: "v1"}, {Key: "kind", Value: "ConfigMap"},
			{Key: "metadata", Value: artefact.Map{{Key: "name", Value: "a"}, {Key: "namespace", Value: "default"}}},
			{Key: "data", Value: artefact.Map{{Key: "x", Value: value}}},
		}}
	}
	for _, test := range []struct {
		artefact artefact.Artefact
		want     string
	}{
		{fieldsOf("v1", "ConfigMap", "default", "a", field("2", "data", "x")), "ConfigMap default/a: data.x" + fix + "ConfigMap, and mount that one"},
		{fieldsOf("v1", "ConfigMap", "default", "a", field("2", "data", "pg_hba.conf")), "ConfigMap default/a: data[pg_hba.conf]" + fix + "ConfigMap, and mount that one"},
		{fieldsOf("v1", "Secret", "default", "a", field("2", "stringData", "x")), "Secret default/a: stringData.x" + fix + "Secret, and mount that one"},
		{whole("2"), "ConfigMap default/a: data.x" + fix + "ConfigMap, and mount that one"},
		{whole("1"), ""},
		{fieldsOf("v1", "ConfigMap", "default", "a", field("1", "data", "x"), field("b", "metadata", "labels", "a")), ""},
		{fieldsOf("v1", "ConfigMap", "default", "open", field("2", "data", "x")), ""},
		{fieldsOf("other/v1", "ConfigMap", "default", "other", field("2", "data", "x")), ""},
	} {
		_, err := Apply(objects, []artefact.Artefact{test.artefact})
		if (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
}
