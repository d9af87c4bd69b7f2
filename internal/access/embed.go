package access

import "slices"

// Embed is what the bearer of an embed token is let see: of all metrics and reports those
// that the token names. No Embed restricts nothing.
type Embed struct {
	Metrics []string // keys, such as active_users
	Reports []string // ids, as the API gives them
}

// AllowsMetric reports whether a metric may be seen, by its key.
func (e *Embed) AllowsMetric(key string) bool {
	return e == nil || slices.Contains(e.Metrics, key)
}

// AllowsReport reports whether a report may be seen, by its id as the API gives it.
func (e *Embed) AllowsReport(id string) bool {
	return e == nil || slices.Contains(e.Reports, id)
}
