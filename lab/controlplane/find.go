//go:build linux

package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
)

// find returns the directory of the programs.
func find() (string, error) {
	dir, err := built()
	if err != nil {
		return "", err
	}
	// The script writes this file last.
	if _, err := os.Stat(filepath.Join(dir, "installed")); err != nil {
		return "", fmt.Errorf("%w: it is not built, run scripts/need.sh cluster", ErrUnavailable)
	}
	return dir, nil
}

// Definitions returns the directory with the CustomResourceDefinitions of
// ClusterNetworkPolicy, as its project publishes them.
func Definitions() (string, error) {
	dir, err := find()
	return filepath.Join(dir, "crds"), err
}

// built is where scripts/controlplane.sh puts what it makes.
func built() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return filepath.Join(at, ".cache", "controlplane"), nil
		}
	}
	return "", fmt.Errorf("%w: no go.mod at or above %s", ErrUnavailable, dir)
}
