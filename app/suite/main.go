package suite

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/pgmoat/pgmoat/app/report"
)

// failed is the exit status where something could not be read.
const failed = 3

// Main runs the program: suite [-o text|json] DIR… Its exit status is 0 where all is
// as expected, 1 where something is not, and 3 where something could not be read.
func Main(ctx context.Context, args []string, out, err io.Writer) int {
	flags := flag.NewFlagSet("suite", flag.ContinueOnError)
	flags.SetOutput(err)
	format := flags.String("o", "text", "output `format`: text or json")
	flags.Usage = func() {
		fmt.Fprintln(err, "usage: suite [-o text|json] DIR…\nEvery folder below DIR that has an expected.txt or expected-*.txt is held against it; see docs/suite.md.")
		flags.PrintDefaults()
	}
	switch e := flags.Parse(args[1:]); {
	case errors.Is(e, flag.ErrHelp):
		return 0
	case e != nil:
		return failed
	}
	status, e := run(ctx, flags.Args(), *format, out)
	if e != nil {
		fmt.Fprintln(err, report.PrintableLines("suite: "+e.Error()))
	}
	return status
}

func run(ctx context.Context, dirs []string, format string, out io.Writer) (int, error) {
	write := map[string]func(io.Writer, []Result) error{"text": writeText, "json": writeJSON}[format]
	switch {
	case write == nil:
		return failed, fmt.Errorf("-o %s: want text or json", format)
	case len(dirs) == 0:
		return failed, errors.New("nothing to read: name a directory")
	}
	results, err := Run(ctx, dirs...)
	if err != nil {
		return failed, err
	}
	if err := write(out, results); err != nil {
		return failed, err
	}
	return summed(results).status(), nil
}
