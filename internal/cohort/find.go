package cohort

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/revenue"
)

// finding is who meets a condition at an instant, all of it from one snapshot.
type finding struct {
	tx       pgx.Tx
	settings dbsqlc.TenantGetRow
	grid     calendar.Grid // of the tenant's zone and weeks
	known    set           // everybody whom the tenant knows
	exact    bool          // no window goes back to where raw events are in the archive alone
	moves    *time.Time    // when time alone changes who it is; nil: never
	began    func() error  // told before each leaf; nil: nobody is
	within   time.Duration // in which a leaf has to be found; 0: as long as the caller lets it
	asking   []int64       // the cohorts whose conditions are being worked out
}

// newFinding reads the tenant's settings, and whom it knows.
func newFinding(ctx context.Context, tx pgx.Tx) (*finding, error) {
	f := &finding{tx: tx, exact: true}
	var err error
	if f.settings, err = dbsqlc.New().TenantGet(ctx, tx); err != nil {
		return nil, fmt.Errorf("read tenant: %w", err)
	}
	zone, err := calendar.LoadZone(f.settings.Zone)
	if err != nil {
		return nil, fmt.Errorf("load the tenant's zone: %w", err)
	}
	f.grid = calendar.Grid{Zone: zone, WeekStart: time.Weekday(f.settings.WeekStart)}
	known, err := dbsqlc.New().CohortKnownPersons(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("read who is known: %w", err)
	}
	f.known = known
	return f, nil
}

func (f *finding) now() time.Time { return f.settings.Watermark }

// find works a condition out.
func (f *finding) find(ctx context.Context, c *Condition) (set, error) {
	if at := c.moves(f.now(), f.grid); at != nil {
		f.movesAt(*at)
	}
	return f.tree(ctx, c)
}

func (f *finding) movesAt(at time.Time) {
	if f.moves == nil || at.Before(*f.moves) {
		f.moves = &at
	}
}

func (f *finding) tree(ctx context.Context, c *Condition) (found set, err error) {
	switch {
	case c.Not != nil:
		found, err = f.tree(ctx, c.Not)
		return f.known.but(found), err
	case c.And == nil && c.Or == nil:
		return f.leaf(ctx, c)
	}
	for i, part := range append(c.And, c.Or...) {
		these, err := f.tree(ctx, &part)
		switch {
		case err != nil:
			return nil, err
		case i == 0:
			found = these
		case c.And != nil:
			found = found.and(these)
		default:
			found = found.or(these)
		}
	}
	return found, nil
}

// leaf finds whom a leaf holds for, of those who are known.
func (f *finding) leaf(ctx context.Context, c *Condition) (found set, err error) {
	if f.began != nil {
		if err := f.began(); err != nil {
			return nil, err
		}
	}
	if f.within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.within)
		defer cancel()
	}
	switch {
	case c.Trait != nil:
		found, err = f.trait(ctx, c.Trait)
	case c.Did != nil:
		found, err = f.did(ctx, c.Did)
	case c.Stopped != nil:
		found, err = f.stopped(ctx, c.Stopped)
	case c.FirstSeen != nil:
		b := c.FirstSeen.hours(f.now(), f.grid)
		found, err = dbsqlc.New().CohortOfFirstSeen(ctx, f.tx, dbsqlc.CohortOfFirstSeenParams{RangeFrom: b.Start, RangeTo: b.End})
	case c.Cohort != nil:
		found, err = f.cohort(ctx, *c.Cohort)
	case c.Plan != nil:
		found, err = f.plan(ctx, c.Plan)
	case c.MRR != nil:
		found, err = f.mrr(ctx, c.MRR)
	case c.Health != nil:
		found, err = f.health(ctx, c.Health)
	}
	if err != nil {
		return nil, fmt.Errorf("find whom a condition holds for: %w", err)
	}
	return found.and(f.known), nil
}

func (f *finding) trait(ctx context.Context, c *metric.Condition) (found set, err error) {
	unset := c.Operator == metric.IsNotSet
	if unset { // it is everybody else, those included of whom nothing was said
		c = &metric.Condition{Dimension: c.Dimension, Operator: metric.IsSet}
	}
	if c.Dimension.Kind == metric.ByAccountTrait {
		found, err = dbsqlc.New().CohortOfAccountTrait(ctx, f.tx, c.Path())
	} else {
		found, err = dbsqlc.New().CohortOfUserTrait(ctx, f.tx, dbsqlc.CohortOfUserTraitParams{Name: c.Dimension.First(), Holds: c.Path()})
	}
	if unset {
		found = f.known.but(found)
	}
	return found, err
}

