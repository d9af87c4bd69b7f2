package health

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Preview is what accounts would come to.
type Preview struct {
	At       time.Time // of whose data
	Accounts int
	Scored   int // that would have a score
	Complete bool
	Bands    []Band // with the next two: how many accounts would be in each, and are
	Counts   []int
	Before   []int
	Deciles  []int // how many would have a score from 0, 10, … on: ten, of which the last one has 100
	Inputs   []PreviewInput
	Moved    []Move // those who would be in another band, by how far their scores would move
	AllMoved int
}

// PreviewInput is what an input measures of the accounts; the quartiles are of those with a value,
// nil where there are none.
type PreviewInput struct {
	Key       string
	WithValue int
	Stale     int
	Lower     *float64
	Median    *float64
	Upper     *float64
}

// Move is an account that would be in another band.
type Move struct {
	Account int64
	Before  *Tenths
	Now     *Tenths
	Inputs  []Contribution
}

const maxMoved = 50

// Preview works out what all accounts would come to now; nothing is saved.
func (s *Service) Preview(ctx context.Context, inputs []Input) (p Preview, err error) {
	who, err := access.Require(ctx, access.ManageData)
	if err != nil {
		return p, err
	}
	if err := check(who, inputs); err != nil {
		return p, err
	}
	customer.Watch(ctx, who, topic.Health, nil)
	noteSources(ctx, who, inputs)
	err = s.app.Read(ctx, who.Tenant, func(tx pgx.Tx) error {
		survey, err := newSurvey(ctx, tx)
		if err != nil {
			return err
		}
		results, err := survey.results(ctx, inputs)
		if err != nil {
			return err
		}
		rows, err := dbsqlc.New().HealthCalculatedAll(ctx, tx)
		if err != nil {
			return fmt.Errorf("read present scores: %w", err)
		}
		before := make(map[int64]*Tenths, len(rows))
		for _, r := range rows {
			before[r.AccountID] = scoreOf(r.Calculated)
		}
		topic.NoteUntil(ctx, survey.moves)
		p = previewOf(inputs, survey.accounts, results, before)
		p.At, p.Complete = survey.now().UTC(), survey.complete
		return nil
	})
	return p, err
}

// previewOf tells what results come to, against what there was before.
func previewOf(inputs []Input, accounts []int64, results []Result, before map[int64]*Tenths) Preview {
	p := Preview{
		Accounts: len(accounts), Bands: AllBands(), Counts: make([]int, len(AllBands())), Before: make([]int, len(AllBands())),
		Deciles: make([]int, 10), Inputs: make([]PreviewInput, len(inputs)),
	}
	for i, r := range results {
		was := before[accounts[i]]
		count(p.Counts, r.Score)
		count(p.Before, was)
		if r.Score != nil {
			p.Scored++
			p.Deciles[min(int(*r.Score)/100, 9)]++
		}
		if rank(r.Score) != rank(was) {
			p.Moved = append(p.Moved, Move{accounts[i], was, r.Score, r.Inputs})
		}
	}
	p.AllMoved = len(p.Moved)
	slices.SortStableFunc(p.Moved, func(a, b Move) int { return cmp.Compare(b.far(), a.far()) })
	p.Moved = p.Moved[:min(len(p.Moved), maxMoved)]
	for i, in := range inputs {
		p.Inputs[i] = spread(in, i, results)
	}
	return p
}

// rank is the place of a score's band; -1 is none.
func rank(score *Tenths) int {
	if score == nil {
		return -1
	}
	return slices.Index(AllBands(), score.Band())
}

func count(counts []int, score *Tenths) {
	if at := rank(score); at >= 0 {
		counts[at]++
	}
}

// From is the band that the account is in; nil: none.
func (m Move) From() *Band { return bandOf(m.Before) }

// To is the band that it would be in; nil: none.
func (m Move) To() *Band { return bandOf(m.Now) }

// far is how far a score would move; those that come or go are the farthest.
func (m Move) far() int {
	if m.Before == nil || m.Now == nil {
		return math.MaxInt
	}
	return max(int(*m.Now-*m.Before), int(*m.Before-*m.Now))
}

// spread tells how the values of the i-th input lie: quartiles by the nearest rank.
func spread(in Input, i int, results []Result) PreviewInput {
	p := PreviewInput{Key: in.Key}
	var values []float64
	for _, r := range results {
		switch r.Inputs[i].State {
		case Used:
			values = append(values, *r.Inputs[i].Value)
		case Stale:
			p.Stale++
		}
	}
	slices.Sort(values)
	p.WithValue = len(values)
	nearest := func(share float64) *float64 {
		if len(values) == 0 {
			return nil
		}
		return &values[int(math.Ceil(share*float64(len(values))))-1]
	}
	p.Lower, p.Median, p.Upper = nearest(0.25), nearest(0.5), nearest(0.75)
	return p
}
