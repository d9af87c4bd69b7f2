package gqlhttp

import (
	"context"
	"maps"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Admission is what an operation that may run, or may not, has to tell besides its answer.
type Admission struct {
	// Header is of the HTTP response; sockets have none.
	Header http.Header
	// Extensions gives what to add to the answer's extensions, once it is there. It may be
	// nil. A live query's answers are shared by all who ask the same, and have none of it.
	Extensions func() map[string]any
}

// admit asks Admit, once for every request to run an operation. It returns the answer
// instead, if the operation may not run.
func (h *Handler) admit(ctx context.Context, op *graphql.OperationContext) (admission Admission, bad *answer) {
	if h.config.Admit == nil {
		return Admission{}, nil
	}
	admission, err := h.config.Admit(ctx, op)
	if err != nil {
		f, _ := fault.Of(err)
		bad = failed(f)
		bad.extend(admission)
	}
	return admission, bad
}

// tell sets the headers of the response.
func (x *exchange) tell(admission Admission) {
	maps.Copy(x.w.Header(), admission.Header)
}

// extend adds to the answer's extensions, which are gqlgen's to begin with.
func (a *answer) extend(admission Admission) {
	if admission.Extensions == nil {
		return
	}
	extensions := admission.Extensions()
	maps.Copy(extensions, a.extensions)
	a.extensions = extensions
}

// withExtensions puts the answer's extensions into its first error, for a message that has
// room for errors alone ([WS] Error).
func (a *answer) withExtensions() *answer {
	if len(a.errors) == 0 || len(a.extensions) == 0 {
		return a
	}
	first := *a.errors[0]
	first.Extensions = maps.Clone(a.extensions)
	maps.Copy(first.Extensions, a.errors[0].Extensions)
	c := *a
	c.errors = append(c.errors[:0:0], a.errors...)
	c.errors[0] = &first
	return &c
}

// retryAfter is after how many seconds to try again, as the answer's first error says it; 0
// if it does not.
func (a *answer) retryAfter() int {
	if len(a.errors) == 0 {
		return 0
	}
	seconds, _ := a.errors[0].Extensions["retryAfter"].(int)
	return seconds
}

// advise sets Retry-After (RFC 9110, 10.2.3).
func (x *exchange) advise(a *answer) {
	if seconds := a.retryAfter(); seconds > 0 {
		x.w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
}