func (f *finding) did(ctx context.Context, d *Did) (set, error) {
	within := d.Within.hours(f.now(), f.grid)
	switch {
	case d.Times == AtLeast:
		return f.events(ctx, d.Events, within, d.Count, math.MaxInt64)
	case d.Times == Exactly && d.Count > 0:
		return f.events(ctx, d.Events, within, d.Count, d.Count)
	}
	more, err := f.events(ctx, d.Events, within, d.Count+1, math.MaxInt64)
	return f.known.but(more), err
}

func (f *finding) stopped(ctx context.Context, s *Stopped) (set, error) {
	before, err := f.events(ctx, s.Events, stepsBefore(s.Last, f.now(), f.grid, s.Last.Count), 1, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	lately, err := f.events(ctx, s.Events, stepsBefore(s.Last, f.now(), f.grid, 0), 1, math.MaxInt64)
	return before.but(lately), err
}

// events finds who did events at least and at most so often.
func (f *finding) events(ctx context.Context, e Events, within calendar.Bucket, least, most int) (set, error) {
	if within.Start.Before(f.settings.RawSince) && f.settings.RawSince.After(earliest) {
		f.exact = false
	}
	how := e.Filter.Conditions(e.Types)
	if how.Types != nil && len(how.Types) == 0 {
		return set{}, nil
	}
	return dbsqlc.New().CohortOfEvents(ctx, f.tx, dbsqlc.CohortOfEventsParams{
		RangeFrom: within.Start, RangeTo: within.End, Types: how.Types, Activity: e.Types == nil,
		OfProperties: how.OfProperties, OfAll: how.OfAll, Parts: how.Parts, Least: int64(least), Most: int64(most),
	})
}

// cohort finds who is in another cohort: as it was found last, or, where it was not yet, by its
// condition.
func (f *finding) cohort(ctx context.Context, id int64) (set, error) {
	rows, err := dbsqlc.New().CohortListByIDs(ctx, f.tx, []int64{id})
	if err != nil {
		return nil, fmt.Errorf("read cohort: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.Input("condition", "It asks for a cohort that was deleted.")
	}
	if rows[0].EvaluatedAt == nil {
		return f.condition(ctx, rows[0])
	}
	members, err := MembersNow(ctx, f.tx, []int64{id})
	return members[id], err
}

// condition works out the condition of a cohort that was not found yet.
func (f *finding) condition(ctx context.Context, of dbsqlc.CohortListByIDsRow) (set, error) {
	for _, id := range f.asking {
		if id == of.CohortID { // saving refuses it
			return nil, fault.Input("condition", "It asks for itself, by way of the cohort %s.", of.Name)
		}
	}
	c, err := read(of.Condition)
	if err != nil {
		return nil, err
	}
	within := *f
	within.asking, within.began = slices.Concat(f.asking, []int64{of.CohortID}), nil
	found, err := within.find(ctx, &c)
	f.exact = f.exact && within.exact
	f.moves = within.moves
	return found, err
}

func (f *finding) plan(ctx context.Context, keys []string) (set, error) {
	now := f.now()
	next, err := revenue.NextChange(ctx, f.tx, &now)
	if err != nil {
		return nil, err
	}
	if next != nil {
		f.movesAt(*next)
	}
	return dbsqlc.New().CohortOfPlans(ctx, f.tx, keys)
}

// health finds who belongs to an account in one of some bands.
func (f *finding) health(ctx context.Context, bands []health.Band) (set, error) {
	names := make([]string, len(bands))
	for i, band := range bands {
		names[i] = string(band)
	}
	return dbsqlc.New().CohortOfHealth(ctx, f.tx, names)
}

// mrr finds who belongs to an account whose MRR is as it is wanted. Accounts that come to nothing
// are those that are not told of.
func (f *finding) mrr(ctx context.Context, a *Amount) (set, error) {
	day := f.grid
	day.Interval = calendar.Day
	standing, next, err := revenue.MRROfAccounts(ctx, f.tx, a.Currency, f.now(), f.grid.Zone.DateOf(f.now()))
	if err != nil {
		return nil, err
	}
	f.movesAt(day.Next(f.now())) // there may be another rate
	if next != nil {
		f.movesAt(*next)
	}
	others := a.holds(0)
	accounts := []int64{}
	for id, amount := range standing {
		if a.holds(amount) != others {
			accounts = append(accounts, id)
		}
	}
	return dbsqlc.New().CohortOfAccounts(ctx, f.tx, dbsqlc.CohortOfAccountsParams{AccountIds: accounts, Others: others})
}
