package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/app/starter"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// chooseClients takes the applications.
func (b *beginning) chooseClients(cmd *cobra.Command) error {
	for _, text := range b.clients {
		s, err := parseClient(text)
		if err != nil {
			return flagged("--client "+text, err)
		}
		pods, err := b.podsOf(s.who, s.labels)
		if err != nil {
			return flagged("--client "+text, err)
		}
		b.admit(starter.Client{Pods: pods}, s.to)
	}
	if len(b.clients) > 0 || cmd.Flags().Changed("outside") && b.q.silent != "" {
		return nil
	}
	var known []starter.Candidate
	if b.found != nil {
		known = starter.Candidates(b.world, b.found, tooMany(b.found) == nil)
	}
	if b.q.silent != "" {
		return fmt.Errorf("--client is missing: %s%s", b.q.silent, b.hint(known))
	}
	return b.askClients(known)
}

// hint names the applications that reach the server today.
func (b *beginning) hint(known []starter.Candidate) string {
	var today []string
	for _, c := range known {
		if len(c.Today) > 0 {
			today = append(today, b.workloadName(c.Workload.Ref))
		}
	}
	if len(today) == 0 {
		return ""
	}
	return "; today it is reached by " + strings.Join(today, ", ")
}

// askClients offers the workloads and asks what each that is chosen gets.
func (b *beginning) askClients(known []starter.Candidate) error {
	var names, today []string
	for i, c := range known {
		names = append(names, b.workloadName(c.Workload.Ref))
		mark := ""
		if len(c.Today) > 0 {
			today = append(today, strconv.Itoa(i+1))
			mark = "  reaches it today as " + asEntries(c.Today)
		}
		b.q.say("  %d) %s%s", i+1, names[i], mark)
	}
	var chosen []string
	err := b.q.put(question{"Which applications (numbers or NAMESPACE/WORKLOAD, with commas; none)?", strings.Join(today, ","), "--client", func(answer string) error {
		list, err := b.picks(answer, names)
		chosen = list
		return err
	}})
	for _, who := range chosen {
		if err == nil {
			err = b.askClient(who, known)
		}
	}
	return err
}

// picks are the workloads that an answer names, each once.
func (b *beginning) picks(answer string, names []string) ([]string, error) {
	var out []string
	for part := range strings.SplitSeq(answer, ",") {
		part = strings.TrimSpace(part)
		if part == "none" {
			continue
		}
		who, err := picked(part, names)
		if err != nil {
			return nil, err
		}
		if err := b.exists(who); err != nil {
			return nil, err
		}
		if !slices.Contains(out, who) {
			out = append(out, who)
		}
	}
	return out, nil
}

// exists refuses a name that is no workload's.
func (b *beginning) exists(who string) error {
	if b.world != nil {
		_, err := findWorkload(b.world, who)
		return err
	}
	_, err := namedPods(who)
	return err
}

func (b *beginning) askClient(who string, known []starter.Candidate) error {
	pods, err := b.askPods(who, "--client")
	if err != nil {
		return err
	}
	var today []starter.Entry
	for _, c := range known {
		if b.workloadName(c.Workload.Ref) == who {
			today = c.Today
		}
	}
	return b.askEntries(starter.Client{Pods: pods}, "--client", today)
}

// askPods finds the pods of a workload; without an estate their labels are asked for.
func (b *beginning) askPods(who, flag string) (starter.Pods, error) {
	if b.world != nil {
		return b.podsOf(who, nil)
	}
	var labels map[string]string
	if _, err := namedPods(who); err != nil {
		return starter.Pods{}, err
	}
	err := b.q.put(question{"Labels of the pods of " + who + " (KEY=VALUE; several with commas)?", "", flag + " with label=", func(answer string) error {
		var err error
		labels, err = parseLabels(answer)
		return err
	}})
	if err != nil {
		return starter.Pods{}, err
	}
	return b.podsOf(who, labels)
}

// askEntries asks for one database and role, and keeps on asking until the documents can
// be made of it: a reserved role, or a name that is too long, is told with its reason.
func (b *beginning) askEntries(c starter.Client, flag string, today []starter.Entry) error {
	who := c.Pods.Ref
	if c.Range != "" {
		who = c.Range
	}
	for {
		e, err := b.askEntry(who, flag, agreed(today))
		if err != nil {
			return err
		}
		answers := b.answers
		answers.Clients = admitted(answers.Clients, c, e)
		if err := b.refused(answers); err != nil {
			b.q.say("  %s", err)
			continue
		}
		b.answers = answers
		return nil
	}
}

// agreed has what all entries have in common; of several nobody can say which is meant.
func agreed(list []starter.Entry) starter.Entry {
	if len(list) == 0 {
		return starter.Entry{}
	}
	out := list[0]
	for _, e := range list[1:] {
		if e.Database != out.Database {
			out.Database = ""
		}
		if e.Role != out.Role {
			out.Role = ""
		}
		if e.Pooler != out.Pooler {
			out.Pooler = ""
		}
	}
	return out
}

func (b *beginning) askEntry(who, flag string, today starter.Entry) (starter.Entry, error) {
	var e starter.Entry
	var databases, roles, poolers []string
	if b.found != nil {
		databases, roles, poolers = starter.Databases(b.found), starter.Roles(b.found), starter.Poolers(b.found)
	}
	set := func(what string, known []string, into *string) func(string) error {
		return func(answer string) error {
			b.q.unnamed(what, answer, known)
			*into = answer
			return nil
		}
	}
	if err := b.q.name("Which database for "+who+"?", orOnly(today.Database, databases), flag, databases, set("database", databases, &e.Database)); err != nil {
		return e, err
	}
	if err := b.q.name("As which role?", orOnly(today.Role, roles), flag, roles, set("role", roles, &e.Role)); err != nil {
		return e, err
	}
	if b.found != nil && len(poolers) == 0 {
		return e, nil
	}
	fallback := today.Pooler
	if fallback == "" {
		fallback = "none"
	}
	err := b.q.name("Through which pooler (none for straight)?", fallback, flag+" with pooler=", poolers, func(answer string) error {
		if answer != "none" {
			e.Pooler = answer
		}
		return nil
	})
	return e, err
}

