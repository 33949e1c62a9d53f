//go:build linux

package controlplane

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/pgmoat"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/rogpeppe/go-internal/txtar"
)

// A file of intents is refused for what the server refuses it for, in the server's words:
// these tests ask both about the same document. Where a file is stricter, it is so in the
// ways listed in strict, and in no other.

// strict are the faults that only a file has.
var strict = []*regexp.Regexp{
	// A null in spec, which the server takes as absent.
	regexp.MustCompile(`: is null: give it a value, or leave it out$`),
	// A name that only the facts file explains.
	regexp.MustCompile(`^spec\.[a-zA-Z.\[\]0-9]*outside\[\d+\]: the facts know no range `),
	// Label selectors are of Kubernetes' own type. The schema has no rule for what is in
	// them, and a controller that met a bad one could do nothing.
	regexp.MustCompile(`^spec\.[a-zA-Z.\[\]0-9]*([sS]elector|clientNamespaces)\.match(Labels|Expressions)[.\[]`),
	// Times that match the schema's format and are none in RFC 3339.
	regexp.MustCompile(`^spec\.until: .*: want a time such as 2026-12-31T18:00:00Z$`),
	// Where a text has a format, the server's schema lets a list of anything pass.
	regexp.MustCompile(`^spec\.until: an array where a string is expected$`),
	// Status is the controller's: the server drops it before it looks.
	regexp.MustCompile(`^status[.:\[]`),
	// The server takes it off without a word.
	regexp.MustCompile(`^metadata\.namespace: Forbidden: not allowed on this type$`),
	// What is made of an object is named after it; the server could find a name.
	regexp.MustCompile(`^metadata\.name: Required value: what is made of the object is named after it$`),
}

// unchecked is what the server adds where the shape is so wrong that it does not ask the
// rules. It is about no field, and goes away with the others.
const unchecked = "some validation rules were not checked because the object was invalid"

// The documents with every fault that the reader knows.
func TestFaultsAgree(t *testing.T) {
	c := ours(t)
	namespace(t, c, "shop")
	archive, err := txtar.ParseFile("../../adapter/pgmoat/testdata/faults.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, f := range archive.Files {
		for _, o := range parsed(t, f.Data) {
			o.Namespace = placed(o)
			if !served(o) {
				continue
			}
			agree(t, c, f.Name, o, snapshot.Facts{})
			tried++
		}
	}
	if tried < 40 {
		t.Errorf("only %d documents", tried)
	}
}

// placed is the namespace that the tests use.
func placed(o object.Object) string {
	if o.Kind == "AccessInvariant" {
		return ""
	}
	return "shop"
}

// served reports whether the server has the object's kind: else there is no place to send
// it to.
func served(o object.Object) bool {
	return o.APIVersion == "pgmoat.dev/v1alpha1" && slices.Contains([]string{"PostgresPerimeter", "PostgresAccess", "AccessInvariant"}, o.Kind)
}

// Every run has the same random documents.
const (
	fixedSeed     = 20261121
	someDocuments = 600
)

// Good documents with random damage.
func TestRandomFaultsAgree(t *testing.T) {
	c := ours(t)
	m := newMutator(t, fixedSeed)
	refused := 0
	for range someDocuments {
		if m.agree(t, c) {
			refused++
		}
	}
	t.Logf("seed %d: %d of %d documents were refused", m.seed, refused, someDocuments)
	if refused < someDocuments/3 || refused > someDocuments*19/20 {
		t.Error("these documents do not show much")
	}
}

// TestFuzzIntents goes on for PGMOAT_FUZZ_SECONDS, from PGMOAT_FUZZ_SEED or any seed.
func TestFuzzIntents(t *testing.T) {
	seconds, err := strconv.Atoi(os.Getenv("PGMOAT_FUZZ_SECONDS"))
	if err != nil {
		t.Skip("PGMOAT_FUZZ_SECONDS is not set; make fuzz-intents sets it")
	}
	seed := rand.Uint64N(1 << 40)
	if text := os.Getenv("PGMOAT_FUZZ_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	c := ours(t)
	m := newMutator(t, seed)
	tried := 0
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end) && !t.Failed(); tried++ {
		m.agree(t, c)
	}
	t.Logf("seed %d: %d documents", seed, tried)
}

