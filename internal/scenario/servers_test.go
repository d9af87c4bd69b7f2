package scenario_test

import (
	"fmt"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// ending reads a socket to its end.
type ending struct {
	t      *testing.T
	socket *served.Socket
}

func (e ending) end() (outcome, bool) {
	e.t.Helper()
	frame, err := e.socket.TryReceive(e.t)
	if err == nil {
		e.t.Errorf("got %s %s instead of an end", frame.Type, frame.Payload)
		return outcome{}, false
	}
	return closedBy(e.t, err), true
}

// Two servers on one database are one Tidemark: what one takes in, a subscriber of the other
// sees, and a repeat is a repeat wherever it is sent.
func TestTwoServersAreOne(t *testing.T) {
	s := begin(t)
	second := served.StartOn(t, s.kit.DB)
	query := live(`events(` + thatDay + `) { count }`)
	here, there := watchSocket(t, s.kit, s.acme.ReadKey, query), watchStream(t, second, s.acme.ReadKey, query)
	stranger := watchSocket(t, second, s.globex.ReadKey, query)
	for _, w := range []watcher{here, there, stranger} {
		wantNext(t, w, `"count":0`)
	}
	for i := 1; i <= 3; i++ {
		one := event(fmt.Sprint("m", i), "E", "u1", noon)
		from, to := s.kit, second
		if i%2 == 0 {
			from, to = second, s.kit
		}
		body := `{"batch":[` + one + `]}`
		wantVerdicts(t, verdictsOf(t, from.Do(t, "POST", "/v1/batch", s.acme.WriteKey, body), 200), "ACCEPTED")
		wantVerdicts(t, verdictsOf(t, to.Do(t, "POST", "/v1/batch", s.acme.WriteKey, body), 200), "DUPLICATE")
		wantNext(t, here, fmt.Sprintf(`"count":%d`, i))
		wantNext(t, there, fmt.Sprintf(`"count":%d`, i))
	}
	s.globex.Batch(t, event("m1", "E", "u1", noon))
	wantNext(t, stranger, `"count":1`)
	s.wantOneAnswer(t, second)
	wantRecounted(t, s.kit)
}

// wantOneAnswer asks both servers the same.
func (s story) wantOneAnswer(t *testing.T, second *served.Kit) {
	t.Helper()
	body := requestOf(t, `{ events(`+ever+`) { count list { nodes { id } } } }`, nil)
	wantEqual(t, "answers", string(overHTTP(t, second, s.acme.ReadKey, body).Data), string(overHTTP(t, s.kit, s.acme.ReadKey, body).Data))
}

// A server that is told to stop says so: sockets are closed with 1012, streams end without
// complete, and a client comes again to another server and misses nothing.
func TestAServerStopsInOrder(t *testing.T) {
	s := begin(t)
	query := live(`events(` + thatDay + `) { count }`)
	ends, streamEnds := make(chan error, 1), make(chan string, 1)
	t.Run("a server that stops", func(sub *testing.T) {
		leaving := served.StartOn(sub, s.kit.DB)
		socket, stream := leaving.Connect(t, s.acme.ReadKey), leaving.Stream(t, s.acme.ReadKey, query)
		wantNext(t, socketWatcher{socket, socket.Subscribe(t, query)}, `"count":0`)
		wantNext(t, streamWatcher{stream}, `"count":0`)
		go func() {
			_, err := socket.TryReceive(t)
			ends <- err
		}()
		go func() {
			e, _ := stream.Next(t)
			streamEnds <- e.Name
		}()
	})
	if got := closedBy(t, <-ends); got.Closed != 1012 {
		t.Errorf("the socket was closed with %d %s, want 1012", got.Closed, got.Reason)
	}
	if name := <-streamEnds; name != "" {
		t.Errorf("the stream ended with %q, want nothing: a client must come again", name)
	}
	wantVerdicts(t, s.acme.Batch(t, event("m1", "E", "u1", noon)), "ACCEPTED")
	again := watchSocket(t, s.kit, s.acme.ReadKey, query)
	wantNext(t, again, `"count":1`)
	s.acme.Batch(t, event("m2", "E", "u1", noon))
	wantNext(t, again, `"count":2`)
}
