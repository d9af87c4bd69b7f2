package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/progress"
)

// perSender is how many batches there may be for each sender: one on its way, and one that
// waits for its turn to be sent or to be settled.
const perSender = 2

// pump reads, sends several batches at a time, and settles them in the order of the file.
func (r *run) pump(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	places := perSender * r.options.Concurrency
	free, work, sent := make(chan struct{}, places), make(chan *batch), make(chan *batch, places)
	group.Go(func() error {
		defer close(work)
		return r.read(ctx, func(b *batch) error { return hand(ctx, free, work, b) })
	})
	for range r.options.Concurrency {
		group.Go(func() error { return r.deliver(ctx, work, sent) })
	}
	ended := make(chan error, 1)
	go func() {
		defer close(sent)
		ended <- group.Wait()
	}()
	err := r.settleAll(sent, free)
	if err != nil {
		stop()
	}
	for range sent {
		continue // nothing more is settled; the senders end
	}
	if sending := <-ended; err == nil {
		err = sending
	}
	return err
}

// hand gives a batch to whoever sends next, once there is a place for it.
func hand(ctx context.Context, free chan<- struct{}, work chan<- *batch, b *batch) error {
	select {
	case free <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case work <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read cuts the input into batches.
func (r *run) read(ctx context.Context, hand func(*batch) error) error {
	b := newBatch(0)
	for ctx.Err() == nil {
		row, err := r.rows.next()
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				r.broken = err
			}
			if len(b.entries) > 0 {
				return hand(b)
			}
			return nil
		}
		e := r.entry(row)
		if !b.fits(e) {
			if err := hand(b); err != nil {
				return err
			}
			b = newBatch(b.number + 1)
		}
		b.add(e)
		b.end = point{place: row.end, Unnamed: r.ids.unnamed, raw: r.source.raw.n.Load()}
	}
	return ctx.Err()
}

func (r *run) deliver(ctx context.Context, work <-chan *batch, sent chan<- *batch) error {
	for b := range work {
		if entries := b.toSend(); len(entries) > 0 {
			if err := r.sender.send(ctx, entries); err != nil {
				return fmt.Errorf("%w: %w", ErrNotSent, err)
			}
		}
		sent <- b // there is a place for each
	}
	return nil
}

// settleAll settles what was sent, in order: only then is it known that all up to a place
// has its verdict.
func (r *run) settleAll(sent <-chan *batch, free <-chan struct{}) error {
	waiting, next := map[int]*batch{}, 0
	for b := range sent {
		waiting[b.number] = b
		for waiting[next] != nil {
			if err := r.settle(waiting[next]); err != nil {
				return err
			}
			delete(waiting, next)
			next++
			<-free
		}
	}
	return nil
}

// saveEvery is how often a checkpoint is written, at most.
const saveEvery = 200 * time.Millisecond

func (r *run) settle(b *batch) error {
	for _, e := range b.entries {
		r.now.Counts.add(e.verdict.Status)
		r.thisRun++
		if r.options.DryRun {
			r.preview(e)
			continue
		}
		if isRefused(e.verdict.Status) {
			if err := r.report.write(e); err != nil {
				return err
			}
		}
	}
	r.now.Point = b.end
	r.show(false)
	if r.options.DryRun || time.Since(r.saved) < saveEvery {
		return nil
	}
	return r.save()
}

func isRefused(status event.Status) bool {
	return status != event.Accepted && status != event.Duplicate && status != event.Queued
}

// save writes a checkpoint, after all that it speaks of.
func (r *run) save() error {
	if err := r.report.sync(); err != nil {
		return err
	}
	r.saved, r.now.Report = time.Now(), r.report.size
	if r.path == "" {
		return nil
	}
	return r.now.save(r.path)
}

func (r *run) show(last bool) {
	r.options.Progress(progress.Step{
		Events: r.thisRun, Done: r.now.Point.raw, Total: r.source.size, From: r.from, Last: last,
	})
}
