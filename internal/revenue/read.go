package revenue

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// dimensions are what revenue can be told and filtered by.
var dimensions = []metric.DimensionKind{metric.ByAccount, metric.ByPlan, metric.ByCurrency, metric.ByBillingInterval, metric.ByAccountTrait}

// columns name those of a fold, in their order.
var columns = [foldColumns]string{
	colStart: "start", colNew: "new", colExpansion: "expansion", colContraction: "contraction", colChurn: "churn",
	colReactivation: "reactivation", colFX: "fx", colEnd: "end",
	colCustomersStart: "customers_start", colCustomersEnd: "customers_end", colCustomersNew: "customers_new",
	colCustomersChurned: "customers_churned", colCustomersReactivated: "customers_reactivated",
	colKeptNet: "kept_net", colKeptGross: "kept_gross",
}

// movements reads what MRR came to and how it moved. A customer who changes plans goes up in one
// and down in the other, so what went up in all plans is more than what went up.
var movements = &metric.Reader{
	Name: "mrr", Columns: columns[:], Dimensions: dimensions, History: true, Clock: true,
	Adds: []string{"start", "new", "churn", "reactivation", "fx", "end"},
	Read: readMovements, List: listCustomers,
}

// churnHistory reads what part of the customers left in each of the last six complete months.
var churnHistory = &metric.Reader{
	Name: "customer_churn_history", Columns: []string{meanChurn}, Dimensions: dimensions, History: true, Null: true, Clock: true, Read: readChurnHistory,
}

const (
	meanChurn       = "mean_customer_churn"
	monthsOfHistory = 6
)

// trialCounts reads trials, by the subscriptions that were tried.
var trialCounts = &metric.Reader{
	Name: "trials", Columns: trialColumns, Dimensions: dimensions, History: true, Clock: true, Adds: trialColumns,
	Read: readTrials, List: listTrials,
}

var trialColumns = []string{"trials_started", "trials_ended", "trials_converted"}

// sight is what a grid sees: movements as they were to be seen at one instant, and known at
// another.
type sight struct {
	metric.Grid
	seen, known time.Time
	past        bool
}

func sightOf(g metric.Grid) sight {
	at, past := g.AsOf()
	s := sight{g, at, never, past}
	if past {
		s.known = at
	}
	return s
}

// reading is what was read for a grid.
type reading struct {
	opening, rows []row
	sources       metric.Sources
}

// note says that the answer depends on revenue, and until when it holds if nobody says anything.
func (s sight) note(ctx context.Context, db dbsqlc.DBTX) error {
	topic.Note(ctx, topic.All(s.Tenant(), topic.Revenue))
	if s.past {
		return nil
	}
	return NoteNextChange(ctx, db, &s.seen)
}

// read finds what stood as a time began, and what moved in it.
func (s sight) read(ctx context.Context, db dbsqlc.DBTX, from, to time.Time) (r reading, err error) {
	queries, since := dbsqlc.New(), event.Earliest
	if !s.past { // what is materialized knows nothing of what was known
		rows, err := queries.MrrOpening(ctx, db, s.Home().DateOf(from))
		if err != nil {
			return r, fmt.Errorf("read opening: %w", err)
		}
		for _, o := range rows {
			if since = s.Home().StartOf(o.Day); o.AccountID != 0 {
				r.opening = append(r.opening, row{Part: Part{Leaf{o.SubscriptionID, o.PlanID, o.Currency}, o.Amount}, account: o.AccountID})
			}
			r.sources |= metric.Materialized
		}
	}
	stood, err := queries.MrrStanding(ctx, db, dbsqlc.MrrStandingParams{Since: since, Before: from, SeenAt: s.seen, KnownAt: s.known})
	if err != nil {
		return r, fmt.Errorf("read standing: %w", err)
	}
	for _, o := range stood {
		r.opening = append(r.opening, row{Part: Part{Leaf{o.SubscriptionID, o.PlanID, o.Currency}, o.Amount}, account: o.AccountID})
	}
	r.opening = together(r.opening)
	moved, err := queries.MrrMovementListOfRange(ctx, db, dbsqlc.MrrMovementListOfRangeParams{Since: from, Before: to, SeenAt: s.seen, KnownAt: s.known})
	if err != nil {
		return r, fmt.Errorf("read movements: %w", err)
	}
	for _, m := range moved {
		r.rows = append(r.rows, row{Part{Leaf{m.SubscriptionID, m.PlanID, m.Currency}, m.Amount}, m.At.UTC(), m.AccountID, Kind(m.Kind)})
	}
	if len(stood)+len(moved) > 0 || r.sources == 0 {
		r.sources |= metric.Raw
	}
	return r, nil
}

