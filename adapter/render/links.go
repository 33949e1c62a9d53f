package render

import (
	"path"
	"strings"
)

// maxHops is how many links a path may have, as in the kernel.
const maxHops = 40

// follow follows the links on the way to a file of the tree. link says what the link of a
// name says, empty for what is none.
func follow(name string, link func(string) string) (string, error) {
	done, hops := ".", 0
	for rest := strings.Split(name, "/"); len(rest) > 0; {
		element := rest[0]
		rest = rest[1:]
		if element == "" || element == "." {
			continue
		}
		if element == ".." {
			if done == "." {
				return "", ErrOutside
			}
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, element)
		target := link(next)
		if target == "" {
			done = next
			continue
		}
		if hops++; hops > maxHops {
			return "", ErrLoop
		}
		if path.IsAbs(target) {
			return "", ErrOutside
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return done, nil
}
