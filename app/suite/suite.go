// Package suite holds folders of manifests against what their authors say may connect
// to what, so that collections of policies with known answers, ours or anybody's, can
// be run against the engine. The files of expectations are described in docs/suite.md.
package suite

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// A State is what became of one file of expectations. The zero value is not a pass.
type State string

// The states.
const (
	Unread State = "unread" // the file or a manifest could not be read
	Failed State = "fail"   // something is not as expected
	OK     State = "ok"
)

// A Result is what became of one file of expectations.
type Result struct {
	// Name is the folder, and the file where it is not expected.txt.
	Name string `json:"name"`
	File string `json:"file"`
	// State is Unread unless everything was compared.
	State State `json:"state"`
	// Statements, Questions and Refusals count what the file expects.
	Statements int `json:"statements"`
	Questions  int `json:"questions"`
	Refusals   int `json:"refusals"`
	// Differences are sorted; never nil.
	Differences []Difference `json:"differences"`
	// Errors are why the file, or a manifest, could not be read; never nil.
	Errors []string `json:"errors"`
}

// A Difference is one thing that is not as expected.
type Difference struct {
	// Line is that of the expectation; zero for what the file does not list.
	Line     int    `json:"line"`
	Subject  string `json:"subject"` // "shop/web -> shop/api"
	Expected string `json:"expected"`
	Got      string `json:"got"`
	Why      string `json:"why,omitempty"`
}

// Run holds every file of expectations below the directories against the engine. The
// results are in the order of the directories and their names.
func Run(ctx context.Context, dirs ...string) ([]Result, error) {
	var files []string
	for _, dir := range dirs {
		found, err := find(dir)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no expected.txt or expected-*.txt in it", dir)
		}
		files = append(files, found...)
	}
	results := make([]Result, len(files))
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				results[i] = one(ctx, files[i])
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	workers.Wait()
	return results, ctx.Err()
}

// find lists the files of expectations below a directory, in the order of their names.
func find(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && isExpectation(e.Name()) {
			files = append(files, path)
		}
		return err
	})
	return files, err
}

// isExpectation reports whether a file holds expectations, by its name.
func isExpectation(name string) bool {
	stem, ok := strings.CutSuffix(name, ".txt")
	return ok && (stem == "expected" || strings.HasPrefix(stem, "expected-"))
}

// one runs one file. A fault of ours leaves it unread, and the others run.
func one(ctx context.Context, file string) (r Result) {
	defer func() {
		if fault := recover(); fault != nil {
			r.State, r.Errors = Unread, append(r.Errors, fmt.Sprintf("%s: internal error: %v", file, fault))
		}
	}()
	r = Result{Name: nameOf(file), File: file, State: Unread, Differences: []Difference{}, Errors: []string{}}
	data, err := os.ReadFile(file)
	if err != nil {
		return r.failing(err.Error())
	}
	e, err := parse(data)
	if err != nil {
		return r.failing(file + ":" + err.Error())
	}
	r.Statements, r.Questions, r.Refusals = len(e.statements), len(e.questions), len(e.refusals)
	c, err := load(ctx, filepath.Dir(file), e)
	if err != nil {
		return r.failing(file + ":" + err.Error())
	}
	if err := c.compare(); err != nil {
		return r.failing(file + ":" + err.Error())
	}
	r.Errors = append(r.Errors, c.unexpected...)
	r.Differences = append(r.Differences, c.sorted()...)
	switch {
	case len(r.Errors) > 0:
		r.State = Unread
	case len(r.Differences) > 0:
		r.State = Failed
	default:
		r.State = OK
	}
	return r
}

func (r Result) failing(text string) Result {
	r.Errors = append(r.Errors, text)
	return r
}

func nameOf(file string) string {
	if filepath.Base(file) == "expected.txt" {
		return filepath.Dir(file)
	}
	return file
}
