//go:build linux

package enforce

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sync"
)

const insideEnv = "PGMOAT_LAB_ENFORCE"

// A request makes the namespaces, once, or loads rules and makes attempts.
type request struct {
	Ground  *Ground            `json:",omitempty"`
	Rules   map[string]Ruleset `json:",omitempty"`
	Packets []packet           `json:",omitempty"`
	How     Refusal            `json:",omitempty"`
}

type packet struct {
	From, To netip.Addr
	UDP      bool
	Port     uint16
}

type reply struct {
	Outcomes []Outcome `json:",omitempty"`
	Error    string    `json:",omitempty"`
	// Unavailable says that the error is no fault of the lab.
	Unavailable bool `json:",omitempty"`
}

// Inside does the work of the process that holds the namespaces and exits, if this is
// one. Elsewhere it returns at once. The program that uses a Lab calls it first thing
// in main or TestMain.
func Inside() {
	if os.Getenv(insideEnv) == "" {
		return
	}
	if err := serve(json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, "lab/enforce:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(in *json.Decoder, out *json.Encoder) error {
	var net *tree
	for {
		var q request
		if err := in.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var r reply
		var err error
		switch {
		case q.Ground != nil:
			net, err = build(*q.Ground)
		case net == nil:
			err = errors.New("no ground to stand on")
		default:
			r.Outcomes, err = net.observe(q)
		}
		if err != nil {
			r.Error, r.Unavailable = err.Error(), errors.Is(err, ErrUnavailable)
		}
		if err := out.Encode(r); err != nil {
			return err
		}
	}
}

func (n *tree) observe(q request) ([]Outcome, error) {
	for name, rules := range q.Rules {
		node := n.nodes[name]
		if node == nil {
			return nil, fmt.Errorf("rules for %q, which is no node here", name)
		}
		if err := node.load(rules); err != nil {
			return nil, err
		}
	}
	outcomes := make([]Outcome, len(q.Packets))
	failed := make([]error, len(q.Packets))
	next := make(chan int)
	var all sync.WaitGroup
	m := manners[q.How]
	for range m.crowd {
		all.Go(func() {
			for i := range next {
				outcomes[i], failed[i] = n.try(q.Packets[i], m)
			}
		})
	}
	for i := range q.Packets {
		next <- i
	}
	close(next)
	all.Wait()
	return outcomes, errors.Join(failed...)
}
