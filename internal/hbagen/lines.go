package hbagen

import (
	"bufio"
	"encoding/json"
	"io"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
)

// Print writes cases as JSON Lines: of one version or, for 0, of all; n random ones of
// a version or, with the seed 0, the hand-written ones; those about files alone or
// those with attempts.
func Print(out io.Writer, version int, seed uint64, n int, rules bool) error {
	w := bufio.NewWriter(out)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, v := range Versions {
		if version != 0 && version != v {
			continue
		}
		cases, err := cases(v, seed, n)
		if err != nil {
			return err
		}
		for _, c := range cases {
			if (c.Attempt == nil) != rules {
				continue
			}
			if err := encoder.Encode(c); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

func cases(version int, seed uint64, n int) ([]hbacase.Case, error) {
	if seed == 0 {
		return Tricky(version)
	}
	var out []hbacase.Case
	for c := range Random(seed, version) {
		if out = append(out, c); len(out) >= n {
			break
		}
	}
	return out, nil
}
