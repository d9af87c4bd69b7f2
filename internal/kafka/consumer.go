package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemarkhq/tidemark/internal/event"
)

const (
	lanes       = 4       // transactions at a time
	pollRecords = 2_000   // at a time, of all partitions
	fetchBytes  = 4 << 20 // from one broker at a time, compressed; Snappy makes up to 21 times as much of it
	commitEvery = time.Second
	missedAfter = 6 * time.Second // the least that brokers allow by default
	rejoinAfter = 2 * time.Second // of a failure that ends a membership
	leaveWithin = 5 * time.Second
)

// Consumer stores what is in the log, as one of a group that shares the partitions.
type Consumer struct {
	options Options
	writer  *event.Writer
	logger  *slog.Logger
	lanes   chan struct{} // has room for each transaction that may run

	mu         sync.Mutex
	partitions map[int32]*partition
}

// NewConsumer makes a consumer. The writer's Run need not be running.
func NewConsumer(options Options, writer *event.Writer) *Consumer {
	return &Consumer{
		options: options, writer: writer, logger: options.Logger,
		lanes: make(chan struct{}, lanes), partitions: map[int32]*partition{},
	}
}

// Run consumes until ctx ends. After a failure it joins the group anew.
func (c *Consumer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := c.member(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		c.logger.ErrorContext(ctx, "the log cannot be read; joining again", "error", err)
		pause(ctx, rejoinAfter)
	}
	return nil
}

// member consumes as one member of the group, until ctx ends or a partition cannot be read.
func (c *Consumer) member(ctx context.Context) error {
	client, err := c.options.connect(
		kgo.ConsumerGroup(c.options.Group),
		kgo.ConsumeTopics(c.options.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		// A worker that dies is missed for this long. One that is wrongly taken for dead does no harm.
		kgo.SessionTimeout(missedAfter),
		kgo.HeartbeatInterval(missedAfter/3),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.FetchMaxBytes(fetchBytes),
		// No rebalance comes between the poll of a record and handing it to its partition:
		// a partition that came back would otherwise be given records out of order.
		kgo.BlockRebalanceOnPoll(),
		// What is buried twice does no harm.
		kgo.RecordDeliveryTimeout(buryWithin),
		kgo.AllowIdempotentProduceCancellation(),
		// Committed offsets are hints of where to begin: the database knows.
		kgo.AutoCommitMarks(),
		kgo.AutoCommitInterval(commitEvery),
		kgo.OnPartitionsAssigned(func(_ context.Context, client *kgo.Client, assigned map[string][]int32) {
			c.begin(ctx, client, assigned[c.options.Topic])
		}),
		kgo.OnPartitionsRevoked(func(callback context.Context, client *kgo.Client, revoked map[string][]int32) {
			c.end(revoked[c.options.Topic])
			c.commit(callback, client)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
			c.end(lost[c.options.Topic])
		}),
	)
	if err != nil {
		return err
	}
	defer c.leave(client)
	for {
		fetches := client.PollRecords(ctx, pollRecords)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return nil
		}
		if err := c.failure(ctx, fetches); err != nil {
			return err
		}
		c.hand(fetches)
		client.AllowRebalance()
	}
}

// leave ends the partitions and gives them up at once, so that others can take over.
func (c *Consumer) leave(client *kgo.Client) {
	c.end(c.assigned())
	ctx, cancel := context.WithTimeout(context.Background(), leaveWithin)
	defer cancel()
	c.commit(ctx, client)
	client.CloseAllowingRebalance()
	c.end(c.assigned()) // in case some came meanwhile
}

func (c *Consumer) assigned() (ids []int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.partitions {
		ids = append(ids, id)
	}
	return ids
}

func (c *Consumer) commit(ctx context.Context, client *kgo.Client) {
	if err := client.CommitMarkedOffsets(ctx); err != nil {
		// What comes again is known to be stored.
		c.logger.DebugContext(ctx, "kafka: offsets were not committed", "error", err)
	}
}

// failure tells what ends the membership; what the client mends by itself is logged.
func (c *Consumer) failure(ctx context.Context, fetches kgo.Fetches) (failed error) {
	fetches.EachError(func(topic string, partition int32, err error) {
		if _, lost := errors.AsType[*kgo.ErrDataLoss](err); lost {
			c.logger.ErrorContext(ctx, "the log has lost records", "topic", topic, "partition", partition, "error", err)
			return
		}
		if kerr.IsRetriable(err) {
			c.logger.WarnContext(ctx, "a partition cannot be read at the moment", "topic", topic, "partition", partition, "error", err)
			return
		}
		failed = errors.Join(failed, fmt.Errorf("read partition %d of %s: %w", partition, topic, err))
	})
	return failed
}

// hand gives each partition's records to whom it belongs. It waits for nobody.
func (c *Consumer) hand(fetches kgo.Fetches) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fetches.EachTopic(func(t kgo.FetchTopic) {
		t.EachPartition(func(f kgo.FetchPartition) {
			if p := c.partitions[f.Partition]; p != nil && len(f.Records) > 0 {
				p.put(fetched{topicID: t.TopicID, records: f.Records, end: f.HighWatermark})
			}
		})
	})
}

func (c *Consumer) begin(ctx context.Context, client *kgo.Client, assigned []int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range assigned {
		c.partitions[id] = startPartition(ctx, c, client, id)
	}
}

// end stops partitions, and waits until nothing is stored from them any more.
func (c *Consumer) end(ids []int32) {
	c.mu.Lock()
	var ending []*partition
	for _, id := range ids {
		if p := c.partitions[id]; p != nil {
			ending = append(ending, p)
			delete(c.partitions, id)
		}
	}
	c.mu.Unlock()
	for _, p := range ending {
		p.stop()
	}
	for _, p := range ending {
		<-p.done
		p.resume()
	}
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
