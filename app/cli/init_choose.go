package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/app/starter"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// serverKinds are what a database may be, by the names that people type.
var serverKinds = []string{"Cluster", "SGCluster", "SGShardedCluster", "postgresql", "PostgresCluster", "PerconaPGCluster", "StatefulSet", "Deployment"}

// chooseServer finds the database.
func (b *beginning) chooseServer(*cobra.Command) error {
	if b.server != "" {
		return flagged("--server "+b.server, b.takeServer(b.server))
	}
	text, fallback, known := "Which database (NAMESPACE/NAME or NAMESPACE/KIND/NAME)?", "", []string(nil)
	if b.world != nil {
		text = "Which database?"
		for _, s := range b.world.Servers {
			known = append(known, serverName(s.Ref()))
		}
		if len(known) == 1 {
			fallback = "1"
		}
		if b.q.silent != "" {
			return fmt.Errorf("--server is missing: %s; the databases are %s", b.q.silent, strings.Join(known, ", "))
		}
	}
	return b.q.name(text, fallback, "--server", known, b.takeServer)
}

// serverName writes a server with its kind as the API spells it, which takeServer reads.
func serverName(r snapshot.Ref) string {
	return r.Namespace + "/" + strings.ToLower(r.Kind) + "/" + r.Name
}

func (b *beginning) takeServer(text string) error {
	ref, err := parseServer(text)
	if err != nil {
		return err
	}
	if b.world != nil {
		if b.found, err = findListed(b.world, text, ref); err != nil {
			return err
		}
		ref = b.found.Ref()
		b.answers.Superusers = starter.Superusers(b.found)
		b.answers.Operators = starter.Operators(b.found)
		b.answers.Limits = starter.LimitsOf(b.found)
	}
	answers := b.answers
	answers.Server = ref
	if err := b.refused(answers); err != nil {
		return err
	}
	b.answers = answers
	return nil
}

// flagged puts the flag before an error that its value makes.
func flagged(flag string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", flag, err)
}

// parseServer reads NAMESPACE/NAME and NAMESPACE/KIND/NAME.
func parseServer(text string) (snapshot.Ref, error) {
	parts := strings.Split(text, "/")
	if slices.Contains(parts, "") || len(parts) < 2 || len(parts) > 3 {
		return snapshot.Ref{}, errors.New("want NAMESPACE/NAME or NAMESPACE/KIND/NAME")
	}
	ref := snapshot.Ref{Namespace: parts[0], Name: parts[len(parts)-1]}
	if len(parts) == 2 {
		return ref, nil
	}
	i := slices.IndexFunc(serverKinds, func(k string) bool { return strings.EqualFold(k, parts[1]) })
	if i < 0 && kindOf(parts[1]) != "" {
		i = slices.Index(serverKinds, kindOf(parts[1]))
	}
	if i < 0 {
		return ref, fmt.Errorf("%q is no kind of database: want one of %s", parts[1], strings.Join(serverKinds, ", "))
	}
	ref.Kind = serverKinds[i]
	return ref, nil
}

// findListed finds a server of the estate.
func findListed(world *snapshot.Snapshot, text string, ref snapshot.Ref) (*snapshot.Server, error) {
	var found []*snapshot.Server
	for _, s := range world.Servers {
		r := s.Ref()
		if r.Namespace == ref.Namespace && r.Name == ref.Name && (ref.Kind == "" || ref.Kind == r.Kind) {
			found = append(found, s)
		}
	}
	return single(found, (*snapshot.Server).Ref, text, "PostgreSQL server", serverNames(world))
}

// chooseOutside takes ranges of addresses outside the cluster.
func (b *beginning) chooseOutside(cmd *cobra.Command) error {
	for _, text := range b.outside {
		s, err := parseOutside(text)
		if err == nil {
			err = b.knownRange(s.who)
		}
		if err != nil {
			return flagged("--outside "+text, err)
		}
		b.admit(b.outsideClient(s.who), s.to)
	}
	if cmd.Flags().Changed("outside") || !b.asksForMore() {
		return nil
	}
	return b.q.put(question{"Which addresses outside the cluster (a CIDR or a range of the facts file; several with commas)?", "none", "--outside",
		func(answer string) error {
			if answer == "none" {
				return nil
			}
			ranges := strings.Split(strings.ReplaceAll(answer, " ", ""), ",")
			for _, who := range ranges {
				if err := b.knownRange(who); err != nil {
					return err
				}
			}
			for _, who := range ranges {
				if err := b.askEntries(b.outsideClient(who), "--outside", nil); err != nil {
					return err
				}
			}
			return nil
		}})
}

