package pgmoat

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/api/v1alpha1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metavalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	kjson "sigs.k8s.io/json"
)

// check holds an object against its definition and returns it as the API server would store
// it, with the defaults, or every fault that keeps the server from it.
//
// In two things it is stricter. An unknown field, which the server drops unless kubectl
// asks it not to, is a fault; and so is a null in spec, which the server takes as absent:
// "until:" with nothing behind it must not last for ever.
func check(o object.Object) ([]byte, []*object.Fault) {
	d, f := definitionOf(o)
	if f != nil {
		return nil, []*object.Fault{f}
	}
	var content map[string]any
	strict, err := kjson.UnmarshalStrict(o.JSON, &content)
	if err != nil {
		return nil, []*object.Fault{object.TypeFault(o.JSON, err)}
	}
	var faults []*object.Fault
	for _, e := range strict {
		faults = append(faults, duplicate(e))
	}
	faults = append(faults, checkMeta(o, d)...)
	faults = append(faults, nulls("spec", content["spec"])...)
	for _, path := range pruning.PruneWithOptions(content, d.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
		faults = append(faults, fault(path, "unknown field%s", d.suggest(path)))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(content, d.structural)
	defaulting.Default(content, d.structural)
	faults = append(faults, d.validate(content)...)
	if len(faults) > 0 {
		return nil, ordered(faults)
	}
	delete(content, "status") // what was found is nothing that is asked
	stored, err := json.Marshal(content)
	if err != nil {
		return nil, []*object.Fault{{Err: err}}
	}
	return stored, nil
}

// definitionOf finds the definition by the object's apiVersion and kind.
func definitionOf(o object.Object) (*definition, *object.Fault) {
	if want := v1alpha1.GroupVersion.String(); o.APIVersion != want {
		return nil, fault("apiVersion", "%q is no version of ours: want %s", o.APIVersion, want)
	}
	if !slices.Contains(kindNames(), o.Kind) {
		return nil, fault("kind", "%q is no kind of %s%s", o.Kind, v1alpha1.GroupVersion, didYouMean(o.Kind, kindNames()))
	}
	all, err := definitions()
	if err != nil {
		return nil, &object.Fault{Err: err}
	}
	return all[o.Kind], nil
}

// validate is what the server does when an object is made: schema, lists that are sets or
// maps, then the rules, which it skips where the shape is wrong already.
func (d *definition) validate(content map[string]any) []*object.Fault {
	errs := validation.ValidateCustomResource(nil, content, d.validator)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, d.structural, content)...)
	if !slices.ContainsFunc(errs, blocksRules) {
		found, _ := d.rules.Validate(context.Background(), nil, d.structural, content, nil, celconfig.RuntimeCELCostBudget)
		errs = append(errs, found...)
	}
	return faultsOf(errs)
}

// blocksRules is hasBlockingErr of the server: the rules rely on the types that the schema
// has, so that with these errors they would fail themselves.
func blocksRules(err *field.Error) bool {
	switch err.Type {
	case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
		return true
	}
	return false
}

// metaFields are the fields of metadata that a person writes.
var metaFields = []string{"annotations", "labels", "name", "namespace"}

// checkMeta holds metadata against the rules of all objects. Unlike the server it needs a
// name and takes no generateName.
func checkMeta(o object.Object, d *definition) []*object.Fault {
	var in struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	strict, err := kjson.UnmarshalStrict(o.JSON, &in)
	if err != nil {
		return []*object.Fault{object.TypeFault(o.JSON, err)}
	}
	var faults []*object.Fault
	for _, e := range strict {
		if path := pathOf(e); strings.HasPrefix(path, "metadata.") && isUnknown(e) {
			faults = append(faults, fault(path, "unknown field%s", didYouMean(path[len("metadata."):], metaFields)))
		}
	}
	if in.Metadata.Name == "" {
		return append(faults, fault("metadata.name", "Required value: what is made of the object is named after it"))
	}
	if d.namespaced && in.Metadata.Namespace == "" {
		in.Metadata.Namespace = o.Namespace
	}
	errs := metavalidation.ValidateObjectMeta(&in.Metadata, d.namespaced, metavalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	return append(faults, faultsOf(errs)...)
}

// faultsOf takes over errors of the API server with its words.
func faultsOf(errs field.ErrorList) []*object.Fault {
	var out []*object.Fault
	for _, e := range errs {
		path := e.Field
		if path == "<nil>" { // of the whole object
			path = ""
		}
		out = append(out, &object.Fault{Field: path, Err: errors.New(e.ErrorBody() + advice(e))})
	}
	return out
}

// duplicate is the fault of a key that is there twice.
func duplicate(err error) *object.Fault {
	return &object.Fault{Field: pathOf(err), Err: errors.New("is there twice")}
}

func isUnknown(err error) bool { return strings.HasPrefix(err.Error(), "unknown field") }

// pathOf returns the path that a strict error of the decoder is about.
func pathOf(err error) string {
	var fe kjson.FieldError
	if errors.As(err, &fe) {
		return fe.FieldPath()
	}
	return ""
}

// nulls finds fields below path that are null. An entry of a list that is null is left to
// the schema, which refuses it.
func nulls(path string, value any) []*object.Fault {
	var out []*object.Fault
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			below := path + object.Key(false, key)
			if child == nil {
				out = append(out, fault(below, "is null: give it a value, or leave it out"))
				continue
			}
			out = append(out, nulls(below, child)...)
		}
	case []any:
		for i, child := range v {
			out = append(out, nulls(path+"["+strconv.Itoa(i)+"]", child)...)
		}
	}
	return out
}

// ordered sorts faults by field, and drops those that several checks have found. A field
// that nobody knows may be called anything, and does not get to a terminal as it is.
func ordered(faults []*object.Fault) []*object.Fault {
	for _, f := range faults {
		f.Field = strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return unicode.ReplacementChar
		}, f.Field)
	}
	slices.SortStableFunc(faults, func(a, b *object.Fault) int { return strings.Compare(a.Error(), b.Error()) })
	return slices.CompactFunc(faults, func(a, b *object.Fault) bool { return a.Error() == b.Error() })
}
