package health_test

import (
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	. "github.com/tidemarkhq/tidemark/internal/health"
)

func value(v float64) Reading { return Reading{Value: &v} }

func stale(v float64) Reading { return Reading{Value: &v, Stale: true} }

var none Reading

func input(key string, weight, worst, best float64) Input {
	return Input{Key: key, Weight: weight, Worst: worst, Best: best}
}

// shown writes a result: the score, what each input adds, and what became of it.
func shown(r Result) string {
	text := "none"
	if r.Score != nil {
		text = fmt.Sprint(r.Score.Float(), " ", r.Score.Band())
	}
	for _, c := range r.Inputs {
		own := "-"
		if c.Score != nil {
			own = fmt.Sprint(c.Score.Float())
		}
		text += fmt.Sprintf("; %s %s %s %v", c.Key, c.State, own, c.Contribution.Float())
	}
	return text
}

func TestScore(t *testing.T) {
	use, seen, nps := input("use", 3, 0, 100), input("seen", 2, 30, 0), input("nps", 1, -100, 100)
	for _, c := range []struct {
		name     string
		inputs   []Input
		readings []Reading
		want     string
	}{
		{"all have a value", []Input{use, seen, nps}, []Reading{value(80), value(3), value(50)},
			"82.5 HEALTHY; use USED 80 40; seen USED 90 30; nps USED 75 12.5"},
		{"one that has none does not count", []Input{use, seen, nps}, []Reading{value(80), none, value(50)},
			"78.8 HEALTHY; use USED 80 60; seen MISSING - 0; nps USED 75 18.8"},
		{"nor does a stale one, which is flagged", []Input{use, seen, nps}, []Reading{value(40), value(15), stale(50)},
			"44 AT_RISK; use USED 40 24; seen USED 50 20; nps STALE - 0"},
		{"none has a value", []Input{use, nps}, []Reading{none, stale(3)}, "none; use MISSING - 0; nps STALE - 0"},
		{"no more than all", []Input{use, seen}, []Reading{value(1e9), value(-5)}, "100 HEALTHY; use USED 100 60; seen USED 100 40"},
		{"no less than nothing", []Input{use, seen}, []Reading{value(-7), value(31)}, "0 AT_RISK; use USED 0 0; seen USED 0 0"},
		{"thirds come to the whole", []Input{input("a", 1, 0, 1), input("b", 1, 0, 1), input("c", 1, 0, 1)}, []Reading{value(1), value(1), value(1)},
			"100 HEALTHY; a USED 100 33.4; b USED 100 33.3; c USED 100 33.3"},
		{"a half goes up", []Input{input("a", 1, 0, 2000)}, []Reading{value(1009)}, "50.5 NEUTRAL; a USED 50.5 50.5"},
	} {
		if got := shown(Score(c.inputs, c.readings)); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestBands(t *testing.T) {
	for score, want := range map[Tenths]Band{
		0: AtRisk, 500: AtRisk, 504: AtRisk, 505: Neutral, 510: Neutral, 750: Neutral, 754: Neutral, 755: Healthy, 760: Healthy, 1000: Healthy,
	} {
		if got := score.Band(); got != want {
			t.Errorf("%v is %s, want %s", score.Float(), got, want)
		}
	}
}

// The score is the weighted mean to the nearest tenth, and what the inputs add comes to it; each
// adds what it should, but for the rounding.
func TestScoreIsTheMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Float64Range(-1e6, 1e6)
		inputs := make([]Input, rapid.IntRange(1, 20).Draw(t, "inputs"))
		readings := make([]Reading, len(inputs))
		for i := range inputs {
			inputs[i] = Input{Key: fmt.Sprint(i), Weight: rapid.Float64Range(0.01, 1000).Draw(t, "weight"), Worst: number.Draw(t, "worst")}
			for inputs[i].Best = inputs[i].Worst; inputs[i].Best == inputs[i].Worst; {
				inputs[i].Best = number.Draw(t, "best")
			}
			readings[i] = []Reading{none, stale(1), value(number.Draw(t, "value"))}[rapid.IntRange(0, 2).Draw(t, "what")]
		}
		checkMean(t, inputs, readings, Score(inputs, readings))
	})
}

