package demo

import (
	"strconv"
	"time"
)

// Offer is a plan that a company sells.
type Offer struct {
	Key, Name, Currency, Interval string
	Amount                        int // minor units of one, each interval
}

// Standing is how an account's subscription stands from an instant on.
type Standing struct {
	ID, Account, Offer, Status string
	Currency                   string
	Amount, Seats              int
	At, TrialEnds, PeriodEnds  time.Time // the last two are zero where there is none
}

// Rate is what one euro is worth in a currency from a day on.
type Rate struct {
	Currency, Rate string
	Day            time.Time
}

// Bill is what an account was charged.
type Bill struct {
	ID, Account, Subscription, Offer, Currency string
	Amount                                     int // without tax
	At                                         time.Time
	Paid                                       bool
}

const (
	trialDays   = 14
	billedLast  = 3 // months whose invoices there are
	rateEvery   = 7 * 24 * time.Hour
	yearlyMonth = 10 // a year costs so many months
)

// money is what the demo's customers pay in, and how much more its price is in numbers.
var money = []struct {
	code    string
	permill int
}{{"EUR", 1000}, {"USD", 1100}, {"GBP", 880}}

// Offers are the plans that the company sells.
func (c Company) Offers() (list []Offer) {
	for _, t := range profileOf(c).tiers {
		for _, interval := range []string{"MONTH", "YEAR"} {
			amount := t.price
			key := t.name
			if interval == "YEAR" {
				amount, key = amount*yearlyMonth, key+"-yearly"
			}
			list = append(list, Offer{key, key, c.Currency, interval, amount})
		}
	}
	return list
}

// Rates are those of the plan's history, a week apart, from before its beginning.
func (p Plan) Rates() (list []Rate) {
	d := newDice(p.Seed, "all", "rates")
	worth := map[string]int{"USD": 10_800, "GBP": 8_500}
	for at := p.Until.AddDate(0, 0, -p.length()-30); at.Before(p.Until); at = at.Add(rateEvery) {
		for _, m := range money[1:] {
			worth[m.code] += d.between(-60, 60)
			list = append(list, Rate{m.code, strconv.FormatFloat(float64(worth[m.code])/10_000, 'f', 4, 64), at})
		}
	}
	return list
}

// Billing makes up how the subscription of an account went, that was first seen at an instant;
// of many nothing at all, since they never bought.
func (p Plan) Billing(c Company, account string, seen time.Time) (standings []Standing, bills []Bill) {
	d := newDice(p.Seed, c.Key, "billing")
	d.reseed(p.Seed, hash(account))
	if d.chance(520) {
		return nil, nil
	}
	b := biller{dice: d, offers: c.Offers(), until: p.Until}
	tier := profileOf(c).tierLot.draw(d)
	currency := money[newLot(70, 20, 10).draw(d)]
	begin := seen.Add(time.Duration(d.below(10*24)) * time.Hour).Truncate(time.Second)
	b.now = Standing{ID: "sub-" + account, Account: account, Status: "TRIALING", Currency: currency.code, At: begin, TrialEnds: begin.AddDate(0, 0, trialDays)}
	b.seats = max(1, profileOf(c).tiers[tier].seats+d.between(-2, 4))
	b.permill = currency.permill
	b.choose(2*tier + newLot(3, 1).draw(d))
	b.live()
	return b.standings, b.bills
}

// biller goes through the months of a subscription.
type biller struct {
	*dice
	offers         []Offer
	until          time.Time
	offer          int
	seats, permill int
	now            Standing
	standings      []Standing
	bills          []Bill
}

func (b *biller) choose(offer int) {
	b.offer = offer
	b.now.Offer, b.now.Amount = b.offers[offer].Key, b.offers[offer].Amount*b.permill/1000
}

// say notes how the subscription stands from an instant on, unless that lies ahead.
func (b *biller) say(status string, at time.Time) bool {
	b.now.Status, b.now.At, b.now.Seats = status, at, b.seats
	if !at.Before(b.until) {
		return false
	}
	b.standings = append(b.standings, b.now)
	return true
}

func (b *biller) live() {
	if !b.say("TRIALING", b.now.At) {
		return
	}
	at := b.now.TrialEnds
	if !b.chance(640) {
		b.say("CANCELED", at)
		return
	}
	for month := 0; b.say("ACTIVE", at); month++ {
		for at.Before(b.until) {
			b.bill(at)
			at = at.AddDate(0, 1, 0)
			if b.changes() {
				break
			}
		}
		if !b.chance(60) {
			continue
		}
		b.now.PeriodEnds = at
		if !b.say("CANCELED", at.AddDate(0, 0, -b.between(1, 20))) || !b.chance(300) {
			return
		}
		b.now.PeriodEnds = time.Time{}
		at = at.AddDate(0, 0, b.between(20, 120))
	}
}

// changes throws what a month brings: most bring nothing.
func (b *biller) changes() bool {
	switch roll := b.below(1000); {
	case roll < 60:
		b.seats += b.between(1, 5)
	case roll < 90 && b.seats > 1:
		b.seats -= 1 + b.below(b.seats-1)
	case roll < 115 && b.offer+2 < len(b.offers):
		b.choose(b.offer + 2)
	case roll < 125 && b.offer >= 2:
		b.choose(b.offer - 2)
	case roll < 160: // and maybe goes
	default:
		return false
	}
	return true
}

// bill notes an invoice of the last months.
func (b *biller) bill(at time.Time) {
	if b.offers[b.offer].Interval == "YEAR" || at.Before(b.until.AddDate(0, -billedLast, 0)) {
		return
	}
	b.bills = append(b.bills, Bill{
		ID: b.now.ID + "-" + at.Format("2006-01"), Account: b.now.Account, Subscription: b.now.ID, Offer: b.now.Offer, Currency: b.now.Currency,
		Amount: b.now.Amount * b.seats, At: at, Paid: !b.chance(40),
	})
}
