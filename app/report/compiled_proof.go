package report

import (
	"io"

	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// harms reports whether it is what was compiled that is against a statement: it lets
// somebody in, cuts what passed, or changes what nobody spoke of.
func harms(s *prove.Statement) bool {
	for i := range s.Against {
		c := &s.Against[i]
		switch s.Kind {
		case prove.Closed, prove.Unchanged:
			if c.Ours {
				return true
			}
		case prove.Vital:
			if c.Ours && c.Witness.Was == verdict.Allow {
				return true
			}
		default:
		}
	}
	return false
}

// Harms reports whether what was compiled does not stand the proof by its own fault.
func (c *Compiled) Harms() bool { return len(c.harm()) > 0 }

func (c *Compiled) harm() []prove.Statement {
	var out []prove.Statement
	if c.Proof == nil {
		return nil
	}
	for _, s := range c.Proof.statements() {
		if harms(&s) {
			out = append(out, s)
		}
	}
	return out
}

// WriteHarm says why nothing was written.
func (c *Compiled) WriteHarm(out io.Writer) error {
	t := newText(out, false)
	c.writeHarm(t)
	t.line("nothing was written; pgmoat prove tells more, and --unproven leaves the proof out")
	return t.err
}

func (c *Compiled) writeHarm(t *text) {
	for _, s := range c.harm() {
		t.verdict(verdict.Deny, "what was compiled is itself against this: %s", title(s))
	}
}

// WriteProof says what became of the proof, where not all is proven.
func (c *Compiled) WriteProof(out io.Writer) error {
	line := c.proofLine()
	if line == "" || c.Proof.result() == prove.Proven {
		return nil
	}
	t := newText(out, false)
	t.line("%s (pgmoat prove tells which)", line)
	return t.err
}

// proofLine counts statements; empty where nothing was proven.
func (c *Compiled) proofLine() string {
	if c.Proof == nil || len(c.Proof.statements()) == 0 {
		return ""
	}
	return "proof: " + c.Proof.counts()
}
