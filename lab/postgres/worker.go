//go:build linux

package postgres

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/lab/island"
)

const (
	insideEnv = "PGMOAT_LAB_VERSION"
	nativeEnv = "PGMOAT_LAB_SERVER"
)

// Inside does the work of the process on an island and exits, if this is one.
// Elsewhere it returns at once.
func Inside() {
	version, err := strconv.Atoi(os.Getenv(insideEnv))
	if err != nil {
		return
	}
	if err := serve(version, os.Getenv(nativeEnv)); err != nil {
		// The parent reads this in place of a reply.
		_ = json.NewEncoder(os.Stdout).Encode(reply{Error: err.Error()})
		os.Exit(1)
	}
	os.Exit(0)
}

// serve starts the server, says so with an empty reply, and answers until the input
// ends.
func serve(version int, native string) error {
	keep := map[string]string{}
	if version != debian {
		keep["server"] = native
	}
	isle, err := island.Settle(keep)
	if err != nil {
		return err
	}
	if version != debian {
		native = isle.Root + "/server"
	}
	s, err := newServer(version, native, isle)
	if err != nil {
		return err
	}
	defer s.stop()
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	if err := out.Encode(reply{}); err != nil {
		return err
	}
	for {
		var q request
		if err := in.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := out.Encode(s.answer(q)); err != nil {
			return err
		}
	}
}

// unobservable is why a case cannot be put to a server; it is no fault of the lab.
type unobservable struct{ error }

func cannot(format string, args ...any) error {
	return unobservable{fmt.Errorf(format, args...)}
}

func (s *server) answer(q request) reply {
	if q.Rules {
		r, err := s.rules(q.Case)
		r.ID = q.Case.ID
		var no unobservable
		if errors.As(err, &no) {
			r, err = Rules{Rules: hbacase.Rules{ID: q.Case.ID}, Failure: err.Error()}, nil
		}
		return reply{Rules: &r, Error: text(err)}
	}
	o, err := s.observe(q.Case)
	var no unobservable
	if errors.As(err, &no) {
		o, err = Observation{Failure: err.Error()}, nil
	}
	o.ID = q.Case.ID
	return reply{Observation: &o, Error: text(err)}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// suits reports why this server cannot stand for that of a case.
func (s *server) suits(want hbacase.Server) error {
	built := want.Features
	if built == nil {
		built = features(debian)
	}
	built = slices.Sorted(slices.Values(built))
	if have := features(s.version); !slices.Equal(built, have) {
		return cannot("the lab's server %d is built with %s only, the case's with %s",
			s.version, strings.Join(have, ", "), strings.Join(built, ", "))
	}
	if len(want.OAuthValidators) > 0 && s.version < 18 {
		return cannot("oauth_validator_libraries came with 18")
	}
	return nil
}
