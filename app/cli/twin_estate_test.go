package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

type estateText []estateFile

type estateFile struct {
	name string
	docs []string
	crlf bool
}

func (f estateFile) text() string {
	s := strings.Join(f.docs, "---\n")
	if f.crlf {
		s = strings.ReplaceAll(s, "\n", "\r\n")
	}
	return s
}

func (t estateText) String() string {
	var b strings.Builder
	for _, f := range t {
		fmt.Fprintf(&b, "-- %s --\n%s\n", f.name, strings.TrimSuffix(f.text(), "\n"))
	}
	return b.String()
}

type (
	obj = map[string]any
	arr = []any
)

// An estateWriter writes random estates, and everything in as many spellings as the
// API has.
type estateWriter struct {
	*rand.Rand
	objects    []obj
	namespaces []string
	sets       []string // names of StatefulSets
}

func (g *estateWriter) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *estateWriter, from ...T) T { return from[g.IntN(len(from))] }

func (g *estateWriter) write() estateText {
	g.namespaces = []string{"", "one", "two", "three"}[g.IntN(2) : 1+g.IntN(3)+1]
	for _, ns := range g.namespaces {
		if g.chance(60) {
			meta := obj{"name": cmp.Or(ns, "default")}
			g.spell(meta, "labels", obj{}, func() any {
				set := g.labels("team")
				if g.chance(30) {
					set[corev1.LabelMetadataName] = meta["name"]
				}
				return set
			})
			g.objects = append(g.objects, obj{"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
		}
	}
	for i := range 1 + g.IntN(6) {
		g.workload(fmt.Sprintf("w%d", i))
	}
	for i := range g.IntN(6) {
		g.objects = append(g.objects, obj{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
			"metadata": g.meta(fmt.Sprintf("p%d", i), pick(g, g.namespaces...), nil), "spec": g.policy()})
	}
	g.Shuffle(len(g.objects), func(i, j int) { g.objects[i], g.objects[j] = g.objects[j], g.objects[i] })
	return g.files()
}

// spell leaves a field out, or writes null, or its empty value, or a real one.
func (g *estateWriter) spell(m obj, field string, empty any, real func() any) {
	switch g.IntN(8) {
	case 0:
	case 1:
		m[field] = nil
	case 2:
		m[field] = empty
	default:
		m[field] = real()
	}
}

func some(g *estateWriter, most int, one func() any) func() any {
	return func() any {
		l := arr{}
		for range 1 + g.IntN(most) {
			l = append(l, one())
		}
		return l
	}
}

var labelValues = []string{"a", "b", "true", "1", "", "x.y_z"}

func (g *estateWriter) labels(keys ...string) obj {
	m := obj{}
	for _, k := range keys {
		if g.chance(70) {
			m[k] = pick(g, labelValues...)
		}
	}
	return m
}

func (g *estateWriter) meta(name, namespace string, set obj) obj {
	m := obj{"name": name}
	switch {
	case namespace != "":
		m["namespace"] = namespace
	case g.chance(30):
		m["namespace"] = pick(g, "", "default")
	}
	if set != nil {
		m["labels"] = set
	}
	return m
}

func (g *estateWriter) ownedBy(m obj, apiVersion, kind, name string) obj {
	refs := arr{obj{"apiVersion": apiVersion, "kind": kind, "name": name, "uid": "u-" + name, "controller": true}}
	if g.chance(30) {
		refs = append(arr{obj{"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "u"}}, refs...)
	}
	m["ownerReferences"] = refs
	return m
}

func with(m obj, more obj) obj {
	both := obj{}
	for k, v := range m {
		both[k] = v
	}
	for k, v := range more {
		both[k] = v
	}
	return both
}

func (g *estateWriter) podSpec() obj {
	names := []string{"web", "db", "metrics"}
	var containers arr
	for i := range 1 + g.IntN(2) {
		c := obj{"name": fmt.Sprintf("c%d", i), "image": "image"}
		g.spell(c, "ports", arr{}, some(g, 2, func() any {
			p := obj{"containerPort": pick(g, 80, 81, 5432, 8080)}
			if len(names) > 0 && g.chance(80) {
				n := g.IntN(len(names))
				p["name"] = names[n]
				names = slices.Delete(names, n, n+1)
			}
			if g.chance(40) {
				p["protocol"] = pick(g, "TCP", "UDP", "SCTP")
			}
			return p
		}))
		containers = append(containers, c)
	}
	return obj{"containers": containers}
}

func (g *estateWriter) add(apiVersion, kind string, meta, spec obj) {
	g.objects = append(g.objects, obj{"apiVersion": apiVersion, "kind": kind, "metadata": meta, "spec": spec})
}

// status gives the pod just added what a cluster tells of it: its address, or that it
// has ended.
func (g *estateWriter) status() {
	status := obj{}
	switch g.IntN(6) {
	case 0:
		ip := fmt.Sprintf("10.0.%d.%d", g.IntN(4), 8*g.IntN(32))
		if g.chance(30) {
			ip = fmt.Sprintf("2001:db8:0:%x::9", g.IntN(4))
		}
		status = obj{"phase": "Running", "podIP": ip, "podIPs": arr{obj{"ip": ip}}}
	case 1:
		status["phase"] = pick(g, "Succeeded", "Failed", "Running", "Pending")
	default:
		return
	}
	g.objects[len(g.objects)-1]["status"] = status
}

// workload adds a workload, as a repository holds it or as a cluster gives it with the
// objects that its controllers made.
func (g *estateWriter) workload(name string) {
	ns := pick(g, g.namespaces...)
	set := g.labels("app", "tier")
	spec := g.podSpec()
	selector := obj{"matchLabels": set}
	template := func(set obj) obj {
		meta := obj{}
		if len(set) > 0 || g.chance(50) {
			meta["labels"] = set
		}
		return obj{"metadata": meta, "spec": spec}
	}
	replicas := 1 + g.IntN(3)
	scaled := func(set obj) obj {
		s := obj{"selector": selector, "template": template(set)}
		if replicas > 1 || g.chance(50) {
			s["replicas"] = replicas
		} else if g.chance(30) {
			s["replicas"] = nil
		}
		return s
	}
	pods := func(set obj, owner string, names func(int) (string, obj)) {
		for i := range replicas {
			podName, more := names(i)
			if g.chance(20) {
				more = with(more, obj{"tier": "odd"}) // a person ran kubectl label
			}
			podSpec := spec
			if g.chance(20) {
				podSpec = g.podSpec()
			}
			g.add("v1", "Pod", g.ownedBy(g.meta(podName, ns, with(set, more)), "apps/v1", owner, ownerName(owner, name)), podSpec)
			g.status()
		}
	}
	switch pick(g, "Pod", "Pod", "Deployment", "Deployment", "StatefulSet", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob") {
	case "Pod":
		g.add("v1", "Pod", g.meta(name, ns, set), spec)
		g.status()
	case "Deployment":
		declared := g.chance(85)
		if declared {
			g.add("apps/v1", "Deployment", g.meta(name, ns, nil), scaled(set))
		}
		if declared && g.chance(60) {
			return
		}
		hashed := with(set, obj{"pod-template-hash": "abc"})
		g.add("apps/v1", "ReplicaSet", g.ownedBy(g.meta(name+"-abc", ns, nil), "apps/v1", "Deployment", name), scaled(hashed))
		if g.chance(40) { // what the last rollout left
			g.add("apps/v1", "ReplicaSet", g.ownedBy(g.meta(name+"-old", ns, nil), "apps/v1", "Deployment", name),
				obj{"replicas": 0, "selector": selector, "template": template(with(set, obj{"tier": "old", "pod-template-hash": "old"}))})
		}
		if g.chance(60) {
			pods(hashed, "ReplicaSet", func(i int) (string, obj) { return fmt.Sprintf("%s-abc-%c", name, 'p'+i), nil })
		}
	case "ReplicaSet":
		if g.chance(70) {
			g.add("apps/v1", "ReplicaSet", g.meta(name+"-abc", ns, nil), scaled(set))
			if g.chance(60) {
				return
			}
		}
		pods(set, "ReplicaSet", func(i int) (string, obj) { return fmt.Sprintf("%s-abc-%c", name, 'p'+i), nil })
	case "StatefulSet":
		g.sets = append(g.sets, name)
		s := scaled(set)
		s["serviceName"] = name
		first := 0
		if g.chance(20) {
			first = 1
			s["ordinals"] = obj{"start": first}
		}
		g.add("apps/v1", "StatefulSet", g.meta(name, ns, nil), s)
		if g.chance(30) {
			pods(set, "StatefulSet", func(i int) (string, obj) {
				pod := fmt.Sprintf("%s-%d", name, first+i)
				return pod, obj{appsv1.StatefulSetPodNameLabel: pod, appsv1.PodIndexLabel: strconv.Itoa(first + i)}
			})
		}
	case "DaemonSet":
		g.add("apps/v1", "DaemonSet", g.meta(name, ns, nil), obj{"selector": selector, "template": template(set)})
	case "Job":
		spec["restartPolicy"] = "Never"
		s := obj{"template": template(set)}
		if g.chance(50) {
			s["parallelism"] = replicas
		}
		g.add("batch/v1", "Job", g.meta(name, ns, nil), s)
	case "CronJob":
		spec["restartPolicy"] = "Never"
		s := obj{"template": template(set)}
		if g.chance(50) {
			s["parallelism"] = replicas
		}
		g.add("batch/v1", "CronJob", g.meta(name, ns, nil), obj{"schedule": "* * * * *", "jobTemplate": obj{"spec": s}})
		if g.chance(30) {
			g.add("batch/v1", "Job", g.ownedBy(g.meta(name+"-1", ns, nil), "batch/v1", "CronJob", name), s)
		}
	}
}

func ownerName(kind, name string) string {
	if kind == "ReplicaSet" {
		return name + "-abc"
	}
	return name
}

func (g *estateWriter) policy() obj {
	spec := obj{}
	g.spell(spec, "podSelector", obj{}, func() any { return g.selector("app", "tier") })
	g.spell(spec, "policyTypes", arr{}, func() any {
		return pick(g, arr{"Ingress"}, arr{"Egress"}, arr{"Ingress", "Egress"}, arr{"Egress", "Ingress"})
	})
	for _, d := range [][2]string{{"ingress", "from"}, {"egress", "to"}} {
		g.spell(spec, d[0], arr{}, some(g, 2, func() any {
			rule := obj{}
			if g.chance(10) {
				return rule
			}
			g.spell(rule, d[1], arr{}, some(g, 3, func() any { return g.peer() }))
			g.spell(rule, "ports", arr{}, some(g, 3, func() any { return g.port() }))
			return rule
		}))
	}
	return spec
}

func (g *estateWriter) selector(keys ...string) obj {
	if slices.Contains(keys, "app") && len(g.sets) > 0 && g.chance(25) {
		set := pick(g, g.sets...)
		n := strconv.Itoa(g.IntN(3))
		return pick(g,
			obj{"matchLabels": obj{appsv1.StatefulSetPodNameLabel: set + "-" + n}},
			obj{"matchLabels": obj{appsv1.PodIndexLabel: n}},
			obj{"matchExpressions": arr{obj{"key": appsv1.StatefulSetPodNameLabel, "operator": "NotIn", "values": arr{set + "-" + n, "other"}}}},
			obj{"matchExpressions": arr{obj{"key": appsv1.PodIndexLabel, "operator": pick(g, "Exists", "DoesNotExist")}}})
	}
	s := obj{}
	g.spell(s, "matchLabels", obj{}, func() any { return g.labels(pick(g, keys...)) })
	if g.chance(50) {
		g.spell(s, "matchExpressions", arr{}, some(g, 2, func() any {
			e := obj{"key": pick(g, keys...), "operator": pick(g, "In", "NotIn", "Exists", "DoesNotExist")}
			if op := e["operator"]; op == "In" || op == "NotIn" {
				e["values"] = some(g, 3, func() any { return pick(g, labelValues...) })()
				return e
			}
			if g.chance(50) {
				e["values"] = pick[any](g, nil, arr{})
			}
			return e
		}))
	}
	return s
}

func (g *estateWriter) peer() obj {
	p := obj{}
	namespaces := func() {
		p["namespaceSelector"] = pick(g, obj{}, g.selector("team"), g.selector("team"),
			obj{"matchLabels": obj{corev1.LabelMetadataName: pick(g, "default", "one", "two", "three")}})
	}
	pods := func() { p["podSelector"] = pick(g, obj{}, g.selector("app", "tier"), g.selector("app", "tier")) }
	others := []string{"ipBlock"}
	switch g.IntN(5) {
	case 0:
		namespaces()
		others = append(others, "podSelector")
	case 1:
		pods()
		others = append(others, "namespaceSelector")
	case 2:
		namespaces()
		pods()
	default:
		p["ipBlock"] = g.ipBlock()
		others = []string{"podSelector", "namespaceSelector"}
	}
	for _, field := range others {
		if g.chance(20) {
			p[field] = nil
		}
	}
	return p
}

func (g *estateWriter) ipBlock() obj {
	outer := netip.MustParsePrefix(pick(g, "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/22", "10.0.2.0/23", "10.0.3.4/30", "255.255.255.0/24",
		"::/0", "2001:db8::/32", "2001:db8::/62", "fd00::/8", "2001:db8::1/128", "192.0.2.1/32"))
	b := obj{"cidr": outer.String()}
	switch {
	case g.chance(10) && outer.Bits() < 31:
		b["cidr"] = fmt.Sprintf("%s/%d", outer.Addr().Next(), outer.Bits()) // host bits mean nothing
	case g.chance(10) && outer.Addr().Is6():
		b["cidr"] = fmt.Sprintf("%s/%d", strings.ToUpper(outer.Addr().StringExpanded()), outer.Bits())
	}
	if outer.IsSingleIP() {
		return b
	}
	g.spell(b, "except", arr{}, func() any {
		var l arr
		add := func(p netip.Prefix) { l = append(l, p.String()) }
		inner := g.within(outer, outer.Bits()+1+g.IntN(min(4, outer.Addr().BitLen()-outer.Bits())))
		add(inner)
		for range g.IntN(3) {
			switch g.IntN(4) {
			case 0: // its neighbour, so that they touch
				if next := lastAddress(inner).Next(); next.IsValid() && outer.Contains(next) {
					inner = netip.PrefixFrom(next, inner.Bits())
					add(inner)
				}
			case 1: // nested in it
				add(g.within(inner, inner.Bits()+g.IntN(min(3, inner.Addr().BitLen()-inner.Bits()+1))))
			case 2: // again
				add(inner)
			default:
				add(g.within(outer, min(outer.Addr().BitLen(), outer.Bits()+1+g.IntN(20))))
			}
		}
		return l
	})
	return b
}

// within returns a block of that many bits in p.
func (g *estateWriter) within(p netip.Prefix, bits int) netip.Prefix {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < bits; i++ {
		if g.chance(50) {
			b[i/8] |= 1 << (7 - i%8)
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(a, bits)
}

func (g *estateWriter) port() obj {
	p := obj{}
	switch g.IntN(4) {
	case 0:
	case 1:
		p["protocol"] = nil
	default:
		p["protocol"] = pick(g, "TCP", "UDP", "SCTP")
	}
	switch g.IntN(6) {
	case 0:
		if g.chance(50) {
			p["port"] = nil
		}
	case 1:
		p["port"] = pick(g, "web", "db", "metrics", "nobody")
	case 2:
		from := pick(g, 1, 79, 80, 81, 5432, 65534)
		p["port"] = from
		p["endPort"] = pick(g, from, from+1, min(from+1000, 65535), 65535)
	default:
		p["port"] = pick(g, 1, 80, 81, 82, 5432, 8080, 65535)
		if g.chance(20) {
			p["endPort"] = nil
		}
	}
	return p
}

// files spreads the objects over documents, lists and files.
func (g *estateWriter) files() estateText {
	var text estateText
	for len(g.objects) > 0 {
		n := 1 + g.IntN(min(5, len(g.objects)))
		objects := g.objects[:n]
		g.objects = g.objects[n:]
		name := fmt.Sprintf("%s%d", pick(g, "", "sub/", "sub/sub/"), len(text))
		asList := func() obj {
			items := arr{}
			for _, o := range objects {
				items = append(items, o)
			}
			return obj{"apiVersion": "v1", "kind": "List", "metadata": obj{}, "items": items}
		}
		switch g.IntN(6) {
		case 0:
			b, _ := json.MarshalIndent(asList(), "", pick(g, "", "  ", "\t"))
			text = append(text, estateFile{name: name + ".json", docs: []string{string(b) + "\n"}})
		case 1:
			text = append(text, estateFile{name: name + ".yml", docs: []string{g.yaml(asList(), "")}})
		default:
			f := estateFile{name: name + ".yaml", crlf: g.chance(5)}
			if g.chance(30) {
				f.docs = append(f.docs, pick(g, "", "# only a comment\n", "\n"))
			}
			for _, o := range objects {
				f.docs = append(f.docs, g.yaml(o, ""))
			}
			text = append(text, f)
		}
	}
	return text
}

var unquoted = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9/.-]*$`)

// yaml spells a value in block style with flow style and comments strewn in.
func (g *estateWriter) yaml(v any, indent string) string {
	var b strings.Builder
	switch v := v.(type) {
	case obj:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		g.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		for _, k := range keys {
			if g.chance(3) {
				fmt.Fprintf(&b, "%s# %s: none\n", indent, k)
			}
			fmt.Fprintf(&b, "%s%s:%s", indent, k, g.yamlValue(v[k], indent+"  "))
		}
	case arr:
		for _, item := range v {
			if m, ok := item.(obj); ok && len(m) > 0 && g.chance(70) {
				fmt.Fprintf(&b, "%s- %s", indent, strings.TrimLeft(g.yaml(m, indent+"  "), " "))
				continue
			}
			fmt.Fprintf(&b, "%s-%s", indent, g.yamlValue(item, indent+"  "))
		}
	}
	return b.String()
}

// yamlValue is what follows a colon or a dash.
func (g *estateWriter) yamlValue(v any, indent string) string {
	switch v := v.(type) {
	case nil:
		return pick(g, "\n", " null\n", " ~\n")
	case string:
		switch {
		case unquoted.MatchString(v) && v != "true" && len(v) > 1 && g.chance(70):
			return " " + v + "\n"
		case g.chance(50):
			return " '" + v + "'\n"
		}
	case obj:
		if len(v) > 0 && g.chance(80) {
			return "\n" + g.yaml(v, indent)
		}
	case arr:
		if len(v) > 0 && g.chance(80) {
			return "\n" + g.yaml(v, indent)
		}
	}
	b, _ := json.Marshal(v) // is flow style too
	return " " + string(b) + "\n"
}
