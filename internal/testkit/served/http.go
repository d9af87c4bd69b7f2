package served

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// answerWithin bounds one request of a test, and the wait for one pushed answer.
const answerWithin = 20 * time.Second

// Reply is an HTTP answer.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Decode reads the body as JSON.
func (r Reply) Decode(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(r.Body, into); err != nil {
		t.Fatalf("decode answer: %v\n%s", err, r.Body)
	}
}

// Do sends a request to the server, with a key as Bearer unless it is empty.
func (k *Kit) Do(t testing.TB, method, path, key, body string, headers ...string) Reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, k.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Reply{response.StatusCode, response.Header, data}
}

// Verdict is what became of one event.
type Verdict struct {
	MessageID, Status, Field, Reason string

	Warnings []Warning
}

// Warning is what the sender of an event that was taken should know.
type Warning struct{ Field, Reason string }

// Batch sends events, each a JSON object in Segment's shape, and returns their verdicts.
func (tn *Tenant) Batch(t testing.TB, events ...string) []Verdict {
	t.Helper()
	reply := tn.kit.Do(t, http.MethodPost, "/v1/batch", tn.WriteKey, `{"batch":[`+strings.Join(events, ",")+`]}`)
	if reply.Status != http.StatusOK {
		t.Fatalf("batch: %d %s", reply.Status, reply.Body)
	}
	var answer struct{ Verdicts []Verdict }
	reply.Decode(t, &answer)
	return answer.Verdicts
}

// Error is one error of a GraphQL answer.
type Error struct {
	Message    string
	Path       []any
	Extensions struct {
		Code, Field string
		RetryAfter  int
	}
}

// Answer is a GraphQL answer.
type Answer struct {
	Data       json.RawMessage
	Errors     []Error
	Extensions struct{ Cost Cost }
}

// Cost is what an answer says of its cost.
type Cost struct {
	Requested, Actual int
	Remaining, Reset  *int
}

// Ask sends a query with a key of one's choice and returns the answer, errors included.
func (k *Kit) Ask(t testing.TB, key, query string, variables map[string]any) Answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	var answer Answer
	k.Do(t, http.MethodPost, "/graphql", key, string(body)).Decode(t, &answer)
	return answer
}

// Query asks as the tenant and decodes the data; an error fails the test.
func (tn *Tenant) Query(t testing.TB, query string, variables map[string]any, into any) {
	t.Helper()
	tn.ask(t, tn.ReadKey, query, variables, into)
}

// Manage asks as whoever manages the tenant, and decodes the data; an error fails the test.
func (tn *Tenant) Manage(t testing.TB, query string, variables map[string]any, into any) {
	t.Helper()
	tn.ask(t, tn.ManageKey, query, variables, into)
}

func (tn *Tenant) ask(t testing.TB, key, query string, variables map[string]any, into any) {
	t.Helper()
	answer := tn.kit.Ask(t, key, query, variables)
	if len(answer.Errors) > 0 {
		t.Fatalf("query: %+v", answer.Errors)
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		t.Fatalf("decode data: %v\n%s", err, answer.Data)
	}
}

// Socket is a connection that speaks graphql-transport-ws.
type Socket struct {
	conn *websocket.Conn
	ids  int
}

// Frame is one message of the protocol.
type Frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// Connect opens a socket and initialises it with a key.
func (k *Kit) Connect(t testing.TB, key string) *Socket {
	t.Helper()
	s := k.Dial(t)
	s.Init(t, key)
	if f := s.Receive(t); f.Type != "connection_ack" {
		t.Fatalf("got %s, want connection_ack", f.Type)
	}
	return s
}

// DialSocket opens a socket to a server for clients with a life of their own, which close it. The
// key goes with the request, unless it is "".
func DialSocket(ctx context.Context, url, key string) (*websocket.Conn, error) {
	header := http.Header{}
	if key != "" {
		header.Set("Authorization", "Bearer "+key)
	}
	conn, _, err := websocket.Dial(ctx, url+"/graphql", &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header,
	})
	if err == nil {
		conn.SetReadLimit(16 << 20)
	}
	return conn, err
}

// Dial opens a socket and says nothing.
func (k *Kit) Dial(t testing.TB) *Socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
	defer cancel()
	conn, err := DialSocket(ctx, k.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &Socket{conn: conn}
}

// Leave cuts the connection.
func (s *Socket) Leave() { _ = s.conn.CloseNow() }

// Init presents a key; see the answer with [Socket.TryReceive].
func (s *Socket) Init(t testing.TB, key string) {
	t.Helper()
	payload, err := json.Marshal(map[string]string{"authorization": "Bearer " + key})
	if err != nil {
		t.Fatal(err)
	}
	s.Send(t, Frame{Type: "connection_init", Payload: payload})
}

// SendText writes a message that need not be one of the protocol, nor JSON.
func (s *Socket) SendText(t testing.TB, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// Send writes a message.
func (s *Socket) Send(t testing.TB, f Frame) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
	defer cancel()
	if err := wsjson.Write(ctx, s.conn, f); err != nil {
		t.Fatal(err)
	}
}

// Receive waits for the next message that is not a ping.
func (s *Socket) Receive(t testing.TB) Frame {
	t.Helper()
	f, err := s.TryReceive(t)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TryReceive is Receive for a socket that may be closed; see [websocket.CloseStatus].
func (s *Socket) TryReceive(t testing.TB) (Frame, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
	defer cancel()
	for {
		var f Frame
		if err := wsjson.Read(ctx, s.conn, &f); err != nil || f.Type != "ping" {
			return f, err
		}
		if err := wsjson.Write(ctx, s.conn, Frame{Type: "pong"}); err != nil {
			return f, err
		}
	}
}

// Subscribe begins an operation and returns its id.
func (s *Socket) Subscribe(t testing.TB, query string) string {
	t.Helper()
	payload, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	s.ids++
	id := string(rune('a' + s.ids - 1))
	s.Send(t, Frame{ID: id, Type: "subscribe", Payload: payload})
	return id
}

// Until receives answers until one contains the text, and returns it.
func (s *Socket) Until(t testing.TB, text string) Frame {
	t.Helper()
	for {
		f := s.Receive(t)
		if f.Type != "next" {
			t.Fatalf("got %s %s, want an answer with %s", f.Type, f.Payload, text)
		}
		if bytes.Contains(f.Payload, []byte(text)) {
			return f
		}
	}
}
