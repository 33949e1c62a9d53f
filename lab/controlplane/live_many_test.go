//go:build linux

package controlplane

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/kube/live"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// many ConfigMaps are in the cluster, of so many bytes each.
const many, bytesEach = 10000, 4000

// fill puts so many ConfigMaps in for a test, straight into etcd: ten thousand requests would
// take longer than all the tests, and the others would read what is left of them.
func fill(t *testing.T, c *Cluster, n int) {
	t.Helper()
	const perTransaction = 100
	for from := 0; from < n; from += perTransaction {
		var puts []any
		for i := from; i < from+perTransaction; i++ {
			puts = append(puts, putOf(i))
		}
		if err := c.transact(puts); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		prefix := "/registry/configmaps/" + home + "/many-"
		err := c.transact([]any{map[string]any{"requestDeleteRange": map[string][]byte{"key": []byte(prefix), "rangeEnd": []byte(prefix + "~")}}})
		if err != nil {
			t.Error(err)
		}
	})
}

func putOf(i int) any {
	object := fmt.Sprintf(`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": %q, "name": "many-%05d", "uid": "00000000-0000-0000-0000-%012d",
 "creationTimestamp": "2026-01-01T00:00:00Z"}, "data": {"number": "%d", "text": %q}}`, home, i, i, i, strings.Repeat("x", bytesEach))
	key := fmt.Sprintf("/registry/configmaps/%s/many-%05d", home, i)
	return map[string]any{"requestPut": map[string][]byte{"key": []byte(key), "value": []byte(object)}}
}

// transact asks etcd itself.
func (c *Cluster) transact(does []any) error {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", c.etcd.process.Pid))
	if err != nil {
		return err
	}
	_, address, _ := strings.Cut(string(text), "--listen-client-urls=")
	address, _, _ = strings.Cut(address, "\x00")
	body, err := json.Marshal(map[string]any{"success": does})
	if err != nil {
		return err
	}
	answer, err := http.Post(address+"/v3/kv/txn", "application/json", bytes.NewReader(body)) //nolint:gosec // the cluster's own etcd
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("etcd: %s", answer.Status)
	}
	if closed := answer.Body.Close(); closed != nil {
		return closed
	}
	return err
}

// everything is a role that may get Secrets too.
func everything() *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{
		TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole"},
		ObjectMeta: metav1.ObjectMeta{Name: "everything"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}}},
	}
}

func refsOf(names ...string) []snapshot.Ref {
	var out []snapshot.Ref
	for _, name := range names {
		out = append(out, snapshot.Ref{Kind: "Secret", Namespace: home, Name: name})
	}
	return out
}

// Ten thousand objects are read in pages, in the memory of those that are kept: what nobody
// wants is never held.
func TestLiveManyObjects(t *testing.T) {
	c := populated(t)
	fill(t, c, many)
	p := newProxy(t, c)
	opts := p.options(t, mustAccount(t, c, "many", "", mustReader(t)))
	const keptEach = 20
	seen, peak := 0, uint64(0)
	before := heap()
	opts.Wants = func(of object.Type, text []byte) bool {
		if of.Kind != "ConfigMap" {
			return false
		}
		if seen++; seen%500 == 0 {
			peak = max(peak, heap())
		}
		return seen%keptEach == 0
	}
	var told []live.Progress
	opts.Progress = func(p live.Progress) {
		if p.Kind == "ConfigMap" {
			told = append(told, p)
		}
	}
	b := mustReadLive(t, opts)
	kept := 0
	for _, o := range b.Objects {
		if o.Kind == "ConfigMap" {
			kept += len(o.JSON)
		}
	}
	pages := p.paged(t)["/api/v1/configmaps"]
	sent := many * bytesEach
	grown := int(peak) - int(before)
	t.Logf("%d objects in %d pages, %d MB sent, %d kB kept, heap grew by %d kB at most", seen, pages, p.bytes/1e6, kept/1000, grown/1000)
	if seen < many || pages != (seen+99)/100 || p.bytes < sent {
		t.Errorf("%d objects in %d pages, %d bytes", seen, pages, p.bytes)
	}
	if allowed := 2*kept + 8<<20; grown > allowed || allowed > sent/2 {
		t.Errorf("the heap grew by %d bytes, and %d were kept of %d", grown, kept, sent)
	}
	last := told[len(told)-1]
	if first := told[1]; len(told) != pages+1 || first.Objects != 100 || first.Objects+first.Remaining != seen || last.Objects != seen || last.Remaining != 0 {
		t.Errorf("%+v ... %+v", told[:2], last)
	}
	if unwanted := b.Unused; unwanted < many-many/keptEach {
		t.Errorf("%d unused", unwanted)
	}
}

// heap is what is alive in it.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
