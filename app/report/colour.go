package report

import (
	"io"
	"os"
)

// colourful reports whether to write colour: only to a terminal, and never where
// NO_COLOR is set (no-color.org) or the terminal is dumb.
func colourful(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Colourful reports whether the commands would write colour there.
func Colourful(out io.Writer) bool { return colourful(out) }
