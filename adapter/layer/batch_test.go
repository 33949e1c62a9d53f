package layer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/kube"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func batchOf(t *testing.T, texts ...string) object.Batch {
	t.Helper()
	b, err := file.Read(context.Background(), []string{"-"}, file.Options{Stdin: strings.NewReader(strings.Join(texts, "\n---\n"))})
	if err != nil && !errors.Is(err, file.ErrNothing) {
		t.Fatal(err)
	}
	return b
}

// fromFile is a batch whose origins name a file, as those of two sources differ.
func fromFile(t *testing.T, name string, texts ...string) object.Batch {
	t.Helper()
	b := batchOf(t, texts...)
	inner := b.Locate
	for i := range b.Objects {
		b.Objects[i].Source.File = name
	}
	for i := range b.Problems {
		b.Problems[i].Origin.File = name
	}
	b.Locate = func(o verdict.Origin) verdict.Origin {
		if o.File != name {
			return o
		}
		o.File = "-"
		o = inner(o)
		o.File = name
		return o
	}
	return b
}

// refs are the objects' names in their order.
func refs(b object.Batch) string {
	var out []string
	for _, o := range b.Objects {
		out = append(out, o.Ref().String())
	}
	return strings.Join(out, ", ")
}

func find(t *testing.T, b object.Batch, ref string) object.Object {
	t.Helper()
	i := slices.IndexFunc(b.Objects, func(o object.Object) bool { return o.Ref().String() == ref })
	if i < 0 {
		t.Fatalf("there is no %s among %s", ref, refs(b))
	}
	return b.Objects[i]
}

// live is a Deployment as a cluster has it, with all that came of it.
const live = `
apiVersion: apps/v1
kind: Deployment
metadata:
  {name: web, namespace: shop, uid: d1, resourceVersion: "7", generation: 1, labels: {team: a}, annotations: {deployment.kubernetes.io/revision: "1"}}
spec:
  progressDeadlineSeconds: 600
  replicas: 2
  revisionHistoryLimit: 10
  selector: {matchLabels: {app: web}}
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}}
  template:
    metadata: {creationTimestamp: null, labels: {app: web, tier: front}}
    spec:
      containers:
      - {name: web, image: "web:1", imagePullPolicy: IfNotPresent, resources: {requests: {cpu: 500m}}, terminationMessagePath: /dev/termination-log,
         terminationMessagePolicy: File, ports: [{containerPort: 80, protocol: TCP}]}
      dnsPolicy: ClusterFirst
      restartPolicy: Always
      schedulerName: default-scheduler
      securityContext: {}
      terminationGracePeriodSeconds: 30
status: {replicas: 2}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-5d4f, namespace: shop, uid: r1, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: d1, controller: true}]}
spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web, tier: front}}, spec: {containers: [{name: web, image: "web:1"}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: web-5d4f-a, namespace: shop, uid: p1, labels: {app: web, tier: front, pod-template-hash: 5d4f},
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-5d4f, uid: r1, controller: true}]}
spec: {containers: [{name: web, image: "web:1"}]}
status: {podIP: 10.0.0.1, phase: Running}
---
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: shop, uid: p2, labels: {app: other}}
spec: {containers: [{name: web, image: "web:1"}]}
status: {podIP: 10.0.0.2, phase: Running}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, namespace: shop, uid: e1, labels: {kubernetes.io/service-name: by-hand}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1], targetRef: {kind: Pod, name: web-5d4f-a}}]
`

// manifest is what somebody wrote for it.
const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {team: a}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: web, image: "web:1", resources: {requests: {cpu: "0.5"}}, ports: [{containerPort: 80}]}]}
`

// podsOf writes the pods that the batch has for answers: their labels and addresses.
func podsOf(b object.Batch) string {
	s := &snapshot.Snapshot{}
	kube.Convert(b.Objects, s)
	var out []string
	for _, w := range s.Workloads {
		for _, p := range w.Pods {
			out = append(out, fmt.Sprint(w.Ref, " ", p.Labels.Set, " ", p.Addresses))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}
