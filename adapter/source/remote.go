package source

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// scpLike is an address as git takes it for ssh: user@host:path.
var scpLike = regexp.MustCompile(`^[\w.-]+@[\w.-]+:`)

// remote refuses a path that is somewhere else, and says what to do about it; nil for one of
// this machine. Credentials in an address are not repeated.
func remote(path string) error {
	scheme, _, hasScheme := strings.Cut(path, "://")
	switch {
	case path == "":
		return errors.New("an empty path names nothing to read")
	case hasScheme:
		return fmt.Errorf("%s: nothing is fetched: %s", withoutUser(path, scheme), fetchFirst(scheme))
	case scpLike.MatchString(path) && !exists(path):
		return fmt.Errorf("%s: nothing is fetched: %s", path, fetchFirst("ssh"))
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// withoutUser is an address without user, password and query, any of which may be a secret.
func withoutUser(address, scheme string) string {
	u, err := url.Parse(address)
	if err != nil {
		return scheme + "://…"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// fetchFirst says what to do about a source that is somewhere else.
func fetchFirst(scheme string) string {
	switch scheme {
	case "oci":
		return "run helm pull first, and name the archive"
	case "git", "ssh", "git+ssh":
		return "clone the repository first, and name the directory"
	}
	return "download it first, and name the file"
}