// asksForMore reports whether what is not needed is asked for, too.
func (b *beginning) asksForMore() bool { return b.q.silent == "" }

// outsideClient is a range by its addresses, or by a name of the facts file.
func (b *beginning) outsideClient(who string) starter.Client {
	_, ok := parseAddresses(who)
	return starter.Client{Range: withLength(who), Named: !ok}
}

// knownRange refuses what is neither a range of addresses nor the name of one in the facts.
func (b *beginning) knownRange(who string) error {
	if prefix, err := netip.ParsePrefix(who); err == nil && prefix != prefix.Masked() {
		return fmt.Errorf("%s has bits of a host: write %s, or %s for the one address", who, prefix.Masked(), withLength(prefix.Addr().String()))
	}
	if _, ok := parseAddresses(who); ok {
		return nil
	}
	var names []string
	if b.world != nil {
		for _, o := range b.world.Facts.Outside {
			names = append(names, o.Name)
		}
	}
	switch {
	case slices.Contains(names, who):
		return nil
	case len(names) == 0:
		return fmt.Errorf("%q is no range of addresses, and no facts file that was read names one", who)
	}
	return fmt.Errorf("%q is no range of addresses; the facts name %s", who, strings.Join(names, ", "))
}

// admit adds what a client gets to what it has, or the client.
func (b *beginning) admit(c starter.Client, e starter.Entry) {
	b.answers.Clients = admitted(b.answers.Clients, c, e)
}

func admitted(clients []starter.Client, c starter.Client, e starter.Entry) []starter.Client {
	out := slices.Clone(clients)
	i := slices.IndexFunc(out, func(o starter.Client) bool {
		return o.Range == c.Range && o.Pods.Ref == c.Pods.Ref
	})
	if i < 0 {
		c.To = []starter.Entry{e}
		return append(out, c)
	}
	if !slices.Contains(out[i].To, e) {
		out[i].To = append(slices.Clone(out[i].To), e)
	}
	return out
}

// chooseMonitoring takes who scrapes metrics.
func (b *beginning) chooseMonitoring(cmd *cobra.Command) error {
	for _, text := range b.monitoring {
		s, err := parseScraper(text)
		if err != nil {
			return flagged("--monitoring "+text, err)
		}
		pods, err := b.podsOf(s.who, s.labels)
		if err != nil {
			return flagged("--monitoring "+text, err)
		}
		b.answers.Monitoring = append(b.answers.Monitoring, pods)
	}
	if cmd.Flags().Changed("monitoring") || !b.asksForMore() {
		return nil
	}
	fallback := "none"
	if b.found != nil {
		var names []string
		for _, w := range starter.Scrapers(b.world, b.found) {
			names = append(names, b.workloadName(w.Ref))
		}
		if len(names) > 0 {
			fallback = strings.Join(names, ",")
		}
	}
	return b.q.put(question{"Who scrapes its metrics (NAMESPACE/WORKLOAD; several with commas; none)?", fallback, "--monitoring", b.takeScrapers})
}

func (b *beginning) takeScrapers(answer string) error {
	var list []starter.Pods
	for who := range strings.SplitSeq(answer, ",") {
		if who = strings.TrimSpace(who); who == "none" {
			continue
		}
		pods, err := b.askPods(who, "--monitoring")
		if err != nil {
			return err
		}
		list = append(list, pods)
	}
	b.answers.Monitoring = list
	return nil
}

// chooseBackup takes where backups go.
func (b *beginning) chooseBackup(cmd *cobra.Command) error {
	for _, text := range b.backup {
		s, err := parseStore(text)
		if err != nil {
			return flagged("--backup "+text, err)
		}
		b.answers.Backup = append(b.answers.Backup, s)
	}
	if cmd.Flags().Changed("backup") || !b.asksForMore() {
		return nil
	}
	return b.q.put(question{"Where do its backups go (CIDR:PORT; several with commas)?", "none", "--backup", func(answer string) error {
		var list []starter.Store
		for text := range strings.SplitSeq(answer, ",") {
			if text = strings.TrimSpace(text); text == "none" {
				continue
			}
			s, err := parseStore(text)
			if err != nil {
				return err
			}
			list = append(list, s)
		}
		answers := b.answers
		answers.Backup = list
		if err := b.refused(answers); err != nil {
			return err
		}
		b.answers.Backup = list
		return nil
	}})
}

// refused is the first error in the documents of answers as they are so far; nil for none.
func (b *beginning) refused(answers starter.Answers) error {
	for _, f := range b.check(answers) {
		if f.ours && !f.warning {
			return errors.New(f.reason())
		}
	}
	return nil
}
