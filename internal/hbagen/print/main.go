// Command print prints generated cases as JSON Lines; a seed of 0 means the
// hand-written ones.
package main

import (
	"flag"
	"log"
	"os"

	"github.com/pgmoat/pgmoat/internal/hbagen"
)

func main() {
	version := flag.Int("version", 0, "only this major version")
	seed := flag.Uint64("seed", 0, "seed of random cases")
	n := flag.Int("n", 100, "how many random cases of a version")
	rules := flag.Bool("rules", false, "cases about files, not those with attempts")
	flag.Parse()
	if err := hbagen.Print(os.Stdout, *version, *seed, *n, *rules); err != nil {
		log.Fatal(err)
	}
}
