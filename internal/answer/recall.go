package answer

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/tidemarkhq/tidemark/graph/scalar"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/limit"
)

// Request is one as it came: requests of which both are equal mean the same.
type Request struct {
	Scope string // of whoever asks
	Text  string
}

// meaning is what a request has turned out to ask for.
type meaning struct {
	asked key
	cost  int // that it was charged
}

// Repeat is an answer that may be given again.
type Repeat struct {
	of     *entry
	at     time.Time
	Query  string // the document's text
	Cost   int    // to be charged
	Actual int    // that it cost to work out
}

// Append writes the answer's data.
func (r Repeat) Append(buf []byte) []byte {
	for i, part := range r.of.parts {
		if i > 0 {
			buf = scalar.AppendDateTime(buf, r.at)
		}
		buf = append(buf, part...)
	}
	return buf
}

// meaningShare is the part of the memory for answers that requests may take beside them.
const meaningShare = 4

func newMeanings(bytes int64) *otter.Cache[Request, meaning] {
	return otter.Must(&otter.Options[Request, meaning]{
		MaximumWeight: uint64(bytes / meaningShare),
		Weigher: func(r Request, m meaning) uint32 {
			return uint32(len(r.Scope) + len(r.Text) + len(m.asked.query) + len(m.asked.variables) + 256)
		},
		ExpiryCalculator: otter.ExpiryAccessing[Request, meaning](keptFor),
	})
}

// Recall gives the answer to an equal request, if a fresh one would be the same. If there is none
// it is to be worked out in the context that is returned, in which its meaning is learnt.
func (k *Keeper) Recall(ctx context.Context, r Request) (Repeat, bool, context.Context) {
	who, known := access.From(ctx)
	if !known || who.Rows != nil {
		return Repeat{}, false, ctx
	}
	learning := attempt{request: r}
	if m, ok := k.meanings.GetIfPresent(r); ok {
		if e, ok := k.kept.GetIfPresent(m.asked); ok {
			now, err := e.holder.checks.now(ctx)
			if err == nil && e.holds(now) {
				return Repeat{e, now.at, m.asked.query, m.cost, e.counts.Actual(m.cost)}, true, ctx
			}
			learning.under, learning.looked = now, err == nil
		}
	}
	return Repeat{}, false, context.WithValue(ctx, attemptKey{}, learning)
}

// attempt is what is known of a request that is worked out.
type attempt struct {
	request Request
	under   state // if it was looked at after the request had come
	looked  bool
}

type attemptKey struct{}

// attemptOf is that of the request; ok is false where it is not known as it came.
func attemptOf(ctx context.Context) (a attempt, ok bool) {
	a, ok = ctx.Value(attemptKey{}).(attempt)
	return a, ok
}

// learn remembers what a request means.
func (k *Keeper) learn(ctx context.Context, asked key) {
	a, ok := attemptOf(ctx)
	if !ok || a.request.Scope != asked.scope {
		return
	}
	if _, known := k.meanings.GetIfPresent(a.request); known {
		return
	}
	if meter := limit.MeterOf(ctx); meter != nil {
		k.meanings.Set(a.request, meaning{asked, meter.Requested()})
	}
}
