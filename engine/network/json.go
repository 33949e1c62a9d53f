package network

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// MarshalJSON writes {"kind","namespace","name"}, or {"cidr":[…]} for the outside.
func (p Party) MarshalJSON() ([]byte, error) {
	if p.CIDR == nil {
		return json.Marshal(p.Ref)
	}
	cidr := make([]string, len(p.CIDR))
	for i, c := range p.CIDR {
		cidr[i] = c.String()
	}
	return json.Marshal(map[string][]string{"cidr": cidr})
}

// MarshalJSON writes what WriteJSON writes, in memory.
func (c Connections) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	err := c.WriteJSON(&b)
	return b.Bytes(), err
}

// WriteJSON writes one JSON object, a connection a line, without ever holding
// more than one. Lists are never null.
func (c Connections) WriteJSON(w io.Writer) error {
	j := &jsonWriter{Writer: bufio.NewWriterSize(w, 1<<16), estate: c.estate,
		parties: map[snapshot.Ref][]byte{}, ports: map[portID][]byte{}}
	j.text(`{"connections":[`)
	c.estate.visit(sureOnly, j.connection)
	j.text(`],"unknown":[`)
	j.next = ""
	for u := range c.Unknown() {
		j.item(u)
	}
	j.text(`],"workloads":`)
	j.value(c.Workloads)
	j.text(`,"assumptions":`)
	j.value(c.Assumptions)
	j.text(`,"warnings":`)
	j.value(c.Warnings)
	j.text("}\n")
	if j.err != nil {
		return j.err
	}
	return j.Flush()
}

// jsonWriter remembers the text of each party and set of ports: a line of the
// result is put together from four of them.
type jsonWriter struct {
	*bufio.Writer
	estate  *estate
	parties map[snapshot.Ref][]byte
	ports   map[portID][]byte
	next    string // what separates the next item from the last
	err     error
}

func (j *jsonWriter) text(s string) {
	if j.err == nil {
		_, j.err = j.WriteString(s)
	}
}

func (j *jsonWriter) bytes(b []byte) {
	if j.err == nil {
		_, j.err = j.Write(b)
	}
}

func (j *jsonWriter) value(v any) {
	b, err := json.Marshal(v)
	if err != nil && j.err == nil {
		j.err = err
	}
	j.bytes(b)
}

func (j *jsonWriter) item(v any) {
	j.text(j.next + "\n")
	j.next = ","
	j.value(v)
}

func (j *jsonWriter) connection(t trip) bool {
	j.text(j.next + "\n" + `{"from":`)
	j.next = ","
	j.party(t.from)
	j.text(`,"to":`)
	j.party(t.to)
	b, ok := j.ports[t.ports]
	if !ok {
		c := j.estate.connection(t)
		list, err := json.Marshal(c.Ports)
		if err != nil && j.err == nil {
			j.err = err
		}
		b = append(append([]byte(`,"ports":`), list...), `,"all":false}`...)
		if c.All {
			b = []byte(`,"ports":[],"all":true}`)
		}
		j.ports[t.ports] = b
	}
	j.bytes(b)
	return j.err == nil
}

func (j *jsonWriter) party(p Party) {
	if p.CIDR != nil {
		j.value(p)
		return
	}
	b, ok := j.parties[p.Ref]
	if !ok {
		b, j.err = json.Marshal(p)
		j.parties[p.Ref] = b
	}
	j.bytes(b)
}
