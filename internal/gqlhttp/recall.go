package gqlhttp

import "context"

// Memory gives answers again without reading the requests.
type Memory interface {
	// Recall gives what an equal request was answered, if a fresh answer would be the same.
	// Requests are equal if they have the same text, which is the body or the URL's query, and
	// come under the same scope. Where it gives nothing, the request is worked out in the
	// context that it returns, in which it may learn the answer.
	Recall(ctx context.Context, scope, text string) (*Recalled, context.Context)
}

// Recalled is an answer that is given again, or a refusal to do so.
type Recalled struct {
	Append    func(buf []byte) []byte // writes the answer's data
	Admission Admission
	Err       error // a fault, in place of the answer
}

// maxRecalled bounds the text of requests that may be recalled.
const maxRecalled = 32 << 10

// recall answers a request that was answered before. If it cannot, it gives the context to work
// the answer out in.
func (x *exchange) recall(ctx context.Context, scope string, text []byte) (context.Context, bool) {
	if x.h.config.Memory == nil || x.format == formatStream || len(text) > maxRecalled {
		return ctx, false
	}
	recalled, ctx := x.h.config.Memory.Recall(ctx, scope, string(text))
	if recalled == nil {
		return ctx, false
	}
	x.tell(recalled.Admission)
	a := &answer{recalled: recalled.Append}
	if recalled.Err != nil {
		a = x.h.unanswered(ctx, recalled.Err)
	}
	a.extend(recalled.Admission)
	x.reply(a)
	return ctx, true
}
