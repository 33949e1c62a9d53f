package hba

import (
	"errors"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/authfile"
)

// lists takes the databases and the users, which PgBouncer reads alike: what is a
// keyword among databases is one among users.
func (l *bouncerLine) lists() *fault {
	for _, list := range [...]*[]Token{&l.record.Databases, &l.record.Users} {
		if fault := l.names(&l.scan, list, l.Path, nil); fault != nil {
			return fault
		}
	}
	return nil
}

// names takes a list [pgbouncer src/hba.c parse_names]; open are the files that are
// being read.
func (l *bouncerLine) names(s *bouncerScanner, list *[]Token, path string, open []string) *fault {
	for {
		if fault := l.name(s, list, path, open); fault != nil {
			return fault
		}
		s.next()
		if s.kind != bouncerComma {
			return nil
		}
		s.next()
	}
}

func (l *bouncerLine) name(s *bouncerScanner, list *[]Token, path string, open []string) *fault {
	word := s.word()
	switch {
	case s.kind == bouncerQuoted:
		*list = append(*list, Token{Text: s.text, Quoted: true})
		return nil
	case s.kind != bouncerWord:
		return l.unreadable()
	case word == "samerole", word == "samegroup":
		return refused("%s is not supported", word)
	case word == "replication" && !l.takes(l.release.since(replicationSince)):
		return refused("%s is not supported", word)
	case word[0] == '+':
		return l.unreadable()
	case word[0] == '@':
		return l.namesOf(list, besideBouncer(path, word[1:]), open)
	}
	*list = append(*list, Token{Text: word})
	return nil
}

// maxNamed is how many files are followed, counted anew each time one is named: files
// that name each other several times grow without bound otherwise.
const maxNamed = 1000

// namesOf takes the names of another file: of each line the first list, without which
// the whole line that names the file is passed over. Empty lines and comments have
// none.
func (l *bouncerLine) namesOf(list *[]Token, path string, open []string) *fault {
	content, err := l.Files.Read(path)
	l.bouncer.named++
	switch {
	case errors.Is(err, authfile.ErrUnknown):
		return missing("the included file %s is %v", path, err)
	case slices.Contains(open, path), l.bouncer.named > maxNamed:
		return missing("%s names itself, or more than %d files are read", path, maxNamed)
	case errors.Is(err, authfile.ErrIsDirectory), err == nil && content == "":
		return nil
	case err != nil:
		return l.unreadable()
	}
	for text := range strings.SplitSeq(strings.TrimSuffix(content, "\n"), "\n") {
		s := scanBouncer(text)
		if fault := l.names(&s, list, path, append(open, path)); fault != nil {
			return fault
		}
	}
	return nil
}

// besideBouncer is where PgBouncer looks for a file that another names.
func besideBouncer(path, name string) string {
	dir, _, ok := cutLast(path, "/")
	if strings.HasPrefix(name, "/") || !ok {
		return name
	}
	return dir + "/" + name
}

func cutLast(text, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(text, sep)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(sep):], true
}

// pairs are the records of a line that has sameuser among its users: the name of the
// database is that of the user, in each of the databases.
func (r Record) pairs() []Record {
	var out []Record
	one := func(database, user Token) {
		p := r
		p.Databases, p.Users = []Token{database}, []Token{user}
		out = append(out, p)
	}
	for _, d := range r.Databases {
		switch {
		case d.Is("all"), d.Is("sameuser"):
			one(Token{Text: "sameuser"}, Token{Text: "all"})
		case d.Is("replication"):
			one(d, Token{Text: "all"})
			out[len(out)-1].Maybe = "the database that the client names, which has to be called as the user"
		default:
			one(d, d)
		}
	}
	return out
}
