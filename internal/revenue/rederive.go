package revenue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// accountsAtOnce is how many accounts are derived in one round.
const accountsAtOnce = 500

// never stands for an instant that does not come, where a list cannot have a null.
var never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// derive works out the movements and trials of accounts, by all that is known of them, and writes
// what differs from what was derived before. What no longer holds is kept as what was known.
func (h house) derive(ctx context.Context, tx pgx.Tx, accounts []int64) error {
	for len(accounts) > 0 {
		n := min(len(accounts), accountsAtOnce)
		if err := h.deriveSome(ctx, tx, accounts[:n]); err != nil {
			return err
		}
		accounts = accounts[n:]
	}
	return nil
}

func (h house) deriveSome(ctx context.Context, tx pgx.Tx, accounts []int64) error {
	facts, err := readStates(ctx, tx, accounts)
	if err != nil {
		return err
	}
	movements, trials, err := readDerived(ctx, tx, accounts)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		for _, m := range Derive(h.zone, h.rule, facts[account]) {
			movements.want(account, m)
		}
		for id, states := range facts[account] {
			for _, t := range Trials(id, states, h.rule) {
				trials.want(account, t)
			}
		}
	}
	if err := movements.write(ctx, tx, h.Clock); err != nil {
		return err
	}
	return trials.write(ctx, tx, h.Clock)
}

func readStates(ctx context.Context, tx pgx.Tx, accounts []int64) (map[int64]map[int64][]State, error) {
	rows, err := dbsqlc.New().RevenueFactListByAccounts(ctx, tx, accounts)
	if err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	facts := map[int64]map[int64][]State{}
	for _, r := range rows {
		var s said
		if err := json.Unmarshal(r.Body, &s); err != nil {
			return nil, fmt.Errorf("read fact: %w", err)
		}
		if facts[r.AccountID] == nil {
			facts[r.AccountID] = map[int64][]State{}
		}
		facts[r.AccountID][r.SubjectID] = append(facts[r.AccountID][r.SubjectID], s.state(r.OccurredAt.UTC()))
	}
	return facts, nil
}

// moves are the movements of some accounts: those that are there, by what they say, and those
// that are to be.
type moves struct {
	known map[string]int64 // the movement's id
	fresh []owned
}

type owned struct {
	account int64
	Movement
}

// trials is the same for trials.
type trials struct {
	known map[string]int64
	fresh []ownedTrial
}

type ownedTrial struct {
	account int64
	Trial
}

func readDerived(ctx context.Context, tx pgx.Tx, accounts []int64) (*moves, *trials, error) {
	rows, err := dbsqlc.New().MrrMovementListByAccounts(ctx, tx, accounts)
	if err != nil {
		return nil, nil, fmt.Errorf("read movements: %w", err)
	}
	m := &moves{known: map[string]int64{}}
	for len(rows) > 0 {
		first := rows[0]
		is := Movement{At: first.At.UTC(), Kind: Kind(first.Kind), Currency: first.Currency, Shown: first.ShownAt.UTC(), Hidden: orNever(first.HiddenAt)}
		for len(rows) > 0 && rows[0].MovementID == first.MovementID {
			is.Parts = append(is.Parts, Part{Leaf{rows[0].SubscriptionID, rows[0].PlanID, rows[0].Currency}, rows[0].Amount})
			rows = rows[1:]
		}
		m.known[is.says(first.AccountID)] = first.MovementID
	}
	tried, err := dbsqlc.New().TrialListByAccounts(ctx, tx, accounts)
	if err != nil {
		return nil, nil, fmt.Errorf("read trials: %w", err)
	}
	t := &trials{known: map[string]int64{}}
	for _, r := range tried {
		is := Trial{r.SubscriptionID, r.PlanID, r.Currency, r.StartedAt.UTC(), orNever(r.EndedAt), r.Converted}
		t.known[is.says(r.AccountID)] = r.TrialID
	}
	return m, t, nil
}

