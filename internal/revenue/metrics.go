package revenue

import (
	"math"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

func moved(columns ...string) (list []metric.Column) {
	for _, name := range columns {
		list = append(list, metric.Column{Reader: movements, Name: name})
	}
	return list
}

func tried(columns ...string) (list []metric.Column) {
	for _, name := range columns {
		list = append(list, metric.Column{Reader: trialCounts, Name: name})
	}
	return list
}

// madeOf says that a figure is made of customers, each with what it comes to for them.
func madeOf(figure string) *metric.Entities {
	return &metric.Entities{Kind: metric.Accounts, Column: metric.Column{Reader: movements, Name: figure}}
}

// Metrics are those of revenue. Whoever may not read revenue is shown that there are such
// metrics, and none of their figures.
func Metrics() []*metric.Definition {
	list := []*metric.Definition{
		{
			Key: "mrr", Name: "MRR", Unit: metric.UnitMoney, Direction: metric.UpIsGood,
			Description: "Monthly recurring revenue at the end: what subscriptions are charged, net of discounts, per month. No tax, no one-offs, no trials.",
			Formula:     "sum(monthly charge of each paying subscription)", Needs: moved("end"),
			Entities: madeOf("end"),
		},
		{
			Key: "arr", Name: "ARR", Unit: metric.UnitMoney, Direction: metric.UpIsGood,
			Description: "Annual recurring revenue at the end: twelve times the MRR.",
			Formula:     "12 * mrr", Needs: moved("end"), Calc: func(c []float64) *float64 { return new(12 * c[0]) },
			Entities: madeOf(annual),
		},
		line("mrr_new", "New MRR", metric.UpIsGood, "MRR of customers who had never paid before.", "new"),
		line("mrr_expansion", "Expansion MRR", metric.UpIsGood, "By how much the MRR of customers who paid before rose.", "expansion"),
		line("mrr_contraction", "Contraction MRR", metric.DownIsGood, "By how much the MRR of customers who still pay fell.", "contraction"),
		line("mrr_churn", "Churned MRR", metric.DownIsGood, "MRR of customers whose MRR fell to 0.", "churn"),
		line("mrr_reactivation", "Reactivation MRR", metric.UpIsGood, "MRR of customers who had left, and came back.", "reactivation"),
		line("mrr_fx", "Exchange rates", metric.Neutral, "By how much MRR rose or fell because exchange rates changed. It is no movement.", "fx"),
		{
			Key: "net_mrr_movement", Name: "Net MRR movement", Unit: metric.UnitMoney, Direction: metric.UpIsGood, Additive: true,
			Description: "By how much customers moved MRR: what it rose by, exchange rates aside.",
			Formula:     "mrr_new + mrr_expansion + mrr_reactivation - mrr_contraction - mrr_churn",
			Needs:       moved("new", "expansion", "reactivation", "contraction", "churn"),
			Calc:        func(c []float64) *float64 { return new(c[0] + c[1] + c[2] - c[3] - c[4]) },
			Entities:    madeOf(netMovement),
		},
		ratio("nrr", "Net revenue retention", metric.UpIsGood, "Which part of the start's MRR is left of its customers, with what they added. Who left is gone, also if they came back.",
			"MRR left of the start's customers / MRR at the start", moved("kept_net", "start")),
		ratio("grr", "Gross revenue retention", metric.UpIsGood, "Which part of the start's MRR is left of its customers, without what they added: at most 1.",
			"sum(min(MRR left, MRR at the start) of each of the start's customers) / MRR at the start", moved("kept_gross", "start")),
		{
			Key: "gross_revenue_churn", Name: "Gross revenue churn", Unit: metric.UnitRatio, Direction: metric.DownIsGood,
			Description: "Which part of the start's MRR was lost.",
			Formula:     "(mrr_churn + mrr_contraction) / MRR at the start", Needs: moved("churn", "contraction", "start"),
			Calc: func(c []float64) *float64 { return metric.Ratio(c[0]+c[1], c[2]) },
		},
		{
			Key: "net_revenue_churn", Name: "Net revenue churn", Unit: metric.UnitRatio, Direction: metric.DownIsGood,
			Description: "Which part of the start's MRR was lost, less what was won from customers known before. Below 0, more was won than lost.",
			Formula:     "(mrr_churn + mrr_contraction - mrr_expansion - mrr_reactivation) / MRR at the start",
			Needs:       moved("churn", "contraction", "expansion", "reactivation", "start"),
			Calc:        func(c []float64) *float64 { return metric.Ratio(c[0]+c[1]-c[2]-c[3], c[4]) },
		},
		ratio("customer_churn", "Customer churn", metric.DownIsGood, "Which part of the start's customers left.",
			"customers who left / customers at the start", moved("customers_churned", "customers_start")),
		{
			Key: "arpa", Name: "ARPA", Unit: metric.UnitMoney, Direction: metric.UpIsGood,
			Description: "Average revenue per account: MRR by paying customers, at the end.",
			Formula:     "mrr / paying_customers", Needs: moved("end", "customers_end"),
			Calc: func(c []float64) *float64 { return rounded(metric.Ratio(c[0], c[1])) },
		},
		{
			Key: "ltv", Name: "LTV", Unit: metric.UnitMoney, Direction: metric.UpIsGood,
			Description: "Lifetime value: what a customer brings before they leave, by the mean customer churn of the last six complete months. None while nobody leaves.",
			Formula:     "arpa / mean(customer_churn of the last six complete months)",
			Needs:       append(moved("end", "customers_end"), metric.Column{Reader: churnHistory, Name: meanChurn}),
			Calc:        lifetime,
		},
		{
			Key: "quick_ratio", Name: "Quick ratio", Unit: metric.UnitNumber, Direction: metric.UpIsGood,
			Description: "How many times what was lost was won. None where nothing was lost.",
			Formula:     "(mrr_new + mrr_expansion + mrr_reactivation) / (mrr_churn + mrr_contraction)",
			Needs:       moved("new", "expansion", "reactivation", "churn", "contraction"),
			Calc:        func(c []float64) *float64 { return metric.Ratio(c[0]+c[1]+c[2], c[3]+c[4]) },
		},
		{
			Key: "paying_customers", Name: "Paying customers", Unit: metric.UnitAccounts, Direction: metric.UpIsGood,
			Description: "How many accounts have an MRR above 0 at the end. Told by plan, who has two is in both.",
			Formula:     "count(account with MRR > 0)", Needs: moved("customers_end"),
			Entities: madeOf("customers_end"),
		},
		{
			Key: "trials", Name: "Trials", Unit: metric.UnitSubscriptions, Direction: metric.UpIsGood, Additive: true,
			Description: "How many trials of subscriptions began.",
			Formula:     "count(trial) by its start", Needs: tried("trials_started"),
			Entities: &metric.Entities{Kind: metric.Subscriptions, Column: metric.Column{Reader: trialCounts, Name: "trials_started"}},
		},
		ratio("trial_conversion", "Trial conversion", metric.UpIsGood, "Which part of the trials that ended were paid for from then on.",
			"trials paid for as they ended / trials that ended", tried("trials_converted", "trials_ended")),
	}
	for _, d := range list {
		d.Permission, d.Version = access.ReadRevenue, 1
	}
	return list
}

// line is a metric that is one of the lines between start and end.
func line(key, name string, good metric.Direction, description, column string) *metric.Definition {
	return &metric.Definition{
		Key: key, Name: name, Unit: metric.UnitMoney, Direction: good, Additive: true, Description: description,
		Formula: "sum(" + column + ")", Needs: moved(column), Entities: madeOf(column),
	}
}

// ratio is a metric that is its first column by its second.
func ratio(key, name string, good metric.Direction, description, formula string, of []metric.Column) *metric.Definition {
	return &metric.Definition{
		Key: key, Name: name, Unit: metric.UnitRatio, Direction: good, Description: description, Formula: formula,
		Needs: of, Calc: func(c []float64) *float64 { return metric.Ratio(c[0], c[1]) },
	}
}

// lifetime is null where nobody left, as ARPA by 0 would be.
func lifetime(c []float64) *float64 {
	arpa := metric.Ratio(c[0], c[1])
	if arpa == nil || math.IsNaN(c[2]) {
		return nil
	}
	return rounded(metric.Ratio(*arpa, c[2]))
}

// rounded is money in whole minor units.
func rounded(v *float64) *float64 {
	if v == nil {
		return nil
	}
	return new(math.Round(*v))
}
