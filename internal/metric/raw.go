package metric

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// What rollups and presence cannot tell is read from single events, by statements of one text
// each: filters and dimensions come as SQL/JSON paths. Who sees some rows alone is answered
// this way too, since nothing that was worked out of events knows of conditions.

type rawParams = dbsqlc.MeasureCountParams

// rawCell is what every statement gives: rows of one shape under several names.
type rawCell = dbsqlc.MeasureCountRow

func (m Measure) readRaw(ctx context.Context, db dbsqlc.DBTX, g Grid) (*Table, error) {
	filter := both(m.Filter, g.Filter)
	p, some, err := g.rawParams(filter, m.Types)
	if err != nil {
		return nil, err
	}
	g.noteTraits(ctx, filter)
	p.Activity = m.Types == nil && (m.Aggregation == UniqueUsers || m.Aggregation == UniqueAccounts)
	p.People = m.Aggregation == UniqueUsers
	if m.Property != "" {
		path := Dimension{ByProperty, m.Property}.Path()
		p.NumberPath = &path
	}
	var cells []rawCell
	if some {
		if cells, err = m.readCells(ctx, db, p); err != nil {
			return nil, fmt.Errorf("measure events: %w", err)
		}
	}
	return g.rawTable(cells, m.absent())
}

func (m Measure) readCells(ctx context.Context, db dbsqlc.DBTX, p rawParams) ([]rawCell, error) {
	queries := dbsqlc.New()
	switch m.Aggregation {
	case Count:
		return queries.MeasureCount(ctx, db, p)
	case UniqueUsers:
		return cellsOf(queries.MeasureUsers(ctx, db, dbsqlc.MeasureUsersParams(p)))
	case UniqueAccounts:
		return cellsOf(queries.MeasureAccounts(ctx, db, dbsqlc.MeasureAccountsParams(p)))
	case Percentile:
		return cellsOf(queries.MeasurePercentile(ctx, db, dbsqlc.MeasurePercentileParams{
			Fraction: m.Percentile, OnlyKeys: p.OnlyKeys, ButKeys: p.ButKeys, RangeFrom: p.RangeFrom, RangeTo: p.RangeTo,
			Edges: p.Edges, Places: p.Places, Types: p.Types, Activity: p.Activity, AsOf: p.AsOf,
			OfProperties: p.OfProperties, OfAll: p.OfAll, Parts: p.Parts, Kinds: p.Kinds, Paths: p.Paths,
			NumberPath: p.NumberPath, People: p.People, Traits: p.Traits, Accounts: p.Accounts, Cohorts: p.Cohorts, Most: p.Most,
		}))
	}
	return cellsOf(queries.MeasureNumbers(ctx, db, dbsqlc.MeasureNumbersParams{
		Aggregation: string(m.Aggregation), OnlyKeys: p.OnlyKeys, ButKeys: p.ButKeys, RangeFrom: p.RangeFrom, RangeTo: p.RangeTo,
		Edges: p.Edges, Places: p.Places, Types: p.Types, Activity: p.Activity, AsOf: p.AsOf,
		OfProperties: p.OfProperties, OfAll: p.OfAll, Parts: p.Parts, Kinds: p.Kinds, Paths: p.Paths,
		NumberPath: p.NumberPath, People: p.People, Traits: p.Traits, Accounts: p.Accounts, Cohorts: p.Cohorts, Most: p.Most,
	}))
}

func cellsOf[Row ~struct {
	Bucket pgtype.Int4
	Keys   []byte
	Value  pgtype.Float8
}](rows []Row, err error) ([]rawCell, error) {
	cells := make([]rawCell, len(rows))
	for i, r := range rows {
		cells[i] = rawCell(r)
	}
	return cells, err
}

// rawParams are what the grid asks for, of events of some types that pass a filter. False where
// no bucket has anything in it, or no event can pass.
func (g Grid) rawParams(filter *Filter, types []string) (p rawParams, some bool, err error) {
	how := planOf(filter, types)
	p = rawParams{
		Types: how.types, OfProperties: how.properties, OfAll: how.all, Parts: how.parts,
		Accounts: slices.Contains(how.parts, string(ByAccountTrait)), Traits: g.traits(filter), Cohorts: cohortsOf(filter, g.By), Most: MaxGroups,
	}
	if asOf, is := g.AsOf(); is {
		p.AsOf = &asOf
	}
	for _, d := range g.By {
		p.Kinds, p.Paths = append(p.Kinds, string(d.Kind)), append(p.Paths, d.Path())
		p.Accounts = p.Accounts || d.Kind == ByAccountTrait
	}
	if p.OnlyKeys, err = keysOf(g.Only); err != nil {
		return p, false, err
	}
	if p.ButKeys, err = keysOf(g.Except); err != nil {
		return p, false, err
	}
	p.Edges, p.Places = g.edges()
	if len(p.Edges) == 0 || p.Types != nil && len(p.Types) == 0 {
		return p, false, nil
	}
	p.RangeFrom, p.RangeTo = p.Edges[0], p.Edges[len(p.Edges)-1]
	return p, true, nil
}

