package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/app/starter"
)

// A spec is what a flag says of a client: WHO=ROLE@DATABASE[,pooler=NAME][,label=KEY=VALUE]….
type spec struct {
	who    string
	to     starter.Entry
	labels map[string]string
}

// parseClient reads the value of --client.
func parseClient(text string) (spec, error) {
	s, err := parseSpec(text, []string{"pooler", "label"})
	if err != nil {
		return s, fmt.Errorf("%w; want NAMESPACE/WORKLOAD=ROLE@DATABASE[,pooler=NAME][,label=KEY=VALUE]…", err)
	}
	return s, nil
}

// parseOutside reads the value of --outside.
func parseOutside(text string) (spec, error) {
	s, err := parseSpec(text, []string{"pooler"})
	if err != nil {
		return s, fmt.Errorf("%w; want CIDR=ROLE@DATABASE[,pooler=NAME]", err)
	}
	return s, nil
}

func parseSpec(text string, options []string) (spec, error) {
	var s spec
	who, rest, ok := strings.Cut(text, "=")
	if !ok || who == "" {
		return s, errors.New("no = stands between who and what")
	}
	parts := strings.Split(rest, ",")
	at := strings.LastIndexByte(parts[0], '@')
	if at < 1 || at == len(parts[0])-1 {
		return s, fmt.Errorf("%q is no ROLE@DATABASE", parts[0])
	}
	s.who, s.to = who, starter.Entry{Role: parts[0][:at], Database: parts[0][at+1:]}
	return s, s.options(parts[1:], options)
}

// parseScraper reads the value of --monitoring.
func parseScraper(text string) (spec, error) {
	parts := strings.Split(text, ",")
	s := spec{who: parts[0]}
	if err := s.options(parts[1:], []string{"label"}); err != nil {
		return s, fmt.Errorf("%w; want NAMESPACE/WORKLOAD[,label=KEY=VALUE]…", err)
	}
	return s, nil
}

// options reads what follows the commas.
func (s *spec) options(parts, known []string) error {
	for _, part := range parts {
		key, value, _ := strings.Cut(part, "=")
		switch {
		case !slices.Contains(known, key):
			return fmt.Errorf("%q is none of %s", part, strings.Join(known, "=, ")+"=")
		case value == "":
			return fmt.Errorf("%s= has nothing behind it", key)
		case key == "pooler" && s.to.Pooler != "":
			return errors.New("pooler= is there twice")
		case key == "pooler":
			s.to.Pooler = value
		default:
			if err := s.label(value); err != nil {
				return err
			}
		}
	}
	return nil
}

// label reads KEY=VALUE.
func (s *spec) label(text string) error {
	key, value, ok := strings.Cut(text, "=")
	if !ok || key == "" {
		return fmt.Errorf("label %q is no KEY=VALUE", text)
	}
	if _, again := s.labels[key]; again {
		return fmt.Errorf("label %s is there twice", key)
	}
	if s.labels == nil {
		s.labels = map[string]string{}
	}
	s.labels[key] = value
	return nil
}

// parseLabels reads KEY=VALUE[,KEY=VALUE]….
func parseLabels(text string) (map[string]string, error) {
	var s spec
	for part := range strings.SplitSeq(text, ",") {
		if err := s.label(strings.TrimSpace(part)); err != nil {
			return nil, err
		}
	}
	return s.labels, nil
}

// parseStore reads CIDR:PORT, and takes a bare address as the range of one.
func parseStore(text string) (starter.Store, error) {
	wrong := func(why string) (starter.Store, error) {
		return starter.Store{}, fmt.Errorf("%s; want CIDR:PORT, such as 203.0.113.0/24:443 or [2001:db8::/48]:443", why)
	}
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return wrong("no port is named")
	}
	port, err := strconv.ParseUint(text[at+1:], 10, 16)
	if err != nil || port == 0 {
		return wrong(fmt.Sprintf("%q is no port", text[at+1:]))
	}
	address := text[:at]
	bare := strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
	if bare == address && strings.Contains(address, ":") && !strings.Contains(address, "/") {
		return wrong("where the address ends and the port begins is not clear")
	}
	if a, err := netip.ParseAddr(bare); err == nil {
		bare = netip.PrefixFrom(a, a.BitLen()).String()
	}
	if _, err := netip.ParsePrefix(bare); err != nil {
		return wrong(fmt.Sprintf("%q is no range of addresses", bare))
	}
	return starter.Store{Range: bare, Port: int64(port)}, nil
}
