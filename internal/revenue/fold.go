package revenue

import (
	"math"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
)

// The columns of revenue. Money is in minor units of the currency that was asked for; what
// lowers MRR is counted as a positive number.
const (
	colStart = iota
	colNew
	colExpansion
	colContraction
	colChurn
	colReactivation
	colFX
	colEnd
	colCustomersStart
	colCustomersEnd
	colCustomersNew
	colCustomersChurned
	colCustomersReactivated
	colKeptNet   // of the start's customers: what is left, with what they added
	colKeptGross // and without
	foldColumns
)

var moneyColumn = map[Kind]int{
	New: colNew, Expansion: colExpansion, Contraction: colContraction, Churn: colChurn, Reactivation: colReactivation,
}

var customerColumn = map[Kind]int{New: colCustomersNew, Churn: colCustomersChurned, Reactivation: colCustomersReactivated}

// row is a part of a movement, of a customer.
type row struct {
	Part
	at      time.Time
	account int64
	kind    Kind
}

// cells are the columns of one group in each bucket.
type cells [][foldColumns]int64

// fold works the columns of groups out of parts of movements.
//
// All money is converted leaf by leaf, and rounded there: a leaf that rises from a to b on a day
// moved by what b is worth on that day less what a is. So everything is a sum of integers, the
// lines of a bucket add up to the minor unit in any group, and what is left over between two
// values of a leaf that did not move is the change of a rate, and 0 without one.
type fold struct {
	home     calendar.Zone // the rate of a day counts on the tenant's day
	now      time.Time     // beyond it nothing is known
	currency string
	rates    *Rates
	counting bool                               // customers alone: money has no meaning
	group    func(account int64, leaf Leaf) int // -1: in none

	groups []*group
	cells  []cells // by group
}

// group is how the customers of a group stand.
type group struct {
	accounts map[int64]map[Leaf]int64
	counts   map[string]map[int64]int64 // by currency, of each amount how many leaves have it
}

func (f *fold) of(account int64, leaf Leaf, buckets int) (place int, g *group) {
	place = f.group(account, leaf)
	if place < 0 {
		return place, nil
	}
	for len(f.groups) <= place {
		f.groups = append(f.groups, &group{map[int64]map[Leaf]int64{}, map[string]map[int64]int64{}})
		f.cells = append(f.cells, make(cells, buckets))
	}
	return place, f.groups[place]
}

// set changes a leaf, and gives what it was.
func (g *group) set(account int64, p Part) (was int64) {
	leaves := g.accounts[account]
	was = leaves[p.Leaf]
	amount := was + p.Amount
	g.count(p.Currency, was, -1)
	g.count(p.Currency, amount, 1)
	switch {
	case amount != 0 && leaves == nil:
		g.accounts[account] = map[Leaf]int64{p.Leaf: amount}
	case amount != 0:
		leaves[p.Leaf] = amount
	case len(leaves) <= 1:
		delete(g.accounts, account)
	default:
		delete(leaves, p.Leaf)
	}
	return was
}

func (g *group) count(currency string, amount, by int64) {
	if amount == 0 {
		return
	}
	counts := g.counts[currency]
	if counts == nil {
		counts = map[int64]int64{}
		g.counts[currency] = counts
	}
	if counts[amount] += by; counts[amount] == 0 {
		delete(counts, amount)
	}
}

// day is the one that the instant before belongs to: a bucket ends with the rate of its last day.
func (f *fold) day(at time.Time) calendar.Date {
	if at.After(f.now) {
		at = f.now
	}
	return f.home.DateOf(at.Add(-time.Microsecond))
}

func (f *fold) value(g *group, day calendar.Date) (sum int64, err error) {
	for currency, counts := range g.counts {
		if len(counts) == 0 {
			continue
		}
		factor, err := f.factor(currency, day)
		if err != nil {
			return 0, err
		}
		for amount, n := range counts {
			sum += n * factor.convert(amount)
		}
	}
	return sum, nil
}

