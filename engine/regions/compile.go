package regions

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
)

// none is no record, no name, no role.
const none int32 = -1

// A table numbers values: equal values have one number.
type table[T any] struct {
	ids  map[string]int32
	list []T
}

func (t *table[T]) id(key string, value func() T) int32 {
	if id, ok := t.ids[key]; ok {
		return id
	}
	if t.ids == nil {
		t.ids = map[string]int32{}
	}
	id := int32(len(t.list)) //nolint:gosec // bounded by the size of the files
	t.ids[key] = id
	t.list = append(t.list, value())
	return id
}

func key(ids ...int32) string {
	b := make([]byte, 0, 4*len(ids))
	for _, id := range ids {
		b = binary.LittleEndian.AppendUint32(b, uint32(id)) //nolint:gosec // the same bits
	}
	return string(b)
}

// level is how far an attempt is told apart: what is left of a record is its
// predicates from that level on.
type level int

const (
	byUser level = iota
	byDatabase
	byAddress
)

// A rec is one record in numbers.
type rec struct {
	source   *hba.Record
	index    int
	types    Transports
	user     int32 // of program.preds
	database int32
	address  int32 // of program.places
	action   int32 // of program.actions
	left     [3]int32
	same     [3]int32 // left, with the action
	exhausts [3]bool  // what is left is no condition
}

// A program is one or two files in numbers: what is equal has equal numbers.
type program struct {
	debt int // work on expressions that no budget has been charged for yet
	Context
	names     table[string]
	preds     table[*namePred]
	patterns  table[*pattern]
	places    table[*addrPred]
	actions   table[*action]
	atoms     table[Condition]
	formulas  table[formula]
	pairs     table[struct{}]
	recs      []rec
	roles     []int32           // all known ones
	groups    map[int32][]int32 // of a known role: what it is a member of, with itself
	members   map[int32][]int32
	matches   map[[2]int32]hba.Match // pattern and name
	cellCache map[string][]cell
	worlds    map[string]bool // of expressions: whether some name is in it
}

func newProgram(ctx Context) *program {
	p := &program{Context: ctx, groups: map[int32][]int32{}, members: map[int32][]int32{},
		matches: map[[2]int32]hba.Match{}, cellCache: map[string][]cell{}, worlds: map[string]bool{}}
	p.formulas.id("", func() formula { return nil }) // number 0 is always true
	if ctx.Roles == nil {
		return p
	}
	for _, name := range ctx.Roles.Names() {
		r := p.name(name)
		p.roles = append(p.roles, r)
		for _, g := range ctx.Roles.Groups(name) {
			p.groups[r] = append(p.groups[r], p.name(g))
			p.members[p.name(g)] = append(p.members[p.name(g)], r)
		}
	}
	return p
}

func (p *program) name(text string) int32 { return p.names.id(text, func() string { return text }) }

// possible reports whether a client can have the name.
func possible(name string) bool {
	return name != "" && len(name) <= 63 && strings.IndexByte(name, 0) < 0
}

// add numbers the records of a file and returns them in order, without those that
// no attempt can match.
func (p *program) add(f hba.File) ([]item, error) {
	version := f.Version
	if version == 0 {
		version = hba.Newest
	}
	var out []item
	seen := map[string]int{}
	for i := range f.Records {
		r, matchable, err := p.record(&f.Records[i], version)
		if err != nil {
			return nil, err
		}
		r.index = i
		p.recs = append(p.recs, r)
		if matchable {
			out = append(out, item{rec: int32(len(p.recs) - 1), cond: p.there(r.source, seen), open: !r.exhausts[byAddress]}) //nolint:gosec // a file's length
		}
	}
	return out, nil
}

// there is the formula of a record that the server may not have. Equal lines of two
// files are both there or neither, while of one file each is a line of its own; seen
// counts those.
func (p *program) there(r *hba.Record, seen map[string]int) int32 {
	if r.Maybe == "" {
		return 0
	}
	again := ""
	if seen[r.Text()]++; seen[r.Text()] > 1 {
		again = fmt.Sprint(" #", seen[r.Text()])
	}
	atom := p.atoms.id("line "+r.Text()+again, func() Condition {
		return Condition{Kind: LineIsThere, Name: r.String() + again}
	})
	return p.both(0, []int32{atom})
}

var typeTransports = map[hba.Type]Transports{
	hba.Local:        Of(Socket),
	hba.Host:         Of(Plain, TLS, GSS),
	hba.HostSSL:      Of(TLS),
	hba.HostNoSSL:    Of(Plain, GSS), // GSS-encrypted TCP counts as without TLS
	hba.HostGSSEnc:   Of(GSS),
	hba.HostNoGSSEnc: Of(Plain, TLS),
}

