package estate

import (
	"context"
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// The facts file is among what was read, and follows the others.
func TestInputs(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.yaml", []byte(cluster))
	write(t, "facts.yaml", []byte("estate: complete\n"))
	var got []object.Input
	opts := Options{Paths: []string{"a.yaml"}, FactsFile: "facts.yaml", Inputs: &got}
	s, err := Load(context.Background(), opts)
	if err != nil || !s.Facts.Complete {
		t.Fatal(s, err)
	}
	want := []object.Input{object.InputOf("a.yaml", []byte(cluster)), object.InputOf("facts.yaml", []byte("estate: complete\n"))}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