func checkMean(t *rapid.T, inputs []Input, readings []Reading, got Result) {
	weights, sum := new(big.Rat), new(big.Rat)
	shares := make([]*big.Rat, len(inputs))
	for i, in := range inputs {
		if readings[i].Value == nil || readings[i].Stale {
			continue
		}
		weights.Add(weights, exact(in.Weight))
		shares[i] = new(big.Rat).Mul(exact(in.Weight), plainScore(in, *readings[i].Value))
		sum.Add(sum, shares[i])
	}
	if weights.Sign() == 0 {
		if got.Score != nil {
			t.Fatalf("a score of nothing: %s", shown(got))
		}
		return
	}
	total := Tenths(0)
	for i, c := range got.Inputs {
		total += c.Contribution
		if shares[i] == nil {
			shares[i] = new(big.Rat)
		}
		if far(shares[i].Quo(shares[i], weights), c.Contribution) >= 0.1+1e-6 {
			t.Fatalf("input %d adds %v, which should be %s: %s", i, c.Contribution.Float(), shares[i].FloatString(6), shown(got))
		}
	}
	if total != *got.Score {
		t.Fatalf("inputs add %v: %s", total.Float(), shown(got))
	}
	if mean := sum.Quo(sum, weights); far(mean, *got.Score) > 0.05+1e-6 {
		t.Fatalf("the mean is %s: %s", mean.FloatString(6), shown(got))
	}
}

func exact(f float64) *big.Rat { return new(big.Rat).SetFloat64(f) }

// plainScore is an input's own score, 0 to 100, without rounding.
func plainScore(in Input, v float64) *big.Rat {
	way := new(big.Rat).Sub(exact(in.Best), exact(in.Worst))
	at := new(big.Rat).Sub(exact(v), exact(in.Worst))
	at.Quo(at, way).Mul(at, big.NewRat(100, 1))
	if at.Sign() < 0 {
		return new(big.Rat)
	}
	if at.Cmp(big.NewRat(100, 1)) > 0 {
		return big.NewRat(100, 1)
	}
	return at
}

func far(want *big.Rat, got Tenths) float64 {
	f, _ := new(big.Rat).Sub(want, big.NewRat(int64(got), 10)).Float64()
	return max(f, -f)
}

func TestTrendsFillInDays(t *testing.T) {
	day := calendar.NewDate(2026, time.March, 10)
	for _, c := range []struct {
		name  string
		steps []Step
		want  string
	}{
		{"nothing yet", nil, "- - - -"},
		{"what was before holds", []Step{{day - 9, 300}}, "30 30 30 30"},
		{"steps", []Step{{day - 1, 300}, {day + 1, 455}, {day + 3, -1}}, "30 45.5 45.5 -"},
		{"from a day on", []Step{{day + 2, 10}}, "- - 1 1"},
	} {
		trend := TrendOf(day, day+3, c.steps...)
		got := ""
		for _, s := range trend.Scores {
			if s == nil {
				got += "- "
			} else {
				got += fmt.Sprint(s.Float(), " ")
			}
		}
		if got != c.want+" " || !slices.Equal(trend.Days, []calendar.Date{day, day + 1, day + 2, day + 3}) {
			t.Errorf("%s: %s %v, want %s", c.name, got, trend.Days, c.want)
		}
	}
}

func TestPreviewsTellWhatMoves(t *testing.T) {
	inputs := []Input{input("use", 1, 0, 100)}
	var results []Result
	for _, r := range []Reading{value(10), value(60), value(90), none, value(100), stale(5)} {
		results = append(results, Score(inputs, []Reading{r}))
	}
	was := func(s Tenths) *Tenths { return &s }
	p := PreviewOf(inputs, []int64{1, 2, 3, 4, 5, 6}, results, map[int64]*Tenths{1: was(110), 2: was(900), 3: nil, 5: was(760), 6: was(20)})
	if p.Accounts != 6 || p.Scored != 4 || !slices.Equal(p.Counts, []int{1, 1, 2}) || !slices.Equal(p.Before, []int{2, 0, 2}) {
		t.Errorf("preview %+v", p)
	}
	if !slices.Equal(p.Deciles, []int{0, 1, 0, 0, 0, 0, 1, 0, 0, 2}) {
		t.Errorf("deciles %v", p.Deciles)
	}
	var moved []int64
	for _, m := range p.Moved {
		moved = append(moved, m.Account)
	}
	if !slices.Equal(moved, []int64{3, 6, 2}) || p.AllMoved != 3 { // those that come or go first, then the farthest
		t.Errorf("moved %v", moved)
	}
	if in := p.Inputs[0]; in.WithValue != 4 || in.Stale != 1 || *in.Lower != 10 || *in.Median != 60 || *in.Upper != 90 {
		t.Errorf("input %+v", in)
	}
}