// agree asks the server and the reader about one document, and reports whether the server
// refused it.
func agree(t *testing.T, c *Cluster, what string, o object.Object, facts snapshot.Facts) bool {
	t.Helper()
	said := pgmoat.Read(object.Batch{Objects: []object.Object{o}}, facts).Problems
	loose, err := propose(t.Context(), c, o, "Ignore")
	if err != nil {
		t.Fatal(err)
	}
	exact, err := propose(t.Context(), c, o, "Strict")
	if err != nil {
		t.Fatal(err)
	}
	server := refusalOf(t, loose)
	if server != nil && server.Code == http.StatusBadRequest {
		// What is wrong with metadata or with the JSON itself the server says in words of its
		// decoder, and then nothing else.
		if len(said) == 0 {
			t.Errorf("%s: the server cannot read it: %v\n%s", what, server, o.JSON)
		}
		return true
	}
	if of, list := fieldFaults(said), strictFaults(t, exact); !slices.Equal(of, list) {
		t.Errorf("%s: fields of %s\na file    %q\na server  %q", what, o.JSON, of, list)
	}
	sameWords(t, what, o, said, causes(server))
	return server != nil || refusalOf(t, exact) != nil
}

// sameWords compares what both say beside unknown and doubled fields. A file may add what
// to write instead.
func sameWords(t *testing.T, what string, o object.Object, said []snapshot.Problem, server []string) {
	t.Helper()
	said = slices.DeleteFunc(slices.Clone(said), func(p snapshot.Problem) bool { return fieldFault(p) != "" })
	for _, s := range server {
		rest := slices.DeleteFunc(slices.Clone(said), func(p snapshot.Problem) bool {
			f := strings.Map(printable, p.Err)
			return f == s || strings.HasPrefix(f, s+": ")
		})
		if len(rest) == len(said) && !slices.Contains(server[:slices.Index(server, s)], s) {
			t.Errorf("%s: of %s\nonly a server says  %s", what, o.JSON, s)
		}
		said = rest
	}
	for _, p := range said {
		if !slices.ContainsFunc(strict, func(r *regexp.Regexp) bool { return r.MatchString(p.Err) }) {
			t.Errorf("%s: of %s\nonly a file says  %s", what, o.JSON, p.Err)
		}
	}
}

func refusalOf(t *testing.T, a Answer) *Refusal {
	t.Helper()
	err := a.Err()
	if err == nil {
		return nil
	}
	var r *Refusal
	if !errors.As(err, &r) || r.Code != http.StatusBadRequest && r.Code != http.StatusUnprocessableEntity {
		t.Fatal(err)
	}
	return r
}

// causes are the faults that the server lists, as our problems are written.
func causes(r *Refusal) []string {
	if r == nil {
		return nil
	}
	var out []string
	for _, cause := range r.Details.Causes {
		switch {
		case cause.Field == "<nil>" && strings.HasSuffix(cause.Message, unchecked+"; correct the existing errors to complete validation"):
		case cause.Field == "<nil>":
			out = append(out, strings.Map(printable, cause.Message))
		default:
			out = append(out, strings.Map(printable, cause.Field+": "+cause.Message))
		}
	}
	return out
}

// strictFaults are the unknown and doubled fields that the server lists.
func strictFaults(t *testing.T, a Answer) []string {
	t.Helper()
	r := refusalOf(t, a)
	if r == nil || !strings.Contains(r.Message, "strict decoding error: ") {
		return nil
	}
	var out []string
	for _, m := range namedFields.FindAllStringSubmatch(r.Message, -1) {
		out = append(out, m[1]+" "+strings.Map(printable, m[2]))
	}
	return sorted(out)
}

// namedFields finds the fields in a list of faults, which the server does not quote.
var namedFields = regexp.MustCompile(`(?s)(unknown|duplicate) field "(.*?)"(?:, |$)`)

// printable is what becomes of a field's name before it gets to a terminal.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

// fieldFaults are the unknown and doubled fields that we list.
func fieldFaults(problems []snapshot.Problem) []string {
	var out []string
	for _, p := range problems {
		if f := fieldFault(p); f != "" {
			out = append(out, f)
		}
	}
	return sorted(out)
}

func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func fieldFault(p snapshot.Problem) string {
	said := strings.TrimPrefix(p.Err, p.Origin.Field+": ")
	switch {
	case strings.HasPrefix(said, "unknown field"):
		return "unknown " + p.Origin.Field
	case said == "is there twice":
		return "duplicate " + p.Origin.Field
	}
	return ""
}
