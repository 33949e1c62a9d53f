package render

import (
	"net/url"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"
)

// elsewhere is how addresses begin: a scheme with slashes, and what go-getter, which
// kustomize once used, puts before an address: git::, s3::.
var elsewhere = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*(://|::)`)

// scp is user@host:path and user@host/path, github what is on github.com without saying
// more. They are repositories to kustomize even where folders are called so; ./ before the
// name makes it one of a folder.
var (
	scp    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*@[^/:]*[/:]`)
	github = regexp.MustCompile(`(?i)^github\.com[/:]`)
)

// remoteFile reports whether kustomize would ask a server for the file.
func remoteFile(entry string) bool {
	entry = strings.TrimSpace(entry)
	if elsewhere.MatchString(entry) {
		return true
	}
	u, err := url.Parse(entry)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// remoteDir reports whether kustomize would clone the folder, or may: beside what it itself
// takes for a repository it is everything that looks like one.
func remoteDir(entry string) bool {
	trimmed := strings.TrimSpace(entry)
	if remoteFile(trimmed) || scp.MatchString(trimmed) || github.MatchString(trimmed) {
		return true
	}
	// An origin says of a repository that it is one.
	return new(resource.Origin).Append(entry).Repo != ""
}
