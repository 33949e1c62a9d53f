package estategen

// facts says what manifests cannot, in most estates.
func (g *generator) facts() {
	if g.one(8) {
		return
	}
	f := Tree{}
	if !g.one(5) {
		f["estate"] = "complete"
	}
	if !g.one(3) {
		ranges := map[bool][]string{false: {"10.244.0.0/16"}, true: {"fd00:10:244::/48"}}[g.isIPv6]
		if g.isDual {
			ranges = []string{"10.244.0.0/16", "fd00:10:244::/48"}
		}
		f["podCIDRs"] = ranges
	}
	if !g.one(3) {
		f["apiServer"] = Tree{"addresses": list(of(g, "192.0.2.10", "2001:db8:a::1")), "ports": list(6443)}
	}
	if g.one(2) {
		f["cni"] = Tree{"name": "some", "enforces": true, "clusterPolicies": true}
	}
	operators := Tree{}
	for name, o := range map[string]Tree{
		"cloudnative-pg": {"namespace": "cnpg-system", "version": "1.30.0"},
		"stackgres":      {"namespace": "stackgres", "version": "1.18.6"},
		"zalando":        {"namespace": "postgres-operator", "version": "1.15.1"},
		"crunchy":        {"namespace": "pgo", "version": "6.0.3"},
		"percona":        {"namespace": "percona", "version": "3.0.0"},
	} {
		operators[name] = o
	}
	for _, s := range g.servers {
		if s.operator == "cloudnative-pg" {
			operators[s.operator] = Tree{"namespace": "cnpg-system", "version": of(g, "1.26.0", "1.28.1", "1.29.0", "1.30.0")}
		}
	}
	if !g.one(3) && !g.hasOperator() {
		f["operators"] = operators
	}
	f["outside"] = list(Tree{"name": "bastion", "cidrs": list("198.51.100.7/32")}, Tree{"name": "vpn", "cidrs": list("203.0.113.64/26", "2001:db8:40::/48")})
	f["now"] = "2026-11-21T15:00:00Z"
	g.estate.Facts = f
}

// hasOperator reports whether an operator's own objects tell its release.
func (g *generator) hasOperator() bool {
	for _, ns := range []string{"cnpg-system", "stackgres", "postgres-operator", "pgo", "percona"} {
		if g.seen["operator/"+ns] {
			return true
		}
	}
	return false
}
