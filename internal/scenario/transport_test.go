package scenario_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/coder/websocket"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// outcome is what a client of any transport learns.
type outcome struct {
	Status int // of HTTP; 0 over a websocket
	Closed int // the code that a websocket was closed with; 0 if it was not
	Reason string
	served.Answer
}

func (o outcome) code() string {
	if len(o.Errors) == 0 {
		return ""
	}
	return o.Errors[0].Extensions.Code
}

// messages are all texts that a person could read.
func (o outcome) messages() []string {
	var texts []string
	if o.Closed != 0 {
		texts = append(texts, o.Reason)
	}
	for _, e := range o.Errors {
		texts = append(texts, e.Message)
	}
	return texts
}

// transport asks with a body that need not be a request.
type transport struct {
	name string
	ask  func(t *testing.T, kit *served.Kit, key, body string) outcome
}

var transports = []transport{{"HTTP", overHTTP}, {"SSE", overSSE}, {"websocket", overSocket}}

func overHTTP(t *testing.T, kit *served.Kit, key, body string) (o outcome) {
	t.Helper()
	reply := kit.Do(t, http.MethodPost, "/graphql", key, body)
	reply.Decode(t, &o.Answer)
	o.Status = reply.Status
	return o
}

func overSSE(t *testing.T, kit *served.Kit, key, body string) (o outcome) {
	t.Helper()
	stream := kit.StreamBody(t, key, body)
	o.Status = stream.Status
	if stream.Status != http.StatusOK { // refused before the stream
		served.Reply{Body: []byte(stream.Body())}.Decode(t, &o.Answer)
		return o
	}
	e, ok := stream.Next(t)
	if !ok || e.Name != "next" {
		t.Fatalf("the stream began with %q", e.Name)
	}
	served.Reply{Body: []byte(e.Data)}.Decode(t, &o.Answer)
	return o
}

func overSocket(t *testing.T, kit *served.Kit, key, body string) (o outcome) {
	t.Helper()
	socket := kit.Connect(t, key)
	socket.SendText(t, `{"id":"1","type":"subscribe","payload":`+body+`}`)
	frame, err := socket.TryReceive(t)
	if err != nil {
		return closedBy(t, err)
	}
	switch frame.Type {
	case "error":
		served.Reply{Body: frame.Payload}.Decode(t, &o.Errors)
	case "next":
		served.Reply{Body: frame.Payload}.Decode(t, &o.Answer)
	default:
		t.Fatalf("got %s %s", frame.Type, frame.Payload)
	}
	return o
}

// closedBy reads how the server closed a socket.
func closedBy(t *testing.T, err error) (o outcome) {
	t.Helper()
	o.Closed = int(websocket.CloseStatus(err))
	if o.Closed <= 0 {
		t.Fatalf("the socket broke: %v", err)
	}
	o.Reason = err.Error()
	return o
}

// requestOf is the body that asks for a document.
func requestOf(t *testing.T, query string, variables map[string]any) string {
	t.Helper()
	return toJSON(t, map[string]any{"query": query, "variables": variables})
}

// isNull reports whether there is no data, or all of it is null.
func isNull(data json.RawMessage) bool {
	if len(data) == 0 || string(data) == "null" {
		return true
	}
	var fields map[string]any
	if json.Unmarshal(data, &fields) != nil {
		return false
	}
	for _, value := range fields {
		if value != nil {
			return false
		}
	}
	return true
}
