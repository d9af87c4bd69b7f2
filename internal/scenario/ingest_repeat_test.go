package scenario_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// An event counts once, whatever a network, a retry or a second sender does.
func TestRepeats(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a repeat counts once", aRepeatCountsOnce},
		{"the same ID elsewhere is another event", theSameIDElsewhereIsAnotherEvent},
		{"another event of the same ID is a conflict", anotherEventOfTheSameIDIsAConflict},
		{"twenty senders of one batch", twentySendersOfOneBatch},
	})
}

// paid writes the same event with its members in another order for each i.
func paid(i int) string {
	members := []string{
		`"type":"track"`, `"messageId":"order-7"`, `"event":"Paid"`, `"userId":"u1"`, `"timestamp":"` + noon + `"`,
		`"properties":{"total":{"amount":12,"currency":"EUR"},"items":["a","b"]}`, `"context":{"ip":"::1","page":{"path":"/"}}`,
	}
	if i%2 == 1 {
		members[5] = `"properties" : {"items":[ "a","b" ],"total":{"currency":"EUR","amount":12}}`
		members[6] = `"context":{"page":{"path":"\u002f"},"ip":"::1"}`
	}
	rotated := append(append([]string{}, members[i%7:]...), members[:i%7]...)
	return "{" + strings.Join(rotated, ",") + "}"
}

// The same event is the same in whatever order its members stand, and counts once.
func aRepeatCountsOnce(t *testing.T, s story) {
	wantVerdicts(t, s.acme.Batch(t, paid(0), paid(1), paid(2)), "ACCEPTED", "DUPLICATE", "DUPLICATE")
	wantVerdicts(t, s.acme.Batch(t, paid(3), paid(4)), "DUPLICATE", "DUPLICATE")
	s.wantCount(t, 1, 1)
}

// An id is its tenant's own: the stranger's event of the same id is another event.
func theSameIDElsewhereIsAnotherEvent(t *testing.T, s story) {
	wantVerdicts(t, s.acme.Batch(t, event("m1", "Opened", "u1", noon)), "ACCEPTED")
	s.wantStrangerEmpty(t)
	wantVerdicts(t, s.globex.Batch(t, event("m1", "Closed", "u1", noon)), "ACCEPTED")
	for _, who := range []*served.Tenant{s.acme, s.globex} {
		if events, users := count(t, who); events != 1 || users != 1 {
			t.Errorf("%d events of %d users, want 1 of 1", events, users)
		}
	}
}

// The first event of an id stays, whichever part of another one differs.
func anotherEventOfTheSameIDIsAConflict(t *testing.T, s story) {
	const first = `{"type":"track","messageId":"m1","event":"Paid","userId":"u1","anonymousId":"a1","timestamp":"` + noon + `","properties":{"a":1},"context":{"c":[1,2]}}`
	wantVerdicts(t, s.acme.Batch(t, first), "ACCEPTED")
	for _, other := range [][2]string{
		{`"Paid"`, `"Refunded"`}, {`"u1"`, `"u2"`}, {`"a1"`, `"a2"`}, {noon, "2026-05-01T12:00:00.000001Z"},
		{`{"a":1}`, `{"a":"1"}`}, {`{"a":1}`, `{"b":1}`}, {`{"a":1}`, `{"a":1,"b":null}`}, {`[1,2]`, `[2,1]`},
	} {
		got := s.acme.Batch(t, strings.Replace(first, other[0], other[1], 1), first)
		wantVerdicts(t, got, "CONFLICT", "DUPLICATE")
		if got[0].MessageID != "m1" || got[0].Field != "messageId" || got[0].Reason == "" {
			t.Errorf("with %s the verdict is %+v", other[1], got[0])
		}
	}
	var answer struct {
		Events struct {
			List struct {
				Nodes []struct{ Type, UserID string }
			}
		}
	}
	s.acme.Query(t, `{ events(`+ever+`) { list { nodes { type userId } } } }`, nil, &answer)
	wantEqual(t, "what is stored", answer.Events.List.Nodes, []struct{ Type, UserID string }{{"Paid", "u1"}})
	s.wantCount(t, 1, 1)
}

// Twenty senders of one batch: each event is accepted once, and counted once.
func twentySendersOfOneBatch(t *testing.T, s story) {
	const senders, size = 20, 40
	events := make([]string, size)
	for i := range events {
		events[i] = event(fmt.Sprintf("m%d", i), fmt.Sprintf("Type %d", i%3), fmt.Sprintf("u%d", i%10), noon)
	}
	body := `{"batch":[` + strings.Join(events, ",") + `]}`
	accepted := make([]int, size)
	var mu sync.Mutex
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			got := verdictsOf(t, s.kit.Do(t, http.MethodPost, "/v1/batch", s.acme.WriteKey, body), http.StatusOK)
			mu.Lock()
			defer mu.Unlock()
			for i, v := range got {
				switch v.Status {
				case "ACCEPTED":
					accepted[i]++
				case "DUPLICATE":
				default:
					t.Errorf("event %d: %+v", i, v)
				}
			}
		})
	}
	sending.Wait()
	for i, n := range accepted {
		if n != 1 {
			t.Errorf("event %d was accepted %d times", i, n)
		}
	}
	s.wantCount(t, size, 10)
	wantRecounted(t, s.kit)
}

// wantRecounted holds every rollup and every presence against the events themselves.
func wantRecounted(t *testing.T, kit *served.Kit) {
	t.Helper()
	var rollups, presences, twice int
	kit.Scan(t, `
		select count(*) from (
		  select tenant_id, date_bin('15 minutes', occurred_at, 'epoch') as at, type, count(*) from event group by 1, 2, 3
		) e full join event_rollup r using (tenant_id, at, type)
		where e.count is distinct from r.count`, nil, &rollups)
	kit.Scan(t, `
		select count(*) from (
		  select distinct e.tenant_id, (e.occurred_at at time zone t.zone)::date as day, e.identity_id
		  from event e join tenant t using (tenant_id) where e.identity_id is not null
		) e full join presence p using (tenant_id, day, identity_id)
		where e.identity_id is null or p.slots is null`, nil, &presences)
	kit.Scan(t, `select count(*) - count(distinct (tenant_id, source, message_id)) from event`, nil, &twice)
	if rollups != 0 || presences != 0 || twice != 0 {
		t.Errorf("%d rollups and %d presences differ from a recount, %d events are stored twice", rollups, presences, twice)
	}
}
