package hba

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// An Index finds the record that decides a session without asking all of them, as
// Decide does. It may be asked by many at once.
//
// Records are kept in buckets by type and by one database and one user that they
// name, or none in particular; in a bucket, by network. A session meets few of them.
type Index struct {
	file    File
	names   map[string]int32 // databases and users, "+group" for groups
	groups  []int32          // those of names that are groups
	isGroup map[int32]bool
	buckets map[bucketKey]*bucket
}

// The numbers of names that are no names.
const (
	anyName     int32 = -1 // all, an expression, sameuser and the like
	replication int32 = -2
	noName      int32 = -3 // of the session, when no record names it
)

type bucketKey struct {
	kind           Type
	database, user int32
}

// A bucket holds records in file order.
type bucket struct {
	first int32
	// plain are those whose address is no network.
	plain []int32
	nets  []netRecords
	// masks and byNet are set where nets are many.
	masks []netMask
	byNet map[netKey][]int32
}

type netMask struct {
	v4   bool
	mask wide
}

type netKey struct {
	netMask
	base wide
}

type netRecords struct {
	netKey
	records []int32
}

// fewNets is how many networks are asked one after the other.
const fewNets = 8

// manyNames is how many combinations of a database and a user one record is kept
// under; one with more is kept under none in particular.
const manyNames = 64

// NewIndex makes the index of a file, which must not change afterwards.
func NewIndex(f File) *Index {
	x := &Index{file: f, names: map[string]int32{}, isGroup: map[int32]bool{}, buckets: map[bucketKey]*bucket{}}
	for i := range f.Records {
		x.add(int32(i), &f.Records[i]) //nolint:gosec // a file has fewer records than that
	}
	for _, b := range x.buckets {
		b.finish()
	}
	return x
}

func (x *Index) add(i int32, r *Record) {
	databases, users := x.databases(r), x.users(r)
	if len(databases)*len(users) > manyNames {
		if len(databases) > len(users) {
			databases = wildDatabases(databases)
		}
		if len(databases)*len(users) > manyNames {
			users = []int32{anyName}
		}
	}
	for _, d := range databases {
		for _, u := range users {
			key := bucketKey{r.Type, d, u}
			b := x.buckets[key]
			if b == nil {
				b = &bucket{first: i}
				x.buckets[key] = b
			}
			b.add(i, r)
		}
	}
}

// wildDatabases keeps replication apart, which no other name stands for.
func wildDatabases(databases []int32) []int32 {
	if slices.Contains(databases, replication) {
		return []int32{anyName, replication}
	}
	return []int32{anyName}
}

func (x *Index) number(name string) int32 {
	n, ok := x.names[name]
	if !ok {
		n = int32(len(x.names)) //nolint:gosec // there are fewer names than that
		x.names[name] = n
	}
	return n
}

// group numbers "+group".
func (x *Index) group(text string) int32 {
	n := x.number(text)
	if !x.isGroup[n] { // a database of that name may have been numbered before
		x.isGroup[n] = true
		x.groups = append(x.groups, n)
	}
	return n
}

func (x *Index) databases(r *Record) []int32 {
	var out []int32
	for i := range r.Databases {
		t := &r.Databases[i]
		switch {
		case t.Is("replication"):
			out = append(out, replication)
		case t.Regexp != nil, t.Is("all"), t.Is("sameuser"), t.Is("samerole"), t.Is("samegroup"):
			out = append(out, anyName)
		default:
			out = append(out, x.number(t.Text))
		}
	}
	return compact(out)
}

func (x *Index) users(r *Record) []int32 {
	var out []int32
	for i := range r.Users {
		t := &r.Users[i]
		if _, group := t.Group(); group {
			out = append(out, x.group(t.Text))
			continue
		}
		switch {
		case t.Regexp != nil, t.Is("all"):
			out = append(out, anyName)
		case t.Text != "" && t.Text[0] == '+': // a quoted name, which is not the group's
			out = append(out, anyName)
		default:
			out = append(out, x.number(t.Text))
		}
	}
	return compact(out)
}

