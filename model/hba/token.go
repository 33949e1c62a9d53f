package hba

import "strings"

// A line is one logical line: what the server tokenises after it joined
// continued lines.
type line struct {
	Source
	number int // of its first physical line
}

// logical joins the physical lines of a file.
//
// From 14 on, a line whose last character is a backslash continues; the backslash
// must come after the place of the previous continuation, so that one after an
// empty rest stays a character (hba.c tokenize_auth_file).
func logical(sources []Source, version int) []line {
	var out []line
	open, last := false, 0
	for i, s := range physical(sources) {
		text := strings.TrimRight(s.Text, "\r\n")
		if open {
			out[len(out)-1].Text += text
			merge(&out[len(out)-1].Source, s)
		} else {
			s.Text = text
			out, last = append(out, line{s, i + 1}), 0
		}
		cur := &out[len(out)-1]
		open = version >= 14 && len(cur.Text) > last && strings.HasSuffix(cur.Text, `\`)
		if open {
			cur.Text = strings.TrimSuffix(cur.Text, `\`)
			last = len(cur.Text)
		}
	}
	return out
}

// physical splits texts that hold several lines.
func physical(sources []Source) []Source {
	var out []Source
	for _, s := range sources {
		for text := range strings.SplitSeq(strings.TrimSuffix(s.Text, "\n"), "\n") {
			s.Text = text
			out = append(out, s)
		}
	}
	return out
}

// merge gives a continued line what its next part stands for.
func merge(into *Source, from Source) {
	for text, a := range from.Addresses {
		into.Addresses = cloned(into.Addresses)
		into.Addresses[text] = a
	}
}

func cloned(m map[string]Address) map[string]Address {
	out := map[string]Address{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// fields splits a logical line into fields, each a list of tokens that commas
// join. A field without a token vanishes.
func fields(text string) [][]Token {
	var out [][]Token
	for rest := text; rest != ""; {
		var field []Token
		for comma := true; comma; {
			var t Token
			var ok bool
			t, rest, comma, ok = next(rest)
			if !ok {
				break
			}
			field = append(field, t)
		}
		if field != nil {
			out = append(out, field)
		}
	}
	return out
}

// next reads one token: blanks and commas before it are skipped; it ends at an
// unquoted blank, comma or #, or at the end of the line, where an open quote ends
// too. comma says that a comma ended it, so that the field goes on.
func next(text string) (t Token, rest string, comma, ok bool) {
	i := 0
	for i < len(text) && (blank(text[i]) || text[i] == ',') {
		i++
	}
	var value []byte
	inQuote, closed, anyQuote := false, false, false
	for ; i < len(text); i++ {
		c := text[i]
		switch {
		case inQuote && c == '"':
			inQuote, closed = false, true
			t.Quoted = t.Quoted || len(value) == 0
			continue
		case inQuote:
			value = append(value, c)
			continue
		case c == '"': // opens; right after a closing one it is a literal quote, too
			if closed {
				value = append(value, '"')
			}
			inQuote, closed, anyQuote = true, false, true
			t.Quoted = t.Quoted || len(value) == 0
			continue
		}
		closed = false
		switch {
		case blank(c):
			t.Text = string(value)
			return t, text[i:], false, anyQuote || len(value) > 0
		case c == ',':
			t.Text = string(value)
			return t, text[i:], true, anyQuote || len(value) > 0
		case c == '#':
			t.Text = string(value)
			return t, "", false, anyQuote || len(value) > 0
		}
		value = append(value, c)
	}
	t.Text = string(value)
	return t, "", false, anyQuote || len(value) > 0
}

// blank is pg_isblank: other controls and Unicode spaces are part of a token.
func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }
