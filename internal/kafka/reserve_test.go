package kafka

import (
	"testing"

	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// One tenant's flood leaves room for the others, and all of it has a bound.
func TestRoomForRecordsOnTheirWay(t *testing.T) {
	p := &Producer{buffered: map[tenant.ID]int{}}
	flood, other := tenant.ID{1}, tenant.ID{2}
	const size = 4 << 20
	taken := 0
	for p.reserve(flood, size) == nil {
		taken += size
	}
	if taken != tenantBytes {
		t.Errorf("one tenant takes %d bytes, want %d", taken, tenantBytes)
	}
	for p.reserve(other, size) == nil {
		taken += size
	}
	if taken != bufferedBytes {
		t.Errorf("%d bytes are on their way, want %d", taken, bufferedBytes)
	}
	p.release(other, size)
	if err := p.reserve(other, size); err != nil {
		t.Errorf("room that was given back is not there: %v", err)
	}
	for taken > 0 {
		p.release(flood, size)
		p.release(other, size)
		taken -= 2 * size
	}
	if p.total != 0 || len(p.buffered) != 0 {
		t.Errorf("%d bytes of %d tenants stay behind", p.total, len(p.buffered))
	}
	p.closed = true
	if err := p.reserve(other, 1); err == nil {
		t.Error("a producer that stops takes more")
	}
}
