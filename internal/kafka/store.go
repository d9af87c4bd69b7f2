package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// maxEvents is how many events one transaction stores, unless a single record has more.
const maxEvents = 10_000

// task is something to be done with records, again until it succeeds.
type task struct {
	tenant string
	offset int64 // of the first record
	do     func(ctx context.Context) error
}

// entry is a record that was read.
type entry struct {
	record *kgo.Record
	batch  batch
}

// lot is what a fetch brought of one tenant, in order. Its records are stored in that order, as
// the tenant's offset never goes back: one that was passed over would be taken for stored.
type lot struct {
	tenant  tenant.ID
	entries []entry
}

// sort turns records into lots, and into burials of those that cannot be read.
func (p *partition) sort(f fetched) (work []task) {
	lots := map[tenant.ID]*lot{}
	for _, record := range f.records {
		id, b, err := read(record)
		if err != nil {
			work = append(work, task{tenant: string(record.Key), offset: record.Offset, do: func(ctx context.Context) error {
				return p.bury(ctx, record, err.Error())
			}})
			continue
		}
		l := lots[id]
		if l == nil {
			l = &lot{tenant: id}
			lots[id] = l
			work = append(work, task{tenant: id.String(), offset: record.Offset, do: func(ctx context.Context) error {
				return p.store(ctx, f.topicID, l)
			}})
		}
		l.entries = append(l.entries, entry{record, b})
	}
	return work
}

func read(record *kgo.Record) (tenant.ID, batch, error) {
	id, err := tenant.Parse(string(record.Key))
	if err != nil {
		return id, batch{}, errors.New("the record's key is no tenant")
	}
	b, err := decode(record.Value)
	return id, b, err
}

// store stores a lot, less those of its records that were stored before.
func (p *partition) store(ctx context.Context, topicID uuid.UUID, l *lot) error {
	for len(l.entries) > 0 {
		next, err := p.storeOnce(ctx, topicID, lot{l.tenant, l.entries[:l.fit()]})
		if errors.Is(err, event.ErrNoTenant) {
			return p.buryAll(ctx, l, err)
		}
		if err != nil {
			return fmt.Errorf("store records: %w", err)
		}
		l.entries = slices.DeleteFunc(l.entries, func(e entry) bool { return e.record.Offset < next })
	}
	return nil
}

// fit is how many of the records go into one transaction.
func (l *lot) fit() int {
	events := 0
	for i, e := range l.entries {
		if events += len(e.batch.events); i > 0 && events > maxEvents {
			return i
		}
	}
	return len(l.entries)
}

// storeOnce stores a lot and moves the tenant's offset on, in one transaction, and returns the
// offset. If the offset has passed some of the lot already, nothing is stored.
func (p *partition) storeOnce(ctx context.Context, topicID uuid.UUID, l lot) (next int64, err error) {
	select {
	case p.consumer.lanes <- struct{}{}:
		defer func() { <-p.consumer.lanes }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	_, err = p.consumer.writer.AppendOnce(ctx, l.tenant, l.parts(), event.Once{
		Claim: func(ctx context.Context, tx pgx.Tx) (fresh bool, err error) {
			next, fresh, err = p.claim(ctx, tx, topicID, l)
			return fresh, err
		},
		Settle: func(ctx context.Context, verdicts [][]event.Verdict) error {
			return p.buryRefused(ctx, l, verdicts)
		},
	})
	return next, err
}

// claim moves the tenant's offset past the lot, if it stands before it.
func (p *partition) claim(ctx context.Context, tx pgx.Tx, topicID uuid.UUID, l lot) (next int64, fresh bool, err error) {
	queries, topic := dbsqlc.New(), p.consumer.options.Topic
	next = l.entries[len(l.entries)-1].record.Offset + 1
	moved, err := queries.IngestOffsetMove(ctx, tx, dbsqlc.IngestOffsetMoveParams{
		Topic: topic, TopicID: topicID, Partition: p.id, NextOffset: next, FirstOffset: l.entries[0].record.Offset,
	})
	if err != nil {
		return 0, false, fmt.Errorf("move offset: %w", err)
	}
	if moved > 0 {
		return next, true, nil
	}
	next, err = queries.IngestOffsetGet(ctx, tx, dbsqlc.IngestOffsetGetParams{Topic: topic, TopicID: topicID, Partition: p.id})
	if err != nil {
		return 0, false, fmt.Errorf("get offset: %w", err)
	}
	return next, false, nil
}

// parts are the lot's events as the writer takes them. They are checked anew: the log is written
// by others, and what an event's check finds out of it is not in the record.
func (l lot) parts() []event.Part {
	parts := make([]event.Part, len(l.entries))
	for i, e := range l.entries {
		parts[i] = event.Part{Source: e.batch.source, Items: make([]event.Item, len(e.batch.events))}
		for j, incoming := range e.batch.events {
			problem := incoming.Check()
			parts[i].Items[j] = event.Item{Incoming: incoming, Problem: problem}
		}
	}
	return parts
}
