//go:build linux

package island

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// A Zone is all that the resolver knows.
type Zone struct {
	Names     map[string]string   // by address
	Addresses map[string][]string // by name
}

// SetZone makes the resolver know z and nothing else.
func (i *Island) SetZone(z Zone) {
	canonical := Zone{Names: map[string]string{}, Addresses: map[string][]string{}}
	for address, name := range z.Names {
		if a, err := netip.ParseAddr(address); err == nil {
			canonical.Names[reverseName(a)] = name
		}
	}
	for name, addresses := range z.Addresses {
		key := canonicalName(name)
		canonical.Addresses[key] = append(canonical.Addresses[key], addresses...)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.zone = canonical
}

func canonicalName(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, ".")) + "."
}

// reverseName is where the name of an address is asked for.
func reverseName(a netip.Addr) string {
	var b strings.Builder
	bytes := a.AsSlice()
	for n := len(bytes) - 1; n >= 0; n-- {
		if a.Is4() {
			fmt.Fprintf(&b, "%d.", bytes[n])
		} else {
			fmt.Fprintf(&b, "%x.%x.", bytes[n]&15, bytes[n]>>4)
		}
	}
	if a.Is4() {
		return b.String() + "in-addr.arpa."
	}
	return b.String() + "ip6.arpa."
}

func (i *Island) serveDNS() error {
	socket, err := net.ListenPacket("udp4", "127.0.0.1:53")
	if err != nil {
		return err
	}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := socket.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer, err := i.resolve(buf[:n]); err == nil {
				_, _ = socket.WriteTo(answer, from) // who asks asks again
			}
		}
	}()
	return nil
}

// resolve answers one packet. A name that exists with other records only has an
// empty answer, any other does not exist.
func (i *Island) resolve(packet []byte) ([]byte, error) {
	var p dnsmessage.Parser
	header, err := p.Start(packet)
	if err != nil {
		return nil, err
	}
	question, err := p.Question()
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	resources, exists := i.zone.lookup(question)
	i.mu.Unlock()
	header.Response, header.Authoritative, header.RecursionAvailable = true, true, true
	if !exists {
		header.RCode = dnsmessage.RCodeNameError
	}
	m := dnsmessage.Message{Header: header, Questions: []dnsmessage.Question{question}, Answers: resources}
	return m.Pack()
}

func (z Zone) lookup(q dnsmessage.Question) ([]dnsmessage.Resource, bool) {
	name := strings.ToLower(q.Name.String())
	header := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}
	if target, known := z.Names[name]; known {
		to, err := dnsmessage.NewName(strings.TrimSuffix(target, ".") + ".")
		if err != nil || q.Type != dnsmessage.TypePTR {
			return nil, true
		}
		return []dnsmessage.Resource{{Header: header, Body: &dnsmessage.PTRResource{PTR: to}}}, true
	}
	addresses, known := z.Addresses[name]
	var out []dnsmessage.Resource
	for _, text := range addresses {
		address, err := netip.ParseAddr(text)
		switch {
		case err != nil:
		case address.Is4() && q.Type == dnsmessage.TypeA:
			out = append(out, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: address.As4()}})
		case address.Is6() && q.Type == dnsmessage.TypeAAAA:
			out = append(out, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: address.As16()}})
		}
	}
	return out, known
}

// SetIdent makes the ident server of every address name this user; "" is none.
func (i *Island) SetIdent(user string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.identUser = user
}

// serveIdent answers as RFC 1413 says, for every connection the same.
func (i *Island) serveIdent() error {
	listener, err := net.Listen("tcp", ":113") //nolint:gosec // every interface of the island
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go i.answerIdent(c)
		}
	}()
	return nil
}

func (i *Island) answerIdent(c net.Conn) {
	defer c.Close() //nolint:errcheck // whoever asked is gone
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return
	}
	i.mu.Lock()
	user := i.identUser
	i.mu.Unlock()
	ports := strings.TrimSpace(line)
	if user == "" {
		fmt.Fprintf(c, "%s : ERROR : NO-USER\r\n", ports)
		return
	}
	fmt.Fprintf(c, "%s : USERID : UNIX : %s\r\n", ports, user)
}
