package revenue

import (
	"math"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

func definition(t *testing.T, key string) *metric.Definition {
	t.Helper()
	for _, d := range Metrics() {
		if d.Key == key {
			return d
		}
	}
	t.Fatal("there is no metric ", key)
	return nil
}

// Each formula by the numbers of the definitions: start 100, churn 10, contraction 10, expansion 10.
func TestFormulas(t *testing.T) {
	month := map[string]float64{
		"start": 100, "churn": 10, "contraction": 10, "expansion": 10, "new": 30, "reactivation": 5, "fx": -2, "end": 123,
		"kept_net": 90, "kept_gross": 80, "customers_start": 10, "customers_churned": 1, "customers_end": 12, meanChurn: 0.05,
		"trials_started": 8, "trials_ended": 4, "trials_converted": 3,
	}
	example := map[string]float64{"start": 100, "churn": 10, "contraction": 10, "expansion": 10}
	still := map[string]float64{meanChurn: math.NaN()}
	cases := []struct {
		key  string
		of   map[string]float64
		want float64 // NaN: none
	}{
		{"gross_revenue_churn", example, 0.2}, {"net_revenue_churn", example, 0.1}, {"quick_ratio", example, 0.5},
		{"mrr", month, 123}, {"arr", month, 1_476}, {"mrr_new", month, 30}, {"mrr_expansion", month, 10}, {"mrr_contraction", month, 10},
		{"mrr_churn", month, 10}, {"mrr_reactivation", month, 5}, {"mrr_fx", month, -2}, {"net_mrr_movement", month, 25},
		{"nrr", month, 0.9}, {"grr", month, 0.8}, {"net_revenue_churn", month, 0.05}, {"customer_churn", month, 0.1},
		{"arpa", month, 10}, {"ltv", month, 205}, {"quick_ratio", month, 2.25}, {"paying_customers", month, 12},
		{"trials", month, 8}, {"trial_conversion", month, 0.75},
		{"nrr", still, math.NaN()}, {"grr", still, math.NaN()}, {"gross_revenue_churn", still, math.NaN()}, {"customer_churn", still, math.NaN()},
		{"arpa", still, math.NaN()}, {"ltv", still, math.NaN()}, {"quick_ratio", still, math.NaN()}, {"trial_conversion", still, math.NaN()},
		{"ltv", map[string]float64{"end": 100, "customers_end": 1}, math.NaN()},                        // nobody left
		{"ltv", map[string]float64{"end": 100, "customers_end": 1, meanChurn: math.NaN()}, math.NaN()}, // nor was there anybody
		{"mrr", still, 0}, {"mrr_fx", still, 0}, {"paying_customers", still, 0},
	}
	asked := map[string]bool{}
	for _, c := range cases {
		d := definition(t, c.key)
		asked[c.key] = true
		columns := make([]float64, len(d.Needs))
		for i, need := range d.Needs {
			columns[i] = c.of[need.Name]
		}
		got := math.NaN()
		if d.Calc == nil {
			got = columns[0]
		} else if v := d.Calc(columns); v != nil {
			got = *v
		}
		if math.Abs(got-c.want) > 1e-12 || math.IsNaN(got) != math.IsNaN(c.want) {
			t.Errorf("%s of %v: %v, want %v", c.key, c.of, got, c.want)
		}
	}
	for _, d := range Metrics() {
		if !asked[d.Key] || d.Permission != access.ReadRevenue || d.Version != 1 || d.Description == "" || d.Formula == "" {
			t.Errorf("%s: %+v", d.Key, d)
		}
	}
}
