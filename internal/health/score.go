package health

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Reading is what an input measured of one account; nil Value is none.
type Reading struct {
	Value *float64
	At    *time.Time // when it was said; nil: it is of now
	Stale bool       // it is older than the input's limit
}

// Use is what became of an input.
type Use string

// The uses, as in the schema's enum HealthInputState.
const (
	Used    Use = "USED"
	Missing Use = "MISSING" // it has no value
	Stale   Use = "STALE"   // its value is older than its limit, and was dropped
)

// AllUses lists the uses in the order of the schema.
func AllUses() []Use { return []Use{Used, Missing, Stale} }

// Contribution is what one input adds to a score.
type Contribution struct {
	Key          string     `json:"key"`
	Name         string     `json:"name"` // as it was called then
	Kind         Kind       `json:"kind"`
	State        Use        `json:"state"`
	Value        *float64   `json:"value,omitempty"`
	At           *time.Time `json:"at,omitempty"`
	Score        *Tenths    `json:"score,omitempty"` // the input's own
	Contribution Tenths     `json:"contribution"`
}

// Result is what an account comes to; a nil Score is no input with a value.
type Result struct {
	Score  *Tenths
	Inputs []Contribution // in the order of the model
}

// score is the input's own, 0 to 100.
func (in *Input) score(value float64) float64 {
	return 100 * min(1, max(0, (value-in.Worst)/(in.Best-in.Worst)))
}

// tenths rounds to the nearest tenth, a half up: what is a half but for how numbers are kept is one.
func tenths(score float64) Tenths { return Tenths(math.Floor(score*10 + 0.5 + 1e-9)) }

// Score works out what an account comes to: the mean of its inputs' scores by their weights, of
// those that have a value. There is a reading for each input.
func Score(inputs []Input, readings []Reading) Result {
	r := Result{Inputs: make([]Contribution, len(inputs))}
	weights := 0.0
	for i, in := range inputs {
		if readings[i].Value != nil && !readings[i].Stale {
			weights += in.Weight
		}
	}
	shares := make([]float64, len(inputs))
	for i, in := range inputs {
		r.Inputs[i] = told(&in, readings[i])
		if r.Inputs[i].State == Used {
			shares[i] = in.Weight * in.score(*readings[i].Value) / weights
		}
	}
	if weights > 0 {
		whole := r.apportion(shares)
		r.Score = &whole
	}
	return r
}

// told is what is shown of a reading, but for what it adds.
func told(in *Input, r Reading) Contribution {
	c := Contribution{Key: in.Key, Name: in.Name, Kind: in.Kind, State: Missing, Value: r.Value, At: r.At}
	switch {
	case r.Value == nil:
	case r.Stale:
		c.State = Stale
	default:
		own := tenths(in.score(*r.Value))
		c.State, c.Score = Used, &own
	}
	return c
}

// apportion rounds what inputs add to tenths that come to the rounded sum: by largest remainders
// (Hamilton's method), the first of equal ones.
func (r *Result) apportion(shares []float64) Tenths {
	sum, given := 0.0, Tenths(0)
	order := make([]int, len(shares))
	for i, share := range shares {
		order[i] = i
		r.Inputs[i].Contribution = Tenths(math.Floor(share * 10))
		sum += share
		given += r.Inputs[i].Contribution
	}
	whole := min(tenths(sum), 1000)
	rest := func(i int) float64 { return shares[i]*10 - math.Floor(shares[i]*10) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest(b), rest(a)) })
	for _, i := range order[:whole-given] {
		r.Inputs[i].Contribution++
	}
	return whole
}
