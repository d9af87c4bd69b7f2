package definition

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/metric"
)

// words say how a metric is worked out, for people to read. What a filter compares with is left
// out: it may be known of a tenant's users.
func (d Draft) words() string {
	if d.Formula != nil {
		return *d.Formula
	}
	m := d.Events
	text := aggregate(m)
	if m.Types != nil {
		text += " of " + strings.Join(m.Types, ", ")
	}
	var by []string
	named(m.Filter, &by)
	if len(by) > 0 {
		text += ", filtered by " + strings.Join(by, ", ")
	}
	return text
}

func aggregate(m *metric.Measure) string {
	switch m.Aggregation {
	case metric.Count:
		return "count(events)"
	case metric.UniqueUsers:
		return "count(distinct user)"
	case metric.UniqueAccounts:
		return "count(distinct account)"
	case metric.Percentile:
		return "percentile(" + m.Property + ", " + strconv.FormatFloat(m.Percentile, 'g', -1, 64) + ")"
	}
	return strings.ToLower(string(m.Aggregation)) + "(" + m.Property + ")"
}

// named lists what a filter compares, each once.
func named(f *metric.Filter, by *[]string) {
	if f == nil {
		return
	}
	if f.Is != nil {
		text := strings.TrimSpace(fmt.Sprintf("%s %s", f.Is.Dimension.Kind, f.Is.Dimension.Name))
		if !slices.Contains(*by, text) {
			*by = append(*by, text)
		}
	}
	named(f.Not, by)
	for _, list := range [][]metric.Filter{f.And, f.Or} {
		for i := range list {
			named(&list[i], by)
		}
	}
}

// unit is the one that was given, or that of what is counted.
func (d Draft) unit() metric.Unit {
	switch {
	case d.Unit != "":
		return d.Unit
	case d.Events == nil:
		return metric.UnitNumber
	}
	switch d.Events.Aggregation {
	case metric.Count:
		return metric.UnitEvents
	case metric.UniqueUsers:
		return metric.UnitUsers
	case metric.UniqueAccounts:
		return metric.UnitAccounts
	}
	return metric.UnitNumber
}
