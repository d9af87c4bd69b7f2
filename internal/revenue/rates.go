package revenue

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Quote says what one unit of a base is worth in a currency from a day on, until the next quote
// of the two.
type Quote struct {
	Day            calendar.Date
	Base, Currency string
	Rate           *big.Rat // units of the currency for one of the base
}

type pair struct{ base, currency string }

// Rates converts money by the quotes of days. Of a day the latest quote on or before it counts;
// where there is none, money is not converted at all.
type Rates struct {
	quotes  map[pair][]Quote // by day
	bases   []string
	factors map[string]*factor
	known   map[question]*factor
}

type question struct {
	from, to string
	day      calendar.Date
}

// NewRates makes rates of quotes in any order.
func NewRates(quotes []Quote) *Rates {
	r := &Rates{quotes: map[pair][]Quote{}, factors: map[string]*factor{}, known: map[question]*factor{}}
	bases := map[string]bool{}
	for _, q := range quotes {
		p := pair{q.Base, q.Currency}
		r.quotes[p] = append(r.quotes[p], q)
		bases[q.Base] = true
	}
	for _, list := range r.quotes {
		slices.SortFunc(list, func(a, b Quote) int { return cmp.Compare(a.Day, b.Day) })
	}
	r.bases = slices.Sorted(maps.Keys(bases))
	return r
}

// factor multiplies minor units of one currency into those of another. Equal ones are the same,
// so that money is not worked out again while a rate stays.
type factor struct {
	rate      *big.Rat
	converted map[int64]int64
}

// convert rounds half up: it is given what is 0 or more.
func (f *factor) convert(amount int64) int64 {
	if f == nil {
		return amount
	}
	if converted, ok := f.converted[amount]; ok {
		return converted
	}
	twice := new(big.Int).Mul(big.NewInt(2*amount), f.rate.Num())
	twice.Add(twice, f.rate.Denom())
	converted := twice.Quo(twice, new(big.Int).Mul(big.NewInt(2), f.rate.Denom())).Int64()
	f.converted[amount] = converted
	return converted
}

// factor finds how to convert on a day; nil between a currency and itself.
func (r *Rates) factor(from, to string, day calendar.Date) (*factor, error) {
	if from == to {
		return nil, nil
	}
	asked := question{from, to, day}
	if f, ok := r.known[asked]; ok {
		return f, nil
	}
	rate := r.rate(from, to, day)
	if rate == nil {
		return nil, fault.Input("currency", "There is no exchange rate between %s and %s on %s or before. Record one.", from, to, day)
	}
	rate = new(big.Rat).Mul(rate, scale(exponents[to]-exponents[from]))
	f := r.factors[rate.String()]
	if f == nil {
		f = &factor{rate, map[int64]int64{}}
		r.factors[rate.String()] = f
	}
	r.known[asked] = f
	return f, nil
}

// rate is what one unit is worth in another: as it is quoted, or the other way round, or by way
// of the first base, in the order of the alphabet, that both are quoted in.
func (r *Rates) rate(from, to string, day calendar.Date) *big.Rat {
	if direct := r.worth(from, to, day); direct != nil {
		return direct
	}
	for _, base := range r.bases {
		a, b := r.quote(pair{base, from}, day), r.quote(pair{base, to}, day)
		if a != nil && b != nil {
			return new(big.Rat).Quo(b, a)
		}
	}
	return nil
}

func (r *Rates) worth(from, to string, day calendar.Date) *big.Rat {
	if quoted := r.quote(pair{from, to}, day); quoted != nil {
		return quoted
	}
	if quoted := r.quote(pair{to, from}, day); quoted != nil {
		return new(big.Rat).Inv(quoted)
	}
	return nil
}

func (r *Rates) quote(of pair, day calendar.Date) *big.Rat {
	list := r.quotes[of]
	after, _ := slices.BinarySearchFunc(list, day+1, func(q Quote, d calendar.Date) int { return cmp.Compare(q.Day, d) })
	if after == 0 {
		return nil
	}
	return list[after-1].Rate
}

// scale is a power of ten.
func scale(digits int) *big.Rat {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(digits, -digits))), nil)
	if digits < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), power)
	}
	return new(big.Rat).SetInt(power)
}

// The bounds of a rate.
var leastRate, mostRate = big.NewRat(1, 1_000_000_000), big.NewRat(1_000_000_000, 1)

// parseRate reads a decimal number such as 1.0842, as it is.
func parseRate(text string) (*big.Rat, error) {
	if len(text) > 30 || !isDecimal(text) {
		return nil, fmt.Errorf("read rate: no decimal number")
	}
	rate, ok := new(big.Rat).SetString(text)
	if !ok || rate.Cmp(leastRate) < 0 || rate.Cmp(mostRate) > 0 {
		return nil, fmt.Errorf("read rate: out of bounds")
	}
	return rate, nil
}

func isDecimal(text string) bool {
	points := 0
	for _, c := range text {
		if c == '.' {
			points++
		} else if c < '0' || c > '9' {
			return false
		}
	}
	return points <= 1 && text != "" && text[0] != '.' && text[len(text)-1] != '.'
}
