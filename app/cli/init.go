package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/app/starter"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// The systems that init writes a CI step for.
const (
	ciGitHub = "github"
	ciGitLab = "gitlab"
	ciNone   = "none"
)

// A beginning is one run of init: its flags, the estate where one was read, and what is
// answered so far.
type beginning struct {
	*app
	server              string
	clients, outside    []string
	monitoring, backup  []string
	out, ci             string
	yes, ask, overwrite bool

	q       *interview
	world   *snapshot.Snapshot // nil where no manifests are named
	found   *snapshot.Server   // nil where world is
	batch   object.Batch
	answers starter.Answers
}

func (a *app) init() *cobra.Command {
	b := &beginning{app: a}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write the first perimeter, accesses, invariants and CI step, by flags or questions",
		Long: `Write the first documents for a server that has none: a PostgresPerimeter around it, a
PostgresAccess for each application with tests, AccessInvariants, and a CI step that
proves every change. Each file says what to edit next.

With -f the servers, applications and names that manifests have are offered, those that
reach the database today first, and the labels that select just these pods are found.
Without -f everything is taken from flags: name the labels of pods by label=KEY=VALUE.

What no flag says is asked where there is a terminal. Elsewhere the run fails and names
the flag; --ask reads the answers from standard input, a line each. Nothing is written
unless it can be read back and, with -f, compiled; and no file that is there is replaced
without --force.

Exit status: 0 written, 3 not.`,
		Example: `  pgmoat init -f k8s/
  pgmoat init -f k8s/ --server shop/orders --client shop/web=web@orders --yes
  pgmoat init -f k8s/ --server shop/orders --client shop/web=web@orders,pooler=orders-pooler \
    --outside 172.20.8.0/24=report@orders --monitoring monitoring/prometheus --ci gitlab
  pgmoat init --server shop/cluster/orders --client shop/web=web@orders,label=app=web --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd) },
	}
	b.flags(cmd)
	return cmd
}

func (b *beginning) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&b.files, "filename", "f", nil, "manifests that hold the server: file, directory (read recursively) or - for standard input; repeatable")
	f.StringArrayVar(&b.skip, "skip", nil, "leave out files that match this glob; repeatable")
	f.StringVarP(&b.namespace, "namespace", "n", "default", "namespace of objects that name none")
	f.StringVar(&b.facts, "facts", "", "file with what manifests cannot say (CNI, API server, DNS, outside ranges)")
	f.StringVar(&b.server, "server", "", "the database: NAMESPACE/NAME or NAMESPACE/KIND/NAME of its operator's object or workload")
	f.StringArrayVar(&b.clients, "client", nil, "an application: NAMESPACE/WORKLOAD=ROLE@DATABASE[,pooler=NAME][,label=KEY=VALUE]…; repeatable")
	f.StringArrayVar(&b.outside, "outside", nil, "addresses outside the cluster: CIDR=ROLE@DATABASE[,pooler=NAME], or the name of a range of the facts file; repeatable")
	f.StringArrayVar(&b.monitoring, "monitoring", nil, "who scrapes metrics: NAMESPACE/WORKLOAD[,label=KEY=VALUE]…; repeatable")
	f.StringArrayVar(&b.backup, "backup", nil, "where backups go: CIDR:PORT; repeatable")
	f.StringVar(&b.out, "out", "pgmoat", "directory to write the documents to")
	f.StringVar(&b.ci, "ci", "", "CI step to write: github, gitlab, none (default: gitlab where .gitlab-ci.yml is, else github)")
	f.BoolVarP(&b.yes, "yes", "y", false, "ask nothing: what no flag says is left out")
	f.BoolVar(&b.ask, "ask", false, "read answers from standard input though it is no terminal")
	f.BoolVar(&b.overwrite, "force", false, "replace files that are there")
}

func (b *beginning) run(cmd *cobra.Command) error {
	if err := b.flagsAgree(cmd); err != nil {
		return err
	}
	b.q = newInterview(b.app, b.silence())
	if len(b.files) > 0 {
		if err := b.read(cmd.Context()); err != nil {
			return err
		}
	}
	for _, step := range []func(*cobra.Command) error{
		b.chooseServer, b.chooseClients, b.chooseOutside, b.chooseMonitoring, b.chooseBackup, b.chooseCI,
	} {
		if err := step(cmd); err != nil {
			return err
		}
	}
	if len(b.answers.Clients) == 0 {
		return errors.New("nobody is to get in: name an application with --client, or a range outside with --outside")
	}
	return b.finish()
}

// flagsAgree refuses flags that cannot be meant together.
func (b *beginning) flagsAgree(cmd *cobra.Command) error {
	switch {
	case b.yes && b.ask:
		return errors.New("--yes asks nothing, and --ask asks: choose one")
	case b.ask && slices.Contains(b.files, "-"):
		return errors.New("-f - reads manifests from standard input, where --ask reads answers: name a file or directory")
	case b.out == "":
		return errors.New("--out: want a directory")
	case cmd.Flags().Changed("server") && b.server == "":
		return errors.New("--server: want NAMESPACE/NAME")
	case b.facts != "" && len(b.files) == 0:
		return errors.New("--facts says what manifests cannot: name these with -f")
	case cmd.Flags().Changed("ci"):
		_, err := knownCI(b.ci)
		return flagged("--ci "+b.ci, err)
	}
	return nil
}

func knownCI(text string) (string, error) {
	if known := []string{ciGitHub, ciGitLab, ciNone}; !slices.Contains(known, text) {
		return "", fmt.Errorf("want one of %s", strings.Join(known, ", "))
	}
	return text, nil
}

// silence is why nothing may be asked; empty where it may.
func (b *beginning) silence() string {
	switch {
	case b.yes:
		return "--yes asks nothing"
	case slices.Contains(b.files, "-"):
		return "standard input holds manifests"
	case !b.ask && !isTerminal(b.in):
		return "there is no terminal to ask at; --ask reads answers from standard input"
	}
	return ""
}

// read reads the estate. What could not be read may be what keeps a client out, so that
// nothing can be written.
func (b *beginning) read(ctx context.Context) error {
	var intents intent.Intents
	var err error
	if b.world, b.batch, err = b.loadObjects(ctx, &intents); err != nil {
		return err
	}
	if len(b.world.Problems) > 0 {
		return errors.New("nothing was written: something could not be read")
	}
	if len(b.world.Servers) == 0 {
		return errors.New("no PostgreSQL server is among what was read: name its manifests with -f, or leave -f out and name all by flags")
	}
	return nil
}

// finish checks all, asks once more, and writes.
func (b *beginning) finish() error {
	b.neighbour()
	files, err := b.made()
	if err != nil {
		return err
	}
	faults := b.check(b.answers)
	for _, f := range faults {
		_, _ = fmt.Fprintln(b.err, report.PrintableLines("pgmoat: "+f.text()))
	}
	if slices.ContainsFunc(faults, func(f fault) bool { return !f.warning }) {
		return errors.New("nothing was written")
	}
	if err := b.confirm(files); err != nil {
		return err
	}
	if err := writeNew(files, b.overwrite); err != nil {
		return err
	}
	return b.tellNext(files)
}

// made are all files under the names that they are written to.
func (b *beginning) made() ([]manifest.File, error) {
	var out []manifest.File
	for _, f := range starter.Documents(b.answers) {
		out = append(out, manifest.File{Name: filepath.Join(b.out, f.Name), Data: f.Data})
	}
	step, err := b.ciFile()
	if err != nil {
		return nil, err
	}
	return append(out, step...), nil
}

// confirm asks before anything is written; where nothing may be asked, the flags have said it.
func (b *beginning) confirm(files []manifest.File) error {
	if b.q.silent != "" {
		return nil
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	b.q.say("To be written: %s", strings.Join(names, ", "))
	stop := false
	err := b.q.put(question{"Write them?", "yes", "--yes", func(answer string) error {
		switch strings.ToLower(answer) {
		case "y", "yes":
		case "n", "no":
			stop = true
		default:
			return errors.New("want yes or no")
		}
		return nil
	}})
	if err == nil && stop {
		return errors.New("nothing was written")
	}
	return err
}

// tellNext says what was written, and what to run now.
func (b *beginning) tellNext(files []manifest.File) error {
	text := "written:\n"
	for _, f := range files {
		text += "  " + f.Name + "\n"
	}
	step := b.step()
	here := step
	here.Directory = ""
	compile, err := here.Compile()
	if err != nil {
		compile = "pgmoat compile"
	}
	prove, err := here.Prove()
	if err != nil {
		prove = "pgmoat prove"
	}
	text += "next:\n  read and edit them; each says what for\n" +
		"  " + compile + "\n      shows what each layer gets, and what none can express\n" +
		"  " + prove + "\n      proves that it admits what was asked and nothing else\n" +
		"  " + compile + " -o kustomize --out compiled/\n      writes it, to be reviewed and applied\n"
	if b.ci == ciGitLab {
		text += "  in .gitlab-ci.yml: include: [{local: " + starter.GitLabFile + "}]\n"
	}
	_, err = fmt.Fprint(b.app.out, report.PrintableLines(text))
	return err
}
