//go:build !linux

package render

import "os/exec"

// confineChild has nothing to ask of other systems.
func confineChild(*exec.Cmd, bool) {}

// confineProcess has nothing to ask of other systems.
func confineProcess(Limits) error { return nil }
