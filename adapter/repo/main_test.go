package repo

import (
	"fmt"
	"os"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/render"
)

func TestMain(m *testing.M) {
	if render.IsWorker(os.Args) {
		if err := render.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
