package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

const (
	partBytes     = 512 << 10         // of a record's value, about; brokers take 1 MB by default
	bufferedBytes = 64 << 20          // of records on their way to the brokers
	tenantBytes   = bufferedBytes / 2 // of one tenant among them
	deliverWithin = 10 * time.Second  // of a batch, to all replicas that are in sync
	flushWithin   = 15 * time.Second  // of what is on its way at the end
)

// Producer puts batches into the log. It implements [event.Appender].
type Producer struct {
	client   *kgo.Client
	deadline time.Duration

	mu       sync.Mutex
	closed   bool
	buffered map[tenant.ID]int // bytes on their way
	total    int
}

// NewProducer makes a producer. It does not wait for the brokers; its Run must be running.
func NewProducer(options Options) (*Producer, error) {
	if options.Deadline <= 0 {
		options.Deadline = deliverWithin
	}
	// The client's defaults are what is needed here: idempotent, and acknowledged by all
	// replicas that are in sync.
	client, err := options.connect(
		kgo.DefaultProduceTopic(options.Topic),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(2*time.Millisecond),
		kgo.RecordDeliveryTimeout(options.Deadline),
		kgo.MaxBufferedBytes(2*bufferedBytes), // the bound is kept here, by tenant
		// Not zstd, which would let a sender make a gigabyte of a fetched megabyte.
		kgo.ProducerBatchCompression(kgo.SnappyCompression()),
	)
	if err != nil {
		return nil, err
	}
	return &Producer{client: client, deadline: options.Deadline, buffered: map[tenant.ID]int{}}, nil
}

// Run waits until ctx ends; then it refuses new batches, sends those on their way, and gives
// the connections back.
func (p *Producer) Run(ctx context.Context) error {
	<-ctx.Done()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushWithin)
	defer cancel()
	defer p.client.Close()
	if err := p.client.Flush(ctx); err != nil {
		return fmt.Errorf("flush what is on its way to Kafka: %w", err) // nobody was told that it is there
	}
	return nil
}

// Ping says whether the brokers answer.
func (p *Producer) Ping(ctx context.Context) error { return ping(ctx, p.client) }

// Append puts the batch into the log, and answers QUEUED for each of its items that can be
// written once all of them are there. On an error, a fault, some of them may be: sent again
// under the same ids, they count once.
func (p *Producer) Append(ctx context.Context, id tenant.ID, source string, items []event.Item) ([]event.Verdict, error) {
	now := time.Now()
	verdicts := make([]event.Verdict, len(items))
	values := encode(source, now, items, verdicts)
	size := 0
	for _, v := range values {
		size += len(v)
	}
	if size == 0 {
		return verdicts, nil
	}
	if err := p.reserve(id, size); err != nil {
		return nil, err
	}
	key := []byte(id.String())
	acknowledged := make(chan error, len(values))
	for _, v := range values {
		// Not the caller's context: a record that is on its way is not called back, and the
		// client ends it at its own deadline.
		record := &kgo.Record{Key: key, Value: v, Timestamp: now}
		p.client.TryProduce(context.WithoutCancel(ctx), record, func(_ *kgo.Record, err error) {
			p.release(id, len(v))
			acknowledged <- err
		})
	}
	ctx, cancel := context.WithTimeout(ctx, p.deadline)
	defer cancel()
	if err := wait(ctx, acknowledged, len(values)); err != nil {
		return nil, err
	}
	return verdicts, nil
}

// wait returns nil once all records are acknowledged.
func wait(ctx context.Context, acknowledged <-chan error, records int) error {
	for range records {
		select {
		case err := <-acknowledged:
			if err != nil {
				return undelivered(err)
			}
		case <-ctx.Done():
			// The brokers may still take it; a retry under the same ids then counts once.
			return fault.New(fault.Unavailable, "The log did not take the events in time. Send them again.").Because(ctx.Err())
		}
	}
	return nil
}

func undelivered(err error) error {
	if errors.Is(err, kgo.ErrMaxBuffered) {
		return errFull
	}
	return fault.New(fault.Unavailable, "The log does not take events at the moment. Send these again later.").Because(err)
}

var errFull = fault.New(fault.Unavailable, "Too many events are waiting. Send these again later.")

// reserve takes room for records on their way: a bounded part of it for each tenant, so that one
// tenant's flood leaves room for the others.
func (p *Producer) reserve(id tenant.ID, size int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fault.New(fault.Unavailable, "The server is stopping. Send the events again.")
	}
	own := p.buffered[id]
	if p.total+size > bufferedBytes || own > 0 && own+size > tenantBytes {
		return errFull
	}
	p.total += size
	p.buffered[id] = own + size
	return nil
}

func (p *Producer) release(id tenant.ID, size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total -= size
	if p.buffered[id] -= size; p.buffered[id] <= 0 {
		delete(p.buffered, id)
	}
}

// encode makes the values of records, and the verdicts that hold if these get into the log.
func encode(source string, now time.Time, items []event.Item, verdicts []event.Verdict) (values [][]byte) {
	var value []byte
	for i := range items {
		item := &items[i]
		problem := item.Problem
		if problem == nil {
			problem = item.Receive(now)
		}
		if problem != nil {
			verdicts[i] = event.Reject(item.MessageID, problem)
			continue
		}
		verdicts[i] = event.Verdict{MessageID: item.MessageID, Status: event.Queued}
		if len(value) == 0 {
			value = header(source, now)
		}
		if value = appendEvent(value, &item.Incoming); len(value) >= partBytes {
			values, value = append(values, value), nil
		}
	}
	if len(value) > 0 {
		values = append(values, value)
	}
	return values
}