// together adds up what leaves stood at as a quarter began and what moved since. One that has come
// to nothing is none: else who left would be in a group because a quarter is materialized.
func together(rows []row) (stood []row) {
	type of struct {
		account int64
		Leaf
	}
	sums := map[of]int64{}
	for _, r := range rows {
		sums[of{r.account, r.Leaf}] += r.Amount
	}
	for _, r := range rows {
		key := of{r.account, r.Leaf}
		if sums[key] != 0 {
			stood = append(stood, row{Part: Part{r.Leaf, sums[key]}, account: r.account})
		}
		delete(sums, key)
	}
	return stood
}

// rates finds the quotes that the rows need on the days of a range.
func (s sight) rates(ctx context.Context, db dbsqlc.DBTX, r reading, from, to time.Time) (*Rates, error) {
	needed := map[string]bool{s.Currency(): true}
	for _, list := range [][]row{r.opening, r.rows} {
		for _, row := range list {
			needed[row.Currency] = true
		}
	}
	quotes, err := quotesOf(ctx, db, slices.Sorted(maps.Keys(needed)), s.known, s.Home().DateOf(from)-1, s.Home().DateOf(to))
	s.noteAhead(ctx, quotes)
	return NewRates(quotes), err
}

// noteAhead says that the answer holds until the first day that a rate is known for ahead.
func (s sight) noteAhead(ctx context.Context, quotes []Quote) {
	if s.past {
		return
	}
	today := s.Home().DateOf(s.seen.Add(-time.Microsecond))
	for _, q := range quotes {
		if q.Day > today {
			topic.NoteUntil(ctx, s.Home().StartOf(q.Day))
		}
	}
}

// span is the time that the buckets take up.
func span(buckets []calendar.Bucket) (from, to time.Time) {
	return buckets[0].Start, buckets[len(buckets)-1].End
}

// gathered is what a fold needs.
type gathered struct {
	reading
	rates  *Rates
	sorter *sorter
}

// gather reads all that figures of a time are folded of.
func (s sight) gather(ctx context.Context, db dbsqlc.DBTX, from, to time.Time) (all gathered, err error) {
	if all.reading, err = s.read(ctx, db, from, to); err != nil {
		return all, err
	}
	if all.rates, err = s.rates(ctx, db, all.reading, from, to); err != nil {
		return all, err
	}
	all.sorter, err = s.sorter(ctx, db, all.opening, all.rows)
	return all, err
}

// fold is an empty one.
func (g gathered) fold(s sight) *fold {
	return &fold{home: s.Home(), now: s.seen, currency: s.Currency(), rates: g.rates, group: g.sorter.group}
}

func readMovements(ctx context.Context, db dbsqlc.DBTX, g metric.Grid) (*metric.Table, error) {
	s := sightOf(g)
	if err := s.note(ctx, db); err != nil {
		return nil, err
	}
	from, to := span(g.Buckets)
	all, err := s.gather(ctx, db, from, to)
	if err != nil {
		return nil, err
	}
	f := all.fold(s)
	if err := f.run(all.opening, all.rows, g.Buckets); err != nil {
		return nil, err
	}
	t := metric.NewTable(g, columns[:]...)
	t.Sources = all.sources
	all.sorter.fill(t, len(f.cells), func(group int, column string) []float64 {
		values := make([]float64, len(g.Buckets))
		for b := range values {
			values[b] = float64(f.cells[group][b][slices.Index(columns[:], column)])
		}
		return values
	})
	return t, nil
}

// readChurnHistory counts month by month, in the zone that was asked for, from six months before
// the first bucket ends.
func readChurnHistory(ctx context.Context, db dbsqlc.DBTX, g metric.Grid) (*metric.Table, error) {
	s := sightOf(g)
	if err := s.note(ctx, db); err != nil {
		return nil, err
	}
	grid := calendar.Grid{Zone: g.Zone, Interval: calendar.Month}
	first, last := g.Buckets[0].End, g.Buckets[len(g.Buckets)-1].End
	from, to := grid.Add(first, -monthsOfHistory), grid.Floor(last)
	if from.Before(event.Earliest) {
		from = event.Earliest
	}
	if end := grid.Floor(s.seen); end.Before(to) {
		to = end // complete months alone
	}
	t := metric.NewTable(g, meanChurn)
	months, err := grid.Buckets(from, to, maxMonths)
	if err != nil {
		return nil, err
	}
	if len(months) == 0 {
		t.Groups, t.Columns[meanChurn] = nil, nil
		return t, nil
	}
	read, err := s.read(ctx, db, months[0].Start, to)
	if err != nil {
		return nil, err
	}
	sorter, err := s.sorter(ctx, db, read.opening, read.rows)
	if err != nil {
		return nil, err
	}
	f := &fold{home: g.Home(), now: s.seen, counting: true, group: sorter.group}
	if err := f.run(read.opening, read.rows, months); err != nil {
		return nil, err
	}
	t.Sources = read.sources
	sorter.fill(t, len(f.cells), func(group int, _ string) []float64 {
		values := make([]float64, len(g.Buckets))
		for i, b := range g.Buckets {
			values[i] = meanOfMonths(f.cells[group], months, b.End)
		}
		return values
	})
	return t, nil
}

