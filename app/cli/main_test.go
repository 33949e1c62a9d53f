package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

// A read of a terminal hears nothing of an interrupt; the run ends all the same.
func TestInterruptedWhileReading(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	reading := make(chan struct{})
	in := readerFunc(func([]byte) (int, error) {
		close(reading)
		select {} // nobody types
	})
	go func() {
		<-reading
		interrupt()
	}()
	var out, err bytes.Buffer
	if code := Main(ctx, []string{"pgmoat", "matrix", "-f", "-"}, in, &out, &err); code != exitFailed || !strings.Contains(err.String(), "interrupted") {
		t.Errorf("status %d, %s", code, err.String())
	}
}

// Cobra drops the errors of its help, which a full disk makes.
func TestHelpThatCannotBeWritten(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help", "can"}, {"can", "--help"}, {"completion", "bash"}} {
		var err bytes.Buffer
		code := Main(context.Background(), append([]string{"pgmoat"}, args...), nil, full{}, &err)
		if code != exitFailed || !strings.Contains(err.String(), "no space") {
			t.Errorf("%v: status %d, %s", args, code, err.String())
		}
	}
}

// Go ends a panic with status 2, which here means "cannot tell".
func TestPanicIsAFailedRun(t *testing.T) {
	var err bytes.Buffer
	if code := guarded(&err, func() int { panic("broken") }); code != exitFailed || !strings.Contains(err.String(), "internal error: broken") {
		t.Errorf("status %d, %s", code, err.String())
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }
