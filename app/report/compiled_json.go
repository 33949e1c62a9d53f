package report

import (
	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// compiledJSON is docs/json.md's compile. Fields are added, never renamed or removed.
type compiledJSON struct {
	Errors  []compileErrorJSON `json:"errors"`
	Objects []madeJSON         `json:"objects"`
	Fields  []fieldsJSON       `json:"fields"`
	manifest.Remarks
	Expired []expiredJSON       `json:"expired"`
	Summary compiledSummaryJSON `json:"summary"`
}

// compileErrorJSON is an intent that cannot be compiled, or with warning one that was all
// the same.
type compileErrorJSON struct {
	Origin  verdict.Origin `json:"origin"`
	Text    string         `json:"text"`
	Fix     string         `json:"fix"`
	Warning bool           `json:"warning"`
}

// madeJSON is a whole object.
type madeJSON struct {
	Backend    string           `json:"backend"`
	APIVersion string           `json:"apiVersion"`
	Object     snapshot.Ref     `json:"object"`
	Because    []verdict.Origin `json:"because"`
	// Manifest is the object as it is to be applied.
	Manifest any `json:"manifest"`
}

// fieldsJSON are fields of an object that is not ours.
type fieldsJSON struct {
	Backend    string           `json:"backend"`
	APIVersion string           `json:"apiVersion"`
	Object     snapshot.Ref     `json:"object"`
	Because    []verdict.Origin `json:"because"`
	// At is the object as it was read.
	At  verdict.Origin `json:"at"`
	Set []fieldJSON    `json:"set"`
}

type fieldJSON struct {
	Path []string `json:"path"`
	// Name is the path in one text.
	Name    string `json:"name"`
	Value   any    `json:"value"`
	Comment string `json:"comment"`
}

type expiredJSON struct {
	Access snapshot.Ref   `json:"access"`
	Until  string         `json:"until"`
	Origin verdict.Origin `json:"origin"`
}

// compiledSummaryJSON counts; Open are the gaps that no other layer carries.
type compiledSummaryJSON struct {
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Objects  int `json:"objects"`
	Fields   int `json:"fields"`
	Gaps     int `json:"gaps"`
	Open     int `json:"open"`
	Notes    int `json:"notes"`
	Expired  int `json:"expired"`
	// Proof counts statements; absent where nothing was proven.
	Proof *proofCountJSON `json:"proof,omitempty"`
}

type proofCountJSON struct {
	Proven  int `json:"proven"`
	Refuted int `json:"refuted"`
	Unknown int `json:"unknown"`
	// Harm counts those of the refuted that what was compiled is itself against.
	Harm int `json:"harm"`
}

func (c *Compiled) summary() compiledSummaryJSON {
	r := c.remarks()
	s := compiledSummaryJSON{Gaps: len(r.Gaps), Open: r.Open(), Notes: len(r.Notes), Expired: len(c.expired())}
	for _, e := range c.Errors {
		if e.Warning {
			s.Warnings++
		} else {
			s.Errors++
		}
	}
	for _, a := range c.artefacts() {
		if a.Object != nil {
			s.Objects++
		}
		s.Fields += len(a.Fields)
	}
	if c.Proof != nil {
		n := c.Proof.summary()
		s.Proof = &proofCountJSON{n.Proven, n.Refuted, n.Unknown, len(c.harm())}
	}
	return s
}

func (c *Compiled) json() compiledJSON {
	out := compiledJSON{
		Errors: []compileErrorJSON{}, Objects: []madeJSON{}, Fields: []fieldsJSON{}, Remarks: c.remarks(),
		Expired: []expiredJSON{}, Summary: c.summary(),
	}
	for _, e := range c.Errors {
		out.Errors = append(out.Errors, compileErrorJSON{c.located(e.Origin), e.Text, e.Fix, e.Warning})
	}
	for _, a := range c.artefacts() {
		if a.Object != nil {
			out.Objects = append(out.Objects, madeJSON{a.Backend, a.APIVersion, a.Ref, c.allLocated(a.Because), a.Object})
			continue
		}
		out.Fields = append(out.Fields, c.fieldsJSON(a))
	}
	for _, a := range c.expired() {
		out.Expired = append(out.Expired, expiredJSON{accessRef(a), moment(a.Until), c.located(a.Origin)})
	}
	return out
}

func (c *Compiled) fieldsJSON(a artefact.Artefact) fieldsJSON {
	out := fieldsJSON{a.Backend, a.APIVersion, a.Ref, c.allLocated(a.Because), c.located(a.At), []fieldJSON{}}
	for _, f := range a.Fields {
		out.Set = append(out.Set, fieldJSON{f.Path, f.Name(), f.Value, f.Comment})
	}
	return out
}

func (c *Compiled) allLocated(origins []verdict.Origin) []verdict.Origin {
	out := make([]verdict.Origin, len(origins))
	for i, o := range origins {
		out[i] = c.located(o)
	}
	return out
}
