package cli

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// The README's tour shows what the program prints: each indented block that begins
// with "$ pgmoat" is run and compared. UPDATE_SCRIPTS=1 writes it anew.
func TestTourIsCurrent(t *testing.T) {
	t.Chdir("../..")
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	current := refreshed(t, string(readme))
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		if err := os.WriteFile("README.md", []byte(current), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if current != string(readme) {
		t.Error("the tour in README.md is stale: UPDATE_SCRIPTS=1 go test ./app/cli -run Tour")
	}
}

const indent = "    "

// refreshed returns the text with every block's output as it is now.
func refreshed(t *testing.T, text string) string {
	var out strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); i++ {
		out.WriteString(lines[i])
		command, ok := strings.CutPrefix(lines[i], indent+"$ pgmoat ")
		if !ok {
			continue
		}
		for strings.HasSuffix(strings.TrimSpace(command), "\\") {
			i++
			out.WriteString(lines[i])
			command = strings.TrimSuffix(strings.TrimSpace(command), "\\") + " " + lines[i]
		}
		for i+1 < len(lines) && (strings.HasPrefix(lines[i+1], indent) || lines[i+1] == "\n" && strings.HasPrefix(lines[i+2], indent)) {
			i++
		}
		out.WriteString(tourOutput(t, strings.Fields(command)))
	}
	return out.String()
}

func tourOutput(t *testing.T, args []string) string {
	var stdout, stderr bytes.Buffer
	if code := Main(context.Background(), append([]string{"pgmoat"}, args...), strings.NewReader(""), &stdout, &stderr); code == exitFailed {
		t.Fatalf("pgmoat %s: %s", strings.Join(args, " "), stderr.String())
	}
	var out strings.Builder
	for line := range strings.Lines(stdout.String()) {
		if line != "\n" {
			line = indent + line
		}
		out.WriteString(line)
	}
	return out.String()
}
