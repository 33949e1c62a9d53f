package estategen

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// One seed is one estate, and another seed another.
func TestSeeds(t *testing.T) {
	for seed := range uint64(50) {
		a, b, c := New(seed), New(seed), New(seed+1)
		if a.YAML() != b.YAML() || a.FactsYAML() != b.FactsYAML() {
			t.Fatalf("seed %d gives two estates", seed)
		}
		if a.YAML() == c.YAML() {
			t.Fatalf("seeds %d and %d give one estate", seed, seed+1)
		}
	}
}

// An estate is small, and larger where it is asked for.
func TestSize(t *testing.T) {
	workloads := func(e Estate) (n int) {
		for _, o := range e.Objects {
			if slices.Contains([]any{"Deployment", "StatefulSet", "CronJob", "Cluster", "Pooler", "SGCluster", "postgresql", "PostgresCluster", "PerconaPGCluster"}, o["kind"]) {
				n++
			}
		}
		return n
	}
	for seed := range uint64(300) {
		if n := workloads(New(seed)); n < 3 || n > 16 {
			t.Errorf("seed %d has %d workloads", seed, n)
		}
	}
	if n := workloads(Sized(7, 100)); n < 100 {
		t.Errorf("asked for 100 clients more, and there are %d workloads", n)
	}
}

// No object is there twice: the later one would take the place of the first.
func TestNames(t *testing.T) {
	for seed := range uint64(300) {
		e, seen := New(seed), map[string]bool{}
		for _, o := range slices.Concat(e.Objects, e.Intents) {
			meta := o["metadata"].(Tree)
			key := fmt.Sprint(o["apiVersion"], o["kind"], meta["namespace"], "/", meta["name"])
			if seen[key] {
				t.Errorf("seed %d has %s twice", seed, key)
			}
			seen[key] = true
		}
	}
}

// wanted are texts that some estate has to have: what the tests of a round trip rely on to
// be asked at all.
var wanted = strings.Fields(`
kind:Cluster kind:Pooler kind:SGCluster kind:postgresql kind:PostgresCluster kind:PerconaPGCluster kind:ConfigMap kind:Pod kind:ReplicaSet
kind:CronJob kind:StatefulSet kind:Deployment kind:NetworkPolicy kind:ClusterNetworkPolicy kind:Namespace kind:Service
kind:PostgresPerimeter kind:PostgresAccess kind:AccessInvariant
tier:Admin tier:Baseline action:Deny action:Pass action:Accept matchExpressions: operator:NotIn operator:DoesNotExist operator:Exists
ipBlock: cidr:::/0 cidr:0.0.0.0/0 endPort: port:postgres except: podSelector:{} namespaceSelector:{} hostNetwork:true
adminTier: clientNamespaces: egress:Isolated defaultDeny:true required:false superuser:Remote monitoring: backup:
isolation:Never isolation:Isolate isolation:WhereIsolated needs: until:"2026 until:"2027 tls:Optional
authentication:Certificate authentication:SCRAMAndCertificate endpoint:ReadOnly endpoint:Any pooler: secret: privileges: accept: deny:
serviceAccounts: serviceAccountName: outside: cidrs: namespaces: podSelectorRefs: disableEnvoy:false disableEnvoy:true
enabled:false enabled:true type:LoadBalancer podIPs: fd00:10:244::/48 podCIDRs: apiServer: estate:complete version:1.28.1
role:/slash role:+group role:all
`)

// Every kind of thing is in some estate.
func TestVariety(t *testing.T) {
	missing := map[string]bool{}
	for _, w := range wanted {
		missing[w] = true
	}
	for seed := uint64(0); seed < 1500 && len(missing) > 0; seed++ {
		e := New(seed)
		all := strings.NewReplacer(" ", "", "\n", "\x00").Replace(e.YAML() + e.FactsYAML())
		for w := range missing {
			if strings.Contains(all, w) {
				delete(missing, w)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("no estate has %q", slices.Sorted(maps.Keys(missing)))
	}
}
