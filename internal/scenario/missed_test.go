package scenario_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/embedded"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// PostgreSQL sends a commit to its followers once it is on disk, and only then lets others
// see it. Whoever is told in between reads the past, and is never told again. Here a
// standby that is missing holds a commit between the two: told too early, the watcher gets
// an answer without the change.
func TestAChangeIsToldOnceItCanBeRead(t *testing.T) {
	ownPostgres(t)
	s := begin(t)
	w := watchSocket(t, s.kit, s.acme.ReadKey, live(`events(`+thatDay+`) { count asOf }`))
	s.settle(t, w)
	frames := make(chan string)
	go func() {
		defer close(frames)
		frames <- w.next(t)
	}()

	var writing sync.WaitGroup
	s.holdCommits(t, &writing)
	writing.Go(func() { s.kit.Exec(t, `update event_rollup set count = 7`) })
	s.waitUntil(t, `select exists (select from pg_stat_activity where wait_event = 'SyncRep' and query like 'update event_rollup%')`)
	s.waitUntil(t, `select bool_and(sent_lsn >= pg_current_wal_flush_lsn()) from pg_stat_replication`)
	select {
	case got := <-frames:
		t.Errorf("before the change can be read, somebody is told: %s", got)
		s.letCommitsGo(t)
	case <-time.After(300 * time.Millisecond): // long enough to be told too early
		s.letCommitsGo(t)
		if got := <-frames; !strings.Contains(got, `"count":7`) {
			t.Errorf("the next answer is %s, want one with the change", got)
		}
	}
	writing.Wait()
}

// ownPostgres has the test run on a PostgreSQL of its own, whose settings it may change.
func ownPostgres(t *testing.T) {
	t.Helper()
	t.Setenv("DATABASE_URL", anotherPostgres(t))
}

// anotherPostgres runs until the test ends.
func anotherPostgres(t *testing.T) (url string) {
	t.Helper()
	p, err := embedded.StartPostgres(t.Context(), embedded.PostgresOptions{
		Dir: t.TempDir(), Throwaway: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Destroy(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p.URL
}

// holdCommits has every commit wait for a standby that there is not. PostgreSQL takes the
// setting in by and by, so something is committed until it has to wait.
func (s story) holdCommits(t *testing.T, writing *sync.WaitGroup) {
	t.Helper()
	s.kit.Exec(t, `alter system set synchronous_standby_names = 'nobody'`)
	s.kit.Exec(t, `select pg_reload_conf()`)
	var held atomic.Bool
	writing.Go(func() {
		for !held.Load() {
			s.kit.Exec(t, `comment on schema public is 'probe'`)
		}
	})
	s.waitUntil(t, `select exists (select from pg_stat_activity where wait_event = 'SyncRep' and query like 'comment%')`)
	held.Store(true)
}

func (s story) letCommitsGo(t *testing.T) {
	t.Helper()
	s.kit.Exec(t, `alter system reset synchronous_standby_names`)
	s.kit.Exec(t, `select pg_reload_conf()`)
}

// waitUntil asks until the answer is yes.
func (s story) waitUntil(t *testing.T, question string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		var yes bool
		s.kit.Scan(t, question, nil, &yes)
		if yes {
			return
		}
	}
	t.Fatalf("it never came true: %s", question)
}

// Companies take turns, so that each has been idle when it is its turn again, and its query
// is executed the very moment that the change is told: each single change must be seen.
func TestNoChangeIsMissed(t *testing.T) {
	t.Parallel()
	kit := served.Start(t)
	const companies, rounds = 30, 6
	type company struct {
		*served.Tenant
		watcher
	}
	var all []company
	for c := range companies {
		who := kit.Tenant(t, fmt.Sprint("Company ", c), "Europe/Berlin")
		all = append(all, company{who, watchSocket(t, kit, who.ReadKey, live(`events(`+thatDay+`) { count }`))})
		wantNext(t, all[c], `"count":0`)
	}
	for round := 1; round <= rounds; round++ {
		for _, c := range all {
			wantVerdicts(t, c.Batch(t, event(fmt.Sprint(round), "E", "u1", noon)), "ACCEPTED")
			wantNext(t, c, fmt.Sprintf(`"count":%d`, round))
		}
	}
}
