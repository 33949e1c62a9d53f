//go:build linux

package postgres

import (
	"io"
	"os"
	"regexp"
	"strings"
)

// A logFile is the server's log, read as far as it was written.
type logFile struct {
	file *os.File
	at   int64
}

// maxLog is when the log is begun anew: it is in memory.
const maxLog = 8 << 20

func openLog(path string) (*logFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600) //nolint:gosec // ours
	return &logFile{file: f}, err
}

// drain returns the lines since it was called last. A message of several lines is one.
func (l *logFile) drain() []line {
	text, err := io.ReadAll(io.NewSectionReader(l.file, l.at, 1<<40))
	if err != nil {
		return nil
	}
	if l.at += int64(len(text)); l.at > maxLog && l.file.Truncate(0) == nil {
		l.at = 0
	}
	var out []line
	for raw := range strings.SplitSeq(strings.TrimSuffix(string(text), "\n"), "\n") {
		if m := logLine.FindStringSubmatch(raw); m != nil {
			out = append(out, line{pid: m[1], level: m[2], text: m[3]})
		} else if len(out) > 0 {
			out[len(out)-1].text += "\n" + strings.TrimPrefix(raw, "\t")
		}
	}
	return out
}

// A line is one message, or the detail of the message before it.
type line struct {
	pid, level, text string
}

var logLine = regexp.MustCompile(`(?s)^(\d+) ([A-Z]+):  (.*)$`)

// of returns the messages of the process that took the connection from there, which is
// "host=10.0.0.1 port=4711" or "host=[local]".
func of(lines []line, from string) []line {
	pid := ""
	var out []line
	for _, l := range lines {
		if pid == "" && l.text == "connection received: "+from {
			pid = l.pid
		}
		if l.pid == pid {
			out = append(out, l)
		}
	}
	return out
}
