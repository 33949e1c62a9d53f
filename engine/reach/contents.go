package reach

import (
	"encoding/binary"
	"slices"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// Contents numbers lists by what they say, whatever the order of their ways. The first
// is nothing. It is not safe for concurrent use.
type Contents struct {
	// Lists are the first of each number.
	Lists   [][]Access
	seen    func(Route) Route
	numbers map[string]int32
	ways    map[wayIn]uint32
	// logins are the ways of lists of logins, which many cells share.
	logins map[sharedLogins]string
}

// A wayIn is a login by one of its routes.
type wayIn struct {
	verdict   verdict.Verdict
	method    string
	tls, cert bool
	route     Route
}

type sharedLogins struct {
	first *Login
	n     int
}

// NewContents returns one that knows nothing yet. Routes are compared as seen makes them.
func NewContents(seen func(Route) Route) *Contents {
	return &Contents{Lists: [][]Access{nil}, seen: seen, numbers: map[string]int32{"": 0},
		ways: map[wayIn]uint32{}, logins: map[sharedLogins]string{}}
}

// Number names a list.
func (c *Contents) Number(list []Access) int32 {
	key := make([]byte, 0, 64*len(list))
	for i := range list {
		a := &list[i]
		for _, text := range []string{a.Database, a.Role, c.waysOf(a.Logins)} {
			key = binary.AppendUvarint(key, uint64(len(text)))
			key = append(key, text...)
		}
		key = append(key, byte(a.Verdict))
	}
	n, known := c.numbers[string(key)]
	if !known {
		n = int32(len(c.Lists)) //nolint:gosec // far below 2^31
		c.numbers[string(key)], c.Lists = n, append(c.Lists, list)
	}
	return n
}

// waysOf are the numbers of all ways of some logins, sorted.
func (c *Contents) waysOf(logins []Login) string {
	if len(logins) == 0 {
		return ""
	}
	shared := sharedLogins{&logins[0], len(logins)}
	if text, known := c.logins[shared]; known {
		return text
	}
	var numbers []uint32
	for _, l := range logins {
		for _, r := range l.Routes {
			numbers = append(numbers, c.way(wayIn{l.Verdict, l.Method, l.TLS, l.Cert, c.seen(r)}))
		}
	}
	slices.Sort(numbers)
	key := make([]byte, 0, 4*len(numbers))
	for _, n := range slices.Compact(numbers) {
		key = binary.BigEndian.AppendUint32(key, n)
	}
	c.logins[shared] = string(key)
	return c.logins[shared]
}

func (c *Contents) way(w wayIn) uint32 {
	n, known := c.ways[w]
	if !known {
		n = uint32(len(c.ways)) //nolint:gosec // far below 2^32
		c.ways[w] = n
	}
	return n
}
