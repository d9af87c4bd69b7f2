package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// widget is one figure of a page: a column over days, or the events of a range by type, with
// those of the range before.
type widget struct {
	metric string // empty: events by type
	days   int    // that end with the running one
	skip   int    // days before the running one that are left out
}

// page is what a browser asks for at once.
type page struct {
	name    string
	widgets []widget
}

// typesShown is how many types a breakdown has.
const typesShown = 10

// pages are what is measured: a chart, a dashboard, and a breakdown with what it was before.
var pages = []page{
	{"series", []widget{{metric: "events", days: 90}}},
	{"dashboard", dashboard()},
	{"breakdown", []widget{{days: 30, skip: 1}}}, // days that are over
}

func dashboard() (widgets []widget) {
	for _, days := range []int{90, 60, 30, 14} {
		for _, metric := range []string{"events", "active_users", "new_users"} {
			widgets = append(widgets, widget{metric: metric, days: days})
		}
	}
	return widgets
}

// document is the page in GraphQL.
func (p page) document(c clock) string {
	var text strings.Builder
	text.WriteString("{")
	for i, w := range p.widgets {
		if w.metric != "" {
			fmt.Fprintf(&text, ` w%d: metric(key: %q) { series(range: {last: {count: %d, interval: DAY}}, interval: DAY) { at values complete asOf } }`, i, w.metric, w.days)
			continue
		}
		days := c.days(w)
		fmt.Fprintf(&text, ` w%d: metric(key: "events") { breakdown(by: {kind: TYPE}, top: %d, range: {from: %q, to: %q}, compare: {kind: PREVIOUS_PERIOD})`+
			` { asOf groupCount rows { keys value comparisons { value } } rest { value } total { value } } }`, i, typesShown, stamp(days[0].start), stamp(days[len(days)-1].end))
	}
	return text.String() + " }"
}

// body is the page's request.
func (p page) body(c clock) []byte {
	body, err := json.Marshal(map[string]string{"query": p.document(c)})
	if err != nil {
		panic(err) // a text can be written
	}
	return body
}
