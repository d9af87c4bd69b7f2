package metric

import (
	"context"
	"fmt"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

var (
	eventCounts = Measure{Aggregation: Count}.Reader()
	activeUsers = Measure{Aggregation: UniqueUsers}.Reader()
	newUsers    = &Reader{
		Name: "new_users", Columns: []string{measured}, Adds: []string{measured},
		Dimensions: eventDimensions, History: true, Read: readNewUsers, List: listNewUsers,
		daily: newUsersByDays,
	}
)

// Builtin are the metrics of events and users.
func Builtin() []*Definition {
	list := []*Definition{
		{
			Key: "events", Name: "Events", Unit: UnitEvents, Direction: UpIsGood, Additive: true,
			Description: "How many events happened: each message counts once, however often it was sent.",
			Formula:     "count(events)",
			Needs:       []Column{{eventCounts, measured}},
		},
		{
			Key: "active_users", Name: "Active users", Unit: UnitUsers, Direction: UpIsGood,
			Description: "How many distinct users did at least one event. Somebody active in two buckets is in both, and once in their total.",
			Formula:     "count(distinct user)",
			Needs:       []Column{{activeUsers, measured}},
			Entities:    &Entities{People, Column{activeUsers, measured}},
		},
		{
			Key: "new_users", Name: "New users", Unit: UnitUsers, Direction: UpIsGood, Additive: true,
			Description: "How many users did the first event of their life; with a filter, the first that it lets through.",
			Formula:     "count(user) by the user's first event",
			Needs:       []Column{{newUsers, measured}},
			Entities:    &Entities{People, Column{newUsers, measured}},
		},
	}
	list = append(list, ofUsers()...)
	for _, d := range list {
		d.Permission, d.Version = access.ReadMetrics, 1
	}
	return list
}

// newUsersByDays is the way to count by days, or nil if that cannot answer.
func newUsersByDays(g Grid) *daily {
	if g.Plain() {
		return dailyNewUsers
	}
	return nil
}

// readNewUsers counts users by their first event: where all count, its instant is kept, and
// else it is the first of their life that does.
func readNewUsers(ctx context.Context, db dbsqlc.DBTX, g Grid) (*Table, error) {
	if d := newUsersByDays(g); d != nil {
		return d.read(ctx, db, g, measured)
	}
	p, some, err := g.rawParams(g.Filter, nil)
	if err != nil {
		return nil, err
	}
	g.noteTraits(ctx, g.Filter)
	g.noteLife(ctx)
	p.Activity, p.People, p.RangeFrom = true, true, earliest
	var cells []rawCell
	if some {
		if cells, err = cellsOf(dbsqlc.New().MeasureNewUsers(ctx, db, dbsqlc.MeasureNewUsersParams(p))); err != nil {
			return nil, fmt.Errorf("find first events: %w", err)
		}
	}
	t, err := g.rawTable(cells, 0)
	if err == nil {
		t.Exact = g.RawSince() == nil
	}
	return t, err
}
