//go:build linux

package compiled

import (
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/pgmoat/pgmoat/lab/enforce"
	"github.com/pgmoat/pgmoat/lab/pgbouncer"
	"github.com/pgmoat/pgmoat/lab/postgres"
)

func TestMain(m *testing.M) {
	enforce.Inside()
	postgres.Inside()
	pgbouncer.Inside()
	os.Exit(m.Run())
}

// unavailable are why a lab cannot be here.
var unavailable = []error{enforce.ErrUnavailable, postgres.ErrUnavailable, pgbouncer.ErrUnavailable}

// begun is a lab that was started. It skips where there can be none, except in CI, where a
// test that is skipped for ever would be missed by nobody.
func begun[L interface{ Close() error }](t *testing.T, lab L, err error) L {
	t.Helper()
	for _, why := range unavailable {
		if errors.Is(err, why) && os.Getenv("CI") == "" {
			t.Skipf("skipped, nothing was compared: %v", err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return lab
}

// fixedSeed is the first of every run, unless PGMOAT_COMPILED_SEED names another.
const fixedSeed = 20261122

// seeds are those of a run: PGMOAT_COMPILED_SEEDS says how many more there are than in
// make test, as a factor.
func seeds(t *testing.T, some int) (first uint64, n int) {
	t.Helper()
	first, n = fixedSeed, some
	for name, set := range map[string]func(uint64){
		"PGMOAT_COMPILED_SEED":   func(v uint64) { first = v },
		"PGMOAT_COMPILED_FACTOR": func(v uint64) { n *= int(v) }, //nolint:gosec // a small number
	} {
		if text := os.Getenv(name); text != "" {
			v, err := strconv.ParseUint(text, 10, 32)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			set(v)
		}
	}
	return first, n
}
