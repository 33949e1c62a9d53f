package starter

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/model/artefact"
)

// A CI is the step that asks for the proof of every change.
type CI struct {
	// Version is the release to install; empty for the latest.
	Version string
	// Estate are the manifests, Documents the directory of what Documents made, Facts the
	// facts file, each as seen from Directory; none of Estate stands for k8s/.
	Estate    []string
	Documents string
	Facts     string
	// Directory is where the commands run, from the top of the repository; empty for there.
	Directory string
}

// Names of the files of CI, from the top of the repository.
const (
	GitHubFile = ".github/workflows/pgmoat.yaml"
	GitLabFile = ".gitlab/pgmoat.yml"
)

// Prove is the command that CI runs, without the form of its output.
func (c CI) Prove() (string, error) { return c.command("prove") }

func (c CI) command(name string) (string, error) {
	words := []string{"pgmoat", name}
	estate := c.Estate
	if len(estate) == 0 {
		estate = []string{"k8s/"}
	}
	for _, f := range append(append([]string{}, estate...), c.Documents) {
		words = append(words, "-f", f)
	}
	if c.Facts != "" {
		words = append(words, "--facts", c.Facts)
	}
	for i, w := range words {
		quoted, err := shellWord(w)
		if err != nil {
			return "", err
		}
		words[i] = quoted
	}
	return strings.Join(words, " "), nil
}

// Compile is the command that shows what would be written.
func (c CI) Compile() (string, error) { return c.command("compile") }

// plainWord is what a shell takes as it stands.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)

// shellWord writes a word as a shell reads it. "${{" is replaced by the workflow before any
// shell sees it, so that no quote helps.
func shellWord(text string) (string, error) {
	switch {
	case plainWord.MatchString(text):
		return text, nil
	case strings.Contains(text, "${{") || strings.ContainsAny(text, "\n\r\x00"):
		return "", fmt.Errorf("%q cannot be written into a CI step: rename it, or leave the step out with --ci none", text)
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'", nil
}

func (c CI) install() string {
	version := c.Version
	if version == "" {
		version = "latest"
	}
	return "go install github.com/pgmoat/pgmoat/cmd/pgmoat@" + version
}

const ciComment = `Proves every change: the manifests, with what pgmoat compiles of the intents in %s, admit exactly what the intents say.
It fails with status 1 where something is refuted, 2 where nobody can tell, 3 where a file could not be read.`

func (c CI) comment() string {
	text := fmt.Sprintf(ciComment, c.Documents)
	if len(c.Estate) == 0 {
		text += "\nNext: put the place of your manifests in the place of k8s/."
	}
	return text
}

// GitHub is a workflow.
func (c CI) GitHub() (manifest.File, error) {
	prove, err := c.command("prove")
	if err != nil {
		return manifest.File{}, err
	}
	if strings.Contains(c.Directory, "${{") {
		return manifest.File{}, errors.New("the name of the directory cannot be written into a workflow")
	}
	job := artefact.Map{{Key: "runs-on", Value: "ubuntu-latest"}}
	if c.Directory != "" {
		job = append(job, artefact.Entry{Key: "defaults", Value: artefact.Map{{Key: "run", Value: artefact.Map{{Key: "working-directory", Value: c.Directory}}}}})
	}
	steps := artefact.List{
		step(artefact.Map{{Key: "uses", Value: "actions/checkout@v4"}}),
		step(artefact.Map{{Key: "uses", Value: "actions/setup-go@v5"}, {Key: "with", Value: artefact.Map{{Key: "go-version", Value: "stable"}, {Key: "cache", Value: false}}}}),
		step(artefact.Map{{Key: "name", Value: "Install pgmoat"}, {Key: "run", Value: c.install() + "\necho \"$(go env GOPATH)/bin\" >> \"$GITHUB_PATH\"\n"}}),
		step(artefact.Map{{Key: "name", Value: "Prove"}, {Key: "run", Value: prove + " -o junit > \"$RUNNER_TEMP/pgmoat.xml\""}}),
		step(artefact.Map{
			{Key: "name", Value: "Keep the proof"}, {Key: "if", Value: "always()"}, {Key: "uses", Value: "actions/upload-artifact@v4"},
			{Key: "with", Value: artefact.Map{{Key: "name", Value: "pgmoat"}, {Key: "path", Value: "${{ runner.temp }}/pgmoat.xml"}, {Key: "if-no-files-found", Value: "ignore"}}},
		}),
	}
	return manifest.File{Name: GitHubFile, Data: manifest.YAML(artefact.Map{
		{Key: "name", Value: "pgmoat", Comment: c.comment()},
		{Key: "on", Value: artefact.Map{{Key: "pull_request", Value: artefact.Map{}}, {Key: "push", Value: artefact.Map{}}}},
		{Key: "permissions", Value: artefact.Map{{Key: "contents", Value: "read"}}},
		{Key: "jobs", Value: artefact.Map{{Key: "prove", Value: append(job, artefact.Entry{Key: "steps", Value: steps})}}},
	})}, nil
}

func step(m artefact.Map) artefact.Item { return artefact.Item{Value: m} }

// GitLab is a file for .gitlab-ci.yml to include.
func (c CI) GitLab() (manifest.File, error) {
	prove, err := c.command("prove")
	if err != nil {
		return manifest.File{}, err
	}
	report := "pgmoat.xml"
	var script artefact.List
	if c.Directory != "" {
		dir, err := shellWord(c.Directory)
		if err != nil {
			return manifest.File{}, err
		}
		script = append(script, artefact.Item{Value: "cd " + dir})
		report = c.Directory + "/" + report
	}
	script = append(script, artefact.Item{Value: c.install()}, artefact.Item{Value: `"$(go env GOPATH)/bin/` + strings.Replace(prove, "pgmoat ", `pgmoat" `, 1) + " -o junit > pgmoat.xml"})
	return manifest.File{Name: GitLabFile, Data: manifest.YAML(artefact.Map{
		{Key: "pgmoat", Comment: c.comment() + "\nInclude it in .gitlab-ci.yml: include: [{local: " + GitLabFile + "}]", Value: artefact.Map{
			{Key: "stage", Value: "test"},
			{Key: "image", Value: "golang:latest"},
			{Key: "script", Value: script},
			{Key: "artifacts", Value: artefact.Map{
				{Key: "when", Value: "always"},
				{Key: "reports", Value: artefact.Map{{Key: "junit", Value: report}}},
			}},
		}},
	})}, nil
}
