package regions

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
)

// An Overlap is a record that takes attempts from a later one that asks for more; if
// the Witness has Conditions, it does when they hold.
type Overlap struct {
	Earlier, Later int // indices of records
	Witness        Attempt
}

// Overlaps returns, in file order, the pairs in which the earlier record decides
// attempts that the later and stricter one would match, unless the later one is
// shadowed altogether. Incomplete says that the budget ended before all was seen.
func Overlaps(f hba.File, ctx Context) (pairs []Overlap, incomplete bool, err error) {
	s, err := newSurvey(f, ctx)
	if err != nil {
		return nil, false, err
	}
	for _, later := range s.chain {
		earlier := s.earlier(later.rec)
		if s.spent {
			break
		}
		q := &taking{wanted: s.weaker(earlier, later.rec), doubtful: map[int32]Overlap{}}
		if len(q.wanted) == 0 {
			continue
		}
		if r := s.reached([]item{later}, earlier); r.witness == nil && r.doubtful == nil {
			continue
		}
		s.ask(q)
		s.walk(node{old: earlier, focus: []item{later}})
		for _, pair := range q.pairs() {
			pair.Later = s.recs[later.rec].index
			pairs = append(pairs, pair)
		}
	}
	slices.SortStableFunc(pairs, func(a, b Overlap) int {
		if a.Later != b.Later {
			return a.Later - b.Later
		}
		return a.Earlier - b.Earlier
	})
	return pairs, s.spent, nil
}

// weaker returns those of the chain that ask for less than a record.
func (s *survey) weaker(chain []item, than int32) map[int32]bool {
	out := map[int32]bool{}
	for _, e := range chain {
		if Strength(*s.recs[e.rec].source) < Strength(*s.recs[than].source) {
			out[e.rec] = true
		}
	}
	return out
}

// taking asks which wanted records decide attempts of the focus.
type taking struct {
	wanted   map[int32]bool // that have not been found
	found    []Overlap
	doubtful map[int32]Overlap // that hang on what an expression matches
}

// pairs returns what was found, with doubt only where nothing else was.
func (q *taking) pairs() []Overlap {
	for r, pair := range q.doubtful {
		if q.wanted[r] {
			q.found = append(q.found, pair)
		}
	}
	return q.found
}

func (q *taking) settled(n node, _ level) bool {
	return !slices.ContainsFunc(n.old, func(i item) bool { return q.wanted[i.rec] })
}

func (q *taking) touching(n node, _ level) []item { return n.focus }
func (q *taking) done() bool                      { return len(q.wanted) == 0 }

func (q *taking) decided(w *walker, n node) []piece {
	r := w.end(n.old)
	if !q.wanted[r] {
		return nil
	}
	pair := Overlap{Earlier: w.recs[r].index, Witness: w.piece(verdict{certificates: AnyCertificate}).witness}
	if doubtful(pair.Witness.Conditions) {
		q.doubtful[r] = pair
	} else {
		delete(q.wanted, r)
		q.found = append(q.found, pair)
	}
	return nil
}

// The strengths, from the weakest on.
const (
	letsIn      = iota + 1 // trust
	believes               // ident: the client's own host vouches for it
	readsSecret            // password, ldap, pam, radius, bsd: the secret crosses the wire; trust and ident with some certificate
	challenges             // md5: a hash that is as good as the secret
	proves                 // scram-sha-256, gss, sspi, oauth; peer: the kernel vouches
	holdsItsOwn            // cert, or any method with clientcert=verify-full
	refuses                // reject
)

// Strength orders records by what they ask of a client: reject before cert and
// clientcert=verify-full, before scram-sha-256, gss, sspi, oauth and peer, before
// md5, before methods that send the password in clear text, before ident, before
// trust. clientcert=verify-ca lifts trust and ident to clear-text passwords: any
// holder of a certificate can be anybody. A higher number is stricter.
func Strength(r hba.Record) int {
	out := proves
	switch r.Method {
	case "reject":
		return refuses
	case "trust":
		out = letsIn
	case "ident":
		out = believes
	case "password", "ldap", "pam", "radius", "bsd":
		out = readsSecret
	case "md5":
		out = challenges
	}
	switch r.ClientCert() {
	case hba.VerifyFull:
		return holdsItsOwn
	case hba.VerifyCA:
		return max(out, readsSecret)
	}
	return out
}
