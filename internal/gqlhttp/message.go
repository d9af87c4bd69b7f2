package gqlhttp

import (
	"encoding/json"
	"errors"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/websocket"
)

const subprotocol = "graphql-transport-ws" // [WS] Communication

// closure is why a socket ends, if the client is to know.
type closure = websocket.Closure

// The closures that [WS] names, each in its section, and those of RFC 6455, 7.4.1.
var (
	closedUnauthorized = &closure{Code: 4401, Reason: "Unauthorized"}
	closedForbidden    = &closure{Code: 4403, Reason: "Forbidden"}
	closedSubprotocol  = &closure{Code: 4406, Reason: "Subprotocol not acceptable"}
	closedInitTimeout  = &closure{Code: 4408, Reason: "Connection initialisation timeout"}
	closedSecondInit   = &closure{Code: 4429, Reason: "Too many initialisation requests"}
	closedNotText      = &closure{Code: 4400, Reason: "Only text messages are taken"}
	closedInternal     = &closure{Code: websocket.InternalError, Reason: "Internal error"}
	closedChanged      = &closure{Code: websocket.ServiceRestart, Reason: "Rights have changed: connect again"}
	closedTryLater     = &closure{Code: websocket.TryAgainLater, Reason: "Try again later"}
	closedFull         = &closure{Code: websocket.TryAgainLater, Reason: "Too many connections are open: try again later"}
	closedUnread       = &closure{Code: websocket.TryAgainLater, Reason: "The answers were not read"}
)

// errDropped ends a socket without a close frame: there is nobody to read it.
var errDropped = errors.New("connection lost")

// invalid closes with 4400 ([WS] Invalid message). A close frame holds 125 bytes,
// two of them the code (RFC 6455, 5.5).
func invalid(reason string) *closure { return &closure{Code: 4400, Reason: truncate(reason, 123)} }

// duplicate closes with 4409 ([WS] Subscribe).
func duplicate(id string) *closure {
	const before, after = "Subscriber for ", " already exists"
	return &closure{Code: 4409, Reason: before + truncate(id, 123-len(before)-len(after)) + after}
}

// refusedIdentity is how a refused connection_init ends. A server that could not
// tell asks the client to come again, instead of telling it that its key is bad.
func refusedIdentity(err error) *closure {
	f, ok := fault.Of(err)
	switch {
	case !ok || f.Code == fault.Internal:
		return closedInternal
	case f.Code == fault.Unavailable || f.Code == fault.Timeout:
		return closedTryLater
	}
	return closedForbidden
}

// lostIdentity is how a socket ends whose caller may no longer listen.
func lostIdentity(cause error) error {
	var c *closure
	if errors.As(cause, &c) || errors.Is(cause, errDropped) {
		return cause
	}
	switch f, ok := fault.Of(cause); {
	case ok && f.Code == fault.Unauthenticated:
		return closedUnauthorized
	case ok && f.Code == fault.Unavailable:
		return closedChanged
	}
	return closedForbidden
}

// message is what a client sends ([WS] Message types).
type message struct {
	kind    string
	id      string          // of subscribe and complete
	payload json.RawMessage // an object, or nil
}

// maxID bounds what every message of an operation repeats.
const maxID = 256

// parseMessage checks a message's shape. Its error is a 4400.
func parseMessage(data []byte) (m *message, bad *closure) {
	object, err := decodeObject(data)
	if err != nil {
		return nil, invalid("The message is not a JSON object")
	}
	m = &message{}
	if m.kind, err = stringParam(object, "type"); err != nil || m.kind == "" {
		return nil, invalid("The message has no type")
	}
	if m.payload, err = objectParam(object, "payload"); err != nil {
		return nil, invalid("The message's payload is not an object")
	}
	switch m.kind {
	case "connection_init", "ping", "pong":
		return m, nil
	case "subscribe", "complete":
		m.id, err = stringParam(object, "id")
		if err != nil || m.id == "" || len(m.id) > maxID {
			return nil, invalid("The message's id is not a text of 1 to 256 bytes")
		}
		return m, nil
	}
	return nil, invalid("The message's type is not one that a client sends")
}

// authorization reads the credentials that a browser, which cannot set headers,
// puts into connection_init; else those of the upgrade request.
func (m *message) authorization(header string) (string, *closure) {
	if m.payload == nil {
		return header, nil
	}
	object, err := decodeObject(m.payload)
	if err != nil {
		return "", invalid("The message's payload is not an object")
	}
	for _, name := range []string{"authorization", "Authorization"} {
		value, err := stringParam(object, name)
		if err != nil {
			return "", invalid("The payload's authorization is not a string")
		}
		if value != "" {
			return value, nil
		}
	}
	return header, nil
}

// request reads a subscribe message's payload. Its error is a 4400.
func (m *message) request() (*request, *closure) {
	object, err := decodeObject(m.payload)
	if err != nil {
		return nil, invalid("The subscribe message has no payload")
	}
	q, err := requestOf(object)
	if err != nil {
		f, _ := fault.Of(err)
		return nil, invalid(f.Message)
	}
	return q, nil
}

// The messages that a server sends. Those with an id are built around the bytes of
// their payload: a live frame is encoded once for all its subscribers.
var (
	ackMessage  = []byte(`{"type":"connection_ack"}`)
	pingMessage = []byte(`{"type":"ping"}`)
)

func pongMessage(payload []byte) []byte {
	if payload == nil {
		return []byte(`{"type":"pong"}`)
	}
	return append(append([]byte(`{"type":"pong","payload":`), payload...), '}')
}

func completeMessage(id string) []byte {
	return append(appendHead(nil, "complete", id), '}')
}

func errorMessage(id string, list []byte) []byte {
	return append(append(append(appendHead(nil, "error", id), `,"payload":`...), list...), '}')
}

// appendNextHead appends what stands before the payload of every next message of one id.
func appendNextHead(to []byte, id string) []byte {
	return append(appendHead(to, "next", id), `,"payload":`...)
}

func appendHead(to []byte, kind, id string) []byte {
	quoted, _ := json.Marshal(id) // a string always can
	return append(append(to, `{"type":"`+kind+`","id":`...), quoted...)
}
