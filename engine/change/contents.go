package change

import (
	"encoding/binary"
	"slices"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// contents numbers lists by what they say, whatever the order of their ways. The first
// is nothing.
type contents struct {
	lists   [][]reach.Access
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
	route     reach.Route
}

type sharedLogins struct {
	first *reach.Login
	n     int
}

func newContents() *contents {
	return &contents{lists: [][]reach.Access{nil}, numbers: map[string]int32{"": 0},
		ways: map[wayIn]uint32{}, logins: map[sharedLogins]string{}}
}

// number names a list.
func (c *contents) number(list []reach.Access) int32 {
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
		n = int32(len(c.lists)) //nolint:gosec // far below 2^31
		c.numbers[string(key)], c.lists = n, append(c.lists, list)
	}
	return n
}

// waysOf are the numbers of all ways of some logins, sorted.
func (c *contents) waysOf(logins []reach.Login) string {
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
			numbers = append(numbers, c.way(wayIn{l.Verdict, l.Method, l.TLS, l.Cert, unseen(r)}))
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

func (c *contents) way(w wayIn) uint32 {
	n, known := c.ways[w]
	if !known {
		n = uint32(len(c.ways)) //nolint:gosec // far below 2^32
		c.ways[w] = n
	}
	return n
}