// orOnly is the one that is known of a client, or else the only one there is.
func orOnly(known string, all []string) string {
	if known == "" && len(all) == 1 {
		return all[0]
	}
	return known
}

func asEntries(list []starter.Entry) string {
	var out []string
	for _, e := range list {
		text := cmp.Or(e.Role, "any role") + "@" + cmp.Or(e.Database, "any database")
		if e.Pooler != "" {
			text += " through " + e.Pooler
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// podsOf are the pods of a workload. In an estate the workload has to be there.
func (b *beginning) podsOf(who string, labels map[string]string) (starter.Pods, error) {
	if b.world == nil {
		pods, err := namedPods(who)
		if err == nil && len(labels) == 0 {
			err = errors.New("without -f nobody knows the labels of its pods: add ,label=KEY=VALUE")
		}
		pods.Labels = labels
		return pods, err
	}
	w, err := findWorkload(b.world, who)
	if err != nil {
		return starter.Pods{}, err
	}
	pods := starter.Pods{Namespace: w.Namespace, Name: w.Name, Ref: b.workloadName(w.Ref), Labels: labels}
	if len(labels) > 0 {
		return pods, nil
	}
	var also []snapshot.Ref
	if pods.Labels, also = starter.Select(b.world, w, b.selectorOf(w)); len(also) > 0 {
		b.q.say("pgmoat: warning: no labels tell the pods of %s from those of %s, which are let in with them", w.Ref, list(also))
	}
	if len(pods.Labels) == 0 {
		return pods, fmt.Errorf("the pods of %s have no labels that stay: add some to its template", w.Ref)
	}
	return pods, nil
}

// namedPods reads NAMESPACE/NAME or NAMESPACE/KIND/NAME.
func namedPods(who string) (starter.Pods, error) {
	parts := strings.Split(who, "/")
	if slices.Contains(parts, "") || len(parts) < 2 || len(parts) > 3 {
		return starter.Pods{}, fmt.Errorf("%q: want NAMESPACE/WORKLOAD", who)
	}
	return starter.Pods{Namespace: parts[0], Name: parts[len(parts)-1], Ref: who}, nil
}

// findWorkload finds a workload of the estate.
func findWorkload(world *snapshot.Snapshot, text string) (*snapshot.Workload, error) {
	r, err := parseReference(text, world)
	if err != nil {
		return nil, err
	}
	var found []*snapshot.Workload
	var all []snapshot.Ref
	for _, w := range world.Workloads {
		all = append(all, w.Ref)
		if r.names(w.Ref) {
			found = append(found, w)
		}
	}
	return single(found, func(w *snapshot.Workload) snapshot.Ref { return w.Ref }, text, "workload", all)
}

// workloadName is a workload as commands take it, with its kind where the name alone is
// another's, too.
func (b *beginning) workloadName(r snapshot.Ref) string {
	name := r.Namespace + "/" + r.Name
	if w, err := findWorkload(b.world, name); err != nil || w.Ref != r {
		return qualified(r)
	}
	return name
}

// selectorOf are the labels that the workload's own selector asks for; nil where the object
// has none, or more than labels.
func (b *beginning) selectorOf(w *snapshot.Workload) map[string]string {
	for _, o := range b.batch.Objects {
		if o.Ref() != w.Ref {
			continue
		}
		var in struct {
			Spec struct {
				Selector struct {
					MatchLabels      map[string]string `json:"matchLabels"`
					MatchExpressions []any             `json:"matchExpressions"`
				} `json:"selector"`
			} `json:"spec"`
		}
		if err := o.Decode(&in); err == nil && len(in.Spec.Selector.MatchExpressions) == 0 {
			return in.Spec.Selector.MatchLabels
		}
	}
	return nil
}

// neighbour finds a workload that nobody named, so that a test can say that it stays out:
// one beside the clients or the server, where there is any.
func (b *beginning) neighbour() {
	if b.found == nil {
		return
	}
	named, near := map[string]bool{}, map[string]bool{b.found.Ref().Namespace: true}
	for _, c := range b.answers.Clients {
		named[c.Pods.Ref], near[c.Pods.Namespace] = true, true
	}
	for _, c := range starter.Candidates(b.world, b.found, false) {
		name := b.workloadName(c.Workload.Ref)
		if named[name] || b.isSelected(c.Workload) {
			continue
		}
		if b.answers.Neighbour == "" || near[c.Workload.Namespace] {
			b.answers.Neighbour = name
		}
		if near[c.Workload.Namespace] {
			return
		}
	}
}

// isSelected reports whether the labels of some client may select a pod of the workload.
func (b *beginning) isSelected(w *snapshot.Workload) bool {
	for _, c := range b.answers.Clients {
		if c.Range == "" && starter.Selects(c.Pods, w) {
			return true
		}
	}
	return slices.ContainsFunc(w.Pods, func(p *snapshot.Pod) bool { return p.HostNetwork })
}

// unnamed says that no manifest names what was answered: it may be a slip.
func (q *interview) unnamed(what, name string, known []string) {
	if len(known) > 0 && !slices.Contains(known, name) {
		q.say("  no manifest names the %s %q: it has to be made", what, name)
	}
}

// withLength makes of a bare address the range of one.
func withLength(text string) string {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()).String()
	}
	return text
}
