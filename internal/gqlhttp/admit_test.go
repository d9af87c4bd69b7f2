package gqlhttp

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// purse lets so many operations in.
type purse struct {
	left  int
	asked int
}

func (p *purse) admit(_ context.Context, op *graphql.OperationContext) (Admission, error) {
	p.asked++
	p.left--
	admission := Admission{Header: http.Header{}, Extensions: func() map[string]any {
		return map[string]any{"cost": string(op.Operation.Operation)}
	}}
	admission.Header.Add("Ratelimit", "a")
	admission.Header.Add("Ratelimit", "b")
	if p.left < 0 {
		return admission, fault.New(fault.RateLimited, "Too much.").After(1500 * time.Millisecond)
	}
	return admission, nil
}

const tooMuch = `{"errors":[{"message":"Too much.","extensions":{"code":"RATE_LIMITED","retryAfter":2}}],"extensions":{"cost":"query"}}`

func TestAdmissionOverHTTP(t *testing.T) {
	p := &purse{left: 2}
	bubble(t, Config{Admit: p.admit}, func(w *world) {
		w.post(`{"query":"{ name }"}`).want(200, `{"data":{"name":"tidemark"},"extensions":{"cost":"query"}}`).wantHeader("RateLimit", "a")
		w.post(bumpQuery).want(200, `"extensions":{"cost":"mutation"}`)
		for _, accept := range []string{jsonType, responseType, streamType} {
			refused := w.post(`{"query":"{ name }"}`, "Accept", accept).want(429, tooMuch).wantHeader("Retry-After", "2")
			if got := refused.header.Values("RateLimit"); len(got) != 2 {
				t.Errorf("headers of a refusal: %v", got)
			}
		}
		if w.bumps.Load() != 1 {
			t.Errorf("%d mutations were executed, want 1", w.bumps.Load())
		}
		asked := p.asked
		w.post(`{"query":"{ nonsense }"}`).lacks("cost")
		w.get("query=mutation%7Bbump%7D").want(405)
		if p.asked != asked {
			t.Error("what cannot run was asked for")
		}
	})
}

func TestAdmissionOverSocket(t *testing.T) {
	p := &purse{left: 2}
	bubble(t, Config{Admit: p.admit}, func(w *world) {
		peer := w.connect()
		peer.send(subscribe("1", "{ name }"))
		peer.want(next("1", `{"data":{"name":"tidemark"},"extensions":{"cost":"query"}}`), complete("1"))
		peer.send(subscribe("2", "subscription { live }"))
		peer.want(next("2", `{"data":{"live":1}}`))
		w.live.changed()
		peer.want(next("2", `{"data":{"live":2}}`))
		if p.asked != 2 {
			t.Errorf("asked %d times, want once for each operation", p.asked)
		}
		for _, query := range []string{"{ name }", "mutation { bump }", "subscription { live }"} {
			peer.send(subscribe("3", query))
			peer.wantParts(`{"type":"error","id":"3","payload":[{"message":"Too much.","extensions":{"code":"RATE_LIMITED","cost":"`, `"retryAfter":2`)
		}
		peer.wantQuiet()
	})
}

func TestAdmissionOfStreams(t *testing.T) {
	p := &purse{left: 1}
	bubble(t, Config{Admit: p.admit}, func(w *world) {
		e := w.stream(context.Background())
		e.want("event: next\nid: 1\ndata: " + `{"data":{"live":1}}`)
		w.live.changed()
		e.want("event: next\nid: 2\ndata: " + `{"data":{"live":2}}`)
		w.post(liveQuery, "Accept", streamType).want(429, "RATE_LIMITED", `"cost":"subscription"`).wantHeader("Retry-After", "2")
		e.body.Close()
	})
}
