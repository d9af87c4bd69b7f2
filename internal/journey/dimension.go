package journey

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tidemarkhq/tidemark/internal/history"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// side is a dimension of whoever did it, or for whom: it is read anew for each answer.
type side struct {
	ofPersons bool // else of accounts
	values    map[int64]string
}

// column is a dimension of events, by number.
type column struct {
	dictionary *history.Dictionary
	judged     *history.Judged
	code       func(row uint32) uint32
}

// needs finds what events and groups are told by, and reads what is not kept with the events.
func (s *scene) needs(ctx context.Context, of []Events, by []metric.Dimension) (needs []history.Need, err error) {
	add := func(d metric.Dimension, types []string) {
		if err != nil {
			return
		}
		switch d.Kind {
		case metric.ByProperty, metric.ByContext:
			needs = append(needs, history.Need{Source: sourceOf(d), Types: types})
		case metric.BySource:
			needs = append(needs, history.Need{Source: history.Source{Kind: string(d.Kind)}, Types: types})
		case metric.ByUserTrait, metric.ByAccountTrait, metric.ByAccount:
			if _, known := s.sides[d]; !known {
				s.sides[d], err = s.side(ctx, d)
			}
		}
	}
	for _, e := range of {
		for _, d := range e.Filter.Dimensions() {
			add(d, e.Types)
		}
		for _, d := range by {
			add(d, e.Types)
		}
	}
	return needs, err
}

func sourceOf(d metric.Dimension) history.Source {
	return history.Source{Kind: string(d.Kind), Path: d.Path()}
}

// side reads a dimension of people or accounts.
func (s *scene) side(ctx context.Context, d metric.Dimension) (side, error) {
	found := side{ofPersons: d.Kind == metric.ByUserTrait, values: map[int64]string{}}
	who := s.Who().Tenant
	switch d.Kind {
	case metric.ByUserTrait:
		topic.Note(ctx, topic.All(who, topic.Person))
		rows, err := dbsqlc.New().HistoryPersonTrait(ctx, s.Tx(), dbsqlc.HistoryPersonTraitParams{Name: d.First(), Path: d.Path()})
		if err != nil {
			return found, fmt.Errorf("read traits of people: %w", err)
		}
		for _, r := range rows {
			found.values[r.PersonID] = r.Value
		}
	case metric.ByAccountTrait:
		topic.Note(ctx, topic.All(who, topic.Account))
		rows, err := dbsqlc.New().HistoryAccountTrait(ctx, s.Tx(), d.Path())
		if err != nil {
			return found, fmt.Errorf("read traits of accounts: %w", err)
		}
		for _, r := range rows {
			found.values[r.AccountID] = r.Value
		}
	default:
		rows, err := dbsqlc.New().HistoryAccountNames(ctx, s.Tx())
		if err != nil {
			return found, fmt.Errorf("read names of accounts: %w", err)
		}
		for _, r := range rows {
			found.values[r.AccountID] = r.Value
		}
	}
	return found, nil
}

// column gives a dimension of the events.
func (s *scene) column(d metric.Dimension) column {
	c := s.columns
	switch d.Kind {
	case metric.ByType:
		return s.types()
	case metric.ByProperty, metric.ByContext, metric.BySource:
		of := history.Source{Kind: string(d.Kind)}
		if d.Kind != metric.BySource {
			of = sourceOf(d)
		}
		v := c.Values(of)
		return column{&v.Dictionary, &v.Judged, v.Code}
	case metric.ByCohort:
		return s.membership(d.Cohort())
	}
	found, dictionary := s.sides[d], history.NewDictionary()
	ids, place := c.Accounts(), c.AccountAt
	if found.ofPersons {
		ids, place = c.Persons(), c.IdentityAt
	}
	codes := make([]uint32, len(ids))
	for i, id := range ids {
		if text, ok := found.values[id]; ok && id != 0 {
			codes[i] = dictionary.Add(text)
		}
	}
	return column{&dictionary, &history.Judged{}, func(row uint32) uint32 { return codes[place(row)] }}
}

func (s *scene) types() column {
	dictionary := history.NewDictionary()
	codes := make([]uint32, len(s.columns.TypeNames()))
	for i, name := range s.columns.TypeNames() {
		text, err := json.Marshal(name)
		if err != nil { // no text fails
			continue
		}
		codes[i] = dictionary.Add(string(text))
	}
	return column{&dictionary, &history.Judged{}, func(row uint32) uint32 { return codes[s.columns.TypeAt(row)] }}
}

// shown is how a value reads; nil for none.
func shown(text string) *string {
	if text == "null" {
		return nil
	}
	var plain string
	if json.Unmarshal([]byte(text), &plain) == nil {
		return &plain
	}
	return &text
}

// teller tells events apart by the text of some dimensions, as breakdowns do.
type teller struct {
	by    []column
	codes [][]uint32 // of each dimension, by the number of a value: that of the first that reads the same
}

func (s *scene) teller(by []metric.Dimension) *teller {
	t := &teller{}
	for _, d := range by {
		c := s.column(d)
		first, codes := map[string]uint32{}, make([]uint32, len(c.dictionary.Texts()))
		for i, text := range c.dictionary.Texts() {
			if i == 0 {
				continue
			}
			read := *shown(text)
			code, ok := first[read]
			if !ok {
				code = uint32(i) //nolint:gosec // numbers of a dictionary are uint32
				first[read] = code
			}
			codes[i] = code
		}
		t.by, t.codes = append(t.by, c), append(t.codes, codes)
	}
	return t
}

// key is what an event is told by.
func (t *teller) key(row uint32) (key Key) {
	for i, c := range t.by {
		key[i] = t.codes[i][c.code(row)]
	}
	return key
}

// names reads a key.
func (t *teller) names(key Key) []*string {
	names := make([]*string, len(t.by))
	for i, c := range t.by {
		names[i] = shown(c.dictionary.Texts()[key[i]])
	}
	return names
}
