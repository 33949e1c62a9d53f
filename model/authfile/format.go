package authfile

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// A written line is a logical line as it stands there: nothing is included.
type written struct {
	physical []string // with their ends
	fields   [][]Token
	spelled  []string // the fields as they are written, without blanks around commas
	comment  string
	long     bool // longer than the version takes
}

// writtenLines cuts a file into its lines as one version does.
func writtenLines(content string, version int) []written {
	reader := newText(content, version)
	var out []written
	for {
		before := reader.rest
		r, ok := reader.next()
		if !ok {
			return out
		}
		l := written{physical: slices.Collect(strings.Lines(before[:len(before)-len(reader.rest)])), long: r.long}
		s := scanner{rest: r.text}
		if version < 16 {
			s.limit = maxToken
		}
		for s.rest != "" && !s.long {
			if field, spelled := writtenField(&s); field != nil {
				l.fields, l.spelled = append(l.fields, field), append(l.spelled, strings.Join(spelled, ","))
			}
		}
		l.comment, l.long = s.comment, l.long || s.long
		out = append(out, l)
	}
}

func writtenField(s *scanner) (field []Token, spelled []string) {
	for comma := true; comma; {
		var t Token
		var ok bool
		before := s.rest
		if t, comma, ok = s.next(); !ok {
			break
		}
		text := strings.TrimLeft(before[:len(before)-len(s.rest)-len(s.comment)], " \t\r,")
		if comma {
			text = text[:len(text)-1]
		}
		field, spelled = append(field, t), append(spelled, text)
	}
	return field, spelled
}

// sameMeaning reports whether a server of the version reads the same fields in the
// same places: not only the same rules, but the same line numbers.
func sameMeaning(a, b string, version int) bool {
	return slices.EqualFunc(writtenLines(a, version), writtenLines(b, version), func(x, y written) bool {
		return len(x.physical) == len(y.physical) && x.long == y.long &&
			slices.EqualFunc(x.fields, y.fields, func(f, g []Token) bool { return slices.Equal(f, g) })
	})
}

// oldest and newest are the versions that Format keeps the meaning for.
const oldest, newest = 13, 18

// errMeaning is a fault of ours.
var errMeaning = errors.New("the formatted file would not be read as the same")

// Format aligns the fields of a file in columns and keeps its comments, its lines and
// what every version from 13 to 18 reads in each of them. Lines that continue stay as
// they are. At an error nothing is formatted.
func Format(content string) (string, error) {
	lines := writtenLines(content, newest)
	var out strings.Builder
	for len(lines) > 0 {
		n := block(lines)
		formatBlock(&out, lines[:n])
		lines = lines[n:]
	}
	formatted := out.String()
	for version := oldest; version <= newest; version++ {
		if !sameMeaning(content, formatted, version) {
			return "", errMeaning
		}
	}
	return formatted, nil
}

// block returns how many lines are aligned together: those up to an empty one.
func block(lines []written) int {
	for i, l := range lines {
		if len(l.fields) == 0 && l.comment == "" {
			return i + 1
		}
	}
	return len(lines)
}

// widest is how wide a field may be and still make its column wide.
const widest = 40

func formatBlock(out *strings.Builder, lines []written) {
	var widths []int
	for _, l := range lines {
		for i, cell := range l.cells() {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if w := utf8.RuneCountInString(cell); w <= widest {
				widths[i] = max(widths[i], w)
			}
		}
	}
	for _, l := range lines {
		out.WriteString(l.format(widths))
	}
}

// columns are those of a record that are aligned: type, database, user, address,
// method. A local line has no address, and its method stands below the others.
const columns = 5

// cells are the aligned fields, and behind them the rest as one.
func (l written) cells() []string {
	if !l.record() {
		return nil
	}
	out := slices.Clone(l.spelled)
	if l.fields[0][0].Text == "local" && len(out) > 3 {
		out = slices.Insert(out, 3, "")
	}
	if len(out) > columns {
		out = append(out[:columns:columns], strings.Join(out[columns:], " "))
	}
	return out
}

// record reports whether the line is written anew.
func (l written) record() bool { return len(l.physical) == 1 && len(l.fields) > 0 && !l.long }

// format writes the line, or leaves it as it is where that is not the same to all
// versions.
func (l written) format(widths []int) string {
	raw := strings.Join(l.physical, "")
	body := strings.TrimRight(raw, "\r\n")
	end := ""
	switch {
	case strings.HasSuffix(raw, "\r\n"):
		end = "\r\n"
	case strings.HasSuffix(raw, "\n"):
		end = "\n"
	}
	var line string
	switch {
	case len(l.physical) > 1, strings.HasSuffix(body, `\`), strings.Contains(raw, "\x00"):
		return raw
	case l.record():
		line = aligned(l.cells(), widths, l.comment)
	default:
		line = strings.Trim(body, " \t\r")
	}
	for version := oldest; version <= newest; version++ {
		if !sameMeaning(raw, line+end, version) || strings.HasSuffix(line, `\`) {
			return raw
		}
	}
	return line + end
}

func aligned(cells []string, widths []int, comment string) string {
	var b strings.Builder
	for i, cell := range cells {
		b.WriteString(cell)
		b.WriteString(strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(cell))+2))
	}
	line := strings.TrimRight(b.String(), " ")
	if comment != "" {
		line += "  " + strings.TrimRight(comment, " \t\r")
	}
	return line
}
