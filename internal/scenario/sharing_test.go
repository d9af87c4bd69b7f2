package scenario_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// Who gets which answer.
func TestAnswers(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"the revision names the answer", theRevisionNamesTheAnswer},
		{"two companies with one document", twoCompaniesWithOneDocument},
	})
}

type revised struct {
	Data struct {
		Live struct {
			Revision string
			Query    struct {
				Events struct {
					Count int
					AsOf  time.Time
				}
			}
		}
	}
}

func revision(t *testing.T, w watcher) revised {
	t.Helper()
	var r revised
	if err := json.Unmarshal([]byte(w.next(t)), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Ten sockets and streams that ask the same share one execution: a change costs its
// statements once, and asOf, the instant of its snapshot, is the same for all.
func TestAllWhoAskTheSameShareOneAnswer(t *testing.T) {
	t.Parallel()
	s := begin(t)
	const query = `subscription { live { revision query { events(` + thatDay + `) { count asOf } } } }`
	var watchers []watcher
	for i := range 10 {
		watch := watchSocket
		if i%5 == 4 {
			watch = watchStream
		}
		watchers = append(watchers, watch(t, s.kit, s.acme.ReadKey, query))
	}
	s.settle(t, watchers...)
	for change := 1; change <= 4; change++ {
		s.kit.Statements.Take()
		s.acme.Batch(t, event(fmt.Sprint("m", change), "E", "u1", noon))
		first := revision(t, watchers[0])
		if got := first.Data.Live.Query.Events.Count; got != settled+change {
			t.Errorf("change %d: an execution too many: it counts %d events", change, got)
		}
		for i, w := range watchers[1:] {
			wantEqual(t, fmt.Sprintf("change %d, watcher %d", change, i+1), revision(t, w), first)
		}
		wantEqual(t, "how often the events were counted", s.kit.Statements.Take()["EventCountByBucket"], 1)
	}
}

const revisionQuery = `subscription { live { revision query { events(` + thatDay + `) { count } } } }`

// Equal answers have equal revisions, over time and over connections; others don't.
func theRevisionNamesTheAnswer(t *testing.T, s story) {
	t.Parallel()
	w := watchSocket(t, s.kit, s.acme.ReadKey, revisionQuery)
	seen := map[int]string{0: revision(t, w).Data.Live.Revision}
	for _, n := range []int{1, 2, 1, 0, 2} {
		s.kit.Exec(t, `insert into event_rollup (tenant_id, at, type, day, count) values ($1, '2026-05-01 12:00Z', 'E', '2026-05-01', $2)
			on conflict (tenant_id, at, type) do update set count = excluded.count`, s.acme.ID, n)
		got := revision(t, w).Data.Live
		if got.Query.Events.Count != n {
			t.Fatalf("counts %d events, want %d", got.Query.Events.Count, n)
		}
		if known, ok := seen[n]; ok && known != got.Revision {
			t.Errorf("the answer of %d is %s and %s", n, known, got.Revision)
		}
		seen[n] = got.Revision
	}
	if len(map[string]bool{seen[0]: true, seen[1]: true, seen[2]: true}) != 3 {
		t.Errorf("different answers share a revision: %v", seen)
	}
	another := revision(t, watchStream(t, s.kit, s.acme.ReadKey, revisionQuery)).Data.Live.Revision
	wantEqual(t, "revision over SSE", another, seen[2])
}

// Two companies with the very same document see their own figures only, whoever changes.
func twoCompaniesWithOneDocument(t *testing.T, s story) {
	t.Parallel()
	query := live(`tenant { name } events(` + thatDay + `) { count }`)
	for way, watch := range ways {
		t.Run(way, func(t *testing.T) {
			s := s.aside(t)
			acme, globex := watch(t, s.kit, s.acme.ReadKey, query), watch(t, s.kit, s.globex.ReadKey, query)
			wantNext(t, acme, `"Acme"},"events":{"count":0}`)
			wantNext(t, globex, `"Globex"},"events":{"count":0}`)
			for i := 1; i <= 3; i++ {
				s.acme.Batch(t, event(fmt.Sprint("m", i), "E", "u1", noon))
				wantNext(t, acme, fmt.Sprintf(`"Acme"},"events":{"count":%d}`, i))
			}
			s.globex.Batch(t, event("m1", "E", "u1", noon))
			wantNext(t, globex, `"Globex"},"events":{"count":1}`) // the very next: nothing of Acme's came
			s.acme.Batch(t, event("m4", "E", "u1", noon))
			wantNext(t, acme, `"Acme"},"events":{"count":4}`)
		})
	}
}
