package kafka

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
)

// How many fetches wait for a partition when no more are asked for, and when again.
const (
	pauseAt  = 4
	resumeAt = 1
)

// The time between two attempts to store, doubled from the first to the last.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// fetched is what one poll brought of a partition.
type fetched struct {
	topicID uuid.UUID
	records []*kgo.Record
	end     int64 // where the partition ended then
}

// partition stores the records of one partition, in order, beside the others.
type partition struct {
	consumer *Consumer
	client   *kgo.Client
	id       int32
	stop     context.CancelFunc
	done     chan struct{}
	wake     chan struct{} // has a token if something waits

	mu      sync.Mutex
	waiting []fetched
	paused  bool
	lag     Lag
}

func startPartition(ctx context.Context, c *Consumer, client *kgo.Client, id int32) *partition {
	ctx, stop := context.WithCancel(ctx)
	p := &partition{consumer: c, client: client, id: id, stop: stop, done: make(chan struct{}), wake: make(chan struct{}, 1)}
	go func() {
		defer close(p.done)
		p.run(ctx)
	}()
	return p
}

// put leaves records to be stored. It is bounded by asking for no more while enough wait.
func (p *partition) put(f fetched) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(p.waiting, f)
	if len(p.waiting) >= pauseAt && !p.paused {
		p.paused = true
		p.client.PauseFetchPartitions(p.named())
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *partition) take() (f fetched, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.lag = Lag{}
		return f, false
	}
	f = p.waiting[0]
	p.waiting = p.waiting[1:]
	if p.paused && len(p.waiting) <= resumeAt {
		p.paused = false
		p.client.ResumeFetchPartitions(p.named())
	}
	first := f.records[0]
	p.lag = Lag{Records: f.end - first.Offset, Since: first.Timestamp}
	return f, true
}

// resume lets the client fetch the partition again, should it come back.
func (p *partition) resume() { p.client.ResumeFetchPartitions(p.named()) }

func (p *partition) named() map[string][]int32 {
	return map[string][]int32{p.consumer.options.Topic: {p.id}}
}

func (p *partition) run(ctx context.Context) {
	for {
		select {
		case <-p.wake:
		case <-ctx.Done():
			return
		}
		for f, ok := p.take(); ok && ctx.Err() == nil; f, ok = p.take() {
			if p.settle(ctx, f) {
				p.client.MarkCommitRecords(f.records[len(f.records)-1])
			}
		}
	}
}

// settle tries until each record is stored or buried. It returns false if ctx has ended before.
func (p *partition) settle(ctx context.Context, f fetched) bool {
	work := p.sort(f)
	for wait := firstPause; ctx.Err() == nil; wait = min(2*wait, lastPause) {
		if work = p.attempt(ctx, work); len(work) == 0 {
			return true
		}
		pause(ctx, wait/2+rand.N(wait/2))
	}
	return false
}

// attempt does all of the work that can be done, so that one tenant's failure does not hold up
// the others, and returns what is left.
func (p *partition) attempt(ctx context.Context, work []task) (left []task) {
	for _, t := range work {
		err := t.try(ctx)
		if err == nil {
			continue
		}
		left = append(left, t)
		if ctx.Err() == nil {
			p.consumer.logger.WarnContext(ctx, "records of the log wait to be stored",
				"error", err, "partition", p.id, "offset", t.offset, "tenant", t.tenant)
		}
	}
	return left
}

// try is do, and takes a panic for a failure of this task alone.
func (t task) try(ctx context.Context) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("store records: panic: %v", panicked)
		}
	}()
	return t.do(ctx)
}
