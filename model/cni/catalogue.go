package cni

import (
	"slices"
	"strings"
)

// None is the name of a plugin that enforces nothing, for whoever knows that.
const None = "none"

// catalogue holds the profiles, each in the file of its kin.
var catalogue = slices.Concat(calicos, ciliums, ovs, clouds, others)

// Catalogue returns all profiles, sorted by name, each with everything that may hold
// of it in some version and configuration.
func Catalogue() []Profile {
	out := slices.Clone(catalogue)
	slices.SortFunc(out, func(a, b Profile) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Names returns the names of all profiles, sorted.
func Names() []string {
	var out []string
	for _, p := range Catalogue() {
		out = append(out, p.Name)
	}
	return out
}

// For returns the profile of the named plugin in this version and configuration,
// with the differences that are known to hold of it. The version is empty and the
// settings are nil where nobody knows. Of a name that is not in the catalogue ok is
// false, and the profile is the zero value.
func For(name, version string, settings Settings) (p Profile, ok bool) {
	i := slices.IndexFunc(catalogue, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return Profile{}, false
	}
	p = catalogue[i]
	p.Version = version
	var hold []Difference
	for _, d := range p.Differences {
		if d.holds(version, settings) {
			hold = append(hold, d)
		}
	}
	p.Differences = hold
	return p, true
}