const maxMonths = 1_300 // those of all the years that there are

// trialing is what is known of the trials of a time.
type trialing struct {
	list     []dbsqlc.TrialListOfRangeRow
	sorter   *sorter
	from, to time.Time // what lies ahead has not happened
}

// trials reads those that began or ended in the time of the grid.
func (s sight) trials(ctx context.Context, db dbsqlc.DBTX) (found trialing, err error) {
	found.from, found.to = span(s.Buckets)
	if end := s.seen.Add(time.Microsecond); end.Before(found.to) {
		found.to = end
	}
	found.list, err = dbsqlc.New().TrialListOfRange(ctx, db, dbsqlc.TrialListOfRangeParams{Since: found.from, Before: found.to, KnownAt: s.known})
	if err != nil {
		return found, fmt.Errorf("read trials: %w", err)
	}
	rows := make([]row, len(found.list))
	for i, r := range found.list {
		rows[i] = row{Part: Part{Leaf: Leaf{r.SubscriptionID, r.PlanID, r.Currency}}, account: r.AccountID}
	}
	found.sorter, err = s.sorter(ctx, db, rows)
	return found, err
}

func readTrials(ctx context.Context, db dbsqlc.DBTX, g metric.Grid) (*metric.Table, error) {
	s := sightOf(g)
	if err := s.note(ctx, db); err != nil {
		return nil, err
	}
	tried, err := s.trials(ctx, db)
	if err != nil {
		return nil, err
	}
	sorter := tried.sorter
	sorter.largest = "trials_started"
	t := metric.NewTable(g, trialColumns...)
	t.Sources = metric.Raw
	counts := map[string]map[int][]float64{}
	add := func(column string, group int, when time.Time) {
		b, found := slices.BinarySearchFunc(g.Buckets, when, func(b calendar.Bucket, at time.Time) int { return b.Start.Compare(at) })
		if !found {
			b--
		}
		if b < 0 || !when.Before(g.Buckets[b].End) || !when.Before(tried.to) {
			return
		}
		if counts[column] == nil {
			counts[column] = map[int][]float64{}
		}
		if counts[column][group] == nil {
			counts[column][group] = make([]float64, len(g.Buckets))
		}
		counts[column][group][b]++
	}
	for _, r := range tried.list {
		group := sorter.group(r.AccountID, Leaf{r.SubscriptionID, r.PlanID, r.Currency})
		if group < 0 {
			continue
		}
		add("trials_started", group, r.StartedAt)
		if r.EndedAt != nil {
			add("trials_ended", group, *r.EndedAt)
			if r.Converted {
				add("trials_converted", group, *r.EndedAt)
			}
		}
	}
	sorter.fill(t, max(len(sorter.groups), 1), func(group int, column string) []float64 {
		if values := counts[column][group]; values != nil {
			return values
		}
		return make([]float64, len(g.Buckets))
	})
	return t, nil
}

// fill puts groups into a table: the largest, where there are too many, by the first column at
// the end of the grid.
func (s *sorter) fill(t *metric.Table, groups int, values func(group int, column string) []float64) {
	if len(s.by) == 0 || s.grid.Except != nil { // a single one
		if groups > 0 { // else the zeros that it has
			for name := range t.Columns {
				t.Columns[name] = [][]float64{values(0, name)}
			}
		}
		return
	}
	order := make([]int, len(s.groups))
	for i := range order {
		order[i] = i
	}
	if len(order) > metric.MaxGroups {
		size := func(g int) float64 { v := values(g, s.largest); return v[len(v)-1] }
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(size(b), size(a)) })
		order = order[:metric.MaxGroups]
	}
	t.Groups = nil
	for name := range t.Columns {
		t.Columns[name] = nil
	}
	for _, g := range order {
		t.Groups = append(t.Groups, s.groups[g])
		for name := range t.Columns {
			t.Columns[name] = append(t.Columns[name], values(g, name))
		}
	}
}
