package revenue

// Interval is what a price is for, as in the schema's enum BillingInterval.
type Interval string

// The intervals.
const (
	Day   Interval = "DAY"
	Week  Interval = "WEEK"
	Month Interval = "MONTH"
	Year  Interval = "YEAR"
)

// perYear is how many of an interval a year has: 365 days, 52 weeks or 12 months.
var perYear = map[Interval]int64{Day: 365, Week: 52, Month: 12, Year: 1}

// The bounds of a price, within which nothing overflows and floating point is exact.
const (
	maxAmount   = 10_000_000_000_000 // minor units, of whatever is charged at once
	maxQuantity = 1_000_000
	maxCount    = 120 // intervals
)

// Terms are what a subscription is charged: so much for each of a quantity, less a discount,
// every so many intervals.
type Terms struct {
	Amount   int64 // minor units, of one
	Quantity int64
	Discount int64 // minor units, of all
	Interval Interval
	Count    int64 // intervals from one charge to the next
}

// Monthly is the terms' share of one month, a twelfth of a year, in minor units. It is rounded
// here, once for each subscription and half up, and nowhere later: 2,000.00 a year are 166.67.
func (t Terms) Monthly() int64 {
	charge := max(t.Amount*t.Quantity-t.Discount, 0)
	months := 12 * t.Count
	return (2*charge*perYear[t.Interval] + months) / (2 * months)
}
