package render

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// marker is the argument that makes a process a worker.
const marker = "--pgmoat-render--"

// IsWorker reports whether the process was started to render: a main function asks before
// all else, and where it is so, Serve is all there is to do.
func IsWorker(args []string) bool { return len(args) == 2 && args[1] == marker }

// A worker is the process that renders, seen from the one that asks.
type worker struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *meter
	ask    *gob.Encoder
	hear   *gob.Decoder
	stderr *head
	// ended is closed when the process is gone; waited is then why.
	ended  chan struct{}
	waited error
}

// start starts a worker that holds the limits: this program again, by the name it was
// started with, for a program of many names is told apart by it.
func start(limits Limits) (*worker, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w, err := launch(program, true)
	if err != nil {
		// Hosts forbid namespaces in many ways. The rest of the confinement stays.
		if w, err = launch(program, false); err != nil {
			return nil, fmt.Errorf("the process that renders does not start: %w", err)
		}
	}
	if err := w.ask.Encode(limits); err != nil {
		w.end()
		return nil, w.fault(err)
	}
	return w, nil
}

func launch(program string, namespaces bool) (*worker, error) {
	w := &worker{stderr: &head{}, ended: make(chan struct{})}
	w.prepare(program, marker)
	confineChild(w.cmd, namespaces)
	var err error
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.out = &meter{from: out}
	w.ask, w.hear = gob.NewEncoder(w.in), gob.NewDecoder(w.out)
	started := make(chan error)
	go w.run(started)
	return w, <-started
}

// prepare says what is to run. Nothing of the environment is for a template to read, and no
// PATH means no program.
func (w *worker) prepare(program string, args ...string) {
	w.cmd = &exec.Cmd{
		Path: program, Args: append([]string{os.Args[0]}, args...), Env: []string{},
		Dir: string(filepath.Separator), Stderr: w.stderr,
	}
}

// run is the process' life. The kernel ends it with the thread that started it, so the
// thread stays.
func (w *worker) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := w.cmd.Start()
	started <- err
	if err == nil {
		w.waited = w.cmd.Wait()
	}
	close(w.ended)
}

// answer asks the one request and reads what is said to it: documents, or what was wrong
// with the request. After a lost error the worker is of no use.
func (w *worker) answer(ctx context.Context, q request, limits Limits) (said []Document, wrong, lost error) {
	forget := context.AfterFunc(ctx, w.kill)
	said, wrong, lost = w.exchange(q, limits)
	if !forget() {
		return nil, nil, context.Cause(ctx)
	}
	return said, wrong, lost
}

func (w *worker) exchange(q request, limits Limits) (said []Document, wrong, lost error) {
	// Names and lengths are written beside the output itself.
	w.out.left = 2*int64(limits.Output) + 1<<20
	if err := w.ask.Encode(q); err != nil {
		return nil, nil, w.fault(err)
	}
	var a answer
	if err := w.hear.Decode(&a); err != nil {
		return nil, nil, w.fault(err)
	}
	for range a.Documents {
		var d Document
		if err := w.hear.Decode(&d); err != nil {
			return nil, nil, w.fault(err)
		}
		said = append(said, d)
	}
	return said, a.fault(), nil
}

// errGone says that the process ended without an answer and without our doing.
var errGone = errors.New("the process that renders ended")

// fault says why the worker did not answer. A process that got no memory can only say so
// and die.
func (w *worker) fault(err error) error {
	if errors.Is(err, ErrTooMuch) {
		return err
	}
	w.kill()
	<-w.ended
	said := w.stderr.String()
	for _, sign := range []string{"out of memory", "cannot allocate memory", "pthread_create failed", "failed to allocate", "stack overflow"} {
		if strings.Contains(said, sign) {
			return tooMuch("memory")
		}
	}
	line, _, _ := strings.Cut(said, "\n")
	return fmt.Errorf("%w: %s", errGone, strings.Join(strings.Fields(line+" "+fmt.Sprint(w.waited)), " "))
}

func (w *worker) kill() {
	_ = w.cmd.Process.Kill() // it fails only for a process that has ended
}

// end ends the process and waits until it is gone.
func (w *worker) end() {
	_ = w.in.Close() // of a pipe to a process that is about to end
	w.kill()
	<-w.ended
}

// A meter reads no more than is left.
type meter struct {
	from io.Reader
	left int64
	// read is told before each reading; nil for nobody.
	read func()
}

func (m *meter) Read(b []byte) (int, error) {
	if m.left <= 0 {
		return 0, tooMuch("output")
	}
	if m.read != nil {
		m.read()
	}
	n, err := m.from.Read(b[:min(int64(len(b)), m.left)])
	m.left -= int64(n)
	return n, err
}

// A head keeps the beginning of what is written to it.
type head struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

// maxHead is far more than the line that says why a process ends.
const maxHead = 64 << 10

func (h *head) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept.Write(b[:min(len(b), maxHead-h.kept.Len())])
	return len(b), nil
}

func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.kept.String()
}
