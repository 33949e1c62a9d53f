package are

// An iteration divides a text into rounds of a repeated part. It first looks for
// the ends of rounds that are possible, references aside, and then dissects them;
// a round that fails is moved.
//
// Rounds that match nothing are made only where the minimum needs them. Where the
// whole text is empty and need not be matched, no round is made at all if the part
// prefers short matches; else one is tried.
type iteration struct {
	*dissection
	t          *part
	kid        *part
	begin, end int
	min, max   int
	ends       []int // ends[k] is the end of round k, ends[0] the beginning
	verified   int   // rounds already dissected as they are
}

func (d *dissection) iterate(t *part, begin, end int) bool {
	it := &iteration{dissection: d, t: t, kid: t.kids[0], begin: begin, end: end, min: max(t.min, 1)}
	it.max = end - begin
	if t.max != unbounded {
		it.max = min(it.max, t.max)
	}
	it.max = max(it.max, it.min)
	it.ends = make([]int, it.max+1)
	it.ends[0] = begin
	none := t.min == 0 && begin == end
	if it.kid.traits&shorter != 0 {
		return none || it.ascending()
	}
	return it.descending() || none
}

// needsEmpty reports whether round k may match nothing at place from: the rounds
// still missing are more than the bytes left.
func (it *iteration) needsEmpty(k, from int) bool {
	return k < it.min && it.min-k >= it.end-from
}

// descending tries the longest rounds first.
func (it *iteration) descending() bool {
	limit := it.end
	for k := 1; k > 0 && !it.spent(); {
		it.budget--
		to := it.dissection.ends(it.kid.expr, it.ends[k-1]).last(limit)
		if to < 0 {
			k, limit = it.shorten(k - 1)
			continue
		}
		it.ends[k] = to
		it.verified = min(it.verified, k-1)
		switch {
		case to != it.end && k >= it.max:
			k, limit = it.shorten(k - 1)
		case to != it.end && to == it.ends[k-1] && !it.needsEmpty(k, to):
			k, limit = it.shorten(k)
		case to != it.end:
			k, limit = k+1, it.end
		case k >= it.min:
			failed := it.verify(k)
			if failed == 0 {
				return true
			}
			k, limit = it.shorten(failed)
		default:
			k, limit = it.shorten(k)
		}
	}
	return false
}

// shorten returns the last round up to k that can end earlier, and how early; 0
// where there is none.
func (it *iteration) shorten(k int) (round, limit int) {
	for ; k > 0; k-- {
		from := it.ends[k-1]
		if it.ends[k] <= from {
			continue
		}
		if limit = it.ends[k] - 1; limit > from || it.needsEmpty(k, from) {
			return k, limit
		}
	}
	return 0, 0
}

// ascending tries the shortest rounds first.
func (it *iteration) ascending() bool {
	limit := it.begin
	for k := 1; k > 0 && !it.spent(); {
		it.budget--
		from := it.ends[k-1]
		if limit == from && limit != it.end && !it.needsEmpty(k, limit) {
			limit++
		}
		if k >= it.max {
			limit = it.end
		}
		to := it.dissection.ends(it.kid.expr, from).first(limit)
		if to < 0 || to > it.end {
			k, limit = it.lengthen(k - 1)
			continue
		}
		it.ends[k] = to
		it.verified = min(it.verified, k-1)
		switch {
		case to != it.end && k >= it.max:
			k, limit = it.lengthen(k - 1)
		case to != it.end:
			k, limit = k+1, to
		case k >= it.min:
			failed := it.verify(k)
			if failed == 0 {
				return true
			}
			k, limit = it.lengthen(failed)
		default:
			k, limit = it.lengthen(k)
		}
	}
	return false
}

func (it *iteration) lengthen(k int) (round, limit int) {
	for ; k > 0; k-- {
		if it.ends[k] < it.end {
			return k, it.ends[k] + 1
		}
	}
	return 0, 0
}

// verify dissects the rounds up to k that are not verified yet, each without the
// captures of the one before. It returns the round that fails, 0 where none does.
func (it *iteration) verify(k int) int {
	for i := it.verified + 1; i <= k; i++ {
		it.clear(it.kid)
		if !it.dissect(it.kid, it.ends[i-1], it.ends[i]) {
			return i
		}
		it.verified = i
	}
	return 0
}
