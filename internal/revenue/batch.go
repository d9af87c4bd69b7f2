package revenue

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/identity"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// batch is the items of one call, on their way into the tables.
type batch struct {
	source   string
	given    []Verdict // what is known before the transaction
	fit      []parcel
	verdicts []Verdict
}

// parcel is an item that can be taken.
type parcel struct {
	checked
	place       int
	fingerprint int64
	plan        dbsqlc.PlanListByKeysRow // of a subscription
	subject     int64
	account     int64
}

func newBatch(source string, given []Given) *batch {
	b := &batch{source: source, given: make([]Verdict, len(given))}
	for i, g := range given {
		k, problem := checked{}, g.Problem
		if problem == nil {
			k, problem = check(g.Item)
		}
		b.given[i] = Verdict{Kind: k.kind, ID: k.id, Status: event.Accepted}
		if problem != nil {
			b.given[i].refuse(event.Rejected, problem)
			continue
		}
		b.fit = append(b.fit, parcel{checked: k, place: i, fingerprint: fingerprint(k.item)})
	}
	return b
}

// fingerprint tells an item from another one. The JSON of our own structures is always the same.
func fingerprint(item Item) int64 {
	text, err := json.Marshal(item)
	if err != nil {
		panic(fmt.Sprintf("revenue: write item: %v", err)) // it has nothing that cannot be written
	}
	sum := sha256.Sum256(text)
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// of gives the items of some kinds. They are copies: a transaction may run twice.
func (b *batch) of(kinds ...ItemKind) (list []parcel) {
	for _, p := range b.fit {
		if slices.Contains(kinds, p.kind) {
			list = append(list, p)
		}
	}
	return list
}

func (b *batch) refuse(p parcel, status event.Status, why *fault.Error) {
	b.verdicts[p.place].refuse(status, why)
}

func (b *batch) repeated(p parcel, same bool) {
	if same {
		b.verdicts[p.place].Status = event.Duplicate
		return
	}
	b.refuse(p, event.Conflict, fault.Input(p.field("occurredAt"), "Something else was said of it at this instant, and that stays."))
}

// field names a field of the item.
func (p parcel) field(name string) string {
	return map[ItemKind]string{
		PlanKind: "plan", SubscriptionKind: "subscription", InvoiceKind: "invoice", ChargeKind: "charge",
		RefundKind: "refund", CreditKind: "credit", RateKind: "rate",
	}[p.kind] + "." + name
}

// store writes all that is fit. The verdicts hold only if the transaction commits.
func (b *batch) store(ctx context.Context, tx pgx.Tx) error {
	b.verdicts = slices.Clone(b.given)
	h, err := enter(ctx, tx)
	if err != nil {
		return err
	}
	plans, err := b.storePlans(ctx, tx)
	if err != nil {
		return err
	}
	if err := b.storeRates(ctx, tx, h); err != nil {
		return err
	}
	facts := b.priced(b.of(SubscriptionKind, InvoiceKind, ChargeKind, RefundKind, CreditKind), plans)
	if facts, err = b.unsaid(ctx, tx, facts); err != nil || len(facts) == 0 {
		return err
	}
	if facts, err = b.owned(ctx, tx, h, facts); err != nil || len(facts) == 0 {
		return err
	}
	if err := b.keep(ctx, tx, facts); err != nil {
		return err
	}
	accounts := map[int64]bool{}
	for _, p := range facts {
		if p.kind == SubscriptionKind {
			accounts[p.account] = true
		}
	}
	return h.derive(ctx, tx, slices.Sorted(maps.Keys(accounts)))
}

// storePlans makes the plans that are new, and finds all that the batch speaks of.
func (b *batch) storePlans(ctx context.Context, tx pgx.Tx) (map[string]dbsqlc.PlanListByKeysRow, error) {
	keys := map[string]bool{}
	for _, p := range b.fit {
		if p.kind == PlanKind {
			keys[p.item.Plan.Key] = true
		}
		if p.kind == SubscriptionKind {
			keys[p.item.Subscription.Plan] = true
		}
	}
	known := map[string]dbsqlc.PlanListByKeysRow{}
	if len(keys) == 0 {
		return known, nil
	}
	rows, err := dbsqlc.New().PlanListByKeys(ctx, tx, slices.Sorted(maps.Keys(keys)))
	if err != nil {
		return nil, fmt.Errorf("read plans: %w", err)
	}
	for _, r := range rows {
		known[r.Key] = r
	}
	for _, p := range b.of(PlanKind) {
		if err := b.storePlan(ctx, tx, p, known); err != nil {
			return nil, err
		}
	}
	return known, nil
}

func (b *batch) storePlan(ctx context.Context, tx pgx.Tx, p parcel, known map[string]dbsqlc.PlanListByKeysRow) error {
	queries, said := dbsqlc.New(), p.item.Plan
	was, ok := known[said.Key]
	switch {
	case !ok:
		rows, err := queries.PlanInsert(ctx, tx, dbsqlc.PlanInsertParams{
			Keys: []string{said.Key}, Names: []string{*said.Name}, Amounts: []int64{said.Amount}, Currencies: []string{said.Currency},
			Intervals: []string{string(said.Interval)}, Counts: []int32{int32(*said.IntervalCount)},
		})
		if err != nil {
			return fmt.Errorf("make plan: %w", err)
		}
		known[said.Key] = dbsqlc.PlanListByKeysRow(rows[0])
	case was.Amount != said.Amount || was.Currency != said.Currency || was.BillingInterval != string(said.Interval) || int(was.IntervalCount) != *said.IntervalCount:
		b.refuse(p, event.Conflict, fault.Input("plan.key", "A plan keeps its price. Give the new one another key."))
	case was.Name == *said.Name:
		b.verdicts[p.place].Status = event.Duplicate
	default:
		if err := queries.PlanRename(ctx, tx, dbsqlc.PlanRenameParams{Name: *said.Name, PlanID: was.PlanID}); err != nil {
			return fmt.Errorf("rename plan: %w", err)
		}
		was.Name = *said.Name
		known[said.Key] = was
	}
	return nil
}

// priced lets subscriptions pass whose price is known.
func (b *batch) priced(list []parcel, plans map[string]dbsqlc.PlanListByKeysRow) []parcel {
	for i := range list {
		if list[i].kind == SubscriptionKind {
			list[i].plan = plans[list[i].item.Subscription.Plan]
		}
	}
	return slices.DeleteFunc(list, func(p parcel) bool { return p.kind == SubscriptionKind && !b.price(p) })
}

func (b *batch) price(p parcel) bool {
	s, plan := p.item.Subscription, p.plan
	switch {
	case plan.PlanID == 0:
		b.refuse(p, event.Rejected, fault.Input("subscription.plan", "There is no plan of this key. Record it first, or with it."))
	case s.Amount == nil && s.Currency != nil && *s.Currency != plan.Currency:
		b.refuse(p, event.Rejected, fault.Input("subscription.amount", "In a currency that is not the plan's, an amount is needed."))
	case orPlans(s.Amount, plan) > maxAmount/int64(*s.Quantity):
		b.refuse(p, event.Rejected, fault.Input("subscription.quantity", "At most %d minor units are charged at once.", maxAmount))
	default:
		return true
	}
	return false
}

func orPlans(amount *int64, plan dbsqlc.PlanListByKeysRow) int64 {
	if amount == nil {
		return plan.Amount
	}
	return *amount
}

// instant is what tells facts apart.
type instant struct {
	kind ItemKind
	id   string
	at   int64
}

func (p parcel) instant() instant { return instant{p.kind, p.id, p.at.UnixMicro()} }

// unsaid lets those facts pass that are new.
func (b *batch) unsaid(ctx context.Context, tx pgx.Tx, list []parcel) (fresh []parcel, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	params := dbsqlc.RevenueFactKnownParams{Source: b.source}
	for _, p := range list {
		params.Kinds, params.ExternalIds, params.OccurredAts = append(params.Kinds, string(p.kind)), append(params.ExternalIds, p.id), append(params.OccurredAts, p.at)
	}
	rows, err := dbsqlc.New().RevenueFactKnown(ctx, tx, params)
	if err != nil {
		return nil, fmt.Errorf("look for facts: %w", err)
	}
	said := map[instant]int64{}
	for _, r := range rows {
		said[instant{ItemKind(r.Kind), r.ExternalID, r.OccurredAt.UnixMicro()}] = r.Fingerprint
	}
	for _, p := range list {
		if before, ok := said[p.instant()]; ok {
			b.repeated(p, before == p.fingerprint)
			continue
		}
		said[p.instant()] = p.fingerprint
		fresh = append(fresh, p)
	}
	return fresh, nil
}

// owned gives each fact its thing and its account. A thing stays with the account that it was
// said to be of first.
func (b *batch) owned(ctx context.Context, tx pgx.Tx, h house, list []parcel) (kept []parcel, err error) {
	accounts := identity.NewAccounts(h.zone)
	known := dbsqlc.RevenueSubjectKnownParams{Source: b.source}
	for _, p := range list {
		accounts.See(p.group, 0, p.at)
		known.Kinds, known.ExternalIds = append(known.Kinds, string(p.kind)), append(known.ExternalIds, p.id)
	}
	of, err := accounts.Resolve(ctx, tx)
	if err != nil {
		return nil, err
	}
	rows, err := dbsqlc.New().RevenueSubjectKnown(ctx, tx, known)
	if err != nil {
		return nil, fmt.Errorf("look for subjects: %w", err)
	}
	type thing struct {
		kind ItemKind
		id   string
	}
	things := map[thing]dbsqlc.RevenueSubjectKnownRow{}
	for _, r := range rows {
		things[thing{ItemKind(r.Kind), r.ExternalID}] = r
	}
	ids, err := dbsqlc.New().RevenueIDs(ctx, tx, int32(len(list)))
	if err != nil {
		return nil, fmt.Errorf("make ids: %w", err)
	}
	for i, p := range list {
		is, ok := things[thing{p.kind, p.id}]
		if !ok {
			is = dbsqlc.RevenueSubjectKnownRow{SubjectID: ids[i], AccountID: of[p.group]}
			things[thing{p.kind, p.id}] = is
		}
		if is.AccountID != of[p.group] {
			b.refuse(p, event.Conflict, fault.Input(p.field("groupId"), "It belongs to another account, and stays there."))
			continue
		}
		p.subject, p.account = is.SubjectID, is.AccountID
		kept = append(kept, p)
	}
	return kept, nil
}

// storeRates takes the rates that are new, or others than before.
func (b *batch) storeRates(ctx context.Context, tx pgx.Tx, h house) error {
	list := b.of(RateKind)
	if len(list) == 0 {
		return nil
	}
	known, err := knownRates(ctx, tx, list)
	if err != nil {
		return err
	}
	changed := map[string]parcel{}
	for _, p := range list {
		rate, _ := parseRate(p.item.Rate.Rate)
		if before, ok := known[p.id]; ok && before == rate.RatString() {
			b.verdicts[p.place].Status = event.Duplicate
			continue
		}
		known[p.id], changed[p.id] = rate.RatString(), p
	}
	return replaceRates(ctx, tx, h.Clock, slices.SortedFunc(maps.Values(changed), func(a, b parcel) int { return cmp.Compare(a.id, b.id) }))
}

func knownRates(ctx context.Context, tx pgx.Tx, list []parcel) (map[string]string, error) {
	var params dbsqlc.FxRateKnownParams
	for _, p := range list {
		params.Bases, params.Currencies, params.Days = append(params.Bases, p.item.Rate.Base), append(params.Currencies, p.item.Rate.Currency), append(params.Days, p.day)
	}
	rows, err := dbsqlc.New().FxRateKnown(ctx, tx, params)
	if err != nil {
		return nil, fmt.Errorf("look for rates: %w", err)
	}
	known := map[string]string{}
	for _, r := range rows {
		rate, err := parseRate(r.Rate)
		if err != nil {
			return nil, err
		}
		known[r.Base+"/"+r.Currency+"/"+r.Day.String()] = rate.RatString()
	}
	return known, nil
}

func replaceRates(ctx context.Context, tx pgx.Tx, now time.Time, list []parcel) error {
	if len(list) == 0 {
		return nil
	}
	insert := dbsqlc.FxRateInsertParams{RecordedAt: now}
	for _, p := range list {
		insert.Bases, insert.Currencies = append(insert.Bases, p.item.Rate.Base), append(insert.Currencies, p.item.Rate.Currency)
		insert.Days, insert.Rates = append(insert.Days, p.day), append(insert.Rates, p.item.Rate.Rate)
	}
	err := dbsqlc.New().FxRateSupersede(ctx, tx, dbsqlc.FxRateSupersedeParams{
		SupersededAt: now, Bases: insert.Bases, Currencies: insert.Currencies, Days: insert.Days,
	})
	if err != nil {
		return fmt.Errorf("supersede rates: %w", err)
	}
	if err := dbsqlc.New().FxRateInsert(ctx, tx, insert); err != nil {
		return fmt.Errorf("insert rates: %w", err)
	}
	return nil
}
