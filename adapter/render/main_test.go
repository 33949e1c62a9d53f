package render

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if IsWorker(os.Args) {
		if err := Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == trying {
		try(os.Args[2:])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// trying is the argument that makes a process of this test one that confines itself and then
// tries what it may not, where there is something to try.
const trying = "--try-confinement--"

var try = func([]string) {}
