package event_test

import (
	"testing"

	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// notRecounted are the types whose properties are not all recorded: those of traits, which an
// event does not keep, and those with too many.
const notRecounted = `
	select '$identify' union select '$group'
	union select name from event_type where tenant_id = $1 and unrecorded_properties > 0`

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
	"event_type": `
		select type as name, min(occurred_at) as first_seen_at, max(occurred_at) as last_seen_at, count(*) as volume,
		  sum((select count(*) from jsonb_object_keys(properties))) as uses
		from dated where type not in ('$identify', '$group') group by 1`,
	"event_property": `
		select type, p.key as name, upper(jsonb_typeof(p.value)) as kind, min(occurred_at), max(occurred_at), count(*) as volume
		from dated, jsonb_each(properties) p where type not in (` + notRecounted + `) group by 1, 2, 3`,
}

var counted = map[string]string{
	"event_rollup": "select at, type, day, count from event_rollup where tenant_id = $1",
	"identity":     "select identity_id, first_seen_at, first_seen_day from identity where tenant_id = $1 and first_seen_at is not null",
	"birth":        "select identity_id, born_at, day from identity where tenant_id = $1 and born_at is not null",
	"presence":     "select day, identity_id, person_id, slots from presence where tenant_id = $1",
	"event_type": `
		select name, first_seen_at, last_seen_at, volume, unrecorded_properties + coalesce(
		  (select sum(p.volume) from event_property p where p.tenant_id = $1 and p.type = t.name), 0)
		from event_type t where tenant_id = $1 and name not in ('$identify', '$group')`,
	"event_property": `
		select type, name, kind, first_seen_at, last_seen_at, volume
		from event_property where tenant_id = $1 and type not in (` + notRecounted + `)`,
}

// wantRecount checks that everything counted of a tenant equals a recount, and that each
// event has its message.
func (h *house) wantRecount(t *testing.T, id tenant.ID) {
	t.Helper()
	for table, recount := range recounts {
		differing := h.Number(t, `
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
	without := h.Number(t, `
		select (select count(*) from event where tenant_id = $1) - (select count(*) from message where tenant_id = $1)`, id)
	if without != 0 {
		t.Errorf("there are %d more events than messages", without)
	}
	nobodys := h.Number(t, `
		select count(*) from event where tenant_id = $1
		and (identity_id is null) <> (coalesce(user_id, '') in ('', '0', 'null', 'undefined') and coalesce(anonymous_id, '') in ('', '0', 'null', 'undefined'))`, id)
	if nobodys != 0 {
		t.Errorf("%d events have no identity, or one without an id", nobodys)
	}
}
