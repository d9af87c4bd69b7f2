package scenario_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Live queries, over websockets and server-sent events.
func TestLive(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a live query follows every change", aLiveQueryFollowsEveryChange},
		{"a day outside of the range does not push", aDayOutsideOfTheRangeDoesNotPush},
		{"an equal answer is not pushed", anEqualAnswerIsNotPushed},
		{"unsubscribe", unsubscribe},
		{"a subscription needs a stream", aSubscriptionNeedsAStream},
		{"a bad field beside a good one", aBadFieldBesideAGoodOne},
	})
}

// The first answer comes at once, and the next whenever somebody, an SDK or psql, has
// changed what it was read from.
func aLiveQueryFollowsEveryChange(t *testing.T, s story) {
	t.Parallel()
	query := live(`tenant { name } events(` + thatDay + `) { count } metric(key: "active_users") { value(` + thatDay + `) { value } }`)
	for way, watch := range ways {
		t.Run(way, func(t *testing.T) {
			s := s.aside(t)
			w, stranger := watch(t, s.kit, s.acme.ReadKey, query), watch(t, s.kit, s.globex.ReadKey, query)
			state := func(name string, events, users int) string {
				return fmt.Sprintf(`"tenant":{"name":%q},"events":{"count":%d},"metric":{"value":{"value":%d}}`, name, events, users)
			}
			wantNext(t, w, state("Acme", 0, 0))
			wantNext(t, stranger, state("Globex", 0, 0))
			s.acme.Batch(t, event("m1", "E", "u1", noon), event("m2", "E", "u2", noon))
			until(t, w, state("Acme", 2, 2)) // fields have snapshots of their own: one may be ahead of the other
			s.kit.Exec(t, `update event_rollup set count = 7 where tenant_id = $1`, s.acme.ID)
			until(t, w, state("Acme", 7, 2))
			s.kit.Exec(t, `update tenant set name = 'Acme & Sons' where tenant_id = $1`, s.acme.ID)
			until(t, w, strings.ReplaceAll(state("Acme and Sons", 7, 2), " and ", " & "))
			s.kit.Exec(t, `delete from presence where tenant_id = $1`, s.acme.ID)
			until(t, w, `"events":{"count":7},"metric":{"value":{"value":0}}`)
			s.kit.Exec(t, `delete from event_rollup where tenant_id = $1`, s.acme.ID)
			until(t, w, `"events":{"count":0},"metric":{"value":{"value":0}}`)
			// Nothing of it reached the stranger: its next answer is for its own event.
			s.globex.Batch(t, event("m1", "E", "u1", noon))
			wantNext(t, stranger, state("Globex", 1, 1))
		})
	}
}

// What happens outside of the range that is watched is none of the watcher's business. The
// query has asOf, so that each execution would give an answer of its own.
func aDayOutsideOfTheRangeDoesNotPush(t *testing.T, s story) {
	t.Parallel()
	w := watchSocket(t, s.kit, s.acme.ReadKey, live(`events(`+thatDay+`) { count asOf }`))
	outside := watchSocket(t, s.kit, s.acme.ReadKey, live(`events(`+dayAfter+`) { count }`))
	wantNext(t, outside, `"count":0`)
	s.settle(t, w)
	for i := 1; i <= 3; i++ {
		s.acme.Batch(t, event(fmt.Sprint("outside ", i), "E", "u1", "2026-05-02T12:00:00Z"))
		wantNext(t, outside, fmt.Sprintf(`"count":%d`, i)) // so the change has arrived
		s.acme.Batch(t, event(fmt.Sprint("inside ", i), "E", "u1", noon))
		wantNext(t, w, fmt.Sprintf(`"count":%d`, settled+i))
	}
}

// settled is how many events settle sends.
const settled = 2

// settle waits until the companies' making has been told, and answered. Two changes are
// enough: what one answer has seen early was told long before the next one is due.
func (s story) settle(t *testing.T, watchers ...watcher) {
	t.Helper()
	for i := 1; i <= settled; i++ {
		s.acme.Batch(t, event(fmt.Sprint("settle ", i), "Settle", "u1", noon))
		for _, w := range watchers {
			until(t, w, fmt.Sprintf(`"count":%d`, i))
		}
	}
}

