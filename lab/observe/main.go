//go:build linux

// Command observe asks real PostgreSQL servers: it reads cases of hbacase as JSON Lines
// and prints what the servers answer. See docs/lab.md.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/pgmoat/pgmoat/lab/postgres"
)

func main() {
	postgres.Inside()
	rules := flag.Bool("rules", false, "print the server's views of the files, not its answers to attempts")
	flag.Parse()
	if err := postgres.Lines(os.Stdin, os.Stdout, *rules); err != nil {
		fmt.Fprintln(os.Stderr, "observe:", err)
		os.Exit(1)
	}
}
