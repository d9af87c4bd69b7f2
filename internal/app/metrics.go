package app

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/feed"
	"github.com/tidemarkhq/tidemark/internal/job"
	"github.com/tidemarkhq/tidemark/internal/live"
)

const (
	lookAtSlotEvery = 2 * time.Second
	// tooSilent is without a heartbeat: three of them have not come.
	tooSilent = 3*feed.BeatEvery + feed.BeatEvery/2
)

// feedWatch is what this server knows of the feed that it lives by.
type feedWatch struct {
	hub  *feed.Hub
	slot atomic.Pointer[feed.SlotState] // nil: not looked at yet, or it cannot be
}

// lookAtSlot reads the slot's state, from time to time.
func (n *Node) lookAtSlot(w *feedWatch) job.Task {
	return job.Task{Name: "look at the slot", Every: lookAtSlotEvery, Deadline: 5 * time.Second, Do: func(ctx context.Context) error {
		state, err := feed.ReadSlot(ctx, n.worker.Pool(), feed.Slot(n.name))
		if err != nil {
			w.slot.Store(nil)
			return err
		}
		w.slot.Store(&state)
		return nil
	}}
}

// check tells whether changes reach this server: heartbeats do, and what they come by is well.
func (w *feedWatch) check(context.Context) error {
	if w.hub.Silence() > tooSilent {
		return errors.New("the feed is silent")
	}
	if slot := w.slot.Load(); slot != nil && slot.Problem() != "" {
		return errors.New(slot.Problem())
	}
	return nil
}

// gauges are read off when somebody asks for them.
func (w *feedWatch) gauges() []prometheus.Collector {
	of := func(read func(feed.SlotState) float64) func() float64 {
		return func() float64 {
			if slot := w.slot.Load(); slot != nil {
				return read(*slot)
			}
			return -1
		}
	}
	return []prometheus.Collector{
		gauge("feed_silence_seconds", "Since the feed's leader was last heard of; it says something every 5 seconds.", func() float64 { return w.hub.Silence().Seconds() }),
		gauge("feed_slot_active", "1 if somebody follows the replication slot; -1: not known.", of(func(s feed.SlotState) float64 { return one(s.Active) })),
		gauge("feed_slot_lost", "1 if the replication slot's WAL was removed; -1: not known.", of(func(s feed.SlotState) float64 { return one(s.Lost || !s.Exists) })),
		gauge("feed_slot_lag_bytes", "WAL that the feed has not confirmed; -1: not known.", of(func(s feed.SlotState) float64 { return float64(s.Lag) })),
		gauge("feed_slot_safe_bytes", "WAL that may still be written before the slot is lost; -1: not known, or without a limit.", of(func(s feed.SlotState) float64 { return float64(s.SafeSize) })),
	}
}

func gauge(name, help string, read func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "tidemark", Name: name, Help: help}, read)
}

func counter(name, help string, read func() float64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "tidemark", Name: name, Help: help}, read)
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// liveGauges are of what is watched.
func liveGauges(connections func() int, stats func() live.Stats) []prometheus.Collector {
	return []prometheus.Collector{
		gauge("live_connections", "Websockets and event streams that are open.", func() float64 { return float64(connections()) }),
		gauge("live_queries", "Different live queries that are watched.", func() float64 { return float64(stats().Queries) }),
		gauge("live_subscriptions", "Subscriptions to live queries.", func() float64 { return float64(stats().Subscriptions) }),
		counter("live_executions_total", "Executions of live queries.", func() float64 { return float64(stats().Executions) }),
		counter("live_answers_total", "Answers of live queries to their subscriptions.", func() float64 { return float64(stats().Answers) }),
	}
}

// metrics serves figures of this process to who has the token, in the text format of Prometheus
// (https://prometheus.io/docs/instrumenting/exposition_formats/). Without a token there are none.
func metrics(token string, figures ...prometheus.Collector) http.Handler {
	if token == "" {
		return nil
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(figures...)
	figuresOf := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := access.Bearer(r.Header.Get("Authorization"))
		if subtle.ConstantTimeCompare([]byte(given), []byte(token)) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="metrics"`)
			http.Error(w, "Send the token of TIDEMARK_METRICS_TOKEN.", http.StatusUnauthorized)
			return
		}
		figuresOf.ServeHTTP(w, r)
	})
}
