package repo

import (
	"regexp"
	"strings"
)

// A renamed is an error in words with other paths.
type renamed struct {
	text string
	err  error
}

func (r renamed) Error() string { return r.text }
func (r renamed) Unwrap() error { return r.err }

// renamed says an error of building a folder, which has paths in the tree, with the paths of what
// is in there as people name them: they may be elsewhere than at the top, and the command that
// they are told to run is to find the folder.
func (b *builder) renamed(dir string, err error) error {
	shown := b.tree.shown(dir)
	if err == nil || shown == dir {
		return err
	}
	text := strings.ReplaceAll(err.Error(), " "+dir+`" first`, " "+shown+`" first`)
	if dir != "." {
		inside := regexp.MustCompile(`(^|[\s"'<(])` + regexp.QuoteMeta(dir) + `(/|: )`)
		text = inside.ReplaceAllString(text, "${1}"+strings.ReplaceAll(shown, "$", "$$")+"$2")
	}
	return renamed{text, err}
}
