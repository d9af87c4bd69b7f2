package app

import (
	"context"
	"errors"
	"time"

	gqlgen "github.com/99designs/gqlgen/graphql"

	"github.com/tidemarkhq/tidemark/graph"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/gqlhttp"
	"github.com/tidemarkhq/tidemark/internal/live"
)

// LiveConfig says how much may be watched, and how often.
type LiveConfig struct {
	MaxConnections    int `name:"max-connections" env:"TIDEMARK_MAX_CONNECTIONS" default:"20000" help:"Websockets and event streams of this server, at most."`
	TenantConnections int `name:"tenant-connections" env:"TIDEMARK_TENANT_CONNECTIONS" default:"12000" help:"Websockets and event streams of one tenant on this server, at most."`
	MaxSubscriptions  int `name:"max-subscriptions" env:"TIDEMARK_MAX_SUBSCRIPTIONS" default:"100" help:"Operations in flight on one websocket, at most."`
	MaxLiveQueries    int `name:"max-live-queries" env:"TIDEMARK_MAX_LIVE_QUERIES" default:"10000" help:"Different live queries of this server, at most."`
	LeastInterval     int `name:"least-interval" env:"TIDEMARK_LEAST_INTERVAL" default:"50" help:"Least milliseconds between two answers of a live query, whatever it asks for."`
	PingSeconds       int `name:"ping-seconds" env:"TIDEMARK_PING_SECONDS" default:"20" help:"Seconds between two pings of a connection; one that is silent for two of them is dropped."`
}

// DefaultLive is that of a process that is told nothing.
func DefaultLive() LiveConfig {
	return LiveConfig{
		MaxConnections: 20_000, TenantConnections: 12_000, MaxSubscriptions: 100,
		MaxLiveQueries: 10_000, LeastInterval: 50, PingSeconds: 20,
	}
}

// check reports what is out of range.
func (c LiveConfig) check() error {
	return errors.Join(outOfRange([]setting{
		{"MAX_CONNECTIONS", c.MaxConnections, 1, 1_000_000},
		{"TENANT_CONNECTIONS", c.TenantConnections, 1, 1_000_000},
		{"MAX_SUBSCRIPTIONS", c.MaxSubscriptions, 1, 10_000},
		{"MAX_LIVE_QUERIES", c.MaxLiveQueries, 1, 1_000_000},
		{"LEAST_INTERVAL", c.LeastInterval, 1, 60_000},
		{"PING_SECONDS", c.PingSeconds, 1, 3600},
	})...)
}

func (n *Node) engine() *live.Engine {
	c := n.config.Live
	return live.New(live.Options{
		MaxQueries: c.MaxLiveQueries, LeastInterval: time.Duration(c.LeastInterval) * time.Millisecond, Logger: n.logger,
	})
}

// bound sets the bounds of what is watched.
func (c LiveConfig) bound(transport *gqlhttp.Config) {
	transport.MaxConnections, transport.MaxOfParty = c.MaxConnections, c.TenantConnections
	transport.MaxSubscriptions = c.MaxSubscriptions
	transport.PingInterval = time.Duration(c.PingSeconds) * time.Second
}

// liveQueries lets the transports subscribe to the engine.
type liveQueries struct{ engine *live.Engine }

// Subscribe implements [gqlhttp.Live].
func (l liveQueries) Subscribe(ctx context.Context, key gqlhttp.Key, wish gqlhttp.Wish, run func(ctx context.Context) []byte, wake func()) (gqlhttp.Subscription, error) {
	s, err := l.engine.Subscribe(ctx, live.Key(key), live.Wish{Interval: wish.Interval, Patch: wish.Patch, After: wish.After}, run, wake)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// wish implements [gqlhttp.Config.Wish].
func wish(op *gqlgen.OperationContext) (gqlhttp.Wish, error) {
	a, err := graph.LiveArguments(op)
	return gqlhttp.Wish{Streamed: !a.Live, Interval: a.Interval, Patch: a.Patch, After: a.After, Apart: a.AfterVariable}, err
}

// tenantOf implements [gqlhttp.Config.Party]: connections count against the caller's tenant.
func tenantOf(ctx context.Context) string {
	who, _ := access.From(ctx) // without one, against nobody's
	return who.Tenant.String()
}
