package kube

import (
	"fmt"

	"github.com/pgmoat/pgmoat/adapter/facts"
	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A sighting is what the objects tell of the network plugin. The zero value is that
// they tell nothing.
type sighting struct {
	name, version string
	// enforces is Unknown where the objects do not say more than the name.
	enforces verdict.Verdict
	// settings are nil where no configuration was read.
	settings cni.Settings
	origin   verdict.Origin
}

// detectCNI settles what is known of the network plugin: what somebody stated counts
// before what the objects show, and these fill in what nobody stated. A plugin that is
// named does what it usually does, unless somebody says otherwise.
func (c *converter) detectCNI() {
	f := &c.world.Facts
	stated, seen := *f, c.sight()
	if seen.name != "" && contradicts(stated, seen) {
		c.warn(facts.Contradiction, stated.CNIOrigin, fmt.Sprintf("%s is stated, and %s shows %s: what is stated counts",
			words(stated.CNI, stated.Enforces), seen.origin, words(seen.name, seen.enforces)))
	}
	switch {
	case seen.name == "":
	case stated.CNI == seen.name:
		*f = seen.complete(stated)
	case stated.CNI == "" && !differ(stated.Enforces, seen.enforces):
		*f = seen.adopt(stated)
	}
	if f.Enforces == verdict.Unknown && stated.CNI != "" {
		f.Enforces = f.Profile.Enforces
	}
}

// adopt takes what was seen, and keeps what was stated of enforcement. The origin is
// what a person would edit: it is of whoever says whether the plugin enforces.
func (s sighting) adopt(f snapshot.Facts) snapshot.Facts {
	stated := f.Profile.Stated
	if f.Enforces == verdict.Unknown && (f.CNI == "" || s.enforces != verdict.Unknown) {
		f.Enforces, f.CNIOrigin = s.enforces, s.origin
	}
	f.CNI = s.name
	f.Profile, _ = cni.For(s.name, s.version, s.settings)
	f.Profile = f.Profile.State(stated...)
	return f
}

// complete adds what was seen of the very plugin that somebody named.
func (s sighting) complete(f snapshot.Facts) snapshot.Facts {
	if f.Profile.Version != "" {
		s.version = f.Profile.Version
	}
	return s.adopt(f)
}

// contradicts reports whether the objects show another plugin than was stated, or
// that it does not do what was stated. Whatever does not enforce is none.
func contradicts(f snapshot.Facts, s sighting) bool {
	if f.CNI == cni.None && s.enforces == verdict.Deny {
		return false
	}
	return f.CNI != "" && f.CNI != s.name || differ(f.Enforces, s.enforces)
}

func differ(a, b verdict.Verdict) bool {
	return a != verdict.Unknown && b != verdict.Unknown && a != b
}

// words name a plugin with what it does.
func words(name string, enforces verdict.Verdict) string {
	if name == "" {
		name = "a network plugin"
	} else {
		name = "the network plugin " + name
	}
	switch enforces {
	case verdict.Allow:
		return name + " (enforces NetworkPolicy)"
	case verdict.Deny:
		return name + " (does not enforce NetworkPolicy)"
	}
	return name
}

// sight finds the plugin: by what runs, else by what an installer or the cluster's own
// configuration names, else by the kinds that were installed for it.
func (c *converter) sight() sighting {
	s := c.network.named
	if d := c.sightDaemon(); d.name != "" {
		s = d
	}
	if s.name == "" {
		return c.network.hinted()
	}
	return c.network.configured(s)
}
