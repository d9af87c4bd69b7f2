package gqlhttp

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// remembered knows the answer to one request, under one scope.
type remembered struct {
	scope, text string
	refuse      error
	asked       []string
}

type learnt struct{}

func (m *remembered) Recall(ctx context.Context, scope, text string) (*Recalled, context.Context) {
	m.asked = append(m.asked, text)
	if scope != m.scope || text != m.text {
		return nil, context.WithValue(ctx, learnt{}, true)
	}
	admission := Admission{Header: http.Header{"Ratelimit": {"a"}}, Extensions: func() map[string]any { return map[string]any{"cost": 7} }}
	return &Recalled{Append: func(b []byte) []byte { return append(b, `{"name":"again"}`...) }, Admission: admission, Err: m.refuse}, ctx
}

func TestRecall(t *testing.T) {
	const body = `{"query":"{ name }"}`
	m := &remembered{text: body}
	bubble(t, Config{Memory: m}, func(w *world) {
		w.post(body).want(200, `{"data":{"name":"again"},"extensions":{"cost":7}}`).wantHeader("RateLimit", "a").wantHeader("Content-Type", contentTypes[formatJSON])
		w.post(body, "Accept", responseType).want(200, `"again"`).wantHeader("Content-Type", responseType+"; charset=utf-8")
		w.post(body+" ").want(200, `"tidemark"`)
		m.text = "query=%7Bname%7D"
		w.get("query=%7Bname%7D").want(200, `"again"`)
		w.get("query=%7Bname%20%7D").want(200, `"tidemark"`)
		m.refuse = fault.New(fault.RateLimited, "Too much.")
		w.get("query=%7Bname%7D").want(429, `{"errors":[{"message":"Too much.","extensions":{"code":"RATE_LIMITED"}}],"extensions":{"cost":7}}`)

		asked := len(m.asked)
		w.post(body, "Accept", streamType).want(200, "tidemark")
		w.post(`{"query":"{ name }","x":"`+strings.Repeat("x", maxRecalled)+`"}`).want(200, `"tidemark"`)
		w.post(body, "Content-Type", "text/plain").want(415, "")
		if len(m.asked) != asked {
			t.Errorf("asked for what cannot be recalled: %d times", len(m.asked)-asked)
		}
		m.text, m.scope, m.refuse = body, "another", nil
		w.post(body).want(200, `"tidemark"`)
	})
}
