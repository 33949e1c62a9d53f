// Command pgmoat tells who can reach which PostgreSQL on Kubernetes, through which
// layers, and why. Installed as kubectl-pgmoat it is the plugin "kubectl pgmoat".
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/pgmoat/pgmoat/app/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
