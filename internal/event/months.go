package event

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// months remembers which partitions exist, so that only the first event of a month asks.
type months struct {
	mu    sync.Mutex
	known map[calendar.Date]bool
}

// ensure makes the partitions that the events need and that are not there yet.
func (m *months) ensure(ctx context.Context, tx pgx.Tx, rows []row) error {
	missing := map[calendar.Date]bool{}
	m.mu.Lock()
	for i := range rows {
		if month := monthOf(rows[i].occurredAt); !m.known[month] {
			missing[month] = true
		}
	}
	m.mu.Unlock()
	for month := range missing {
		made, err := dbsqlc.New().EventPartitionEnsure(ctx, tx, month)
		if err != nil {
			return fmt.Errorf("ensure partition of %s: %w", month, err)
		}
		// One made in this transaction is known only once that has committed.
		if !made {
			m.remember(month)
		}
	}
	return nil
}

func (m *months) remember(month calendar.Date) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[month] = true
}

// forget has everything asked anew.
func (m *months) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.known)
}

func monthOf(t time.Time) calendar.Date {
	year, month, _ := t.UTC().Date()
	return calendar.NewDate(year, month, 1)
}
