package topic

import (
	"context"
	"time"
)

// stamped is UTC, and tells by its place in memory the instants that an answer speaks of from
// all others in it.
var stamped = time.FixedZone("UTC", 0)

// RecordStamps is Record for an answer that may be given again later: the instant that it
// speaks of is written with a mark, by which it is found in the answer's bytes.
func RecordStamps(ctx context.Context) (context.Context, *Readings) {
	ctx, r := Record(ctx)
	r.stamps = true
	return ctx, r
}

// Stamp gives the instant that an answer speaks of, in UTC; one that is being recorded with
// stamps may speak of one alone.
func Stamp(ctx context.Context, at time.Time) time.Time {
	r, ok := ctx.Value(recorderKey{}).(*Readings)
	if !ok || !r.stamps {
		return at.UTC()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stamped.IsZero() && !r.stamped.Equal(at) {
		r.once = true
	}
	r.stamped = at.UTC()
	return at.In(stamped)
}

// IsStamp reports whether an instant was stamped.
func IsStamp(at time.Time) bool { return at.Location() == stamped }

// Stamped is the instant that was; zero if none was.
func (r *Readings) Stamped() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stamped
}
