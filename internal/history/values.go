package history

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Source is what each event has a value of: its source, or what a path of SQL/JSON leads to in
// its properties or its context.
type Source struct {
	Kind string // SOURCE, PROPERTY or CONTEXT
	Path string
}

// Need is a source whose values are asked for, of events of some types.
type Need struct {
	Source
	Types []string // nil: of all
}

// unread is the code of a value that was not read yet.
const unread = math.MaxUint32

// maxValues is how many sources the values are kept of, of one tenant.
const maxValues = 32

// Values are what events have of a source. Equal values have one code; 0 is none, or a null.
type Values struct {
	Dictionary
	Judged
	codes []uint32          // by row
	from  map[uint16]uint32 // of each type that was asked for: rows before have been read
	used  int
}

// Code is the value of a row's event, which has to be of a type that was asked for.
func (v *Values) Code(row uint32) uint32 { return v.codes[row] }

// Dictionary numbers values as they come. They are JSON.
type Dictionary struct {
	texts []string
	at    map[string]uint32
}

// NewDictionary makes one with nothing in it but the null, whose number is 0.
func NewDictionary() Dictionary {
	return Dictionary{texts: []string{"null"}, at: map[string]uint32{"null": 0}}
}

// Add gives the number of a value.
func (d *Dictionary) Add(text string) uint32 {
	code, ok := d.at[text]
	if !ok {
		code = uint32(len(d.texts)) //nolint:gosec // bounded by the rows
		d.at[text], d.texts = code, append(d.texts, text)
	}
	return code
}

// Texts lists the values by number. It is only added to.
func (d *Dictionary) Texts() []string { return d.texts }

// Values are those of a source; nil: nobody has asked for them.
func (c *Columns) Values(of Source) *Values { return c.values[of] }

// pending are the rows of some types whose values are not read yet.
func (c *Columns) pending(v *Values, types []uint16) (rows []uint32) {
	first := uint32(math.MaxUint32)
	wanted := make([]bool, len(c.typeNames))
	for _, t := range types {
		wanted[t] = true
		first = min(first, v.from[t])
	}
	for row := first; int(row) < len(c.types); row++ {
		if wanted[c.types[row]] && v.codes[row] == unread {
			rows = append(rows, row)
		}
	}
	return rows
}

// want gives the values of a source room for all rows, and finds those that are to be read.
func (c *Columns) want(n Need) (v *Values, rows []uint32, types []uint16) {
	v = c.values[n.Source]
	if v == nil {
		c.makeRoomForValues()
		v = &Values{Dictionary: NewDictionary(), from: map[uint16]uint32{}}
		c.values[n.Source] = v
	}
	c.valueUses++
	v.used = c.valueUses
	if more := len(c.types) - len(v.codes); more > 0 {
		v.codes = slices.Grow(v.codes, more)
		for range more {
			v.codes = append(v.codes, unread)
		}
	}
	for code, name := range c.typeNames {
		if n.Types == nil || slices.Contains(n.Types, name) {
			types = append(types, uint16(code)) //nolint:gosec // bounded by maxTypes
		}
	}
	return v, c.pending(v, types), types
}

// makeRoomForValues forgets the values that were asked for longest ago.
func (c *Columns) makeRoomForValues() {
	for len(c.values) >= maxValues {
		var oldest Source
		for s, v := range c.values {
			if o := c.values[oldest]; o == nil || v.used < o.used {
				oldest = s
			}
		}
		delete(c.values, oldest)
	}
}

// resort puts values into a new order of the rows.
func (v *Values) resort(order []uint32) {
	whole := len(v.codes) == len(order)
	for len(v.codes) < len(order) {
		v.codes = append(v.codes, unread)
	}
	v.codes = pick(v.codes, order)
	for t, from := range v.from {
		if !whole || int(from) < len(order) {
			v.from[t] = 0
		}
	}
}

// byKeys is up to how many rows are looked up by their keys.
const byKeys = 2_000

