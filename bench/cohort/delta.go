package main

import (
	"context"
	"fmt"
	"time"
)

// deltaEvents are put beside the others, as a writer would have: then the answer is asked for.
const deltaEvents = 10_000

// delta is how long it takes until events that have just come are in the answer, asking included.
func (h *house) delta(ctx context.Context) (time.Duration, error) {
	q := questions[0]
	c := h.tenants[q.tenant]
	before, err := q.ours(ctx, h)
	if err != nil {
		return 0, err
	}
	for _, statement := range []string{
		fmt.Sprintf(`insert into event (tenant_id, occurred_at, type, identity_id, user_id, source, message_id, properties, context)
			select '%s', timestamptz '%s' + (%d + random() * 80) * interval '1 day', 'Opened', i.identity_id, i.distinct_id, 'default', '', '{}', '{}'
			from (select identity_id, distinct_id from identity where tenant_id = '%s' limit %d) i`, c.id, first, 7*firstWeek, c.id, deltaEvents),
		fmt.Sprintf(`insert into day_version (tenant_id, day, version)
			select '%s', d::date, nextval('day_version_seq') from generate_series(date '2025-06-01', date '2026-06-01', '1 day') d
			on conflict (tenant_id, day) do update set version = excluded.version`, c.id),
	} {
		if _, err := h.owner.Exec(ctx, statement); err != nil {
			return 0, fmt.Errorf("add events: %w", err)
		}
	}
	start := time.Now()
	after, err := q.ours(ctx, h)
	took := time.Since(start)
	if err == nil && after == before {
		err = fmt.Errorf("the answer is as it was before %d events came", deltaEvents)
	}
	return took, err
}
