// Command suite holds folders of manifests against their expected connections; see
// docs/suite.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/pgmoat/pgmoat/app/suite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := suite.Main(ctx, os.Args, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
