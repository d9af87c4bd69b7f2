package metric_test

import (
	"slices"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/metric"
)

// A metric is worked out of columns that their readers give.
func TestWhatMetricsNeedIsRead(t *testing.T) {
	for _, d := range metric.Builtin() {
		for _, c := range d.Needs {
			if !slices.Contains(c.Reader.Columns, c.Name) {
				t.Errorf("%s needs %q, and %s gives %q", d.Key, c.Name, c.Reader.Name, c.Reader.Columns)
			}
		}
	}
}
