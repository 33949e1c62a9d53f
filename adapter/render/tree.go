package render

import "io/fs"

// A Tree is what may be read: files and folders by their paths with slashes, which begin at
// the tree's root, ".". It follows the links that stay inside and refuses all others. What
// is not there is fs.ErrNotExist.
type Tree interface {
	ReadFile(name string) ([]byte, error)
	// ReadDir is sorted by name.
	ReadDir(name string) ([]fs.DirEntry, error)
	// Stat is about what a link points to.
	Stat(name string) (fs.FileInfo, error)
	// ReadLink is what a symbolic link says, an error for all else. Links on the way to it
	// are followed.
	ReadLink(name string) (string, error)
}
