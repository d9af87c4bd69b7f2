package feed_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/tidemarkhq/tidemark/internal/feed"
	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// within bounds the wait for one message.
const within = 20 * time.Second

// line is a database with its feed.
type line struct {
	url      string
	database string
	redis    *redis.Client
	conn     *pgx.Conn
	messages chan feed.Message

	mu     sync.Mutex
	dialed []*forgotten // to Redis
}

func newLine(t *testing.T) *line {
	url := testkit.Database(t)
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	options, err := redis.ParseURL(testkit.Env(t, "REDIS_URL"))
	if err != nil {
		t.Fatal(err)
	}
	l := &line{url: url, database: config.Database, messages: make(chan feed.Message, 1000)}
	options.Dialer = l.dial
	l.redis = redis.NewClient(options)
	t.Cleanup(func() { l.redis.Close() })
	if l.conn, err = pgx.Connect(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.conn.Close(context.Background()) })
	hub := feed.NewHub(l.redis, feed.Channel(config.Database), slog.New(slog.DiscardHandler), func(m feed.Message) { l.messages <- m })
	testkit.Run(t, hub.Run)
	l.wantGap(t) // that of listening
	return l
}

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dialed = append(l.dialed, &forgotten{Conn: conn})
	return l.dialed[len(l.dialed)-1], nil
}

// forgotten is a connection of which nothing may arrive any more, while it stays open.
type forgotten struct {
	net.Conn
	deaf atomic.Bool
}

func (f *forgotten) Read(p []byte) (int, error) {
	for {
		n, err := f.Conn.Read(p)
		if err != nil || !f.deaf.Load() {
			return n, err
		}
	}
}

// forget has nothing arrive by the present connections to Redis.
func (l *line) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.dialed {
		conn.deaf.Store(true)
	}
}

// cut breaks every connection to Redis.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.dialed {
		conn.Close()
	}
}

