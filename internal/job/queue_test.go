package job_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/tidemarkhq/tidemark/internal/job"
	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// The tables of the queue are those that the library would make itself. After a newer version of
// it is taken, this says what a migration has to bring.
func TestTheQueueHasTheTablesOfItsLibrary(t *testing.T) {
	h := testkit.NewHouse(t)
	h.Exec(t, `create schema theirs`)
	migrator, err := rivermigrate.New(riverpgxv5.New(h.Owner), &rivermigrate.Config{Schema: "theirs", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil); err != nil {
		t.Fatal(err)
	}
	shape := func(schema string) []string {
		t.Helper()
		rows, err := h.Owner.Query(t.Context(), `
			select replace(s.line, $1 || '.', '') from (
			  select concat_ws(' ', table_name, column_name, udt_name, is_nullable, column_default) as line from information_schema.columns where table_schema = $1
			  union all
			  select concat_ws(' ', tablename, indexdef) from pg_indexes where schemaname = $1
			  union all
			  select concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint where connamespace = $1::regnamespace
			  union all
			  select concat_ws(' ', t.typname, e.enumlabel, row_number() over (order by e.enumsortorder)) from pg_enum e join pg_type t on t.oid = e.enumtypid where t.typnamespace = $1::regnamespace
			  union all
			  select concat_ws(' ', proname, prosrc) from pg_proc where pronamespace = $1::regnamespace
			  union all
			  select concat_ws(' ', relname, relpersistence) from pg_class where relnamespace = $1::regnamespace and relkind = 'r'
			  union all
			  select concat_ws(' ', line, version) from `+schema+`.river_migration
			) s order by 1`, schema)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	if diff := cmp.Diff(shape("theirs"), shape("river")); diff != "" {
		t.Errorf("the tables differ (-the library's +ours):\n%s", diff)
	}
}

type errand struct {
	What string `json:"what"`
}

func (errand) Kind() string { return "errand" }

// desk is a queue at work, and what it has done.
type desk struct {
	*testkit.House
	queue *job.Queue
	log   *lockedBuffer

	mu    sync.Mutex
	tries map[string]int
	done  chan string
}

var errToday = errors.New("not today")

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{House: testkit.NewHouse(t), log: &lockedBuffer{}, tries: map[string]int{}, done: make(chan string, 100)}
	d.queue = d.another(t)
	return d
}

// another is the queue as another process has it.
func (d *desk) another(t *testing.T) *job.Queue {
	t.Helper()
	queue := job.NewQueue(d.pool(t), slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	job.Handle(queue, func(_ context.Context, e errand) error {
		d.mu.Lock()
		d.tries[e.What]++
		d.mu.Unlock()
		switch e.What {
		case "fails":
			return errToday
		case "panics":
			panic("of all things")
		}
		d.done <- e.What
		return nil
	})
	return queue
}

// pool connects as the worker does, whom alone the queue is open to.
func (d *desk) pool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.RuntimeParams["role"] = "tidemark_worker"
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func (d *desk) put(t *testing.T, jobs ...job.Args) {
	t.Helper()
	if err := d.queue.Put(t.Context(), jobs...); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) next(t *testing.T) string {
	t.Helper()
	select {
	case what := <-d.done:
		return what
	case <-time.After(20 * time.Second):
		t.Fatal("nothing is done")
		return ""
	}
}

// until waits for jobs to be in a state.
func (d *desk) until(t *testing.T, state string, want int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		n := d.Number(t, `select count(*) from river.river_job where state = $1::text::river.river_job_state`, state)
		if n == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d jobs are %s, want %d:\n%s", n, state, want, d.log)
		}
	}
}

// Of equal jobs one is done, whoever puts them there, and again once it is done.
func TestAJobIsDoneOnce(t *testing.T) {
	d := newDesk(t)
	d.put(t, errand{"a"}, errand{"a"}, errand{"b"})
	if err := d.another(t).Put(t.Context(), errand{"a"}); err != nil {
		t.Fatal(err)
	}
	testkit.Run(t, d.queue.Run)
	got := map[string]bool{d.next(t): true, d.next(t): true}
	if !got["a"] || !got["b"] {
		t.Errorf("done: %v", got)
	}
	d.until(t, "completed", 2)
	d.put(t, errand{"a"})
	if what := d.next(t); what != "a" {
		t.Errorf("%s is done, want a again", what)
	}
	d.until(t, "completed", 3)
	if d.tries["a"] != 2 || d.tries["b"] != 1 {
		t.Errorf("tries: %v", d.tries)
	}
}

// What fails is tried again later, and in the end given up: then it stays to be seen, and is not
// begun anew. Others go on meanwhile.
func TestWhatFailsIsGivenUpInTheEnd(t *testing.T) {
	d := newDesk(t)
	d.put(t, errand{"fails"}, errand{"panics"}, errand{"b"})
	testkit.Run(t, d.queue.Run)
	d.next(t)
	d.until(t, "retryable", 2)
	d.Exec(t, `update river.river_job set max_attempts = attempt + 1, scheduled_at = now(), state = 'available' where state = 'retryable'`)
	d.until(t, "discarded", 2)
	d.put(t, errand{"fails"})
	if n := d.Number(t, `select count(*) from river.river_job where kind = 'errand' and args->>'what' = 'fails'`); n != 1 {
		t.Errorf("what was given up is there %d times, want once", n)
	}
	for _, want := range []string{"a job failed, and will be tried again", "a job failed, and was given up", "not today", "of all things"} {
		if !strings.Contains(d.log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, d.log)
		}
	}
}

// Stopping waits for what is at work, and another process goes on with the rest.
func TestAQueueStopsInOrder(t *testing.T) {
	d := newDesk(t)
	begun, let := make(chan struct{}), make(chan struct{})
	slow := job.NewQueue(d.pool(t), slog.New(slog.DiscardHandler))
	job.Handle(slow, func(ctx context.Context, e errand) error {
		close(begun)
		<-let
		return ctx.Err()
	})
	stop := testkit.Run(t, slow.Run)
	if err := slow.Put(t.Context(), errand{"a"}); err != nil {
		t.Fatal(err)
	}
	<-begun
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	d.put(t, errand{"b"})
	close(let)
	<-stopped
	d.until(t, "completed", 1)
	testkit.Run(t, d.queue.Run)
	if what := d.next(t); what != "b" {
		t.Errorf("%s is done, want b", what)
	}
}

// What a process was at when it was killed is taken over by another one.
func TestWhatWasCutOffIsTakenOver(t *testing.T) {
	d := newDesk(t)
	d.put(t, errand{"a"})
	d.Exec(t, `update river.river_job set state = 'running', attempt = 1, attempted_at = now() - interval '16 minutes', attempted_by = '{gone}'`)
	testkit.Run(t, d.queue.Run)
	for deadline := time.Now().Add(90 * time.Second); len(d.done) == 0 && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	if what := d.next(t); what != "a" {
		t.Errorf("%s is done, want a", what)
	}
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
