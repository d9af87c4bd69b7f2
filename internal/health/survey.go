package health

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/ticket"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// survey measures all accounts of a tenant, from one snapshot.
type survey struct {
	tx       pgx.Tx
	settings dbsqlc.TenantGetRow
	days     calendar.Grid
	today    calendar.Date
	accounts []int64
	place    map[int64]int                          // of each account among them
	complete bool                                   // no window goes back to where raw events are in the archive alone
	moves    time.Time                              // when time alone changes a score
	began    func(ctx context.Context, n int) error // told before each input; nil: nobody is
}

// daysOf is a survey of no account: it knows the tenant's days.
func daysOf(ctx context.Context, tx pgx.Tx) (s *survey, err error) {
	s = &survey{tx: tx, complete: true}
	if s.settings, err = dbsqlc.New().TenantGet(ctx, tx); err != nil {
		return nil, fmt.Errorf("read tenant: %w", err)
	}
	zone, err := calendar.LoadZone(s.settings.Zone)
	if err != nil {
		return nil, fmt.Errorf("load the tenant's zone: %w", err)
	}
	s.days = calendar.Grid{Zone: zone, Interval: calendar.Day, WeekStart: time.Weekday(s.settings.WeekStart)}
	s.today, s.moves = zone.DateOf(s.now()), s.days.Next(s.now())
	return s, nil
}

func newSurvey(ctx context.Context, tx pgx.Tx) (*survey, error) {
	s, err := daysOf(ctx, tx)
	if err != nil {
		return nil, err
	}
	if s.accounts, err = dbsqlc.New().HealthAccounts(ctx, tx); err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	s.place = make(map[int64]int, len(s.accounts))
	for i, id := range s.accounts {
		s.place[id] = i
	}
	return s, nil
}

func (s *survey) now() time.Time { return s.settings.Watermark }

// results work out what each account comes to, in the order of the accounts.
func (s *survey) results(ctx context.Context, inputs []Input) ([]Result, error) {
	readings := make([]Reading, len(s.accounts)*len(inputs)) // of an account side by side
	for i := range inputs {
		if s.began != nil {
			if err := s.began(ctx, i); err != nil {
				return nil, err
			}
		}
		set := func(account int64, r Reading) {
			if at, known := s.place[account]; known {
				readings[at*len(inputs)+i] = r
			}
		}
		if err := s.measure(ctx, &inputs[i], set); err != nil {
			return nil, fmt.Errorf("measure %s: %w", inputs[i].Key, err)
		}
	}
	results := make([]Result, len(s.accounts))
	for at := range results {
		results[at] = Score(inputs, readings[at*len(inputs):(at+1)*len(inputs)])
	}
	return results, nil
}

func of(value float64) Reading { return Reading{Value: &value} }

func (s *survey) measure(ctx context.Context, in *Input, set func(int64, Reading)) error {
	switch in.Kind {
	case LastSeen:
		return s.lastSeen(ctx, set)
	case MRRChange:
		return s.mrr(ctx, in, set)
	case Overdue:
		return s.overdue(ctx, set)
	case OpenTickets, TicketRating:
		return s.tickets(ctx, in, set)
	case Trait:
		return s.trait(ctx, in, set)
	}
	return s.events(ctx, in, set)
}

// events reads what is told by events. Accounts without any have 0, unless it is compared.
func (s *survey) events(ctx context.Context, in *Input, set func(int64, Reading)) error {
	middle, ends := s.days.Add(s.now(), 1-in.Days), s.days.Add(s.now(), 1)
	starts := middle
	if in.Kind == EventsChange { // of days that are over: a morning is less than a day
		middle, ends = s.days.Add(s.now(), -in.Days), s.days.Floor(s.now())
		starts = s.days.Add(s.now(), -2*in.Days)
	}
	s.complete = s.complete && !starts.Before(s.settings.RawSince)
	rows, err := dbsqlc.New().HealthEvents(ctx, s.tx, dbsqlc.HealthEventsParams{Starts: starts, Middle: middle, Ends: ends, Types: in.Types})
	if err != nil {
		return err
	}
	if in.Kind != EventsChange {
		for _, id := range s.accounts {
			set(id, of(0))
		}
	}
	for _, r := range rows {
		switch in.Kind {
		case Events:
			set(r.AccountID, of(float64(r.Events)))
		case ActivePeople:
			set(r.AccountID, of(float64(r.People)))
		case Features:
			set(r.AccountID, of(float64(r.Types)))
		case EventsChange:
			if r.EventsBefore > 0 {
				set(r.AccountID, of(change(float64(r.EventsBefore), float64(r.Events))))
			}
		}
	}
	return nil
}

