package event_test

import (
	"testing"

	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// recounts tell, for a tenant, how many rows of what was counted differ from a plain count
// of its events.
var recounts = map[string]string{
	"event_rollup": `
		select date_bin('15 min', occurred_at, 'epoch') as at, type, day, count(*) from dated group by 1, 2, 3`,
	"identity": `
		select identity_id, min(occurred_at) as first_seen_at, min(day) as first_seen_day from active group by 1`,
	"birth": `
		select i.person_id, min(a.occurred_at) as born_at, min(a.day) as day
		from active a join identity i using (tenant_id, identity_id) group by 1`,
	"presence": `
		select a.day, a.identity_id, i.person_id,
		  bit_or(set_bit(0::bit(128), floor(extract(epoch from a.occurred_at - a.starts) / 900)::int, 1)) as slots
		from active a join identity i using (tenant_id, identity_id) group by 1, 2, 3`,
}

var counted = map[string]string{
	"event_rollup": "select at, type, day, count from event_rollup where tenant_id = $1",
	"identity":     "select identity_id, first_seen_at, first_seen_day from identity where tenant_id = $1 and first_seen_at is not null",
	"birth":        "select identity_id, born_at, day from identity where tenant_id = $1 and born_at is not null",
	"presence":     "select day, identity_id, person_id, slots from presence where tenant_id = $1",
}

// wantRecount checks that everything counted of a tenant equals a recount, and that each
// event has its message.
func (h *house) wantRecount(t *testing.T, id tenant.ID) {
	t.Helper()
	for table, recount := range recounts {
		differing := h.number(t, `
			with local as (
			  select e.*, t.zone, (e.occurred_at at time zone t.zone)::date as day
			  from event e join tenant t using (tenant_id) where tenant_id = $1
			),
			dated as (select *, day::timestamp at time zone zone as starts from local),
			active as (
			  select * from dated where identity_id is not null and type not in ('$identify', '$group', '$alias')
			),
			want as (`+recount+`), got as (`+counted[table]+`)
			select count(*) from (
			  (select * from want except all select * from got)
			  union all (select * from got except all select * from want)
			) d`, id)
		if differing != 0 {
			t.Errorf("%d rows of %s differ from a recount", differing, table)
		}
	}
	without := h.number(t, `
		select (select count(*) from event where tenant_id = $1) - (select count(*) from message where tenant_id = $1)`, id)
	if without != 0 {
		t.Errorf("there are %d more events than messages", without)
	}
	nobodys := h.number(t, `
		select count(*) from event where tenant_id = $1
		and (identity_id is null) <> (coalesce(user_id, '') in ('', '0', 'null', 'undefined') and coalesce(anonymous_id, '') in ('', '0', 'null', 'undefined'))`, id)
	if nobodys != 0 {
		t.Errorf("%d events have no identity, or one without an id", nobodys)
	}
}