// fill reads what is not known of a need. The caller holds the turn, or has the columns alone;
// change runs what changes them.
func fill(ctx context.Context, tx pgx.Tx, c *Columns, n Need, change func(func())) error {
	var v *Values
	var rows []uint32
	var types []uint16
	change(func() { v, rows, types = c.want(n) })
	if len(rows) == 0 {
		return nil
	}
	read := readByKeys
	if len(rows) > byKeys {
		read = readInRange
	}
	found, err := read(ctx, tx, c, n, rows)
	if err != nil {
		return fmt.Errorf("read values of histories: %w", err)
	}
	change(func() {
		for i, row := range rows {
			v.codes[row] = v.Add(found[i])
		}
		for _, t := range types {
			v.from[t] = uint32(len(v.codes)) //nolint:gosec // rows are counted in uint32
		}
	})
	return nil
}

func readByKeys(ctx context.Context, tx pgx.Tx, c *Columns, n Need, rows []uint32) ([]string, error) {
	of := dbsqlc.HistoryValuesByKeysParams{Kind: n.Kind, Path: n.Path}
	at := make(map[int64]int, len(rows))
	for i, row := range rows {
		of.Ats, of.Ids = append(of.Ats, time.UnixMicro(c.at[row])), append(of.Ids, c.ids[row])
		at[c.ids[row]] = i
	}
	values, err := dbsqlc.New().HistoryValuesByKeys(ctx, tx, of)
	found := nulls(len(rows))
	for _, v := range values {
		found[at[v.EventID]] = v.Value
	}
	return found, err
}

func nulls(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = "null"
	}
	return list
}

// stretch is how much time is read at once, which bounds what is held of it.
const stretch = 31 * 24 * time.Hour

func readInRange(ctx context.Context, tx pgx.Tx, c *Columns, n Need, rows []uint32) ([]string, error) {
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, row := range rows {
		first, last = min(first, c.at[row]), max(last, c.at[row])
	}
	places := make([]int, len(rows)) // of the rows, in the order of their events' numbers
	for i := range places {
		places[i] = i
	}
	slices.SortFunc(places, func(a, b int) int { return int(c.ids[rows[a]] - c.ids[rows[b]]) })
	types := n.Types
	if types == nil {
		types = c.typeNames
	}
	found, seen := nulls(len(rows)), map[string]string{"null": "null"}
	for from := time.UnixMicro(first); from.UnixMicro() <= last; from = from.Add(stretch) {
		values, err := dbsqlc.New().HistoryValuesInRange(ctx, tx, dbsqlc.HistoryValuesInRangeParams{
			Kind: n.Kind, Path: n.Path, Types: types,
			RangeFrom: from, RangeTo: calendar.Earlier(from.Add(stretch), time.UnixMicro(last+1)),
		})
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			i, ok := slices.BinarySearchFunc(places, v.EventID, func(place int, id int64) int { return int(c.ids[rows[place]] - id) })
			if ok {
				found[places[i]] = once(seen, v.Value)
			}
		}
	}
	return found, nil
}

// once gives one text for all equal ones, so that they take the room of one.
func once(seen map[string]string, text string) string {
	if known, ok := seen[text]; ok {
		return known
	}
	seen[text] = text
	return text
}

// Judged are the values of a dictionary that a condition holds for, by number. A judgement stands,
// since a number stays that of its value; values that have come since are judged when asked for.
type Judged struct {
	mu    sync.Mutex
	holds map[string][]bool
}

// maxJudged is how many conditions are remembered of one dictionary.
const maxJudged = 64

// Of judges all values by a predicate of SQL/JSON path. What it gives is not changed any more.
func (j *Judged) Of(ctx context.Context, tx pgx.Tx, d *Dictionary, predicate string) ([]bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	known := j.holds[predicate]
	if len(known) >= len(d.texts) {
		return known, nil
	}
	rows, err := dbsqlc.New().HistoryHolds(ctx, tx, dbsqlc.HistoryHoldsParams{Values: d.texts[len(known):], Predicate: predicate})
	if err != nil {
		return nil, fmt.Errorf("judge values: %w", err)
	}
	holds := make([]bool, len(d.texts))
	copy(holds, known)
	for _, n := range rows {
		holds[len(known)+int(n)-1] = true
	}
	if j.holds == nil || len(j.holds) >= maxJudged {
		j.holds = map[string][]bool{}
	}
	j.holds[predicate] = holds
	return holds, nil
}
