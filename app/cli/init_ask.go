package cli

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/app/report"
)

// An interview asks a person: questions go out, a line comes back for each.
type interview struct {
	in  *bufio.Reader
	out io.Writer
	// silent is why nothing may be asked; empty where it may.
	silent string
}

// A question is asked until take accepts the answer, or the input ends.
type question struct {
	text string
	// fallback is the answer of an empty line; empty where that is none.
	fallback string
	// flag answers it without asking.
	flag string
	take func(answer string) error
}

func newInterview(a *app, silent string) *interview {
	return &interview{in: bufio.NewReader(a.in), out: a.err, silent: silent}
}

// isTerminal reports whether a person may type there. The null device, which jobs are given
// in place of a terminal, looks like one.
func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

func (q *interview) say(format string, args ...any) {
	_, _ = fmt.Fprintln(q.out, report.PrintableLines(fmt.Sprintf(format, args...)))
}

// put asks a question. That nobody may be asked, and that nobody answers, are errors that
// name the flag.
func (q *interview) put(x question) error {
	if q.silent != "" {
		return fmt.Errorf("%s is missing: %s", x.flag, q.silent)
	}
	for {
		bracket := ""
		if x.fallback != "" {
			bracket = " [" + x.fallback + "]"
		}
		_, _ = fmt.Fprint(q.out, report.Printable(x.text+bracket)+" ")
		line, err := q.line()
		if err != nil {
			_, _ = fmt.Fprintln(q.out)
			return fmt.Errorf("%q was not answered: %w; %s answers it", x.text, err, x.flag)
		}
		if err := x.take(cmp.Or(line, x.fallback)); err != nil {
			q.say("  %s", err)
			continue
		}
		return nil
	}
}

// longest is how long an answer may be: a pipe that never ends a line must end somewhere.
const longest = 64 << 10

// line reads one line; the last needs no end.
func (q *interview) line() (string, error) {
	var text strings.Builder
	for {
		c, err := q.in.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && text.Len() > 0:
			return strings.TrimSpace(text.String()), nil
		case errors.Is(err, io.EOF):
			return "", errors.New("the input ended")
		case err != nil:
			return "", err
		case c == '\n':
			return strings.TrimSpace(text.String()), nil
		case text.Len() == longest:
			return "", errors.New("the answer is too long")
		}
		text.WriteByte(c)
	}
}

// name asks for a name, and offers those that are known; a number is the one at its place.
func (q *interview) name(text, fallback, flag string, known []string, take func(string) error) error {
	for i, k := range known {
		q.say("  %d) %s", i+1, k)
	}
	return q.put(question{text, fallback, flag, func(answer string) error {
		chosen, err := picked(answer, known)
		if err != nil {
			return err
		}
		return take(chosen)
	}})
}

// picked is the one at the place of a number, or the answer itself.
func picked(answer string, known []string) (string, error) {
	if answer == "" {
		return "", errors.New("an answer is needed")
	}
	n, err := strconv.Atoi(answer)
	switch {
	case err != nil || len(known) == 0:
		return answer, nil
	case n < 1 || n > len(known):
		return "", fmt.Errorf("%d is none of 1 to %d", n, len(known))
	}
	return known[n-1], nil
}
