package graph

import (
	"time"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/calendar"
	"github.com/tidemarkhq/tidemark/internal/document"
	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/revenue"
)

// maxEvents is how many events one mutation may bring.
const maxEvents = 2_500

var weekdays = []model.Weekday{
	time.Sunday: model.WeekdaySunday, time.Monday: model.WeekdayMonday, time.Tuesday: model.WeekdayTuesday,
	time.Wednesday: model.WeekdayWednesday, time.Thursday: model.WeekdayThursday,
	time.Friday: model.WeekdayFriday, time.Saturday: model.WeekdaySaturday,
}

func weekdayOf(day *model.Weekday) *time.Weekday {
	if day == nil {
		return nil
	}
	for i, d := range weekdays {
		if d == *day {
			weekday := time.Weekday(i)
			return &weekday
		}
	}
	return nil
}

// askOf turns arguments into a question.
func askOf(window *model.RangeInput, zone *string) (metric.Ask, error) {
	var ask metric.Ask
	if zone != nil {
		if *zone == "" {
			return ask, fault.Input("zone", "There is no such time zone.")
		}
		ask.Zone = *zone
	}
	if window != nil {
		ask.From, ask.To = window.From, window.To
		if window.Last != nil {
			ask.Last = &metric.Last{Count: window.Last.Count, Interval: window.Last.Interval}
		}
	}
	return ask, nil
}

func toTenant(t dbsqlc.TenantGetRow) *model.Tenant {
	var months *int
	if t.EventRetentionMonths.Valid {
		months = new(int(t.EventRetentionMonths.Int32))
	}
	return &model.Tenant{
		EventRetentionMonths: months,
		ID:                   nodeID(tenantNode, t.TenantID.String()), Name: t.Name, Zone: t.Zone,
		WeekStart: weekdays[t.WeekStart], CreatedAt: t.CreatedAt, DocumentMode: document.Mode(t.DocumentMode),
		Currency: t.Currency, Branding: new(access.BrandingOf(t)), ChurnRule: revenue.ChurnRule(t.ChurnRule),
	}
}

func toRange(w metric.Window) *metric.Range { return &metric.Range{From: w.From, To: w.To} }

func toTimeline(s metric.Series, interval calendar.Interval) *model.EventTimeline {
	counts := make([]int, len(s.Values))
	for i, v := range s.Values {
		counts[i] = int(*v)
	}
	return &model.EventTimeline{At: s.At, Counts: counts, Complete: s.Complete, Interval: interval}
}

// itemsOf turns the mutation's events into those of the writer.
func itemsOf(inputs []model.EventInput, sentAt *time.Time) ([]event.Item, error) {
	if len(inputs) < 1 || len(inputs) > maxEvents {
		return nil, fault.Input("events", "Between 1 and %d events are allowed.", maxEvents)
	}
	items := make([]event.Item, len(inputs))
	for i, in := range inputs {
		items[i].Incoming = event.Incoming{
			MessageID: orEmpty(in.MessageID), Type: in.Type,
			UserID: orEmpty(in.UserID), AnonymousID: orEmpty(in.AnonymousID), PreviousID: orEmpty(in.PreviousID),
			GroupID: orEmpty(in.GroupID), GroupType: orEmpty(in.GroupType), Traits: in.Traits,
			Timestamp: orNone(in.Timestamp), SentAt: orNone(sentAt),
			Properties: in.Properties, Context: in.Context,
		}
		items[i].Problem = inSchemaWords(items[i].Check())
	}
	return items, nil
}

// inSchemaWords names a field as the schema does: what Segment calls the event is its type
// where its name is wrong, and an element of the argument where the whole of it is.
func inSchemaWords(problem *fault.Error) *fault.Error {
	switch {
	case problem == nil || problem.Field != "event":
		return problem
	case problem.Code == fault.TooLarge:
		return problem.In("events")
	}
	return problem.In("type")
}

// orEmpty is what may be left out; where it is, its zero.
func orEmpty[T any](given *T) (value T) {
	if given != nil {
		value = *given
	}
	return value
}

func orNone(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return event.Given(*t)
}

func toIngestResult(verdicts []event.Verdict) *model.IngestResult {
	result := &model.IngestResult{Verdicts: make([]model.EventVerdict, len(verdicts))}
	count := map[event.Status]*int{
		event.Accepted: &result.Accepted, event.Duplicate: &result.Duplicates,
		event.Conflict: &result.Conflicts, event.Rejected: &result.Rejected,
		event.Quarantined: &result.Quarantined, event.Queued: &result.Queued,
	}
	for i, v := range verdicts {
		*count[v.Status]++
		result.Verdicts[i] = model.EventVerdict{MessageID: v.MessageID, Status: v.Status, Warnings: toWarnings(v.Warnings)}
		if v.Reason != "" {
			field := v.Field
			switch {
			case field == "event" && v.Status == event.Quarantined: // the plan does not know its type
				field = "type"
			case field == "event": // refused by the database: nobody knows which part
				field = "events"
			}
			result.Verdicts[i].Field, result.Verdicts[i].Reason = &field, &v.Reason
		}
	}
	return result
}

func toWarnings(warnings []event.Warning) []model.EventWarning {
	list := make([]model.EventWarning, len(warnings))
	for i, w := range warnings {
		list[i] = model.EventWarning(w)
	}
	return list
}

// toEvents fixes the question's range, so that all fields speak of the same.
func toEvents(query metric.EventQuery, w metric.Window) *model.Events {
	query.From, query.To, query.Last = &w.From, &w.To, nil
	return &model.Events{
		Query: query, Range: toRange(w), Zone: w.Zone.String(), AsOf: w.Watermark, Watermark: w.Watermark, Exact: w.Exact(),
		RawSince: w.RawSince(),
	}
}
