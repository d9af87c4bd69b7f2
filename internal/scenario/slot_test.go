package scenario_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	tidemark "github.com/tidemarkhq/tidemark/internal/app"
	"github.com/tidemarkhq/tidemark/internal/feed"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// beginWith is begin with changes to the configuration.
func beginWith(t *testing.T, changes ...func(*tidemark.Config)) story {
	t.Helper()
	return beginOn(t, testkit.Database(t), changes...)
}

// beginOn is beginWith on a database that is there already.
func beginOn(t *testing.T, database string, changes ...func(*tidemark.Config)) story {
	t.Helper()
	kit := served.StartOn(t, database, changes...)
	return story{kit, kit.Tenant(t, "Acme", "Europe/Berlin"), kit.Tenant(t, "Globex", "America/New_York")}
}

// overRedis has a server reach Redis by way of a relay.
func overRedis(t *testing.T) (*relay, func(*tidemark.Config)) {
	t.Helper()
	r, url := before(t, testkit.Env(t, "REDIS_URL"))
	return r, func(c *tidemark.Config) { c.RedisURL = url }
}

// slot names the slot of a story's feed, and who reads it.
func (s story) slot(t *testing.T) string {
	t.Helper()
	config, err := pgx.ParseConfig(s.kit.DB)
	if err != nil {
		t.Fatal(err)
	}
	return feed.Slot(config.Database)
}

// wantLed waits until somebody reads the slot.
func (s story) wantLed(t *testing.T) {
	t.Helper()
	s.waitUntil(t, `select exists (select from pg_replication_slots where slot_name = '`+s.slot(t)+`' and active)`)
}

// dropSlot takes the slot away, with all that was to be read from it.
func (s story) dropSlot(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.kit.DB)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := testkit.DropSlot(t.Context(), conn, s.slot(t)); err != nil {
		t.Fatal(err)
	}
}

// one is a batch of one event of Acme's.
func (s story) one(t *testing.T, id string) {
	t.Helper()
	wantVerdicts(t, s.acme.Batch(t, event(id, "E", "u1", noon)), "ACCEPTED")
}

// wantLoadStored ends a load, and holds all that was acknowledged against what is stored and
// counted, and what is shown against a fresh query.
func (s story) wantLoadStored(t *testing.T, stop func(), book *ledger, followers []*follower) {
	t.Helper()
	stop()
	s.wantCaughtUp(t, followers...)
	book.compare(t, s.kit)
	wantRecounted(t, s.kit)
}

// loses has so many publications of the feed's leader go wrong. Each is tried four times.
func (r *relay) loses(n int, how fate) {
	r.obey(func(said []byte) fate {
		if r.judged < n && bytes.Contains(said, []byte("\npublish\r\n")) {
			return how
		}
		return passes
	})
}

// sendOne sends one batch.
func (l *ledger) sendOne(t *testing.T, url, key string) {
	t.Helper()
	l.senders++
	ids, body := l.batch(l.senders, 0)
	l.deliver(t, url, key, ids, body)
}

// The slot is dropped, and what changes before there is another is read by nobody.
func TestALostSlotIsCaughtUpWith(t *testing.T) {
	t.Parallel()
	s := begin(t)
	followers := s.follow(t, s.kit.URL)
	for i := range 3 {
		s.dropSlot(t)
		s.one(t, fmt.Sprint("lost ", i))
		s.wantCaughtUp(t, followers...)
	}
	wantRecounted(t, s.kit)
}

// Whoever makes the slot anew does not get the gap told, at first. It must be told all the same.
func TestTheGapOfALostSlotIsNotLost(t *testing.T) {
	t.Parallel()
	r, through := overRedis(t)
	s := beginWith(t, through)
	followers := s.follow(t, s.kit.URL)
	r.loses(6, unsaid)
	s.dropSlot(t)
	s.one(t, "lost")
	s.wantCaughtUp(t, followers...)
	if n := r.verdicts(); n < 6 {
		t.Errorf("only %d publications were lost", n)
	}
}

// While Redis takes no publications, PostgreSQL keeps WAL for the leader, until it is too much:
// the slot is lost. Once Redis is back, all that it had is read afresh.
func TestASlotWithoutItsWALIsCaughtUpWith(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 2 GB of WAL")
	}
	t.Parallel()
	database := anotherPostgres(t)
	if _, err := postgres.Migrate(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	r, through := overRedis(t)
	s := beginOn(t, database, through)
	followers := s.follow(t, s.kit.URL)
	r.loses(math.MaxInt, unsaid)
	s.one(t, "never published")
	for lost, late := false, time.Now().Add(time.Minute); !lost; s.kit.Scan(t, `select wal_status = 'lost' from pg_replication_slots`, nil, &lost) {
		if time.Now().After(late) {
			t.Fatal("PostgreSQL keeps the slot, whatever it costs")
		}
		s.kit.Exec(t, `
			do $$ begin
				for i in 1..16 loop
					perform pg_logical_emit_message(false, 'test', 'so that there is something to write');
					perform pg_switch_wal();
				end loop;
			end $$`)
		s.kit.Exec(t, `checkpoint`)
	}
	s.one(t, "while the slot is lost")
	r.obey(nil)
	s.wantCaughtUp(t, followers...)
	wantRecounted(t, s.kit)
}

// The leader dies again and again: before the only change is published, after that and before it
// is confirmed, and under load at any moment.
func TestALeaderThatDiesLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a dozen leaders")
	}
	t.Parallel()
	r, through := overRedis(t)
	s := beginWith(t, through)
	followers, book := s.follow(t, s.kit.URL), newLedger(t)
	for _, what := range []fate{unsaid, unanswered} {
		r.loses(6, what)
		book.sendOne(t, s.kit.URL, s.acme.WriteKey)
		soon(t, "six lost publications", func() bool { return r.verdicts() == 6 })
		s.wantCaughtUp(t, followers...)
	}
	stop := book.send(t, s.kit.URL, s.acme.WriteKey, 1)
	for _, what := range []fate{unsaid, unanswered} {
		r.loses(10, what)
		soon(t, "ten lost publications", func() bool { return r.verdicts() == 10 })
		for range 10 {
			s.kit.Exec(t, `select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1 and active`, s.slot(t))
			book.waitFor(t, 1)
		}
	}
	s.wantLoadStored(t, stop, book, followers)
}
