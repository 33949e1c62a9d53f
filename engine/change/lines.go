package change

// common marks a longest sequence of lines that both have, after what they begin and
// end with alike.
func common(a, b []string) (kept [2][]bool) {
	kept = [2][]bool{make([]bool, len(a)), make([]bool, len(b))}
	lo := 0
	for lo < len(a) && lo < len(b) && a[lo] == b[lo] {
		kept[before][lo], kept[after][lo] = true, true
		lo++
	}
	x, y := len(a), len(b)
	for x > lo && y > lo && a[x-1] == b[y-1] {
		x, y = x-1, y-1
		kept[before][x], kept[after][y] = true, true
	}
	longest(a[lo:x], b[lo:y], func(i, j int) { kept[before][lo+i], kept[after][lo+j] = true, true })
	return kept
}

// mostLines bounds the square that longest fills; of longer middles each line counts as
// another.
const mostLines = 4_000_000

func longest(a, b []string, keep func(i, j int)) {
	if len(a)*len(b) > mostLines {
		return
	}
	best := make([][]int32, len(a)+1)
	for i := range best {
		best[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if a[i] == b[j] {
				best[i][j] = best[i+1][j+1] + 1
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			keep(i, j)
			i, j = i+1, j+1
		case best[i+1][j] >= best[i][j+1]:
			i++
		default:
			j++
		}
	}
}
