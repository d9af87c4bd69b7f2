package feed

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"
)

// SQLSTATEs that decide what a candidate does next (PostgreSQL documentation, appendix A).
const (
	slotInUse  = "55006" // object_in_use: another leader reads
	slotExists = "42710" // duplicate_object: another candidate was faster
)

const (
	candidacy     = time.Second      // between two tries to lead
	statusEvery   = 5 * time.Second  // between two reports of the position; PostgreSQL gives up after 60 s
	silentFor     = 25 * time.Second // without a heartbeat coming back, the stream is given up
	publishWithin = 5 * time.Second  // of one publication to Redis
	setupWithin   = 30 * time.Second // of connecting and starting
)

// BeatEvery is between two heartbeats. One is written into the log of the database that has
// nothing else to say, too, so that its position moves on and no WAL is held for it.
const BeatEvery = 5 * time.Second

// Leader follows the database's changes and publishes them. Any number of processes may
// run one: the replication slot, which has one reader at a time, makes one of them lead.
type Leader struct {
	url     string
	slot    string
	channel string
	redis   *redis.Client
	logger  *slog.Logger

	name   string // of the leadership
	number uint64 // of the last message that was published under it
}

// NewLeader makes a candidate for the leadership of a database's feed.
func NewLeader(url string, client *redis.Client, logger *slog.Logger) (*Leader, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("read database URL for the feed: it cannot be read")
	}
	return &Leader{
		url: url, slot: Slot(config.Database), channel: Channel(config.Database),
		redis: client, logger: logger,
	}, nil
}

// Run leads whenever it can, until ctx ends.
func (l *Leader) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := l.lead(ctx)
		if err != nil && ctx.Err() == nil && !hasCode(err, slotInUse) {
			l.logger.Warn("the feed stopped and will start again", "error", err)
		}
		pause := candidacy + rand.N(candidacy/2)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// lead follows the slot until something breaks.
func (l *Leader) lead(ctx context.Context) error {
	l.name, l.number = cryptorand.Text(), 0
	conn, err := l.connect(ctx)
	if err != nil {
		return err
	}
	defer closeWithin(conn)
	if err := l.prepare(ctx, conn); err != nil {
		return err
	}
	sight, err := openSight(ctx, l.url)
	if err != nil {
		return err
	}
	defer sight.close()
	l.logger.Info("leading the feed", "slot", l.slot)
	stream := &stream{leader: l, conn: conn, sight: sight, tables: map[uint32]*table{}, beaten: time.Now()}
	return stream.follow(ctx)
}

func (l *Leader) connect(ctx context.Context) (*pgconn.PgConn, error) {
	ctx, cancel := context.WithTimeout(ctx, setupWithin)
	defer cancel()
	config, err := pgconn.ParseConfig(l.url)
	if err != nil {
		return nil, errors.New("read database URL for the feed: it cannot be read")
	}
	config.RuntimeParams["replication"] = "database"
	config.RuntimeParams["application_name"] = "tidemark feed"
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect for replication: %w", err)
	}
	return conn, nil
}

func closeWithin(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), setupWithin)
	defer cancel()
	_ = conn.Close(ctx) // the connection is given up either way
}

// prepare makes the slot if it is missing, makes it anew if its WAL was lost, and starts
// to read.
func (l *Leader) prepare(ctx context.Context, conn *pgconn.PgConn) error {
	ctx, cancel := context.WithTimeout(ctx, setupWithin)
	defer cancel()
	status, err := l.slotStatus(ctx, conn)
	if err != nil {
		return err
	}
	if status == slotLost {
		l.logger.Warn("the slot's WAL was removed; making the slot anew", "slot", l.slot)
		if err := drop(ctx, conn, l.slot); err != nil {
			return fmt.Errorf("drop lost slot: %w", err)
		}
		status = slotMissing
	}
	if status == slotMissing {
		if err := l.create(ctx, conn); err != nil {
			return err
		}
	}
	return l.start(ctx, conn)
}

// The states of a slot that matter here, as pg_replication_slots.wal_status has them.
const (
	slotLost    = "lost"
	slotMissing = "" // not PostgreSQL's word: there is no such slot
)

func (l *Leader) slotStatus(ctx context.Context, conn *pgconn.PgConn) (string, error) {
	// The slot's name has no character that would need quoting.
	results, err := conn.Exec(ctx, "select wal_status from pg_replication_slots where slot_name = '"+l.slot+"'").ReadAll()
	if err != nil {
		return "", fmt.Errorf("look for slot: %w", err)
	}
	if len(results) == 0 || len(results[0].Rows) == 0 {
		return slotMissing, nil
	}
	if wal := results[0].Rows[0][0]; wal != nil {
		return string(wal), nil
	}
	return slotLost, nil
}

// create makes the slot. Where it begins, changes may lie before it: that is a gap, and there
// must be no slot before the gap was announced, or a leader who dies in between would be followed
// by one who takes all to be well. So the slot is a copy of one that goes with this connection.
func (l *Leader) create(ctx context.Context, conn *pgconn.PgConn) error {
	passing := fmt.Sprintf("%s_%08x", l.slot[:min(len(l.slot), 54)], rand.Uint32())
	_, err := pglogrepl.CreateReplicationSlot(ctx, conn, passing, "pgoutput", pglogrepl.CreateReplicationSlotOptions{
		Temporary: true, Mode: pglogrepl.LogicalReplication, SnapshotAction: "NOEXPORT_SNAPSHOT",
	})
	if err != nil {
		return fmt.Errorf("create slot: %w", err)
	}
	if err := l.publish(ctx, Message{Gap: true}); err != nil {
		return err
	}
	// The names have no character that would need quoting.
	_, err = conn.Exec(ctx, "select pg_copy_logical_replication_slot('"+passing+"', '"+l.slot+"', false)").ReadAll()
	if err != nil && !hasCode(err, slotExists) {
		return fmt.Errorf("keep slot: %w", err)
	}
	if err := drop(ctx, conn, passing); err != nil {
		return fmt.Errorf("drop passing slot: %w", err)
	}
	return nil
}

func drop(ctx context.Context, conn *pgconn.PgConn, slot string) error {
	return pglogrepl.DropReplicationSlot(ctx, conn, slot, pglogrepl.DropReplicationSlotOptions{})
}

func (l *Leader) start(ctx context.Context, conn *pgconn.PgConn) error {
	// From 0 means: from where the slot was last confirmed.
	err := pglogrepl.StartReplication(ctx, conn, l.slot, 0, pglogrepl.StartReplicationOptions{
		PluginArgs: []string{"proto_version '1'", "publication_names '" + Publication + "'", "messages 'true'"},
	})
	if err != nil {
		return fmt.Errorf("start replication: %w", err)
	}
	return nil
}

// publish announces a message to every hub.
func (l *Leader) publish(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, publishWithin)
	defer cancel()
	l.number++ // also if it fails: whether it has arrived is not known
	m.from, m.number = l.name, l.number
	if err := l.redis.Publish(ctx, l.channel, m.encode()).Err(); err != nil {
		return fmt.Errorf("publish changes: %w", err)
	}
	return nil
}

func hasCode(err error, code string) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == code
}
