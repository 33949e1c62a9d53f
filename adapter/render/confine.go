package render

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

var errOffline = errors.New("nothing is fetched while rendering")

// confine takes from the process what rendering does not need. What the kernel does not
// offer is left out, for it is the second lock: the libraries are called in ways that fetch
// and run nothing.
func confine(limits Limits) error {
	nothing, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	complaints := os.Stderr
	// The libraries print warnings; the answers are written to what stdout was.
	os.Stdin, os.Stdout, os.Stderr = nothing, nothing, nothing
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	offline()
	bound(limits.Memory, complaints)
	return confineProcess(limits)
}

// offline replaces what Go programs use to reach the network unless they say otherwise.
func offline() {
	http.DefaultTransport = refusing{}
	http.DefaultClient = &http.Client{Transport: refusing{}}
	net.DefaultResolver = &net.Resolver{
		PreferGo: true,
		Dial:     func(context.Context, string, string) (net.Conn, error) { return nil, errOffline },
	}
}

type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, errOffline }

// bound ends the process when it has more memory than it may. The collector works harder
// before that, from three quarters on.
func bound(memory uint64, complaints io.Writer) {
	memory = min(memory, math.MaxInt64)
	debug.SetMemoryLimit(int64(memory / 4 * 3))    //nolint:gosec // it is no more than the largest
	debug.SetMaxStack(int(min(memory/4, 256<<20))) //nolint:gosec // it is no more than that
	go func() {
		taken := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		for range time.Tick(20 * time.Millisecond) {
			metrics.Read(taken)
			if taken[0].Value.Uint64()-taken[1].Value.Uint64() > memory {
				_, _ = io.WriteString(complaints, "out of memory\n") // the process ends either way
				os.Exit(2)
			}
		}
	}()
}
