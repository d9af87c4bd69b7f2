package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/journey"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// question is asked in three ways, whose answers are the same text.
type question struct {
	name   string
	tenant int
	ours   func(ctx context.Context, h *house) (string, error)
	duck   func(h *house) string
	raw    func(h *house) string
}

// questions are asked of the large tenant, and funnels of the middling one as well.
var questions = []question{
	retention("retention, 12 x 12 weeks", 0, ""),
	retention("retention, 12 x 12 weeks, of a plan", 0, "business"),
	funnel("funnel, 3 steps within 7 days", 0, ""),
	funnel("funnel, 3 steps within 7 days, of a plan", 0, "business"),
	funnel("funnel of a middling tenant", 1, ""),
	funnel("funnel of a middling tenant, of a plan", 1, "business"),
}

var year, _ = time.Parse(time.RFC3339, first)

const week = 7 * 24 * time.Hour

// of are the events of a plan, or all.
func of(plan string, types ...string) journey.Events {
	e := journey.Events{Types: types}
	if plan != "" {
		e.Filter = &metric.Filter{Is: &metric.Condition{
			Dimension: metric.Dimension{Kind: metric.ByProperty, Name: "plan"}, Operator: metric.Equals, Values: []any{plan},
		}}
	}
	return e
}

// The cohorts are twelve weeks, from this one of the year on.
const firstWeek, weeks = 8, 12

func retention(name string, tenant int, plan string) question {
	from := year.Add(firstWeek * week)
	to := from.Add(weeks * week)
	ask := journey.RetentionAsk{
		Ask:  metric.Ask{From: &from, To: &to, Interval: calendar.Week, Zone: "UTC"},
		Unit: journey.Users, Start: journey.Recurring, Return: journey.On, Mode: journey.Calendar, Periods: weeks, Weight: journey.ByUnits,
		StartWith: of(plan), ReturnWith: &journey.Events{},
	}
	sql := func(source, weekOf, where, planOf string) string {
		start := "true"
		if plan != "" {
			start = planOf + " = '" + plan + "'"
		}
		return fmt.Sprintf(`with active as (
				select person, week, bool_or(%s) as starts
				from (select %s as person, %s as week, * from %s) e
				group by person, week
			)
			select s.week - %d as cohort, r.week - s.week as n, count(*) as users
			from active s
			join active r on r.person = s.person and r.week between s.week and s.week + %d
			where s.starts and s.week between %d and %d
			group by 1, 2
			order by 1, 2`, start, where, weekOf, source, firstWeek, weeks-1, firstWeek, firstWeek+weeks-1)
	}
	last := from.Add(2 * weeks * week)
	return question{
		name: name, tenant: tenant,
		ours: func(ctx context.Context, h *house) (string, error) {
			t, err := h.journeys.Retention(h.as(ctx, tenant), ask)
			if err != nil {
				return "", err
			}
			var lines []string
			for c, row := range t.Returned {
				for n, users := range row {
					if users > 0 {
						lines = append(lines, fmt.Sprint(c, n, users))
					}
				}
			}
			return strings.Join(lines, "\n"), nil
		},
		duck: func(*house) string {
			source := fmt.Sprintf("(select person as who, ts, plan from event where tenant = %d and ts >= %d and ts < %d)", tenant, from.UnixMicro(), last.UnixMicro())
			return sql(source, fmt.Sprintf("(ts - %d) // %d", year.UnixMicro(), week.Microseconds()), "who", "plan")
		},
		raw: func(h *house) string {
			source := fmt.Sprintf("(select identity_id as who, occurred_at, properties from event where tenant_id = '%s' and occurred_at >= '%s' and occurred_at < '%s')",
				h.tenants[tenant].id, from.Format(time.RFC3339), last.Format(time.RFC3339))
			return sql(source+" x", fmt.Sprintf("floor(extract(epoch from occurred_at - timestamptz '%s') / %d)::int", first, int(week.Seconds())), "who", "properties ->> 'plan'")
		},
	}
}

func funnel(name string, tenant int, plan string) question {
	steps := []string{"Opened", "Shared", "Paid"}
	from := year.Add(firstWeek * week)
	to := from.Add(weeks * week)
	ask := journey.FunnelAsk{
		Ask: metric.Ask{From: &from, To: &to, Zone: "UTC"}, Unit: journey.Users, Order: journey.Sequential, Within: week,
		Steps: []journey.Events{of(plan, steps[0]), of("", steps[1]), of("", steps[2])},
	}
	// The latest entry from which a step can be reached tells how far somebody comes.
	sql := func(source, to, within, planOf string) string {
		enters := "type = '" + steps[0] + "' and ts < " + to
		if plan != "" {
			enters += " and " + planOf + " = '" + plan + "'"
		}
		const before = "over (partition by person order by ts, id rows between unbounded preceding and 1 preceding)"
		return fmt.Sprintf(`with a as (select person, ts, id, type, case when %s then ts end as entry from %s),
			b as (select *, max(entry) %s as first_entry from a),
			c as (select *, case when type = '%s' and ts - first_entry < %s then first_entry end as entry2 from b),
			d as (select *, max(entry2) %s as second_entry from c)
			select
				count(distinct case when entry is not null then person end),
				count(distinct case when entry2 is not null then person end),
				count(distinct case when type = '%s' and ts - second_entry < %s then person end)
			from d`, enters, source, before, steps[1], within, before, steps[2], within)
	}
	types := "'" + strings.Join(steps, "', '") + "'"
	return question{
		name: name, tenant: tenant,
		ours: func(ctx context.Context, h *house) (string, error) {
			f, err := h.journeys.Funnel(h.as(ctx, tenant), ask)
			if err != nil {
				return "", err
			}
			var counts []string
			for _, s := range f.Steps {
				counts = append(counts, fmt.Sprint(s.Count))
			}
			return strings.Join(counts, " "), nil
		},
		duck: func(*house) string {
			source := fmt.Sprintf("(select * from event where tenant = %d and type in (%s) and ts >= %d and ts < %d)", tenant, types, from.UnixMicro(), to.Add(week).UnixMicro())
			return sql(source, fmt.Sprint(to.UnixMicro()), fmt.Sprint(week.Microseconds()), "plan")
		},
		raw: func(h *house) string {
			source := fmt.Sprintf("(select identity_id as person, occurred_at as ts, event_id as id, type, properties from event where tenant_id = '%s' and type in (%s) and occurred_at >= '%s' and occurred_at < '%s') x",
				h.tenants[tenant].id, types, from.Format(time.RFC3339), to.Add(week).Format(time.RFC3339))
			return sql(source, "timestamptz '"+to.Format(time.RFC3339)+"'", "interval '7 days'", "properties ->> 'plan'")
		},
	}
}