// edges are where the buckets that have anything in them begin and end, in order, and the
// bucket that each edge begins; none where there is a gap.
func (g Grid) edges() (edges []time.Time, places []int32) {
	const gap = -1
	for i, b := range g.Buckets {
		if !b.Start.Before(b.End) {
			continue
		}
		if n := len(edges); n > 0 && edges[n-1].Equal(b.Start) {
			edges, places = edges[:n-1], places[:n-1]
		}
		edges, places = append(edges, b.Start, b.End), append(places, int32(i), gap)
	}
	return edges, places
}

// keysOf writes groups as the statements take them: by three keys each.
func keysOf(groups [][]*string) ([]byte, error) {
	if groups == nil {
		return nil, nil
	}
	padded := make([][maxDimensions]*string, len(groups))
	for i, group := range groups {
		copy(padded[i][:], group)
	}
	text, err := json.Marshal(padded)
	if err != nil {
		return nil, fmt.Errorf("write groups: %w", err)
	}
	return text, nil
}

// traits are the names of the traits of users that a grid asks for: of each the first name of
// its path, which is the trait itself.
func (g Grid) traits(filter *Filter) (names []string) {
	add := func(d Dimension) {
		if name, _, _ := strings.Cut(d.Name, "."); d.Kind == ByUserTrait && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	filter.walk("", func(_ string, c *Condition) { add(c.Dimension) })
	for _, d := range g.By {
		add(d)
	}
	return names
}

// noteTraits says that the answer depends on what is known of people and accounts, or on who is
// in cohorts, if it does.
func (g Grid) noteTraits(ctx context.Context, filter *Filter) {
	kinds := filter.kinds()
	for _, d := range g.By {
		kinds = append(kinds, d.Kind)
	}
	if slices.Contains(kinds, ByUserTrait) {
		topic.Note(ctx, topic.All(g.tenant, topic.Person))
	}
	if slices.Contains(kinds, ByAccountTrait) {
		topic.Note(ctx, topic.All(g.tenant, topic.Account))
	}
	for _, id := range cohortsOf(filter, g.By) {
		topic.Note(ctx, topic.All(g.tenant, topic.Grouping)) // their members are kept by identity
		topic.Note(ctx, topic.Exactly(g.tenant, topic.Cohort, strconv.FormatInt(id, 10)))
	}
}

// rawTable makes a table of what the statements found. Without groups, and where all but some
// are put together, there is one of no keys in any case.
func (g Grid) rawTable(cells []rawCell, absent float64) (*Table, error) {
	t := &Table{Columns: map[string][][]float64{measured: {}}, Sources: Raw, Exact: !g.start().Before(g.rawSince)}
	if len(g.By) == 0 || g.Except != nil {
		t.add([]*string{}, len(g.Buckets), absent)
	}
	at := places(t.Groups)
	for _, c := range cells {
		keys, err := g.keys(c)
		if err != nil {
			return t, err
		}
		key := groupKey(keys)
		if !has(at, key) {
			at[key] = len(t.Groups)
			t.add(keys, len(g.Buckets), absent)
		}
		t.Columns[measured][at[key]][c.Bucket.Int32] = c.Value.Float64
	}
	return t, nil
}

// keys reads a group's keys, of which the statements give three where there are any.
func (g Grid) keys(c rawCell) (keys []*string, err error) {
	if err := json.Unmarshal(c.Keys, &keys); err != nil {
		return nil, fmt.Errorf("read the keys of a group: %w", err)
	}
	return keys[:min(len(keys), len(g.By))], nil
}

func (t *Table) add(keys []*string, buckets int, absent float64) {
	row := make([]float64, buckets)
	for i := range row {
		row[i] = absent
	}
	t.Groups, t.Columns[measured] = append(t.Groups, keys), append(t.Columns[measured], row)
}

// start is where the first bucket begins that has anything in it.
func (g Grid) start() time.Time {
	for _, b := range g.Buckets {
		if b.Start.Before(b.End) {
			return b.Start
		}
	}
	return g.From
}
