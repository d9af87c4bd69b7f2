// Package websocket is the server's side of RFC 6455 for connections that are many, mostly idle,
// and sent the same: an idle one holds no buffer, and no goroutine but the one that waits for it;
// a message is written without waiting; and what many are sent is compressed once for all
// (RFC 7692, without context takeover).
//
// Comments cite sections of RFC 6455, or of RFC 7692 where they say so.
package websocket

import (
	"crypto/sha1" //nolint:gosec // the handshake's hash is the protocol's (4.2.2), and guards nothing
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Kind is what a frame is (5.2).
type Kind byte

// The kinds. Continuations do not leave this package.
const (
	continuation Kind = 0
	Text         Kind = 1
	Binary       Kind = 2
	Close        Kind = 8
	Ping         Kind = 9
	Pong         Kind = 10
)

// Code says why a connection is closed (7.4).
type Code uint16

// The codes that this package gives, and those that a server needs besides.
const (
	Normal         Code = 1000
	ProtocolError  Code = 1002
	noCode         Code = 1005 // a close frame without one; never sent
	Invalid        Code = 1007
	TooBig         Code = 1009
	InternalError  Code = 1011
	ServiceRestart Code = 1012
	TryAgainLater  Code = 1013
)

// Closure is why a connection ends: read from the other side's close frame, or to be told to it.
type Closure struct {
	Code   Code
	Reason string // at most 123 bytes, as a control frame's payload holds 125 (5.5)
}

func (c *Closure) Error() string {
	return fmt.Sprintf("websocket closed with %d: %s", c.Code, c.Reason)
}

// Refusal is why a handshake failed, and the status to answer it with.
type Refusal struct {
	Status  int
	Message string
}

func (r *Refusal) Error() string { return r.Message }

// version is the only one there is (4.2.1); the header names it to who comes with another (4.4).
const version, versionHeader = "13", "Sec-WebSocket-Version"

// handshakeWithin bounds writing the answer to a handshake.
const handshakeWithin = 10 * time.Second

// Upgrade answers a handshake and takes over its connection (4.2). Of the subprotocols it takes
// the first that the client offers; a client that offers none of them gets a connection with
// none. limit bounds a message, in bytes. Its error is a *Refusal, which is for the caller to
// answer, until the connection is taken over.
func Upgrade(w http.ResponseWriter, r *http.Request, limit int64, subprotocols ...string) (*Conn, error) {
	key, refused := check(r)
	if refused != nil {
		if refused.Status == http.StatusUpgradeRequired {
			w.Header().Set(versionHeader, version)
		}
		return nil, refused
	}
	chosen, packs := choose(tokens(r.Header, "Sec-WebSocket-Protocol"), subprotocols), offersDeflate(r.Header)
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, &Refusal{http.StatusNotImplemented, "This connection cannot become a websocket."}
	}
	c := newConn(conn, limit)
	c.subprotocol, c.deflates = chosen, packs
	if n := buffered.Reader.Buffered(); n > 0 { // what came with the handshake
		early, _ := buffered.Peek(n) // is there
		c.partial = slices.Clone(early)
	}
	if err := c.greet(key); err != nil {
		_ = conn.Close() // it is of no use
		return nil, fmt.Errorf("answer handshake: %w", err)
	}
	return c, nil
}

func (c *Conn) greet(key string) error {
	if err := c.conn.SetDeadline(time.Now().Add(handshakeWithin)); err != nil {
		return err
	}
	answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept(key) + "\r\n"
	if c.subprotocol != "" {
		answer += "Sec-WebSocket-Protocol: " + c.subprotocol + "\r\n"
	}
	if c.deflates {
		answer += "Sec-WebSocket-Extensions: " + deflateTerms + "\r\n"
	}
	if _, err := c.conn.Write([]byte(answer + "\r\n")); err != nil {
		return err
	}
	return c.conn.SetDeadline(time.Time{}) // the http.Server's are gone with it
}

// check looks whether a request is a handshake (4.2.1), and gives its key.
func check(r *http.Request) (key string, refused *Refusal) {
	keys := r.Header.Values("Sec-WebSocket-Key")
	switch {
	case r.Method != http.MethodGet:
		return "", &Refusal{http.StatusMethodNotAllowed, "Open a websocket by GET."}
	case r.ProtoMajor != 1 || !r.ProtoAtLeast(1, 1):
		return "", &Refusal{http.StatusHTTPVersionNotSupported, "Open a websocket by HTTP/1.1."}
	case !has(r.Header, "Connection", "upgrade") || !has(r.Header, "Upgrade", "websocket"):
		return "", &Refusal{http.StatusBadRequest, "The request does not ask for a websocket."}
	case r.Header.Get(versionHeader) != version:
		return "", &Refusal{http.StatusUpgradeRequired, "Only version 13 of the websocket protocol is spoken here."}
	case len(keys) != 1 || !isKey(keys[0]):
		return "", &Refusal{http.StatusBadRequest, "Sec-WebSocket-Key is not 16 bytes in base64."}
	}
	return keys[0], nil
}

func isKey(key string) bool {
	nonce, err := base64.StdEncoding.DecodeString(key)
	return err == nil && len(nonce) == 16
}

// accept proves that the handshake was understood (4.2.2).
func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	return base64.StdEncoding.EncodeToString(sum[:])
}

func choose(offered, spoken []string) string {
	for _, one := range offered {
		if slices.Contains(spoken, one) {
			return one
		}
	}
	return ""
}

// tokens are the members of a header's list, of all of its lines.
func tokens(header http.Header, name string) (found []string) {
	for _, line := range header.Values(name) {
		for token := range strings.SplitSeq(line, ",") {
			found = append(found, strings.TrimSpace(token))
		}
	}
	return found
}

func has(header http.Header, name, token string) bool {
	return slices.ContainsFunc(tokens(header, name), func(t string) bool { return strings.EqualFold(t, token) })
}

// IsUpgrade tells whether a request asks for a websocket (4.2.1).
func IsUpgrade(r *http.Request) bool { return has(r.Header, "Upgrade", "websocket") }

// ErrClosed is given after CloseNow.
var ErrClosed = net.ErrClosed
