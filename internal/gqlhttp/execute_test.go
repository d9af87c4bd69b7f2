package gqlhttp

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// refuse has an operation interceptor answer in place of the execution.
func (w *world) refuse(err *gqlerror.Error) {
	w.executor.AroundOperations(func(context.Context, graphql.OperationHandler) graphql.ResponseHandler {
		return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{err}})
	})
}

// What an interceptor refuses was not executed: no data, and the status of its
// code.
func TestInterceptorRefuses(t *testing.T) {
	for _, test := range []struct {
		err    *gqlerror.Error
		status int // under application/graphql-response+json
		legacy int // under application/json
		code   string
	}{
		{gqlerror.Errorf("Too deep."), 400, 200, "BAD_USER_INPUT"},
		{&gqlerror.Error{Message: "Too much.", Extensions: map[string]any{"code": "COMPLEXITY_LIMIT_EXCEEDED"}}, 400, 200, "COMPLEXITY_LIMIT_EXCEEDED"},
		{&gqlerror.Error{Message: "Later.", Extensions: map[string]any{"code": fault.Unavailable}}, 503, 503, "UNAVAILABLE"},
		{gqlerror.Wrap(fault.New(fault.Forbidden, "Not you.")), 403, 403, "FORBIDDEN"},
	} {
		bubble(t, Config{}, func(w *world) {
			w.refuse(test.err)
			w.post(bumpQuery, "Accept", responseType).want(test.status, `"code":"`+test.code+`"`).lacks(`"data"`)
			w.post(bumpQuery, "Accept", jsonType).want(test.legacy, `"code":"`+test.code+`"`).lacks(`"data"`)
			p := w.connect()
			p.send(subscribe("1", "mutation { bump }"))
			p.wantParts(`{"type":"error","id":"1","payload":[{"message":`, test.code)
			p.wantQuiet()
		})
	}
}

func TestExtensions(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		w.executor.AroundResponses(func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
			graphql.RegisterExtension(ctx, "cost", 7)
			return next(ctx)
		})
		w.post(`{"query":"{ name }"}`).want(200, `{"data":{"name":"tidemark"},"extensions":{"cost":7}}`)
	})
}

// panicky is an extension that fails before an operation is known.
type panicky struct{}

func (panicky) ExtensionName() string                   { return "panicky" }
func (panicky) Validate(graphql.ExecutableSchema) error { return nil }
func (panicky) MutateOperationParameters(context.Context, *graphql.RawParams) *gqlerror.Error {
	panic("mutator")
}

func TestPanicWhileParsing(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		w.executor.Use(panicky{})
		w.post(plainQuery).want(500, "Internal error.").lacks("mutator")
		p := w.connect()
		p.send(subscribe("1", "{ name }"))
		p.wantParts(`"error"`, "INTERNAL")
		if frame := string(w.handler.frame(context.Background(), &request{query: "{ name }"})); !strings.Contains(frame, "INTERNAL") {
			w.Errorf("frame %s", frame)
		}
	})
}

func TestAnswersAreAlwaysResponses(t *testing.T) {
	for _, a := range []*answer{
		refused(nil),
		answerOf(&graphql.Response{}),
		answerOf(&graphql.Response{Errors: gqlerror.List{{Message: "x", Extensions: map[string]any{"code": "X", "bad": func() {}}}}}),
	} {
		if text := string(a.encode()); !strings.HasPrefix(text, `{"errors":[{"message":"Internal error."`) {
			t.Errorf("answer %s", text)
		}
	}
}

func TestSeveralOriginsAreNone(t *testing.T) {
	r := &http.Request{Host: "tidemark.test", Header: http.Header{"Origin": {"http://tidemark.test", "http://tidemark.test"}}}
	if New(Config{}).originAllowed(r) {
		t.Error("allowed")
	}
}
