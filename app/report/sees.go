package report

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
)

// seesJSON is who a client is taken for at the end of a path.
type seesJSON struct {
	// Server is what pg_hba.conf sees: "client", "node", "proxy", "pooler", "loopback",
	// "socket" or "unknown"; Pooler is what a pooler sees that decides before.
	Server string `json:"server"`
	Pooler string `json:"pooler,omitempty"`
	// Addresses are those that the server may see, where they are known.
	Addresses []string `json:"addresses"`
	Text      string   `json:"text"`
}

var seenCodes = map[reach.Seen]string{
	reach.SeenClient: "client", reach.SeenNode: "node", reach.SeenProxy: "proxy", reach.SeenPooler: "pooler",
	reach.SeenLoopback: "loopback", reach.SeenSocket: "socket", reach.SeenUnknown: "unknown"}

// seen says who pg_hba.conf takes the client for; nil for a path that ends before.
func seen(p reach.Path) *seesJSON {
	if p.Member == nil {
		return nil
	}
	out := &seesJSON{Server: seenCodes[p.ServerSees], Addresses: []string{}}
	for _, a := range addressesOf(p.Sender) {
		out.Addresses = append(out.Addresses, a.String())
	}
	out.Text = strings.Join(seenLines(p, out.Addresses), "; ")
	if p.Pooler != nil || p.ServerSees == reach.SeenSocket && p.Sees != reach.SeenSocket {
		out.Pooler = seenCodes[p.Sees]
	}
	return out
}

// seenLines are the sentences of it: one for each listener that decides.
func seenLines(p reach.Path, addresses []string) []string {
	server := "the server sees " + seenText(p.ServerSees, p, addresses) + " as the client"
	pooler := seenText(p.Sees, p, nil) + " as the client"
	switch {
	case p.Pooler != nil:
		return []string{"the pooler sees " + pooler, fmt.Sprintf("%s: for pg_hba.conf every client of %s is that address%s; who the client is decides the pooler alone",
			server, p.Pooler.Ref(), becomes(p))}
	case p.ServerSees == reach.SeenSocket && p.Sees != reach.SeenSocket:
		return []string{"the pooler in the pod sees " + pooler, "the server sees its Unix socket as the client, whoever comes through the pooler"}
	}
	return []string{server}
}

// becomes says which role a pooler puts in place of the client's.
func becomes(p reach.Path) string {
	if p.Pooler.Becomes == "" {
		return ""
	}
	return " with the role " + p.Pooler.Becomes
}

// seenText words an address by whose it is.
func seenText(s reach.Seen, p reach.Path, addresses []string) string {
	text := map[reach.Seen]string{
		reach.SeenClient: "the client's own address", reach.SeenNode: "a node's address", reach.SeenPooler: "the pooler's address",
		reach.SeenProxy: "the address of the proxy of " + p.Through, reach.SeenLoopback: "127.0.0.1", reach.SeenSocket: "its Unix socket", reach.SeenUnknown: "an address that nobody knows",
	}[s]
	if len(addresses) > 0 && len(addresses) <= fewAddresses {
		text += " (" + strings.Join(addresses, ", ") + ")"
	}
	return text
}

// fewAddresses is how many are told in a sentence.
const fewAddresses = 4

// addressesOf are those that an endpoint is known to have.
func addressesOf(e network.Endpoint) []netip.Prefix {
	if e.Pod == nil {
		return e.Outside.Prefixes()
	}
	var out []netip.Prefix
	for _, a := range e.Pod.Addresses {
		out = append(out, netip.PrefixFrom(a, a.BitLen()))
	}
	return out
}
