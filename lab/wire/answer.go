//go:build linux

package wire

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Challenge is what a server asks for first.
type Challenge string

// The challenges. OK is AuthenticationOk, None an error in place of any.
const (
	OK       Challenge = "ok"
	None     Challenge = ""
	Password Challenge = "password"
	MD5      Challenge = "md5"
	SCRAM    Challenge = "scram"
	OAuth    Challenge = "oauth"
	GSS      Challenge = "gss"
	SSPI     Challenge = "sspi"
)

// An Answer is what a server says to a startup packet: what it asks for, and the
// error that came in place of that, or after it.
type Answer struct {
	Challenge Challenge
	Error     *Error
}

// FirstAnswer reads the answer. A secret that is asked for is answered with a wrong
// one, as a server writes down which record it went by only when it refuses someone.
func (c *Conn) FirstAnswer() (Answer, error) {
	m, err := c.Receive()
	if err != nil {
		return Answer{}, err
	}
	switch m.Type {
	case 'E':
		return Answer{Error: ErrorOf(m.Body)}, nil
	case 'R':
		challenge, err := challengeOf(m.Body)
		if err != nil {
			return Answer{}, err
		}
		a := Answer{Challenge: challenge}
		a.Error, err = c.goOn(challenge)
		return a, err
	}
	return Answer{}, fmt.Errorf("the server began with a message %q", m.Type)
}

func challengeOf(body []byte) (Challenge, error) {
	switch code := authOf(body); code {
	case 0:
		return OK, nil
	case 3:
		return Password, nil
	case 5:
		return MD5, nil
	case 7:
		return GSS, nil
	case 9:
		return SSPI, nil
	case 10:
		if slices.Contains(mechanisms(body), "OAUTHBEARER") {
			return OAuth, nil
		}
		return SCRAM, nil
	default:
		return None, fmt.Errorf("authentication request %d is not known here", code)
	}
}

// goOn says something wrong where something is asked, and returns the error that
// follows, nil where there is none: the session is ready, or the server just leaves.
func (c *Conn) goOn(challenge Challenge) (*Error, error) {
	if err := c.sayWrong(challenge); err != nil {
		return nil, err
	}
	for {
		m, err := c.Receive()
		switch {
		case err != nil && challenge != OK:
			return nil, nil // a server may close without a word; its log tells why
		case err != nil:
			return nil, fmt.Errorf("after AuthenticationOk: %w", err)
		case m.Type == 'E':
			return ErrorOf(m.Body), nil
		case m.Type == 'R' && authOf(m.Body) == 11:
			if err := c.finishSCRAM(m.Body); err != nil {
				return nil, err
			}
		case m.Type == 'R' && authOf(m.Body) == 0 && challenge != OK:
			return nil, errors.New("the server took a wrong secret")
		case m.Type == 'Z':
			return nil, c.Send('X', nil)
		}
	}
}

func (c *Conn) sayWrong(challenge Challenge) error {
	switch challenge {
	case Password:
		return c.Send('p', append([]byte(wrongPassword), 0))
	case MD5:
		return c.Send('p', []byte("md5"+"00000000000000000000000000000000"+"\x00"))
	case SCRAM:
		return c.sayMechanism("SCRAM-SHA-256", "n,,n=,r="+nonce)
	case OAuth:
		return c.sayMechanism("OAUTHBEARER", "n,,\x01auth=\x01\x01")
	case GSS, SSPI:
		return c.Send('p', []byte("wrong"))
	}
	return nil
}

// wrongPassword is longer than RADIUS allows, so that the server refuses it without
// asking, which would take it seconds.
var wrongPassword = strings.Repeat("wrong", 30)

const nonce = "cGdtb2F0IGxhYiBub25jZQ"

func (c *Conn) sayMechanism(name, response string) error {
	body := append([]byte(name), 0)
	body = binary.BigEndian.AppendUint32(body, uint32(len(response))) //nolint:gosec // a few bytes
	return c.Send('p', append(body, response...))
}

// finishSCRAM answers the server's nonce with a proof of nothing.
func (c *Conn) finishSCRAM(body []byte) error {
	var theirs string
	for i, b := range body[4:] {
		if b == ',' {
			theirs = string(body[4 : 4+i])
			break
		}
	}
	proof := base64.StdEncoding.EncodeToString(make([]byte, 32))
	return c.Send('p', []byte("c=biws,"+theirs+",p="+proof))
}
