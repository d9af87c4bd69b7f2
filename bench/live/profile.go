//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"runtime/pprof"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
	"github.com/tidemarkhq/tidemark/internal/app"
)

// profileServer writes a CPU profile of the first setting, as fast as can be, of a server in
// this process, and before that a profile of its memory with all idle, beside it. The client is
// in them as well.
func (h *house) profileServer(ctx context.Context, o options) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	config := h.config
	config.Limits.ReadRate, config.Limits.CallerPercent = 100_000_000, 100
	node, err := app.NewNode(ctx, config, slog.New(slog.DiscardHandler))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer node.Close()
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- node.Serve(serving, listener) }()
	h.listen = listener.Addr().String()
	err = h.profile(ctx, o)
	stop()
	return errors.Join(err, <-ended)
}

func (h *house) profile(ctx context.Context, o options) error {
	file, err := os.Create(o.profile)
	if err != nil {
		return fmt.Errorf("make %s: %w", o.profile, err)
	}
	defer file.Close()
	subscribers, topics := o.subscribers[0], o.topics[0]
	for _, d := range documents(o.minInterval) {
		if o.only != "" && o.only != d.name {
			continue
		}
		one, err := h.served(d, topics)
		if err != nil {
			return err
		}
		if err := h.client.open(ctx, one.target(), subscribers, topics, dialsAtOnce); err != nil {
			return err
		}
		defer h.client.close()
		if err := h.profileHeap(ctx, o, subscribers); err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		defer pprof.StopCPUProfile()
		came, err := h.saturate(ctx, one, subscribers, o.length)
		fmt.Printf("%d subscribers, %d topics, %s: %.0f answers/s\n", subscribers, topics, d.name, came.perSecond)
		return err
	}
	return fmt.Errorf("there is no document %q", o.only)
}

// profileHeap tells what is alive while subscribers are idle: what the process holds beyond it
// is what was not collected yet.
func (h *house) profileHeap(ctx context.Context, o options, subscribers int) error {
	if err := h.calm(ctx); err != nil {
		return err
	}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Printf("%d idle subscribers: %d KiB alive, %d KiB of stacks, %d goroutines, %d KiB resident\n", subscribers,
		stats.HeapAlloc>>10, stats.StackInuse>>10, runtime.NumGoroutine(), trial.Resident(os.Getpid())>>10)
	file, err := os.Create(o.profile + ".heap")
	if err != nil {
		return fmt.Errorf("make %s.heap: %w", o.profile, err)
	}
	defer file.Close()
	if err := pprof.WriteHeapProfile(file); err != nil {
		return fmt.Errorf("profile memory: %w", err)
	}
	return nil
}
