package render

import (
	"errors"
	"strings"
	"testing"
)

// TestHidden: what a chart or a library says of a value that is called a password is said
// without the value, and all else stays.
func TestHidden(t *testing.T) {
	chart := func(template string) request {
		return request{Chart: &Chart{
			Dir: "c", Release: "r", Set: []string{"auth.password=hunter2", "auth.adminPasswords[0]=hunter2", "auth.pin_token=22222222", "auth.existingSecret=ledger"},
			Files: map[string][]byte{
				"c/Chart.yaml": []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n"), "c/templates/a.yaml": []byte(template),
				"c/values.yaml": []byte("database: {credentials: {user: {key: hunter2hunter2}}}\n"),
			},
		}}
	}
	kustomization := func(text string) request {
		return request{Kustomization: &Kustomization{Dir: "k", Files: map[string][]byte{
			"k/kustomization.yaml": []byte("resources: [s.yaml]\n" + text), "k/s.yaml": []byte("kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n---\n" + secretOf + "hunter2\n"),
			"k/e.env": []byte("a=\xffhunter2"),
		}}}
	}
	for name, test := range map[string]struct {
		asked request
		want  string
	}{
		"fail":          {chart(`{{ fail (printf "no %s here" .Values.auth.password) }}`), "no … here"},
		"of a list":     {chart(`{{ fail (index .Values.auth.adminPasswords 0) }}`), "…"},
		"number":        {chart(`{{ fail (toString .Values.auth.pin_token) }}`), "…"},
		"function":      {chart(`{{ mustToDate "2006" .Values.auth.password }}`), `parsing time "…"`},
		"own values":    {chart(`{{ fail .Values.database.credentials.user.key }}`), "…"},
		"name":          {chart(`{{ fail (printf "no Secret %s" .Values.auth.existingSecret) }}`), "no Secret ledger"},
		"line":          {kustomization("secretGenerator: [{name: a, envs: [e.env]}]"), "a line has invalid utf8 bytes"},
		"no patch":      {kustomization(`patches: [{target: {kind: Secret}, patch: "hunter2"}]`), "unable to parse SM or JSON patch from what is written there"},
		"replacement":   {kustomization("replacements: [{source: {kind: Secret, fieldPath: stringData.password, options: {delimiter: x, index: 9}}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.x]}]}]"), "options.index 9 is out of bounds"},
		"kind of node":  {kustomization("replacements: [{source: {kind: Secret, fieldPath: stringData.password.x}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.x]}]}]"), "expected MappingNode but got ScalarNode"},
		"no generator":  {kustomization("secretGenerator: [{name: a, behavior: merge, literals: [a=hunter2]}]"), "merging from a generator: id"},
		"patch or path": {kustomization("patches: [{target: {kind: Secret}, path: s.yaml, patch: hunter2}]"), "patch and path can't be set at the same time"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(test.asked, Limits{})
			switch {
			case err == nil:
				t.Fatal("no error")
			case strings.Contains(err.Error(), password), strings.Contains(err.Error(), "22222222"):
				t.Errorf("the password is said: %v", err)
			case !strings.Contains(err.Error(), test.want):
				t.Errorf("%v\nwant %s", err, test.want)
			}
		})
	}
}

// TestHiddenExcess: that something takes too much stays what it is.
func TestHiddenExcess(t *testing.T) {
	if err := (hidden{"more": true}).hide(tooMuch("time")); !errors.Is(err, ErrTooMuch) {
		t.Error(err)
	}
}
