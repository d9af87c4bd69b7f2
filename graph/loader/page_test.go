package loader

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/limit"
)

// Pages that begin at one place are read together; lists within lists end somewhere.
func TestPagesAreReadTogetherAndBounded(t *testing.T) {
	var reads []string
	batch := pages(func(_ context.Context, of []int64, first int, after int64) (map[int64]customer.Page[int], error) {
		reads = append(reads, fmt.Sprint(len(of), " of ", first, " after ", after))
		found := map[int64]customer.Page[int]{}
		for _, id := range of {
			found[id] = customer.Page[int]{Items: make([]int, first)}
		}
		return found, nil
	})
	var keys []PageKey[int64]
	for id := range int64(250) {
		keys = append(keys, PageKey[int64]{Of: id, First: 100})
	}
	for i, result := range batch(t.Context(), keys) {
		if result.Error != nil || len(result.Data.Items) != 100 {
			t.Fatalf("page %d: %v of %d", i, result.Error, len(result.Data.Items))
		}
	}
	if len(reads) != 1 || reads[0] != "250 of 100 after 0" {
		t.Errorf("read %v, want all at once", reads)
	}
	meter := limit.NewMeter(&limit.Estimate{Total: 1}, 20_000)
	_ = meter.Returned(nil, 25_000)
	err := batch(limit.WithMeter(t.Context(), meter), []PageKey[int64]{{Of: 1, First: 1, After: 7}})[0].Error
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.BadUserInput {
		t.Errorf("beyond the bound: %v, want to be told to ask for fewer", err)
	}
	if len(reads) != 1 {
		t.Errorf("read %v beyond the bound", reads)
	}
}
