package words_test

import (
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func TestList(t *testing.T) {
	names := []string{"b", "a", "b"}
	if got := words.List(names); got != "a and b" || names[0] != "b" {
		t.Errorf("%s, of %s", got, names)
	}
	if got := words.List(nil) + words.List(names[:1]); got != "b" {
		t.Error(got)
	}
	if got := words.List([]string{"a", "b", "c", "d", "e", "f"}); got != "a, b, c, d and 2 more" {
		t.Error(got)
	}
}

func pod(labels map[string]string) *snapshot.Pod {
	return &snapshot.Pod{Labels: netpol.Labels{Set: labels}}
}

// A policy rests on labels that pods keep, whoever of them leads and whichever release
// they are of. Of a StatefulSet with one pod, all labels are alike.
func TestLabels(t *testing.T) {
	for name, test := range map[string]struct {
		pods []*snapshot.Pod
		want []string
	}{
		"no pod": {},
		"one pod of a StatefulSet": {
			[]*snapshot.Pod{pod(map[string]string{"app": "db", "statefulset.kubernetes.io/pod-name": "db-0", "apps.kubernetes.io/pod-index": "0",
				"controller-revision-hash": "db-5d4", "helm.sh/chart": "postgresql-16.1", "app.kubernetes.io/version": "17"})},
			[]string{`app: "db"`},
		},
		"what differs": {
			[]*snapshot.Pod{pod(map[string]string{"app": "db", "zone": "a"}), pod(map[string]string{"app": "db", "zone": "b"})},
			[]string{`app: "db"`},
		},
		"a part that changes": {
			[]*snapshot.Pod{pod(map[string]string{"cluster-name": "acid-crm", "spilo-role": "master"})},
			[]string{`cluster-name: "acid-crm"`},
		},
		"a part that stays": {
			[]*snapshot.Pod{pod(map[string]string{"app.kubernetes.io/name": "postgresql", "cnpg.io/cluster": "ledger", "cnpg.io/podRole": "instance", "cnpg.io/instanceRole": "primary"})},
			[]string{`cnpg.io/cluster: "ledger"`, `cnpg.io/podRole: "instance"`},
		},
		"labels of a chart alone": {
			[]*snapshot.Pod{pod(map[string]string{"app.kubernetes.io/name": "postgresql", "app.kubernetes.io/instance": "crm", "tier": "data"})},
			[]string{`app.kubernetes.io/instance: "crm"`, `app.kubernetes.io/name: "postgresql"`, `tier: "data"`},
		},
	} {
		if got := words.MatchLabels(words.Labels(test.pods)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