func (l *line) leader(t *testing.T) (stop func()) {
	leader, err := feed.NewLeader(l.url, l.redis, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return testkit.Run(t, leader.Run)
}

// lead begins to lead, and returns once there is a slot that keeps what changes from now on.
func (l *line) lead(t *testing.T) (stop func()) {
	t.Helper()
	stop = l.leader(t)
	l.wantGap(t) // that of the new slot
	for deadline := time.Now().Add(within); time.Now().Before(deadline); {
		var reads bool
		err := l.conn.QueryRow(t.Context(), "select coalesce(bool_or(active), false) from pg_replication_slots where slot_name = $1", feed.Slot(l.database)).Scan(&reads)
		if err != nil {
			t.Fatal(err)
		}
		if reads {
			return stop
		}
	}
	t.Fatal("nobody reads the slot")
	return stop
}

func (l *line) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := l.conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func (l *line) next(t *testing.T) feed.Message {
	t.Helper()
	select {
	case m := <-l.messages:
		return m
	case <-time.After(within):
		t.Fatal("no message came")
		return feed.Message{}
	}
}

func (l *line) wantGap(t *testing.T) {
	t.Helper()
	for !l.next(t).Gap {
	}
}

func (l *line) want(t *testing.T, want topic.Topic) {
	t.Helper()
	for !slices.Contains(l.next(t).Topics, want) {
	}
}

func TestEveryPublishedTableReachesTheHub(t *testing.T) {
	l := newLine(t)
	l.lead(t)
	acme := tenant.ID{1}
	l.exec(t, "insert into tenant (tenant_id, name, zone) values ($1, 'Acme', 'UTC')", acme)
	l.want(t, topic.Topic{Tenant: acme, Subject: topic.Tenant})
	l.exec(t, "update tenant set name = 'Acme Inc.', app_name = 'Acme' where tenant_id = $1", acme)
	if m, want := l.next(t), []topic.Topic{{Tenant: acme, Subject: topic.Tenant}}; !slices.Equal(m.Topics, want) {
		t.Errorf("a new name gave %v, want %v", m.Topics, want)
	}
	l.exec(t, "update tenant set suspended_at = now() where tenant_id = $1", acme)
	l.want(t, topic.Topic{Tenant: acme, Subject: topic.Gate})
	l.exec(t, `insert into event_rollup (tenant_id, at, type, day, count) values ($1, '2026-05-01 10:15Z', 'Opened', '2026-05-01', 1)`, acme)
	l.want(t, topic.Topic{Tenant: acme, Subject: topic.Day, Key: "2026-05-01"})
	l.exec(t, `update event_rollup set day = '2026-05-02' where tenant_id = $1`, acme)
	m := l.next(t)
	for _, day := range []string{"2026-05-01", "2026-05-02"} {
		if !slices.Contains(m.Topics, topic.Topic{Tenant: acme, Subject: topic.Day, Key: day}) {
			t.Errorf("moving a row between days gave %v, want both days", m.Topics)
		}
	}
	l.exec(t, `insert into api_key (tenant_id, api_key_id, kind, name, hash, prefix)
		values ($1, '01890c5e-8f3a-7cc0-98c4-dc0c0c07398f', 'read', 'k', sha256('k'), 'tmr_')`, acme)
	l.want(t, topic.Topic{Tenant: acme, Subject: topic.APIKey, Key: "01890c5e-8f3a-7cc0-98c4-dc0c0c07398f"})
	l.exec(t, "delete from event_rollup where tenant_id = $1", acme)
	l.want(t, topic.Topic{Tenant: acme, Subject: topic.Day, Key: "2026-05-02"})
}

func TestAnotherLeaderTakesOverWithoutALoss(t *testing.T) {
	l := newLine(t)
	stop := l.lead(t)
	l.leader(t) // waits for its turn
	stop()
	acme := tenant.ID{1}
	l.exec(t, "insert into tenant (tenant_id, name, zone) values ($1, 'Acme', 'UTC')", acme)
	l.want(t, topic.Topic{Tenant: acme, Subject: topic.Tenant})
}

func TestALostSlotIsMadeAnewAndIsAGap(t *testing.T) {
	l := newLine(t)
	stop := l.lead(t)
	stop()
	if err := testkit.DropSlot(t.Context(), l.conn, feed.Slot(l.database)); err != nil {
		t.Fatal(err)
	}
	l.lead(t)
	acme := tenant.ID{1}
	l.exec(t, "insert into tenant (tenant_id, name, zone) values ($1, 'Acme', 'UTC')", acme)
	l.want(t, topic.Topic{Tenant: acme, Subject: topic.Tenant})
}

// Who has made the slot anew dies before it could tell of it: the next one does.
func TestAGapThatCouldNotBeToldIsTold(t *testing.T) {
	l := newLine(t)
	mute := &muted{}
	l.redis.AddHook(mute)
	mute.on.Store(true)
	stop := l.leader(t)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for late := time.After(within); mute.refused.Load() < 2; {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("the gap was not told again")
		}
	}
	stop()
	mute.on.Store(false)
	l.lead(t)
}

// muted has publications fail while it is on.
type muted struct {
	on      atomic.Bool
	refused atomic.Int32
}

// DialHook implements [redis.Hook].
func (m *muted) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook implements [redis.Hook].
func (m *muted) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements [redis.Hook].
func (m *muted) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		if m.on.Load() && command.Name() == "publish" {
			m.refused.Add(1)
			return errors.New("nobody may be told")
		}
		return next(ctx, command)
	}
}

func TestAKilledBackendIsFollowedAgain(t *testing.T) {
	l := newLine(t)
	l.lead(t)
	for n := range 3 {
		l.exec(t, "select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database() and active")
		acme := tenant.ID{byte(n + 1)}
		l.exec(t, "insert into tenant (tenant_id, name, zone) values ($1, 'Acme', 'UTC')", acme)
		l.want(t, topic.Topic{Tenant: acme, Subject: topic.Tenant})
	}
}

func TestALargeTransactionIsAGap(t *testing.T) {
	l := newLine(t)
	l.lead(t)
	l.exec(t, "insert into tenant (tenant_id, name, zone) select gen_random_uuid(), 'n', 'UTC' from generate_series(1, 3000)")
	l.wantGap(t)
}

func TestALostRedisConnectionIsAGap(t *testing.T) {
	l := newLine(t)
	l.cut()
	l.wantGap(t)
}

// A router forgets a connection, and tells nobody.
func TestASilentRedisConnectionIsAGap(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	l.forget()
	l.wantGap(t)
}