func compact(numbers []int32) []int32 {
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

func (b *bucket) add(i int32, r *Record) {
	if r.Type == Local || r.Address.Kind != Net {
		b.plain = append(b.plain, i)
		return
	}
	mask := wideOf(r.Address.Mask)
	key := netKey{netMask{r.Address.Base.Is4(), mask}, wideOf(r.Address.Base).and(mask)}
	if len(b.nets) >= fewNets || b.byNet != nil {
		b.many()
		b.byNet[key] = append(b.byNet[key], i)
		return
	}
	for j := range b.nets {
		if b.nets[j].netKey == key {
			b.nets[j].records = append(b.nets[j].records, i)
			return
		}
	}
	b.nets = append(b.nets, netRecords{key, []int32{i}})
}

// many goes over to a table of networks.
func (b *bucket) many() {
	if b.byNet != nil {
		return
	}
	b.byNet = map[netKey][]int32{}
	for _, n := range b.nets {
		b.byNet[n.netKey] = n.records
	}
	b.nets = nil
}

func (b *bucket) finish() {
	seen := map[netMask]bool{}
	for key := range b.byNet {
		if !seen[key.netMask] {
			seen[key.netMask] = true
			b.masks = append(b.masks, key.netMask)
		}
	}
}

func (w wide) and(o wide) wide { return wide{w.hi & o.hi, w.lo & o.lo} }

// A search is the look for the first record that matches.
type search struct {
	*Session
	records []Record
	v4      bool
	address wide
	best    int32
	maybe   []int32 // records that may match
}

// Decide answers as Decide of the file does. A session whose names or address are not
// known is asked of every record; unknown memberships are asked of the records of all
// groups.
func (x *Index) Decide(s *Session) Result {
	if len(x.file.Errors) > 0 || !s.Definite() {
		return Decide(x.file, *s)
	}
	q := search{Session: s, records: x.file.Records, best: int32(len(x.file.Records))} //nolint:gosec // as above
	if len(s.Client.Prefixes) == 1 {
		q.v4, q.address = s.Client.Prefixes[0].Addr().Is4(), wideOf(s.Client.Prefixes[0].Addr())
	}
	database, user, groups := x.database(s), x.lookup(s.User.text), x.groups
	var some [8]int32
	if s.Groups != nil && s.User.known() {
		groups = x.of(s.Groups, some[:0])
	}
	for _, kind := range s.kinds() {
		for _, d := range [...]int32{database, anyName} {
			if d == noName || d == anyName && s.Replication {
				continue
			}
			q.bucket(x.buckets[bucketKey{kind, d, anyName}])
			if user != noName {
				q.bucket(x.buckets[bucketKey{kind, d, user}])
			}
			for _, g := range groups {
				q.bucket(x.buckets[bucketKey{kind, d, g}])
			}
		}
	}
	return q.result()
}

// of returns the numbers of groups that some record names.
func (x *Index) of(groups []string, out []int32) []int32 {
	for _, g := range groups {
		if n, ok := x.names["+"+g]; ok {
			out = append(out, n)
		}
	}
	return out
}

// Definite reports whether an Index helps: the records that a session can meet are
// found by its names and its address.
func (s *Session) Definite() bool {
	return s.User.named() && (s.Replication || s.Database.named()) &&
		(s.Local || len(s.Client.Prefixes) == 1 && s.Client.Prefixes[0].IsSingleIP())
}

func (x *Index) lookup(name string) int32 {
	if n, ok := x.names[name]; ok {
		return n
	}
	return noName
}

func (x *Index) database(s *Session) int32 {
	if s.Replication {
		return replication
	}
	return x.lookup(s.Database.text) // "" for any other name, which no record has
}

// kinds are the types that the session's transport matches.
func (s *Session) kinds() []Type {
	switch {
	case s.Local:
		return []Type{Local}
	case s.TLS && s.GSS:
		return []Type{Host, HostSSL, HostGSSEnc}
	case s.TLS:
		return []Type{Host, HostSSL, HostNoGSSEnc}
	case s.GSS:
		return []Type{Host, HostNoSSL, HostGSSEnc}
	}
	return []Type{Host, HostNoSSL, HostNoGSSEnc}
}

func (q *search) bucket(b *bucket) {
	if b == nil || b.first >= q.best {
		return
	}
	q.list(b.plain)
	for i := range b.nets {
		n := &b.nets[i]
		if n.v4 == q.v4 && q.address.and(n.mask) == n.base {
			q.list(n.records)
		}
	}
	for _, m := range b.masks {
		if m.v4 == q.v4 {
			q.list(b.byNet[netKey{m, q.address.and(m.mask)}])
		}
	}
}

// list asks records in file order until one matches or none can be the first.
func (q *search) list(records []int32) {
	for _, i := range records {
		if i >= q.best {
			return
		}
		switch q.records[i].Match(q.Session) {
		case Yes:
			q.best = i
			return
		case Unsure:
			q.maybe = append(q.maybe, i)
		}
	}
}

func (q *search) result() Result {
	if len(q.maybe) > 0 {
		return q.open()
	}
	if int(q.best) == len(q.records) {
		return Result{Verdict: verdict.Deny, Reason: NoRecord, Implicit: true}
	}
	r := &q.records[q.best]
	out := Result{Verdict: verdict.Allow, Reason: Matched, Record: r, Candidates: []*Record{r}}
	if r.Method == "reject" {
		out.Verdict, out.Reason = verdict.Deny, Rejected
	}
	return out
}

// open is the answer where records before the best may match.
func (q *search) open() Result {
	out := Result{Implicit: int(q.best) == len(q.records)}
	slices.Sort(q.maybe)
	for _, i := range slices.Compact(q.maybe) {
		if i < q.best {
			out.Candidates = append(out.Candidates, &q.records[i])
		}
	}
	if !out.Implicit {
		out.Candidates = append(out.Candidates, &q.records[q.best])
	}
	out.settle()
	return out
}
