package suite

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
)

// A table is a truth table for one port: rows are who connects, columns where to.
type table struct {
	line      int
	port      flow.PortRange
	columns   []party
	rows      map[string]int
	questions []question
}

// row takes a line of the table; the first holds the columns.
func (t *table) row(line int, text string) error {
	cs, ok := cellsOf(text)
	switch {
	case !ok:
		return nil
	case t.columns == nil:
		return t.head(cs)
	case len(cs) != len(t.columns)+1:
		return fmt.Errorf("the row has %d cells beside its name, the table %d columns", len(cs)-1, len(t.columns))
	}
	cs[0] = lowered(cs[0])
	from, err := parseParty(cs[0])
	if err != nil {
		return err
	}
	if before := t.rows[cs[0]]; before > 0 {
		return fmt.Errorf("the row %s is in line %d already", cs[0], before)
	}
	t.rows[cs[0]] = line
	for i, cell := range cs[1:] {
		if cell == notAsked {
			continue
		}
		want, ok := cells[cell]
		if !ok {
			return fmt.Errorf("cell %q of column %s: want . for allowed, X for refused, ? for unknown, - for not asked", cell, t.columns[i].text)
		}
		if cs[0] == t.columns[i].text {
			continue // the diagonal
		}
		t.questions = append(t.questions, question{line, from, t.columns[i], t.port, want})
	}
	return nil
}

func (t *table) head(cs []string) error {
	seen := map[string]bool{}
	for _, c := range cs[1:] {
		c = lowered(c)
		to, err := parseParty(c)
		if err != nil {
			return err
		}
		if seen[c] {
			return fmt.Errorf("the table has two columns %s", c)
		}
		seen[c] = true
		t.columns = append(t.columns, to)
	}
	if len(t.columns) == 0 {
		return fmt.Errorf("the table has no columns: the first line is a corner and the names")
	}
	return nil
}

// lowered is a name in lower case, as all of Kubernetes are, where a tester printed it in
// capitals.
func lowered(name string) string {
	if name == strings.ToUpper(name) {
		return strings.ToLower(name)
	}
	return name
}

// cellsOf cuts a line at its bars, or where it has none at its spaces. A line of a
// frame has no cells.
func cellsOf(text string) (cs []string, ok bool) {
	if strings.Trim(text, "+-=| ") == "" && len(text) > 1 {
		return nil, false
	}
	if !strings.Contains(text, "|") {
		return strings.Fields(text), true
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "|"), "|")
	for _, c := range strings.Split(text, "|") {
		cs = append(cs, strings.TrimSpace(c))
	}
	return cs, true
}
