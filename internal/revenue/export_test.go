package revenue

import (
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// What tests with a database share with those without, which are of this package.
var (
	At           = at
	DrawCustomer = drawCustomer
	Movements    = movements
	Columns      = columns
	Standing     = standing
	InForce      = inForce
	InTrial      = inTrial
)

// Cells are those of a fold.
type Cells = cells

// Check says what is wrong with an item.
func Check(item Item) *fault.Error {
	_, problem := check(item)
	return problem
}

// FoldInEuros folds all movements of customers, from the first.
func FoldInEuros(home calendar.Zone, quotes []Quote, customers map[int64]map[int64][]State, by func(int64, Leaf) int, buckets []calendar.Bucket) ([]Cells, error) {
	now := time.Now()
	f := &fold{home: home, now: now, currency: "EUR", rates: NewRates(quotes), group: by}
	err := f.run(nil, rowsOf(home, AtPeriodEnd, customers, now), buckets)
	return f.cells, err
}
