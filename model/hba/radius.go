package hba

import "strings"

// radiusList checks an option that is a list of its own. A list that cannot be read
// and a server without an address are said in the log only.
func (p *parser) radiusList(name, value string) *fault {
	list, ok := splitList(value)
	what := map[string]string{"radiusservers": "server", "radiusports": "port", "radiussecrets": "secret", "radiusidentifiers": "identifiers"}[name]
	switch {
	case !ok && name == "radiusports":
		return refused(`invalid RADIUS port number: "%s"`, value)
	case !ok:
		return silent(`could not parse RADIUS %s list`, what) // a list of secrets is not for the log
	}
	for _, item := range list {
		switch {
		case name == "radiusservers" && !p.resolves(item):
			return silent(`could not translate RADIUS server name "%s" to address: Name or service not known`, item)
		case name == "radiusports" && atoi(item) == 0:
			return silent(`invalid RADIUS port number: "%s"`, item)
		}
	}
	return nil
}

// resolves asks for the address of a name; one whose address is not known is taken
// to have one.
func (p *parser) resolves(host string) bool {
	if _, ok, fault := p.numeric(host); ok || fault != nil {
		return true
	}
	return host != "" && (p.Server.Resolves == nil || p.Server.Resolves(host))
}

// radius: as many secrets as servers, or one; of the others none is needed.
func (p *parser) radius() *fault {
	count := func(name string) int {
		value, _ := p.record.Option(name)
		list, _ := splitList(value)
		return len(list)
	}
	for _, name := range []string{"radiusservers", "radiussecrets"} {
		if count(name) == 0 { // an empty list is none
			return refused(`authentication method "radius" requires argument "%s" to be set`, name)
		}
	}
	servers := count("radiusservers")
	for _, name := range []string{"secrets", "ports", "identifiers"} {
		if n := count("radius" + name); n > 1 && n != servers {
			f := refused("the number of RADIUS %s (%d) must be 1 or the same as the number of RADIUS servers (%d)", name, n, servers)
			f.silent = p.Version < 14
			return f
		}
	}
	return nil
}

// splitList is SplitGUCList: items between commas, in double quotes or without
// blanks; an empty text is an empty list.
func splitList(text string) (list []string, ok bool) {
	rest := trimSpace(text)
	for first := true; first || rest != ""; first = false {
		if first && rest == "" {
			return nil, true
		}
		var item string
		if item, rest, ok = cutItem(rest); !ok {
			return nil, false
		}
		list = append(list, item)
		rest = trimSpace(rest)
		if rest == "" {
			break
		}
		if rest[0] != ',' {
			return nil, false
		}
		if rest = trimSpace(rest[1:]); rest == "" {
			return nil, false
		}
	}
	return list, true
}

const spaces = " \t\n\r\v\f"

func trimSpace(text string) string { return strings.TrimLeft(text, spaces) }

func cutItem(text string) (item, rest string, ok bool) {
	if text[0] != '"' {
		end := strings.IndexAny(text, ","+spaces)
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], end > 0
	}
	var b strings.Builder
	for rest = text[1:]; ; {
		before, after, closed := strings.Cut(rest, `"`)
		b.WriteString(before)
		if !closed {
			return "", "", false
		}
		if !strings.HasPrefix(after, `"`) {
			return b.String(), after, true
		}
		b.WriteByte('"')
		rest = after[1:]
	}
}
