package worldgen

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Write writes an estate of this package as manifests, one file a namespace, as a
// GitOps repository would hold it.
func Write(dir string, world *snapshot.Snapshot) error {
	files := map[string]*strings.Builder{}
	for _, name := range slices.Sorted(maps.Keys(world.Namespaces)) {
		b := &strings.Builder{}
		files[name] = b
		fmt.Fprintf(b, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %s\n  labels:\n%s", name,
			labels("    ", world.Namespaces[name].Labels.Set))
	}
	for _, w := range world.Workloads {
		workload(files[w.Namespace], w)
	}
	for _, p := range world.Policies {
		policy(files[p.Namespace], p)
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(b.String()), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func labels(indent string, set map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(set)) {
		fmt.Fprintf(&b, "%s%s: %q\n", indent, k, set[k])
	}
	return b.String()
}

func workload(b *strings.Builder, w *snapshot.Workload) {
	p := w.Pods[0]
	fmt.Fprintf(b, "---\napiVersion: apps/v1\nkind: %s\nmetadata:\n  name: %s\n  namespace: %s\nspec:\n", w.Kind, w.Name, w.Namespace)
	switch w.Kind {
	case "StatefulSet":
		fmt.Fprintf(b, "  replicas: %d\n  serviceName: %s\n", len(w.Pods), w.Name)
	case "Deployment":
		b.WriteString("  replicas: 2\n")
	}
	fmt.Fprintf(b, "  selector:\n    matchLabels:\n%s  template:\n    metadata:\n      labels:\n%s    spec:\n",
		labels("      ", p.Labels.Set), labels("        ", p.Labels.Set))
	fmt.Fprintf(b, "      containers:\n      - name: main\n        image: registry.example/%s:1.4.2\n        env:\n"+
		"        - name: LOG_LEVEL\n          value: info\n        resources:\n          requests:\n            cpu: 100m\n            memory: 128Mi\n", w.Name)
	b.WriteString("        ports:\n")
	for _, c := range p.Ports {
		fmt.Fprintf(b, "        - name: %s\n          containerPort: %d\n          protocol: %s\n", c.Name, c.Port, c.Protocol)
	}
}

func policy(b *strings.Builder, p *netpol.Policy) {
	fmt.Fprintf(b, "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: %s\n  namespace: %s\nspec:\n  podSelector:%s",
		p.Name, p.Namespace, selector("    ", p.Pods))
	b.WriteString("  policyTypes:\n")
	for _, dir := range netpol.Directions {
		if p.Isolates[dir] {
			b.WriteString("  - " + strings.ToUpper(dir.String()[:1]) + dir.String()[1:] + "\n")
		}
	}
	for _, dir := range netpol.Directions {
		if len(p.Rules[dir]) == 0 {
			continue
		}
		fmt.Fprintf(b, "  %s:\n", dir)
		for _, r := range p.Rules[dir] {
			ruleText(b, dir, r)
		}
	}
}

func ruleText(b *strings.Builder, dir netpol.Direction, r netpol.Rule) {
	if r.AnyPeer && r.AnyPort {
		b.WriteString("  - {}\n")
		return
	}
	lead := "  - "
	if !r.AnyPeer {
		fmt.Fprintf(b, "%s%s:\n", lead, fromTo(dir))
		lead = "    "
		for _, peer := range r.Peers {
			peerText(b, peer)
		}
	}
	if r.AnyPort {
		return
	}
	b.WriteString(lead + "ports:\n")
	for _, p := range r.Ports {
		switch {
		case p.Name != "":
			fmt.Fprintf(b, "    - protocol: %s\n      port: %s\n", p.Protocol, p.Name)
		case p.From == p.To:
			fmt.Fprintf(b, "    - protocol: %s\n      port: %d\n", p.Protocol, p.From)
		default:
			fmt.Fprintf(b, "    - protocol: %s\n      port: %d\n      endPort: %d\n", p.Protocol, p.From, p.To)
		}
	}
}

func peerText(b *strings.Builder, p netpol.Peer) {
	if p.Block != nil {
		cidr, except, _ := strings.Cut(p.Block.Text, " except ")
		fmt.Fprintf(b, "    - ipBlock:\n        cidr: %s\n", cidr)
		if except != "" {
			fmt.Fprintf(b, "        except: [%s]\n", except)
		}
		return
	}
	lead := "    - "
	if p.Namespaces != nil {
		b.WriteString(lead + "namespaceSelector:" + selector("        ", *p.Namespaces))
		lead = "      "
	}
	if p.Pods != nil {
		b.WriteString(lead + "podSelector:" + selector("        ", *p.Pods))
	}
}

func selector(indent string, s netpol.Selector) string {
	if len(s) == 0 {
		return " {}\n"
	}
	var b strings.Builder
	b.WriteString("\n" + indent + "matchExpressions:\n")
	for _, r := range s {
		op := map[netpol.Op]string{netpol.In: "In", netpol.NotIn: "NotIn", netpol.Exists: "Exists", netpol.DoesNotExist: "DoesNotExist"}[r.Op]
		fmt.Fprintf(&b, "%s- key: %s\n%s  operator: %s\n", indent, r.Key, indent, op)
		if len(r.Values) > 0 {
			fmt.Fprintf(&b, "%s  values: [%s]\n", indent, strings.Join(r.Values, ", "))
		}
	}
	return b.String()
}
