package cni

import (
	"slices"
	"strconv"
	"strings"
)

// holds reports whether the difference is known to hold for a plugin of the version
// with the settings. What is not known makes it not hold: a trait stands in for an
// assumption only where it is certain.
func (d Difference) holds(version string, s Settings) bool {
	if d.Since != "" && !known(version, func(v []int) bool { return !before(v, numbers(d.Since)) }) {
		return false
	}
	if d.Until != "" && !known(version, func(v []int) bool { return before(v, numbers(d.Until)) }) {
		return false
	}
	return (d.When.Key == "" || s != nil && d.When.set(s)) && (d.Unless.Key == "" || s == nil || !d.Unless.set(s))
}

func known(version string, is func([]int) bool) bool {
	v := numbers(version)
	return v != nil && is(v)
}

// set reports whether the configuration has the setting. A value may be a list.
func (w Setting) set(s Settings) bool {
	got, ok := s[w.Key]
	if !ok {
		got = w.Default
	}
	words := strings.FieldsFunc(got, func(r rune) bool { return r == ',' || r == ' ' })
	return got == w.Value || slices.Contains(words, w.Value)
}

// numbers reads "v1.15.3-rc.1" as 1, 15, 3; nil for what does not begin with two
// numbers, as a hash or a date does not.
func numbers(version string) []int {
	core, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), "-")
	core, _, _ = strings.Cut(core, "+")
	var out []int
	for _, part := range strings.Split(core, ".") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return nil
		}
		out = append(out, n)
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

// before compares versions; one that is shorter stands for its first: 1.20 is 1.20.0.
func before(a, b []int) bool {
	for i := range max(len(a), len(b)) {
		x, y := 0, 0
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return x < y
		}
	}
	return false
}

// IsVersion reports whether the text is a version that can be compared.
func IsVersion(text string) bool { return numbers(text) != nil }

// Before reports whether version a is known to be older than b.
func Before(a, b string) bool {
	x, y := numbers(a), numbers(b)
	return x != nil && y != nil && before(x, y)
}
