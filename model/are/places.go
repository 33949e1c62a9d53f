package are

import "math/bits"

// places is a set of positions in a text: bit i is the place before byte i.
type places []uint64

func (s places) add(i int)      { s[i>>6] |= 1 << (i & 63) }
func (s places) has(i int) bool { return s[i>>6]&(1<<(i&63)) != 0 }

func (s places) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// join adds o to s and reports whether s grew.
func (s places) join(o places) bool {
	grew := false
	for i, w := range o {
		grew = grew || w&^s[i] != 0
		s[i] |= w
	}
	return grew
}

func (s places) equal(o places) bool {
	for i, w := range o {
		if s[i] != w {
			return false
		}
	}
	return true
}

// first returns the lowest place from i on, -1 where there is none.
func (s places) first(i int) int {
	for w := i >> 6; w < len(s); w++ {
		word := s[w]
		if w == i>>6 {
			word &= ^uint64(0) << (i & 63)
		}
		if word != 0 {
			return w<<6 | bits.TrailingZeros64(word)
		}
	}
	return -1
}

// last returns the highest place up to i, -1 where there is none.
func (s places) last(i int) int {
	if i < 0 {
		return -1
	}
	for w := i >> 6; w >= 0; w-- {
		word := s[w]
		if w == i>>6 {
			word &= ^uint64(0) >> (63 - i&63)
		}
		if word != 0 {
			return w<<6 | (63 - bits.LeadingZeros64(word))
		}
	}
	return -1
}