// change is by how many percent it is more than it was.
func change(was, is float64) float64 { return (is - was) / was * 100 }

func (s *survey) lastSeen(ctx context.Context, set func(int64, Reading)) error {
	rows, err := dbsqlc.New().HealthLastDays(ctx, s.tx)
	for _, r := range rows {
		set(r.AccountID, of(float64(max(0, s.today-r.Day))))
	}
	return err
}

// mrr compares what accounts come to with what they came to at the end of the day before the
// window, each by the rates of its day.
func (s *survey) mrr(ctx context.Context, in *Input, set func(int64, Reading)) error {
	before := s.days.Add(s.now(), 1-in.Days).Add(-time.Microsecond)
	standings, err := revenue.StandingsOf(ctx, s.tx, s.settings.Currency, s.now(), s.days.Zone, s.days.Zone.DateOf(before))
	if err != nil {
		return err
	}
	next, err := revenue.NextChange(ctx, s.tx, nil)
	if err != nil {
		return err
	}
	if next != nil {
		s.movesAt(*next)
	}
	for _, id := range s.accounts {
		if was := standings.At(id, before); was > 0 {
			set(id, of(change(float64(was), float64(standings.At(id, s.now())))))
		}
	}
	return standings.Problem()
}

func (s *survey) movesAt(at time.Time) {
	if at.Before(s.moves) {
		s.moves = at
	}
}

func (s *survey) overdue(ctx context.Context, set func(int64, Reading)) error {
	rows, err := dbsqlc.New().HealthDues(ctx, s.tx)
	for _, r := range rows {
		days := calendar.Date(0)
		if r.Open {
			days = max(0, s.today-s.days.Zone.DateOf(r.DueAt))
		}
		set(r.AccountID, of(float64(days)))
	}
	return err
}

// tickets reads how accounts stand with support. Those that never asked have nothing open.
func (s *survey) tickets(ctx context.Context, in *Input, set func(int64, Reading)) error {
	standings, err := ticket.Standings(ctx, s.tx, s.days.Add(s.now(), 1-in.Days), s.days.Add(s.now(), 1))
	if in.Kind == OpenTickets {
		for _, id := range s.accounts {
			set(id, of(float64(standings[id].Open)))
		}
		return err
	}
	for id, st := range standings {
		if rated := st.Good + st.Bad; rated > 0 {
			set(id, of(float64(st.Good)/float64(rated)*100))
		}
	}
	return err
}

func (s *survey) trait(ctx context.Context, in *Input, set func(int64, Reading)) error {
	rows, err := dbsqlc.New().HealthTraits(ctx, s.tx, dbsqlc.HealthTraitsParams{Path: in.trait().Path(), Name: in.trait().First()})
	for _, r := range rows {
		at := r.At.UTC()
		age := int(s.today - s.days.Zone.DateOf(at))
		set(r.AccountID, Reading{Value: &r.Value, At: &at, Stale: in.StaleAfter > 0 && age > in.StaleAfter})
	}
	return err
}

// subjects name what scores are found from, as their revisions are counted.
func subjects(inputs []Input) []string {
	list := []string{"membership", "profile"} // which tell of new accounts as well
	for _, in := range inputs {
		switch {
		case in.Kind.counts():
			list = append(list, "day", "grouping")
		case in.Kind == MRRChange:
			list = append(list, "revenue")
		case in.Kind == Overdue:
			list = append(list, "invoice")
		case in.Kind == OpenTickets, in.Kind == TicketRating:
			list = append(list, "ticket")
		}
	}
	return list
}

// noteSources says that an answer was worked out from what inputs measure, on a day that passes.
func noteSources(ctx context.Context, who access.Principal, inputs []Input) {
	for _, of := range []topic.Subject{topic.Account, topic.Day, topic.Grouping, topic.Ticket} {
		topic.Note(ctx, topic.All(who.Tenant, of))
	}
	for _, in := range inputs {
		if in.Kind.Monetary() {
			topic.Note(ctx, topic.All(who.Tenant, topic.Revenue))
		}
	}
}

// noteDay says that an answer holds until the tenant's day is over.
func noteDay(ctx context.Context, s *survey) { topic.NoteUntil(ctx, s.days.Next(s.now())) }
