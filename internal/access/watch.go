package access

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// recheckWithin bounds asking the database about one principal.
const recheckWithin = 5 * time.Second

// pace is the least time between two rounds of asking: who is told of many changes asks once for
// all of them.
const pace = 500 * time.Millisecond

// changedLately is longer than any request takes from looking its principal up to watching it.
const changedLately = time.Minute

// Recheck asks the database again who a principal is now. Its UNAUTHENTICATED fault says
// that they are nobody any more.
type Recheck func(ctx context.Context) (Principal, error)

// ErrChanged ends what was begun with other rights than the caller has now: whoever comes
// again gets what they may have.
var ErrChanged = fault.New(fault.Unavailable, "Your rights have changed. Connect again.")

// ErrExpired ends what was begun with a token whose time is over.
var ErrExpired = fault.New(fault.Forbidden, "The token has expired. Connect again with a fresh one.")

// Watcher ends what was begun by a principal once that is revoked, or may do something
// else than before. It hears of changes by Changed and Gap, and asks the database what
// they were.
type Watcher struct {
	forget func() // drops what authenticators believe
	logger *slog.Logger
	wake   chan struct{}

	mu       sync.Mutex
	watched  map[identity]*watched
	due      map[concern]bool
	everyone bool
	changed  map[concern]time.Time // what changed lately
	gapAt    time.Time             // when anything may have
}

// identity is what makes two principals one: they would be rechecked alike.
type identity struct {
	id, login uuid.UUID
	scope     string
	expires   int64
}

// concern is what a change can be about: one key or session, or all of a tenant.
type concern struct {
	id     uuid.UUID
	tenant tenant.ID
}

// watched is a principal at work. Its ends belong to the watcher's mutex.
type watched struct {
	Principal
	recheck Recheck
	ends    map[*func(error)]struct{}
}

// concerns lists what changes of a principal's rights are about.
func (p Principal) concerns() [2]concern {
	return [2]concern{{id: p.ID}, {tenant: p.Tenant}}
}

// NewWatcher makes a watcher; Run does the work. forget is called before anything is
// asked, and drops what is remembered of principals.
func NewWatcher(forget func(), logger *slog.Logger) *Watcher {
	return &Watcher{
		forget: forget, logger: logger, wake: make(chan struct{}, 1),
		watched: map[identity]*watched{}, due: map[concern]bool{}, changed: map[concern]time.Time{},
	}
}

// Watch calls end, until ctx ends, with the reason: an UNAUTHENTICATED fault when the principal
// is revoked, ErrChanged when their rights have changed, ErrExpired when their time is over. end
// must not block, nor call the watcher.
func (w *Watcher) Watch(ctx context.Context, p Principal, recheck Recheck, end func(cause error)) {
	key := identity{p.ID, p.Login, p.Scope(), p.Expires.UnixMicro()}
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.watched[key]
	if k == nil {
		k = &watched{p, recheck, map[*func(error)]struct{}{}}
		w.watched[key] = k
	}
	k.ends[&end] = struct{}{}
	for _, c := range p.concerns() {
		if _, lately := w.changed[c]; lately || time.Since(w.gapAt) < changedLately {
			// It may have been looked up before that change, and be watched only now.
			w.due[c] = true
			w.poke()
		}
	}
	stop := expire(p.Expires, end)
	context.AfterFunc(ctx, func() {
		stop()
		w.leave(key, &end)
	})
}

// expire calls end at an instant, unless the returned function is called before.
func expire(at time.Time, end func(error)) (stop func() bool) {
	if at.IsZero() {
		return func() bool { return true }
	}
	return time.AfterFunc(time.Until(at), func() { end(ErrExpired) }).Stop
}

func (w *Watcher) leave(key identity, end *func(error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if k := w.watched[key]; k != nil {
		delete(k.ends, end)
		if len(k.ends) == 0 {
			delete(w.watched, key)
		}
	}
}

// Changed tells the watcher what has changed. It does not block.
func (w *Watcher) Changed(t topic.Topic) {
	switch t.Subject {
	case topic.APIKey, topic.Session:
		if id, err := uuid.Parse(t.Key); err == nil {
			w.note(concern{id: id})
		}
	case topic.Role, topic.Member, topic.Gate:
		w.note(concern{tenant: t.Tenant})
	}
}

func (w *Watcher) note(c concern) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due[c] = true
	w.forgetChanges()
	w.changed[c] = time.Now()
	w.poke()
}

// forgetChanges drops the changes that nobody can have been looked up before. The caller
// holds mu.
func (w *Watcher) forgetChanges() {
	for c, at := range w.changed {
		if time.Since(at) > changedLately {
			delete(w.changed, c)
		}
	}
}

// Gap says that changes may have been missed. It does not block.
func (w *Watcher) Gap() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.everyone, w.gapAt = true, time.Now()
	w.poke()
}

func (w *Watcher) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run asks about those whose rights changed, until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
			w.recheck(ctx)
		}
		select { // changes that come meanwhile are asked about together
		case <-ctx.Done():
			return nil
		case <-time.After(pace):
		}
	}
}

func (w *Watcher) recheck(ctx context.Context) {
	w.forget()
	for key, k := range w.takeDue() {
		now, err := k.ask(ctx)
		f, _ := fault.Of(err)
		switch {
		case err == nil && now.Self() == k.Self() && !now.sooner(k.Principal):
		case err == nil:
			w.end(key, ErrChanged)
		case f.Code == fault.Unauthenticated:
			w.end(key, f)
		case ctx.Err() == nil:
			// Not known to be revoked: it is asked about again.
			w.logger.WarnContext(ctx, "a caller's rights could not be checked", "error", err)
			time.AfterFunc(time.Second, func() { w.note(concern{id: k.ID}) })
		}
	}
}

// sooner reports whether a principal now expires before they did, as a key does that was
// rotated.
func (p Principal) sooner(than Principal) bool {
	return !p.Expires.IsZero() && (than.Expires.IsZero() || p.Expires.Before(than.Expires))
}

func (k *watched) ask(ctx context.Context) (Principal, error) {
	ctx, cancel := context.WithTimeout(ctx, recheckWithin)
	defer cancel()
	return k.recheck(ctx)
}

func (w *Watcher) takeDue() map[identity]*watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	due := map[identity]*watched{}
	for key, k := range w.watched {
		for _, c := range k.concerns() {
			if w.everyone || w.due[c] {
				due[key] = k
			}
		}
	}
	w.everyone = false
	clear(w.due)
	return due
}

func (w *Watcher) end(key identity, cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if k := w.watched[key]; k != nil {
		for end := range k.ends {
			(*end)(cause)
		}
	}
}
