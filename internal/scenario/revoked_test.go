package scenario_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
)

// What becomes of a key that is taken back.
func TestRevoking(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a revoked key is shown out", aRevokedKeyIsShownOut},
		{"a revoked write key sends nothing", aRevokedWriteKeySendsNothing},
	})
}

// revokedWithin is how soon a revoked key has to be out.
const revokedWithin = 2 * time.Second

// Who loses their key is shown out, on a socket and on a stream, and not let in again; the
// tenant's other keys, and the stranger, don't notice.
func aRevokedKeyIsShownOut(t *testing.T, s story) {
	query := live(`events(` + thatDay + `) { count }`)
	watching, idle := s.kit.Connect(t, s.acme.ReadKey), s.kit.Connect(t, s.acme.ReadKey)
	wantNext(t, socketWatcher{watching, watching.Subscribe(t, query)}, `"count":0`)
	stream := s.kit.Stream(t, s.acme.ReadKey, query)
	wantNext(t, streamWatcher{stream}, `"count":0`)
	stranger := watchSocket(t, s.kit, s.globex.ReadKey, query)
	wantNext(t, stranger, `"count":0`)

	if n, err := access.RevokeKeys(t.Context(), s.kit.Node.Worker(), s.acme.ID, "read"); n != 1 || err != nil {
		t.Fatalf("%d keys were revoked: %v", n, err)
	}
	start := time.Now()
	for _, socket := range []interface{ end() (outcome, bool) }{ending{t, watching}, ending{t, idle}} {
		if got, ended := socket.end(); !ended || got.Closed != 4401 {
			t.Errorf("the socket ends with %+v, want 4401", got)
		}
	}
	if e, ok := stream.Next(t); ok {
		t.Errorf("the stream goes on with %q %s", e.Name, e.Data)
	}
	if took := time.Since(start); took > revokedWithin {
		t.Errorf("it took %s", took)
	}
	s.wantShutOut(t, s.acme.ReadKey)

	wantVerdicts(t, s.acme.Batch(t, event("m1", "E", "u1", noon)), "ACCEPTED")
	s.globex.Batch(t, event("m1", "E", "u1", noon))
	wantNext(t, stranger, `"count":1`)
}

// wantShutOut tries a key on every door.
func (s story) wantShutOut(t *testing.T, key string) {
	t.Helper()
	body := requestOf(t, `{ tenant { name } }`, nil)
	for _, by := range transports[:2] {
		if got := by.ask(t, s.kit, key, body); got.Status != http.StatusUnauthorized || got.code() != "UNAUTHENTICATED" {
			t.Errorf("over %s the revoked key gets %+v", by.name, got)
		}
	}
	again := s.kit.Dial(t)
	again.Init(t, key)
	if got, ended := (ending{t, again}).end(); !ended || got.Closed != 4403 {
		t.Errorf("a new socket with the revoked key ends with %+v, want 4403", got)
	}
}

// A write key that is revoked sends nothing more.
func aRevokedWriteKeySendsNothing(t *testing.T, s story) {
	wantVerdicts(t, s.acme.Batch(t, event("m1", "E", "u1", noon)), "ACCEPTED")
	if _, err := access.RevokeKeys(t.Context(), s.kit.Node.Worker(), s.acme.ID, "write"); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(revokedWithin)
	for {
		reply := s.kit.Do(t, http.MethodPost, "/v1/batch", s.acme.WriteKey, `{"batch":[`+event("m1", "E", "u1", noon)+`]}`)
		if reply.Status == http.StatusUnauthorized {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s the revoked key still gets %d", revokedWithin, reply.Status)
		}
	}
	s.wantCount(t, 1, 1)
	wantVerdicts(t, s.globex.Batch(t, event("m1", "E", "u1", noon)), "ACCEPTED")
}
