package kube

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"
)

var (
	server = flag.String("server", "", "ask the kube-apiserver at this `URL`, and write down what it says")
	token  = flag.String("token", "", "the bearer token for -server")
)

// What kube-apiserver 1.36.3 takes and refuses, with the definitions of network-policy-api
// v0.2.0 and v0.1.7, is what we take and refuse. A file of testdata/server has an object
// with a $ in it, and a line for each thing to put there; below each stands what the
// server said: "accepted", or "refused" with the fields. Where we know better, "ours"
// says so and why. What a line asks has no answer until a server gave it:
//
//	go test ./adapter/kube -run TestAsTheServer -args -server https://127.0.0.1:6443 -token T
//
// The definitions are to be installed in it; nothing is created (dryRun=All).
func TestAsTheServer(t *testing.T) {
	files, err := filepath.Glob("testdata/server/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			s, err := readServerFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range s.cases {
				s.check(t, c)
			}
			if *server != "" && !t.Failed() {
				if err := os.WriteFile(name, s.text(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A serverFile is one file.
type serverFile struct {
	comment, template string
	cases             []*serverCase
}

type serverCase struct {
	input string
	// verdict is "accepted" or "refused"; says are the fields with what is wrong.
	verdict string
	says    []string
	// ours is where we know better, with the reason: "field: " for one that we refuse
	// though the server takes it, "accepted: " for what we take and it refuses.
	ours string
}

func readServerFile(name string) (serverFile, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return serverFile{}, err
	}
	a := txtar.Parse(data)
	if len(a.Files) != 2 || a.Files[0].Name != "object" || a.Files[1].Name != "cases" {
		return serverFile{}, errors.New("want the files object and cases")
	}
	s := serverFile{comment: string(a.Comment), template: string(a.Files[0].Data)}
	if !strings.Contains(s.template, "$") {
		return s, errors.New("the object has no $")
	}
	for line := range strings.Lines(string(a.Files[1].Data)) {
		if err := s.line(strings.TrimRight(line, "\n")); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *serverFile) line(line string) error {
	indented, isAnswer := strings.CutPrefix(line, "\t")
	switch {
	case line == "" || strings.HasPrefix(line, "#"):
		return errors.New("no empty lines, no comments: they would be lost")
	case !isAnswer:
		s.cases = append(s.cases, &serverCase{input: line})
		return nil
	case len(s.cases) == 0:
		return errors.New("an answer to nothing")
	}
	c := s.cases[len(s.cases)-1]
	switch says, isSaid := strings.CutPrefix(indented, "\t"); {
	case isSaid:
		c.says = append(c.says, says)
	case indented == "accepted" || indented == "refused":
		c.verdict = indented
	case strings.HasPrefix(indented, "ours "):
		c.ours = strings.TrimPrefix(indented, "ours ")
	default:
		return fmt.Errorf("%q is no answer", indented)
	}
	return nil
}

func (s *serverFile) text() []byte {
	var b bytes.Buffer
	for _, c := range s.cases {
		fmt.Fprintf(&b, "%s\n\t%s\n", c.input, c.verdict)
		for _, says := range c.says {
			fmt.Fprintf(&b, "\t\t%s\n", says)
		}
		if c.ours != "" {
			fmt.Fprintf(&b, "\tours %s\n", c.ours)
		}
	}
	return txtar.Format(&txtar.Archive{Comment: []byte(s.comment), Files: []txtar.File{
		{Name: "object", Data: []byte(s.template)}, {Name: "cases", Data: b.Bytes()},
	}})
}

// check holds our answer against the server's.
func (s *serverFile) check(t *testing.T, c *serverCase) {
	t.Helper()
	data, err := yaml.YAMLToJSONStrict([]byte(strings.ReplaceAll(s.template, "$", unquoted(c.input))))
	if err != nil {
		t.Errorf("%s: %v", c.input, err)
		return
	}
	if *server != "" {
		if c.verdict, c.says, err = ask(data); err != nil {
			t.Errorf("%s: %v", c.input, err)
			return
		}
	}
	problem, refused := ours(data)
	field := problem.Origin.Field
	better, _, _ := strings.Cut(c.ours, ": ")
	switch {
	case c.verdict == "":
		t.Errorf("%s: nobody asked the server", c.input)
	case better == "accepted" && (refused || c.verdict == "accepted"), better == c.verdict:
		t.Errorf("%s: %s by the server, ours %s: %s", c.input, c.verdict, field, problem.Err)
	case better == "accepted":
	case better != "" && (!refused || field != better || c.verdict == "refused"):
		t.Errorf("%s: %s by the server, ours %s: %s", c.input, c.verdict, field, problem.Err)
	case better == "" && refused != (c.verdict == "refused"):
		t.Errorf("%s: %s by the server %q, ours refused=%v %s", c.input, c.verdict, c.says, refused, problem.Err)
	case better == "" && refused && !namesField(c.says, field):
		t.Errorf("%s: the server says %q, we of %s: %s", c.input, c.says, field, problem.Err)
	}
}

// unquoted lets a case hold line breaks, as \n.
func unquoted(input string) string { return strings.ReplaceAll(input, `\n`, "\n") }

// ours returns our problem with the object, if any.
func ours(data []byte) (snapshot.Problem, bool) {
	o, err := object.New(data, object.Source{}, "default")
	if err != nil {
		return o.Problem(err), true
	}
	s := &snapshot.Snapshot{}
	Convert([]object.Object{o}, s)
	if len(s.Problems) > 0 {
		return s.Problems[0], true
	}
	return snapshot.Problem{}, len(s.Policies)+len(s.ClusterPolicies) != 1
}

// namesField reports whether the server names our field, or one that ours is a part of.
// A name that is missing is a fault of the metadata to us.
func namesField(says []string, ours string) bool {
	return slices.ContainsFunc(says, func(said string) bool {
		field, _, _ := strings.Cut(said, ": ")
		bare := index.ReplaceAllString(ours, "")
		return field == "" || field == ours || field == bare || field == ours+".name" ||
			strings.HasPrefix(ours, field+".") || strings.HasPrefix(ours, field+"[") || strings.HasPrefix(bare, field+".")
	})
}

var index = regexp.MustCompile(`\[\d+\]`)

var client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

// ask creates the object without keeping it, as kubectl does.
func ask(data []byte) (verdict string, says []string, err error) {
	var o struct {
		APIVersion, Kind string
		Metadata         struct{ Namespace string }
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return "", nil, err
	}
	resource := map[string]string{
		"NetworkPolicy": "networkpolicies", "ClusterNetworkPolicy": "clusternetworkpolicies",
		"AdminNetworkPolicy": "adminnetworkpolicies", "BaselineAdminNetworkPolicy": "baselineadminnetworkpolicies",
	}[o.Kind]
	if o.Kind == "NetworkPolicy" {
		if o.Metadata.Namespace == "" {
			o.Metadata.Namespace = "default"
		}
		resource = "namespaces/" + o.Metadata.Namespace + "/" + resource
	}
	url := *server + "/apis/" + o.APIVersion + "/" + resource + "?dryRun=All&fieldValidation=Strict"
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return "", nil, err
	}
	req.Header.Set("Authorization", "Bearer "+*token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", nil, err
	}
	return answer(resp.StatusCode, body)
}

// answer reads a Status. Errors of decoding have no causes; their words tell the field.
func answer(code int, body []byte) (verdict string, says []string, err error) {
	if code == http.StatusCreated {
		return "accepted", nil, nil
	}
	if code != http.StatusUnprocessableEntity && code != http.StatusBadRequest {
		return "", nil, fmt.Errorf("%d %s", code, body)
	}
	var status struct {
		Message string
		Details struct {
			Causes []struct{ Field, Message string }
		}
	}
	if err := json.Unmarshal(body, &status); err != nil {
		return "", nil, err
	}
	for _, c := range status.Details.Causes {
		if strings.Contains(c.Message, "some validation rules were not checked") {
			continue
		}
		field := cmp.Or(strings.TrimPrefix(c.Field, "<nil>"), fieldIn(c.Message))
		says = append(says, field+": "+oneLine(c.Message))
	}
	if len(says) == 0 {
		says = append(says, fieldIn(status.Message)+": "+oneLine(status.Message))
	}
	slices.Sort(says)
	return "refused", slices.Compact(says), nil
}

// generated is the name that the server makes of A-; it is another one each time.
var generated = regexp.MustCompile(`"A-[a-z0-9]{5}"`)

func oneLine(text string) string {
	text = generated.ReplaceAllString(strings.Join(strings.Fields(text), " "), `"A-....."`)
	if len(text) > 160 {
		text = text[:160] + "..."
	}
	return text
}

var decoding = regexp.MustCompile(`(?:field "([^"]+)"|struct field \w+\.(\S+)|format int32 in (\S+))`)

func fieldIn(message string) string {
	m := decoding.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	return m[1] + m[2] + m[3]
}