// says is all that a movement says. Its day is that of its instant.
func (m Movement) says(account int64) string {
	return fmt.Sprint(account, m.At, m.Kind, m.Currency, m.Shown, m.Hidden, m.Parts)
}

func (t Trial) says(account int64) string { return fmt.Sprint(account, t) }

// want keeps a movement that is there already, and notes one that is not.
func (m *moves) want(account int64, movement Movement) {
	says := movement.says(account)
	if _, there := m.known[says]; there {
		delete(m.known, says)
		return
	}
	m.fresh = append(m.fresh, owned{account, movement})
}

func (t *trials) want(account int64, trial Trial) {
	says := trial.says(account)
	if _, there := t.known[says]; there {
		delete(t.known, says)
		return
	}
	t.fresh = append(t.fresh, ownedTrial{account, trial})
}

func values(m map[string]int64) (list []int64) {
	for _, id := range m {
		list = append(list, id)
	}
	return list
}

// write supersedes what is no longer wanted, and adds what is new.
func (m *moves) write(ctx context.Context, tx pgx.Tx, now time.Time) error {
	queries := dbsqlc.New()
	if len(m.known) > 0 {
		if err := queries.MrrMovementSupersede(ctx, tx, dbsqlc.MrrMovementSupersedeParams{SupersededAt: now, MovementIds: values(m.known)}); err != nil {
			return fmt.Errorf("supersede movements: %w", err)
		}
	}
	if len(m.fresh) == 0 {
		return nil
	}
	ids, err := queries.RevenueIDs(ctx, tx, int32(len(m.fresh)))
	if err != nil {
		return fmt.Errorf("make ids: %w", err)
	}
	insert := dbsqlc.MrrMovementInsertParams{RecordedAt: now}
	for i, f := range m.fresh {
		hidden := f.Hidden
		if hidden.IsZero() {
			hidden = never
		}
		for _, p := range f.Parts {
			insert.MovementIds, insert.AccountIds = append(insert.MovementIds, ids[i]), append(insert.AccountIds, f.account)
			insert.SubscriptionIds, insert.PlanIds = append(insert.SubscriptionIds, p.Subscription), append(insert.PlanIds, p.Plan)
			insert.Ats, insert.Days = append(insert.Ats, f.At), append(insert.Days, f.Day)
			insert.Kinds, insert.Currencies = append(insert.Kinds, string(f.Kind)), append(insert.Currencies, f.Currency)
			insert.Amounts = append(insert.Amounts, p.Amount)
			insert.ShownAts, insert.HiddenAts = append(insert.ShownAts, f.Shown), append(insert.HiddenAts, hidden)
		}
	}
	if err := queries.MrrMovementInsert(ctx, tx, insert); err != nil {
		return fmt.Errorf("insert movements: %w", err)
	}
	return nil
}

func (t *trials) write(ctx context.Context, tx pgx.Tx, now time.Time) (err error) {
	queries := dbsqlc.New()
	if len(t.known) > 0 {
		if err := queries.TrialSupersede(ctx, tx, dbsqlc.TrialSupersedeParams{SupersededAt: now, TrialIds: values(t.known)}); err != nil {
			return fmt.Errorf("supersede trials: %w", err)
		}
	}
	var insert []dbsqlc.TrialInsertParams
	for _, f := range t.fresh {
		row := dbsqlc.TrialInsertParams{
			AccountID: f.account, SubscriptionID: f.Subscription, PlanID: f.Plan, Currency: f.Currency, StartedAt: f.Start, Converted: f.Converted, RecordedAt: now,
		}
		if !f.End.IsZero() {
			row.EndedAt = new(f.End)
		}
		insert = append(insert, row)
	}
	if len(insert) > 0 {
		queries.TrialInsert(ctx, tx, insert).Exec(func(_ int, failed error) {
			if err == nil && failed != nil {
				err = fmt.Errorf("insert trials: %w", failed)
			}
		})
	}
	return err
}
