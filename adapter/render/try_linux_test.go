package render

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"syscall"
)

func init() { try = tryConfined }

// tryConfined takes the locks that the first argument names, tries everything in several threads at
// once, and prints what it got to do. The others are a file, a TCP and a Unix address.
func tryConfined(args []string) {
	runtime.LockOSThread()
	out := os.Stdout
	limits := Limits{}.orDefaults()
	var err error
	switch args[0] {
	case "none":
	case "all":
		err = confine(limits)
	default:
		err = lock(args[0])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	got := attempts(args[1], args[2], args[3])
	if args[0] != "landlock" { // in a program with C in it, Landlock is for one thread
		got = append(got, elsewhere4(args[1], args[2], args[3])...)
	}
	if err := json.NewEncoder(out).Encode(got); err != nil {
		os.Exit(1)
	}
}

// elsewhere4 makes the attempts in four more threads.
func elsewhere4(file, tcp, socket string) []string {
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		all []string
	)
	for range 4 {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			got := attempts(file, tcp, socket)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, got...)
		})
	}
	wg.Wait()
	return all
}

// attempts are those that succeed.
func attempts(file, tcp, socket string) []string {
	var done []string
	note := func(what string, err error) {
		if err == nil {
			done = append(done, what)
		}
	}
	f, err := os.Open(file)
	note("open", err)
	if err == nil {
		f.Close() //nolint:errcheck // of a file that was opened
	}
	_, err = os.ReadDir("/")
	note("list", err)
	note("write", os.WriteFile(file+".new", []byte("x"), 0o600))
	note("remove", os.Remove(file+".new"))
	note("run", run("/bin/true"))
	for network, address := range map[string]string{"tcp": tcp, "unix": socket, "udp": tcp} {
		c, err := net.Dial(network, address)
		note(network, err)
		if err == nil {
			c.Close() //nolint:errcheck // of a connection that was made
		}
	}
	_, err = http.Get("http://" + tcp)
	note("http", err)
	if n := len(os.Environ()); n > 0 {
		done = append(done, "environment")
	}
	return done
}

// run runs a program without opening anything beside it.
func run(program string) error {
	pid, err := syscall.ForkExec(program, []string{program}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
	if err != nil {
		return err
	}
	_, err = syscall.Wait4(pid, nil, 0, nil)
	return err
}
