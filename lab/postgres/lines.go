//go:build linux

package postgres

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
)

// Lines reads cases as JSON Lines and writes an Observation or, where rules are asked
// for, Rules for each, in the order of the cases. It starts the servers that are needed.
func Lines(in io.Reader, out io.Writer, rules bool) (err error) {
	cases, err := readCases(in)
	if err != nil {
		return err
	}
	byVersion := map[int][]int{}
	var versions []int
	for i, c := range cases {
		v := c.Server.Version
		if byVersion[v] == nil {
			versions = append(versions, v)
		}
		byVersion[v] = append(byVersion[v], i)
	}
	slices.Sort(versions)
	lab, err := Start(versions...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	answers, err := lab.all(cases, byVersion, rules)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, a := range answers {
		if err := encoder.Encode(a); err != nil {
			return err
		}
	}
	return w.Flush()
}

func readCases(in io.Reader) ([]hbacase.Case, error) {
	var cases []hbacase.Case
	decoder := json.NewDecoder(in)
	for {
		var c hbacase.Case
		switch err := decoder.Decode(&c); {
		case errors.Is(err, io.EOF):
			return cases, nil
		case err != nil:
			return nil, fmt.Errorf("case %d: %w", len(cases)+1, err)
		}
		cases = append(cases, c)
	}
}

// all asks the servers at the same time, each for its own cases.
func (l *Lab) all(cases []hbacase.Case, byVersion map[int][]int, rules bool) ([]any, error) {
	answers := make([]any, len(cases))
	failed := make([]error, len(cases))
	var group sync.WaitGroup
	for _, indices := range byVersion {
		group.Go(func() {
			for _, i := range indices {
				if rules {
					answers[i], failed[i] = l.Rules(cases[i])
				} else {
					answers[i], failed[i] = l.Observe(cases[i])
				}
				if failed[i] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	return answers, errors.Join(failed...)
}
