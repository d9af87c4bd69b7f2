package access

import (
	"encoding/json"
	"slices"
)

// Embed is what the bearer of an embed token is let see: of all metrics and reports those
// that the token names. No Embed restricts nothing.
type Embed struct {
	Metrics []string `json:"metrics,omitempty"` // keys, such as active_users
	Reports []string `json:"reports,omitempty"` // ids, as the API gives them
}

// AllowsMetric reports whether a metric may be seen, by its key.
func (e *Embed) AllowsMetric(key string) bool {
	return e == nil || slices.Contains(e.Metrics, key)
}

// AllowsReport reports whether a report may be seen, by its id as the API gives it.
func (e *Embed) AllowsReport(id string) bool {
	return e == nil || slices.Contains(e.Reports, id)
}

// newEmbed brings what a token names into one order, so that equal tokens are equal.
func newEmbed(metrics, reports []string) *Embed {
	return &Embed{sorted(metrics), sorted(reports)}
}

func sorted(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

// key names all that it allows, for the scope.
func (e *Embed) key() string {
	text, _ := json.Marshal(e) // texts can be written
	return string(text)
}
