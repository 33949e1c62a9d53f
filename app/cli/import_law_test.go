package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/engine/draft"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/internal/estategen"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// TestImportOpensNothing holds drafts of random estates to the law: whoever gets in with the
// draft got in without it, or the draft is marked; and whoever does not get in any more is
// among the losses. The answers are the closed lists, cell by cell.
func TestImportOpensNothing(t *testing.T) {
	from, to := uint64(1), uint64(10)
	if testing.Short() {
		to = 2
	}
	if text := os.Getenv("PGMOAT_IMPORT_SEEDS"); text != "" { // "100-150", to look further
		if _, err := fmt.Sscanf(text, "%d-%d", &from, &to); err != nil {
			t.Fatal(err)
		}
	}
	accesses, marked := 0, 0
	for seed := from; seed <= to; seed++ {
		c := checkOf(t, seed)
		if err := c.run(context.Background()); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, s := range c.result.Sites {
			accesses += len(s.Accesses)
		}
		if c.judgement.Opens() {
			marked++
		}
		for _, without := range []map[snapshot.Ref]bool{nil, c.drawn()} {
			after, err := c.after(context.Background(), without)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			holdToLaw(t, seed, c, reach.New(after))
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	estates := int(to-from) + 1 //nolint:gosec // a few dozen
	t.Logf("%d estates, %d accesses, %d marked", estates, accesses, marked)
	if accesses < estates/2 || marked > estates*3/4 {
		t.Errorf("of %d estates %d accesses were drafted, and %d drafts open something: the law says little", estates, accesses, marked)
	}
}

// checkOf drafts for all servers of a random estate.
func checkOf(t *testing.T, seed uint64) *draftCheck {
	t.Helper()
	made := estategen.New(seed)
	made.Intents = nil
	c := &draftCheck{opts: estate.Options{Paths: []string{"-"}, Stdin: strings.NewReader(made.YAML()), Adapters: known.Adapters()}}
	if text := made.FactsYAML(); text != "" {
		c.opts.FactsFile = filepath.Join(t.TempDir(), "facts.yaml")
		if err := os.WriteFile(c.opts.FactsFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	world, err := estate.From(context.Background(), func(ctx context.Context, wants estate.Wants) (batch object.Batch, err error) {
		c.batch, err = estate.Files(c.opts)(ctx, wants)
		return c.batch, err
	}, c.opts)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	c.before = reach.New(world)
	c.result = draft.Beside(reach.New(world), world.Servers, intent.Intents{})
	return c
}

// A closedCell is one cell of a closed list, for one pod or part of the outside.
type closedCell struct {
	server         snapshot.Ref
	from, pod      string
	database, role string
}

// cellsOf are those of all sites that something was drafted for, for pods that are not of a
// server itself; kubectl and the outside are left to the reports.
func cellsOf(e *reach.Engine, r *draft.Result) map[closedCell]verdict.Verdict {
	out := map[closedCell]verdict.Verdict{}
	for _, site := range r.Sites {
		i := slices.IndexFunc(e.World.Servers, func(s *snapshot.Server) bool { return s.Ref() == site.Server.Ref() })
		for _, a := range e.WhoCan(e.World.Servers[i]) {
			for _, p := range a.Members {
				out[closedCell{site.Server.Ref(), p.Workload.String(), p.Part + p.Instance, a.Database, a.Role}] = a.Verdict
			}
		}
	}
	return out
}

func holdToLaw(t *testing.T, seed uint64, c *draftCheck, after *reach.Engine) {
	t.Helper()
	was, now := cellsOf(c.before, c.result), cellsOf(after, c.result)
	for q, v := range now {
		if v == verdict.Allow && answerTo(q, was) == verdict.Deny && !isTold(c, q) {
			t.Errorf("seed %d: %v is let in only with the draft, and nothing says so", seed, q)
		}
	}
	for q, v := range was {
		if v == verdict.Allow && answerTo(q, now) == verdict.Deny && !isLost(c, q) {
			t.Errorf("seed %d: %v loses access, and is in no loss", seed, q)
		}
	}
}

// answerTo finds a cell in a list that may not name its database or role: there it is one of
// the others. What is in no cell is refused.
func answerTo(q closedCell, in map[closedCell]verdict.Verdict) verdict.Verdict {
	named := func(f func(closedCell) bool) bool {
		for other := range in {
			if other.server == q.server && f(other) {
				return true
			}
		}
		return false
	}
	if !named(func(o closedCell) bool { return o.role == q.role }) {
		q.role = reach.AnyOther
	}
	if q.database != reach.PhysicalReplication && !named(func(o closedCell) bool { return o.database == q.database }) {
		q.database = reach.AnyOther
	}
	if v, ok := in[q]; ok {
		return v
	}
	return verdict.Deny
}

// isTold reports whether a gain is marked, or is of a flow that the server needs.
func isTold(c *draftCheck, q closedCell) bool {
	for _, row := range slices.Concat(c.judgement.Gains, c.judgement.MendedRows) {
		if row.Server == q.server && slices.ContainsFunc(row.From, func(ref snapshot.Ref) bool { return isOf(ref, q.from) }) &&
			slices.Contains(row.Databases, q.database) && slices.Contains(row.Roles, q.role) {
			return true
		}
	}
	return false
}

func isLost(c *draftCheck, q closedCell) bool {
	for _, s := range c.result.Sites {
		for _, l := range s.Lost {
			for _, p := range l.Parts() {
				if l.State == draft.Real && l.Server == q.server && slices.ContainsFunc(p.From, func(ref snapshot.Ref) bool { return isOf(ref, q.from) }) &&
					slices.Contains(p.Databases, q.database) && slices.Contains(p.Roles, q.role) {
					return true
				}
			}
		}
	}
	return false
}

// isOf reports whether a client is the workload, or some of its pods.
func isOf(ref snapshot.Ref, workload string) bool {
	return ref.String() == workload || strings.HasPrefix(ref.String(), workload+" (")
}