// A change that leaves the answer as it was sends nothing.
func anEqualAnswerIsNotPushed(t *testing.T, s story) {
	t.Parallel()
	for way, watch := range ways {
		t.Run(way, func(t *testing.T) {
			s := s.aside(t)
			w := watch(t, s.kit, s.acme.ReadKey, live(`events(`+thatDay+`, types: ["Buy"]) { count }`))
			every := watch(t, s.kit, s.acme.ReadKey, live(`events(`+thatDay+`) { count }`))
			wantNext(t, w, `"count":0`)
			wantNext(t, every, `"count":0`)
			for i := 1; i <= 3; i++ {
				s.acme.Batch(t, event(fmt.Sprint("v", i), "Visit", "u1", noon))
				until(t, every, fmt.Sprintf(`"count":%d`, 2*i-1))
				s.acme.Batch(t, event(fmt.Sprint("b", i), "Buy", "u1", noon))
				until(t, every, fmt.Sprintf(`"count":%d`, 2*i))
				wantNext(t, w, fmt.Sprintf(`"count":%d`, i))
			}
		})
	}
}

// Unsubscribing ends one query of a socket, and leaves the others.
func unsubscribe(t *testing.T, s story) {
	t.Parallel()
	socket := s.kit.Connect(t, s.acme.ReadKey)
	left := socketWatcher{socket, socket.Subscribe(t, live(`left: events(`+thatDay+`) { count }`))}
	wantNext(t, left, `"count":0`)
	stays := socketWatcher{socket, socket.Subscribe(t, live(`stays: events(`+thatDay+`) { count }`))}
	wantNext(t, stays, `"count":0`)
	socket.Send(t, served.Frame{ID: left.id, Type: "complete"})
	again := socketWatcher{socket, socket.Subscribe(t, live(`again: tenant { name }`))} // after the complete was read
	wantNext(t, again, `"Acme"`)
	for i := 1; i <= 3; i++ {
		s.acme.Batch(t, event(fmt.Sprint("m", i), "E", "u1", noon))
		wantNext(t, stays, fmt.Sprintf(`"count":%d`, i))
	}
}

// A plain request cannot be answered again and again.
func aSubscriptionNeedsAStream(t *testing.T, s story) {
	got := overHTTP(t, s.kit, s.acme.ReadKey, requestOf(t, live(`tenant { name }`), nil))
	if got.Status != 405 || got.code() != badInput || len(got.Data) > 0 {
		t.Errorf("got %+v", got)
	}
}

// A question at fault stays at fault, while what stands beside it is answered and followed.
func aBadFieldBesideAGoodOne(t *testing.T, s story) {
	t.Parallel()
	for way, watch := range ways {
		t.Run(way, func(t *testing.T) {
			s := s.aside(t)
			w := watch(t, s.kit, s.acme.ReadKey, live(`metric(key: "nothing") { key } events(`+thatDay+`) { count }`))
			for i := range 3 {
				got := w.next(t)
				for _, part := range []string{"NOT_FOUND", `"metric":null`, fmt.Sprintf(`"count":%d`, i)} {
					if !strings.Contains(got, part) {
						t.Errorf("answer %d is %s, want %s", i, got, part)
					}
				}
				s.acme.Batch(t, event(fmt.Sprint("m", i), "E", "u1", noon))
			}
		})
	}
}

// A field that fails for a reason that passes is read again until it answers, though
// nothing has changed that anybody would tell of.
func TestALiveQueryRecovers(t *testing.T) {
	t.Parallel()
	s := begin(t)
	for way, watch := range ways {
		t.Run(way, func(t *testing.T) {
			s := s.aside(t)
			s.acme.Batch(t, event("m1", "E", "u1", noon))
			s.kit.Exec(t, `revoke select on presence from tidemark_app`)
			defer s.kit.Exec(t, `grant select on presence to tidemark_app`)
			w := watch(t, s.kit, s.acme.ReadKey, live(`metric(key: "active_users") { value(`+thatDay+`) { value } } events(`+thatDay+`) { count }`))
			first := w.next(t)
			for _, part := range []string{`"INTERNAL"`, `"Internal error."`, `"metric":null`, `"count":1`} {
				if !strings.Contains(first, part) {
					t.Errorf("the first answer is %s, want %s", first, part)
				}
			}
			wantDiscreet(t, first, "permission denied")
			s.kit.Exec(t, `grant select on presence to tidemark_app`)
			got := until(t, w, `"metric":{"value":{"value":1}},"events":{"count":1}`)
			if strings.Contains(got, "errors") {
				t.Errorf("the answer has recovered with errors: %s", got)
			}
		})
	}
}
