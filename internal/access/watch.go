package access

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// recheckWithin bounds asking the database about one key.
const recheckWithin = 5 * time.Second

// changedLately is longer than any request takes from looking its key up to watching it.
const changedLately = time.Minute

// Watcher ends what was begun with a key once the key is revoked. It hears of changes by
// Changed and Gap, and asks the database what they were.
type Watcher struct {
	keys   *Authenticator
	logger *slog.Logger
	wake   chan struct{}

	mu       sync.Mutex
	watched  map[uuid.UUID]*watchedKey
	due      map[uuid.UUID]bool
	everyone bool
	changed  map[uuid.UUID]time.Time // the keys that changed lately
	gapAt    time.Time               // when any of them may have
}

// watchedKey is a key in use. Its fields but the hash belong to the watcher's mutex.
type watchedKey struct {
	hash    [32]byte
	cancels map[*context.CancelCauseFunc]struct{}
}

// NewWatcher makes a watcher; Run does the work.
func NewWatcher(keys *Authenticator, logger *slog.Logger) *Watcher {
	return &Watcher{
		keys: keys, logger: logger, wake: make(chan struct{}, 1),
		watched: map[uuid.UUID]*watchedKey{}, due: map[uuid.UUID]bool{}, changed: map[uuid.UUID]time.Time{},
	}
}

// Watch returns a context that is cancelled, with an UNAUTHENTICATED cause, when the key
// is revoked.
func (w *Watcher) Watch(ctx context.Context, p Principal, key string) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.watched[p.Key]
	if k == nil {
		k = &watchedKey{hash: hashOf(key), cancels: map[*context.CancelCauseFunc]struct{}{}}
		w.watched[p.Key] = k
	}
	k.cancels[&cancel] = struct{}{}
	if _, lately := w.changed[p.Key]; lately || time.Since(w.gapAt) < changedLately {
		// It may have been looked up before that change, and be watched only now.
		w.due[p.Key] = true
		w.poke()
	}
	context.AfterFunc(ctx, func() { w.leave(p.Key, &cancel) })
	return ctx
}

func (w *Watcher) leave(id uuid.UUID, cancel *context.CancelCauseFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if k := w.watched[id]; k != nil {
		delete(k.cancels, cancel)
		if len(k.cancels) == 0 {
			delete(w.watched, id)
		}
	}
}

// Changed says that a key, by its id, was changed in some way. It does not block.
func (w *Watcher) Changed(id string) {
	if parsed, err := uuid.Parse(id); err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.due[parsed] = true
		w.forgetChanges()
		w.changed[parsed] = time.Now()
		w.poke()
	}
}

// forgetChanges drops the changes that nobody can have looked a key up before. The caller
// holds mu.
func (w *Watcher) forgetChanges() {
	for id, at := range w.changed {
		if time.Since(at) > changedLately {
			delete(w.changed, id)
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

// Run asks about the keys that changed, until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
			w.recheck(ctx)
		}
	}
}

func (w *Watcher) recheck(ctx context.Context) {
	w.keys.Forget()
	for id, k := range w.takeDue() {
		err := w.ask(ctx, k.hash)
		if f, ok := fault.Of(err); ok && f.Code == fault.Unauthenticated {
			w.end(id, f)
			continue
		}
		if err != nil && ctx.Err() == nil {
			// Not known to be revoked: it is asked about again.
			w.logger.WarnContext(ctx, "a key could not be checked", "error", err)
			time.AfterFunc(time.Second, func() { w.Changed(id.String()) })
		}
	}
}

func (w *Watcher) ask(ctx context.Context, hash [32]byte) error {
	ctx, cancel := context.WithTimeout(ctx, recheckWithin)
	defer cancel()
	_, err := w.keys.lookUp(ctx, hash)
	return err
}

func (w *Watcher) takeDue() map[uuid.UUID]*watchedKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	due := map[uuid.UUID]*watchedKey{}
	for id, k := range w.watched {
		if w.everyone || w.due[id] {
			due[id] = k
		}
	}
	w.everyone = false
	clear(w.due)
	return due
}

func (w *Watcher) end(id uuid.UUID, cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if k := w.watched[id]; k != nil {
		for cancel := range k.cancels {
			(*cancel)(cause)
		}
	}
}
