package report

import (
	"io"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Connections prints the network view in the format: table, md, csv or json.
func Connections(out io.Writer, world *snapshot.Snapshot, c network.Connections, format string) error {
	c.Warnings = warnings(world)
	switch format {
	case "json":
		return c.WriteJSON(out)
	case "csv":
		return writeCSV(out, connectionsCSV(c))
	}
	t := newText(out, format == "md")
	rows := [][]string{{"FROM", "TO", "PORTS"}}
	for n := range c.All() {
		rows = append(rows, []string{party(n.From), party(n.To), portsText(n)})
	}
	t.table(rows)
	unknown := [][]string{{"CANNOT TELL: FROM", "TO", "PORTS", "BECAUSE"}}
	for u := range c.Unknown() {
		unknown = append(unknown, []string{party(u.From), party(u.To), portsText(u.Connection),
			string(u.Reason) + " " + world.Locate(u.Origin).String()})
	}
	if len(unknown) > 1 {
		t.line("")
		t.table(unknown)
	}
	t.line("")
	t.line("what is not listed is refused")
	codes := make([]string, len(c.Assumptions))
	for i, a := range c.Assumptions {
		codes[i] = a.Code
	}
	t.assumptions(world, codes)
	return t.err
}

func party(p network.Party) string {
	if p.CIDR == nil {
		return p.Ref.String()
	}
	parts := make([]string, len(p.CIDR))
	for i, c := range p.CIDR {
		parts[i] = c.String()
	}
	return "outside " + strings.Join(parts, ", ")
}

func portsText(c network.Connection) string {
	if c.All {
		return flow.AllPorts().String()
	}
	return flow.PortsOf(c.Ports...).String()
}

func portText(r flow.PortRange) string { return flow.PortsOf(r).String() }

func connectionsCSV(c network.Connections) [][]string {
	rows := [][]string{{"from", "to", "ports", "known"}}
	for n := range c.All() {
		rows = append(rows, []string{party(n.From), party(n.To), portsText(n), "yes"})
	}
	for u := range c.Unknown() {
		rows = append(rows, []string{party(u.From), party(u.To), portsText(u.Connection), "no"})
	}
	return rows
}
