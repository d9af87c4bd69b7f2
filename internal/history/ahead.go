package history

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/tenant"
)

const (
	pace        = 2 * time.Second  // between two looks at what has changed
	freshWithin = 30 * time.Second // for one tenant
	inUse       = 10 * time.Minute // whose histories nobody has asked for so long are left as they are
)

// Changed says that people of a tenant did something. Where its histories are in use, Run brings
// them up to date before anybody asks.
func (s *Store) Changed(id tenant.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.tenants[id]; k != nil && time.Since(k.asked) < inUse {
		s.mark(id)
	}
}

// Gap says that changes may have been missed, of any tenant.
func (s *Store) Gap() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, k := range s.tenants {
		if time.Since(k.asked) < inUse {
			s.mark(id)
		}
	}
}

// mark has a tenant looked at. The caller holds mu.
func (s *Store) mark(id tenant.ID) {
	s.behind[id] = struct{}{}
	select {
	case s.wake <- struct{}{}:
	default: // it is awake
	}
}

// Run brings histories up to date behind their changes, until ctx ends.
func (s *Store) Run(ctx context.Context, logger *slog.Logger) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
		for _, id := range s.takeBehind() {
			if err := s.freshen(ctx, id); err != nil && ctx.Err() == nil {
				// Whoever asks next does it, and is told.
				logger.WarnContext(ctx, "histories were not brought up to date", "tenant", id.String(), "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pace):
		}
	}
}

func (s *Store) takeBehind() (ids []tenant.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.behind {
		ids = append(ids, id)
	}
	clear(s.behind)
	return ids
}

// freshen brings a tenant's histories up to date, if they are there: what is away is read when
// somebody asks.
func (s *Store) freshen(ctx context.Context, id tenant.ID) error {
	s.mu.Lock()
	k := s.tenants[id]
	s.mu.Unlock()
	if _, there := k.head(); !there {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, freshWithin)
	defer cancel()
	err := s.app.Read(ctx, id, func(tx pgx.Tx) error {
		if err := k.refresh(ctx, tx, Persons, nil); err != nil {
			return err
		}
		k.reading.RUnlock()
		return nil
	})
	if errors.Is(err, ErrAway) {
		return nil
	}
	return err
}
