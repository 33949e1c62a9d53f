package report

import (
	"net/url"
	"path"
	"path/filepath"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The part of SARIF 2.1.0 (OASIS) that findings need.
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
}

type sarifTool struct {
	Driver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	} `json:"driver"`
}

type sarifText struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifRule struct {
	ID            string         `json:"id"`
	Short         sarifText      `json:"shortDescription"`
	Full          sarifText      `json:"fullDescription"`
	Help          sarifText      `json:"help"`
	Configuration sarifLevel     `json:"defaultConfiguration"`
	Properties    sarifRuleProps `json:"properties"`
}

type sarifLevel struct {
	Level string `json:"level"`
}

// sarifRuleProps are read by code hosts: a number from 0 to 10 for the severity.
type sarifRuleProps struct {
	SecuritySeverity string   `json:"security-severity"`
	Tags             []string `json:"tags"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Notifications []sarifNotification `json:"toolExecutionNotifications"`
}

type sarifNotification struct {
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	RuleIndex int             `json:"ruleIndex"`
	Kind      string          `json:"kind"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
	Related   []sarifLocation `json:"relatedLocations,omitempty"`
	// Properties keep what SARIF has no word for.
	Properties sarifResultProps `json:"properties"`
}

type sarifResultProps struct {
	Severity string `json:"severity"`
	Subject  string `json:"subject"`
	Fix      string `json:"fix,omitempty"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact struct {
		URI string `json:"uri"`
	} `json:"artifactLocation"`
	Region *sarifRegion `json:"region,omitempty"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
}

var sarifLevels = map[audit.Severity]string{
	audit.Critical: "error", audit.High: "error", audit.Medium: "warning", audit.Low: "note"}

var securitySeverities = map[audit.Severity]string{
	audit.Critical: "9.5", audit.High: "8.0", audit.Medium: "5.5", audit.Low: "2.0"}

func (a *Audited) sarif() sarifLog {
	run := sarifRun{Invocations: []sarifInvocation{a.sarifInvocation()}, Results: []sarifResult{}}
	run.Tool.Driver.Name, run.Tool.Driver.Version = "pgmoat", a.Version
	run.Tool.Driver.Rules = []sarifRule{}
	for _, r := range a.Rules {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(r))
	}
	for _, f := range a.Result.Findings {
		run.Results = append(run.Results, a.sarifResult(f))
	}
	return sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}
}

func sarifRuleOf(r *audit.Rule) sarifRule {
	return sarifRule{
		ID: r.ID, Short: sarifText{Text: r.Title}, Full: sarifText{Text: r.Why},
		Help: sarifText{
			Text:     r.Why + "\n\nReported:\n" + r.Bad + "\nNot reported:\n" + r.Good,
			Markdown: r.Why + "\n\nReported:\n\n" + fenced(r.Bad) + "\nNot reported:\n\n" + fenced(r.Good)},
		Configuration: sarifLevel{sarifLevels[r.Severity]},
		Properties:    sarifRuleProps{securitySeverities[r.Severity], []string{"security", "postgresql", "kubernetes"}},
	}
}

// fenced writes an example for Markdown.
func fenced(example string) string {
	if audit.IsManifest(example) {
		return "```yaml\n" + example + "```\n"
	}
	return "```text\n" + example + "```\n"
}

// sarifInvocation tells what could not be read, and what was not checked.
func (a *Audited) sarifInvocation() sarifInvocation {
	out := sarifInvocation{Successful: len(a.World.Problems) == 0, Notifications: []sarifNotification{}}
	for _, p := range a.World.Problems {
		out.Notifications = append(out.Notifications, sarifNotification{
			"error", sarifText{Text: p.Err}, []sarifLocation{sarifAt(a.World.Locate(p.Origin))}})
	}
	for _, n := range a.notChecked() {
		out.Notifications = append(out.Notifications, sarifNotification{"note", sarifText{Text: "not checked: " + n}, nil})
	}
	return out
}

// sarifResult: a finding in doubt is "open", which has no level.
func (a *Audited) sarifResult(f audit.Finding) sarifResult {
	out := sarifResult{
		RuleID: f.Rule, RuleIndex: slices.IndexFunc(a.Rules, func(r *audit.Rule) bool { return r.ID == f.Rule }),
		Kind: "fail", Level: sarifLevels[f.Severity], Message: sarifText{Text: f.Message},
		Locations:  []sarifLocation{sarifAt(a.World.Locate(f.Origin))},
		Properties: sarifResultProps{f.Severity.String(), f.Subject.String(), f.Fix},
	}
	if !f.Certain {
		out.Kind, out.Level = "open", "none"
	}
	for _, s := range f.Because {
		if s.Layer != "" {
			out.Message.Text += "\nbecause: " + string(s.Layer) + ": " + Words(s)
		}
	}
	for _, o := range f.Also {
		if o.Object != "" {
			out.Related = append(out.Related, sarifAt(a.World.Locate(o)))
		}
	}
	return out
}

// sarifAt writes a place; the file of a rendered line is no file, and stands as a
// name only.
func sarifAt(o verdict.Origin) sarifLocation {
	name := o.Object
	if o.Field != "" {
		name += " " + o.Field
	}
	if name == "" {
		name = o.String()
	}
	out := sarifLocation{Logical: []sarifLogical{{name}}}
	if o.File == "" || o.Object == "" && o.Note != "" {
		return out
	}
	out.Physical = &sarifPhysical{}
	out.Physical.Artifact.URI = fileURI(o.File)
	if o.Line > 0 {
		out.Physical.Region = &sarifRegion{o.Line}
	}
	return out
}

// fileURI writes a path as a URI reference: relative ones stay relative.
func fileURI(file string) string {
	u := url.URL{Path: filepath.ToSlash(file)}
	if path.IsAbs(u.Path) {
		u.Scheme = "file"
	}
	return u.String()
}