func (p *program) record(source *hba.Record, version int) (rec, bool, error) {
	r := rec{source: source, types: typeTransports[source.Type]}
	user, err := p.readUsers(source.Users, version)
	if err != nil {
		return r, false, fmt.Errorf("line %d: %w", source.Line, err)
	}
	database, err := p.readDatabases(source.Databases, version)
	if err != nil {
		return r, false, fmt.Errorf("line %d: %w", source.Line, err)
	}
	address := p.readAddress(source)
	r.user = p.preds.id(user.key(), func() *namePred { return user })
	r.database = p.preds.id(database.key(), func() *namePred { return database })
	r.address = p.places.id(address.key(), func() *addrPred { return address })
	r.action = p.action(source)
	r.number(p)
	r.exhausts[byAddress] = address.any
	r.exhausts[byDatabase] = address.any && database.all && database.replication
	r.exhausts[byUser] = r.exhausts[byDatabase] && user.all
	return r, r.types != 0 && !user.never() && !database.never() && !address.never(), nil
}

// number gives what is left of the record at each level its number.
func (r *rec) number(p *program) {
	pair := func(a, b int32) int32 { return p.pairs.id(key(a, b), func() struct{} { return struct{}{} }) }
	r.left[byAddress] = r.address
	r.left[byDatabase] = pair(r.database, r.address)
	r.left[byUser] = pair(r.user, -2-r.left[byDatabase])
	for l := range r.left {
		r.same[l] = p.pairs.id("a"+key(r.left[l], r.action), func() struct{} { return struct{}{} })
	}
}

// readUsers reads a user list (hba.c check_role).
func (p *program) readUsers(tokens []hba.Token, version int) (*namePred, error) {
	out := &namePred{}
	for _, t := range tokens {
		group, plus := strings.CutPrefix(t.Text, "+")
		switch {
		case plus && !t.Quoted:
			p.group(out, group)
		case !t.Quoted && t.Text == "all":
			out.all = true
		default:
			if err := p.token(out, t, version); err != nil {
				return nil, err
			}
		}
	}
	out.tidy()
	return out, nil
}

// group adds the members of a role, by name where roles are known.
func (p *program) group(out *namePred, group string) {
	switch {
	case !possible(group): // "+" alone matches nobody
	case p.Roles == nil:
		out.groups = append(out.groups, p.name(group))
	default:
		out.names = append(out.names, p.members[p.name(group)]...)
	}
}

// readDatabases reads a database list (hba.c check_db).
func (p *program) readDatabases(tokens []hba.Token, version int) (*namePred, error) {
	out := &namePred{}
	for _, t := range tokens {
		keyword := t.Text
		if t.Quoted {
			keyword = ""
		}
		switch keyword {
		case "all":
			out.all = true
		case "sameuser":
			out.sameUser = true
		case "samerole", "samegroup":
			out.sameRole = true
		case "replication":
			out.replication = true
		default:
			if err := p.token(out, t, version); err != nil {
				return nil, err
			}
		}
	}
	out.tidy()
	return out, nil
}

// token reads a name or, from 16 on and quoted or not, an expression.
func (p *program) token(out *namePred, t hba.Token, version int) error {
	expr, slash := strings.CutPrefix(t.Text, "/")
	if !slash || version < 16 {
		if possible(t.Text) {
			out.names = append(out.names, p.name(t.Text))
		}
		return nil
	}
	id, err := p.pattern(expr)
	if err != nil {
		return err
	}
	switch pat := p.patterns.list[id]; {
	case pat.everything:
		out.all = true
	case !pat.nothing:
		out.patterns = append(out.patterns, id)
	}
	return nil
}

// A namePred is a list of users or databases: any part is enough.
type namePred struct {
	all      bool
	names    []int32 // sorted
	patterns []int32 // sorted
	groups   []int32 // sorted; roles whose members are not known
	// Of databases only.
	sameUser, sameRole, replication bool
}

// tidy leaves one form for what means the same.
func (n *namePred) tidy() {
	if n.all {
		*n = namePred{all: true, replication: n.replication}
	}
	for _, list := range []*[]int32{&n.names, &n.patterns, &n.groups} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
}

func (n *namePred) never() bool {
	return !n.all && !n.sameUser && !n.sameRole && !n.replication &&
		len(n.names)+len(n.patterns)+len(n.groups) == 0
}

// plain reports whether it is a list of names and nothing else.
func (n *namePred) plain() bool {
	return !n.all && !n.sameUser && !n.sameRole && !n.replication && len(n.patterns)+len(n.groups) == 0
}

func (n *namePred) has(name int32) bool {
	_, ok := slices.BinarySearch(n.names, name)
	return ok
}

func (n *namePred) key() string {
	flags := int32(0)
	for i, f := range []bool{n.all, n.sameUser, n.sameRole, n.replication} {
		if f {
			flags |= 1 << i
		}
	}
	return key(flags) + key(n.names...) + key(none) + key(n.patterns...) + key(none) + key(n.groups...)
}