// run goes through the buckets, which follow each other, and the rows, which are in order of
// time and of account.
func (f *fold) run(opening, rows []row, buckets []calendar.Bucket) error {
	for _, r := range opening {
		if _, g := f.of(r.account, r.Leaf, len(buckets)); g != nil {
			g.set(r.account, r.Part)
		}
	}
	for i, b := range buckets {
		n := 0
		for n < len(rows) && rows[n].at.Before(b.Start) {
			if _, g := f.of(rows[n].account, rows[n].Leaf, len(buckets)); g != nil {
				g.set(rows[n].account, rows[n].Part)
			}
			n++
		}
		rows = rows[n:]
		for n = 0; n < len(rows) && rows[n].at.Before(b.End); n++ {
			f.of(rows[n].account, rows[n].Leaf, len(buckets)) // so that every group has a beginning
		}
		if err := f.bucket(i, b, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (f *fold) bucket(i int, b calendar.Bucket, rows []row) error {
	for place, g := range f.groups {
		start, err := f.value(g, f.day(b.Start))
		if err != nil {
			return err
		}
		c := &f.cells[place][i]
		c[colStart], c[colCustomersStart] = start, int64(len(g.accounts))
	}
	kept := keepers{}
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].at.Equal(rows[0].at) && rows[n].account == rows[0].account {
			n++
		}
		if err := f.move(i, b, rows[:n], kept); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return f.close(i, b, kept)
}

func (f *fold) close(i int, b calendar.Bucket, kept keepers) error {
	for place, g := range f.groups {
		end, err := f.value(g, f.day(b.End))
		if err != nil {
			return err
		}
		c := &f.cells[place][i]
		c[colEnd], c[colCustomersEnd] = end, int64(len(g.accounts))
		c[colFX] = end - c[colStart] - c[colNew] - c[colExpansion] - c[colReactivation] + c[colContraction] + c[colChurn]
		c[colKeptNet], c[colKeptGross] = c[colStart], c[colStart]
	}
	for k, left := range kept {
		c := &f.cells[k.group][i]
		c[colKeptNet] += left.now() - left.start
		c[colKeptGross] += min(left.now(), left.start) - left.start
	}
	return nil
}

// keepers are the start's customers of a bucket that have moved in it.
type keepers map[keeper]*remainder

type keeper struct {
	group   int
	account int64
}

// remainder is what is left of what a customer came to at the start.
type remainder struct {
	start, moved int64
	gone         bool // from their first churn on, whatever they do after it
}

func (r remainder) now() int64 {
	if r.gone {
		return 0
	}
	return max(r.start+r.moved, 0)
}

// move takes the parts of one customer's movement, and counts it in each of their groups.
func (f *fold) move(i int, b calendar.Bucket, parts []row, kept keepers) error {
	day := f.home.DateOf(parts[0].at)
	net := map[int]int64{}
	for _, p := range parts {
		place, g := f.of(p.account, p.Leaf, 0)
		if g == nil {
			continue
		}
		if err := f.keep(place, b, p.account, kept); err != nil {
			return err
		}
		factor, err := f.factor(p.Currency, day)
		if err != nil {
			return err
		}
		was := g.set(p.account, p.Part)
		net[place] += factor.convert(was+p.Amount) - factor.convert(was)
	}
	for place, amount := range net {
		f.count(&f.cells[place][i], parts[0].kind, amount)
		k := kept[keeper{place, parts[0].account}]
		k.moved += amount
		k.gone = k.gone || parts[0].kind == Churn
	}
	return nil
}

// count adds what a customer's movement comes to in a group. A customer who stays above 0 goes
// up or down there by the sign of it.
func (f *fold) count(c *[foldColumns]int64, kind Kind, amount int64) {
	if column, ok := customerColumn[kind]; ok {
		c[column]++
	} else {
		kind = bySign(amount)
	}
	c[moneyColumn[kind]] += max(amount, -amount)
}

// keep remembers what a customer came to at the start, before their first movement.
func (f *fold) keep(place int, b calendar.Bucket, account int64, kept keepers) error {
	k := keeper{place, account}
	if kept[k] != nil {
		return nil
	}
	left := &remainder{}
	for leaf, amount := range f.groups[place].accounts[account] {
		factor, err := f.factor(leaf.Currency, f.day(b.Start))
		if err != nil {
			return err
		}
		left.start += factor.convert(amount)
	}
	left.gone = len(f.groups[place].accounts[account]) == 0 // none of the start's
	kept[k] = left
	return nil
}

// meanOfMonths is the mean of what part of the customers left in each of the last complete months
// until an instant; NaN without one that had customers.
func meanOfMonths(c cells, months []calendar.Bucket, until time.Time) float64 {
	sum, n, left := 0.0, 0, monthsOfHistory
	for i := len(months) - 1; i >= 0 && left > 0; i-- {
		if months[i].End.After(until) {
			continue
		}
		left--
		if customers := c[i][colCustomersStart]; customers > 0 {
			sum += float64(c[i][colCustomersChurned]) / float64(customers)
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}

// factor is how money is converted on a day; nil where heads alone are counted.
func (f *fold) factor(currency string, day calendar.Date) (*factor, error) {
	if f.counting {
		return nil, nil
	}
	return f.rates.factor(currency, f.currency, day)
}
