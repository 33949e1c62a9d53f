// Package crd holds the CustomResourceDefinitions of pgmoat as they are applied to a
// cluster. They are generated from package api/v1alpha1.
package crd

import (
	"embed"
	"io/fs"
)

//go:embed *.yaml
var files embed.FS

// Files returns the definitions, a file each.
func Files() fs.FS { return files }
