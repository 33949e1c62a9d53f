package render

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// secretKey is what keys of values are called that hold a password or the like, notSecret what
// those are called that only name or describe one.
var (
	secretKey = regexp.MustCompile(`(?i)passw|passphrase|pwd|secret|token|credential|(private|api|access|encryption|signing)_?key|dsn$`)
	notSecret = regexp.MustCompile(`(?i)^existing|^use[a-z]*$|(name|ref|file|path|type|policy|enabled)$`)
)

// A hidden is what may not be said in an error.
type hidden map[string]bool

// leastHidden is how long a value is at least: shorter ones are parts of words.
const leastHidden = 4

// value hides what is below a key, where the key says that it is a secret or one above does.
func (h hidden) value(key string, secret bool, v any) {
	secret = (secret || secretKey.MatchString(key)) && !notSecret.MatchString(key)
	switch v := v.(type) {
	case map[string]any:
		for k, below := range v {
			h.value(k, secret, below)
		}
	case []any:
		for _, below := range v {
			h.value("", secret, below)
		}
	case bool, nil:
	default:
		if secret {
			h.text(fmt.Sprint(v))
		}
	}
}

func (h hidden) text(s string) {
	for _, s := range []string{s, strings.TrimSpace(s)} {
		if len(s) >= leastHidden {
			quoted := strconv.Quote(s)
			h[s], h[quoted[1:len(quoted)-1]] = true, true
		}
	}
}

// hide says an error without what is hidden.
func (h hidden) hide(err error) error {
	if err == nil || len(h) == 0 || errors.Is(err, ErrTooMuch) {
		return err
	}
	var pairs []string
	for s := range h {
		pairs = append(pairs, s)
	}
	slices.SortFunc(pairs, func(a, b string) int { return len(b) - len(a) })
	said := err.Error()
	for _, s := range pairs {
		said = strings.ReplaceAll(said, s, "…")
	}
	return errors.New(said)
}

// secrets hides the values of the chart and of those below it, and those given by the caller.
func (l *loadedChart) secrets(c *Chart) hidden {
	h := hidden{}
	if given, err := c.given(); err == nil {
		h.value("", false, given)
	}
	for rest := append(l.root.Dependencies(), l.root); len(rest) > 0; rest = rest[1:] {
		h.value("", false, rest[0].Values)
		if rest[0] != l.root {
			rest = append(rest, rest[0].Dependencies()...)
		}
	}
	return h
}

// secrets hides what Secrets of the files hold, as far as they can be read.
func (d *disk) secrets() hidden {
	h := hidden{}
	for _, text := range d.files {
		if !bytes.Contains(text, []byte("Secret")) {
			continue
		}
		for doc := range bytes.SplitSeq(text, []byte("\n---")) {
			var s struct {
				Kind             string
				Data, StringData map[string]any
			}
			if yaml.Unmarshal(doc, &s) == nil && s.Kind == "Secret" {
				h.value("data", true, s.Data)
				h.value("data", true, s.StringData)
			}
		}
	}
	return h
}
