package metric

import (
	"context"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

var (
	eventCounts = &Reader{Name: "events", Columns: []string{"events"}, Adds: []string{"events"}, Read: readEvents}
	activeUsers = &Reader{Name: "active_users", Columns: []string{"active_users"}, Read: readActiveUsers}
	newUsers    = &Reader{Name: "new_users", Columns: []string{"new_users"}, Read: readNewUsers}
)

// Builtin are the metrics of events and users.
func Builtin() []*Definition {
	list := []*Definition{
		{
			Key: "events", Name: "Events", Unit: UnitEvents, Direction: UpIsGood, Additive: true,
			Description: "How many events happened: each message counts once, however often it was sent.",
			Formula:     "count(events)",
			Needs:       []Column{{eventCounts, "events"}},
		},
		{
			Key: "active_users", Name: "Active users", Unit: UnitUsers, Direction: UpIsGood,
			Description: "How many distinct users did at least one event. Somebody active in two buckets is in both, and once in their total.",
			Formula:     "count(distinct user)",
			Needs:       []Column{{activeUsers, "active_users"}},
		},
		{
			Key: "new_users", Name: "New users", Unit: UnitUsers, Direction: UpIsGood, Additive: true,
			Description: "How many users did the first event of their life.",
			Formula:     "count(user) by the user's first event",
			Needs:       []Column{{newUsers, "new_users"}},
		},
	}
	for _, d := range list {
		d.Permission, d.Version = access.ReadMetrics, 1
	}
	return list
}

func readEvents(ctx context.Context, db dbsqlc.DBTX, g Grid) (*Table, error) {
	t, err := countEventsOf(nil).read(ctx, db, g, "events")
	t.Exact = g.Exact()
	return t, err
}

func readActiveUsers(ctx context.Context, db dbsqlc.DBTX, g Grid) (*Table, error) {
	t, err := counters{countActiveUsers, countSeenActiveUsers}.read(ctx, db, g, "active_users")
	t.Exact = g.Exact()
	return t, err
}

// readNewUsers depends on all that was before the range, but for all rows that is kept.
func readNewUsers(ctx context.Context, db dbsqlc.DBTX, g Grid) (*Table, error) {
	t, err := counters{countNewUsers, countSeenNewUsers}.read(ctx, db, g, "new_users")
	t.Exact = !g.narrowed || g.RawSince() == nil
	return t, err
}
