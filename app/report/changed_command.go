package report

import (
	"net/netip"
	"strings"

	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// command asks about a row's witness again, on the new side where that has the server.
// The words are those of the arguments, not yet quoted.
func (c *Changed) command(r *change.Row) []string {
	side, flags := c.New, c.NewFlags
	if both := c.bothOf(r.Server); len(both) > 0 && !hasServer(c.New.World, r.Server) {
		side, flags = c.Old, c.OldFlags
	}
	words := explainWords(client(r.Witness), r.Server, r.Witness.Session)
	if c.Base != "" && side.World == c.New.World {
		words = append(words, "-f", c.Base)
	}
	return append(append(words, "-f", side.Name), flags...)
}

// explainWords ask for every step of a session.
func explainWords(from string, server snapshot.Ref, s reach.Session) []string {
	words := []string{"pgmoat", "explain", from, argument(server), "--as", s.Role}
	switch {
	case s.Replication:
		words = append(words, "--replication")
	default:
		words = append(words, "--db", s.Database)
	}
	switch {
	case s.Cert != "":
		words = append(words, "--cert", s.Cert)
	case !s.TLS:
		words = append(words, "--no-tls")
	}
	return words
}

func hasServer(world *snapshot.Snapshot, ref snapshot.Ref) bool {
	for _, s := range world.Servers {
		if s.Ref() == ref {
			return true
		}
	}
	return false
}

// client writes who a witness is: of addresses without a name the first range, since the
// command takes no more than one.
func client(w change.Witness) string {
	if ranges := w.Outside.Prefixes(); len(ranges) > 0 && (len(ranges) > 1 || strings.Contains(w.From.Name, "/")) && !isWord(w.From.Name) {
		return ranges[0].String()
	}
	return argument(w.From)
}

// isWord reports whether a name is one of the facts file's and not addresses.
func isWord(name string) bool { return !strings.ContainsAny(name, "/ ") && name != "everywhere" }

// argument writes a reference as the command line reads it.
func argument(r snapshot.Ref) string {
	switch {
	case r.Namespace != "":
		return r.Namespace + "/" + r.Name
	case r.Kind == "Outside" && isAddress(r.Name):
		return r.Name
	}
	return strings.ToLower(r.Kind) + "/" + r.Name
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil || strings.Contains(name, "/")
}

// shellLine writes arguments for a POSIX shell.
func shellLine(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellWord(w)
	}
	return strings.Join(quoted, " ")
}

// shellWord quotes what a shell would not take literally.
func shellWord(w string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:,=@%+", r)
	}
	if w != "" && strings.IndexFunc(w, func(r rune) bool { return !plain(r) }) < 0 {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}
