package served_test

import (
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// The whole way of data in one story: an event goes in, and a subscriber sees it.
func TestAnEventReachesASubscriber(t *testing.T) {
	kit := served.Start(t)
	acme := kit.Tenant(t, "Acme", "Europe/Berlin")
	globex := kit.Tenant(t, "Globex", "America/New_York")

	socket, stranger := kit.Connect(t, acme.ReadKey), kit.Connect(t, globex.ReadKey)
	const watch = `subscription { live { query { metric(key: "events") { value { value } } } } }`
	socket.Subscribe(t, watch)
	stranger.Subscribe(t, watch)
	socket.Until(t, `"value":0`)
	stranger.Until(t, `"value":0`)

	if v := acme.Batch(t, `{"type":"track","event":"Hello","userId":"u1"}`)[0]; v.Status != "ACCEPTED" {
		t.Fatalf("verdict %+v", v)
	}
	socket.Until(t, `"value":1`)

	var answer struct{ Events struct{ Count int } }
	globex.Query(t, `{ events { count } }`, nil, &answer)
	if answer.Events.Count != 0 {
		t.Errorf("the stranger counts %d events, want 0", answer.Events.Count)
	}
}
