package repo

import (
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An unreadText is a document of which nobody can tell what it says: it holds a variable whose
// value is not read.
type unreadText struct {
	file.Text
	err error
}

// problem says so, of the object and its namespace as far as the document tells them. It is
// false where nobody wants objects of the type.
func (u unreadText) problem(namespace string, wants func(object.Type, []byte) bool) (snapshot.Problem, bool) {
	all := snapshot.Problem{Origin: verdict.Origin{File: u.Name, Via: u.Via}, Err: u.err.Error()}
	data, yerr := yaml.YAMLToJSON(u.Text.Text)
	if yerr != nil {
		return all, true
	}
	o, oerr := object.New(data, object.Source{File: u.Name, Via: u.Via}, namespace)
	switch {
	case o.Kind == "", strings.Contains(o.APIVersion+o.Kind, "${"):
		return all, true
	case wants != nil && !wants(o.Type(), u.Text.Text):
		return all, false
	}
	p := o.Problem(u.err)
	if oerr != nil || strings.Contains(o.Namespace, "${") {
		p.Namespace = ""
	}
	return p, true
}
