//go:build race

package render

// raced says that the race detector takes memory, too.
const raced = true
