package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemarkhq/tidemark/internal/event"
)

// buryWithin bounds putting one record into the dead topic.
const buryWithin = 5 * time.Second

// The headers of a dead record: why it is there, and where it was.
const (
	headerReason    = "reason"
	headerTopic     = "topic"
	headerPartition = "partition"
	headerOffset    = "offset"
)

// bury puts a record that cannot be stored into the dead topic. It may come there again, if the
// worker dies before the log knows that it went on; it is never passed over without.
func (p *partition) bury(ctx context.Context, record *kgo.Record, reason string) error {
	return p.buryValue(ctx, record, record.Value, reason)
}

func (p *partition) buryValue(ctx context.Context, record *kgo.Record, value []byte, reason string) error {
	c := p.consumer
	ctx, cancel := context.WithTimeout(ctx, buryWithin)
	defer cancel()
	dead := &kgo.Record{
		Topic: c.options.deadTopic(), Key: record.Key, Value: value, Timestamp: record.Timestamp,
		Headers: []kgo.RecordHeader{
			{Key: headerReason, Value: []byte(reason)},
			{Key: headerTopic, Value: []byte(record.Topic)},
			{Key: headerPartition, Value: strconv.AppendInt(nil, int64(record.Partition), 10)},
			{Key: headerOffset, Value: strconv.AppendInt(nil, record.Offset, 10)},
		},
	}
	err := p.client.ProduceSync(ctx, dead).FirstErr()
	if errors.Is(err, kerr.MessageTooLarge) && len(value) > 0 {
		return p.buryValue(ctx, record, nil, reason+" (too large to be kept)")
	}
	if err != nil {
		return fmt.Errorf("put a record into %s: %w", dead.Topic, err)
	}
	c.logger.ErrorContext(ctx, "a record of the log cannot be stored",
		"reason", reason, "topic", record.Topic, "partition", record.Partition, "offset", record.Offset, "tenant", string(record.Key))
	return nil
}

func (p *partition) buryAll(ctx context.Context, l *lot, why error) error {
	for len(l.entries) > 0 {
		if err := p.bury(ctx, l.entries[0].record, why.Error()); err != nil {
			return err
		}
		l.entries = l.entries[1:]
	}
	return nil
}

// buryRefused keeps the events that were acknowledged and turn out not to be stored, each as a
// record of its own that could be put back into the log.
func (p *partition) buryRefused(ctx context.Context, l lot, verdicts [][]event.Verdict) error {
	for i, e := range l.entries {
		for j, v := range verdicts[i] {
			if v.Status != event.Rejected && v.Status != event.Conflict {
				continue
			}
			value := appendEvent(header(e.batch.source, e.batch.receivedAt), &e.batch.events[j])
			if err := p.buryValue(ctx, e.record, value, string(v.Status)+": "+v.Reason); err != nil {
				return err
			}
		}
	}
	return nil
}
