//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

// side is one of the two that are compared: the server, or the bare broadcaster.
type side interface {
	target() target
	// publish makes a change of a topic, or of everyTopic.
	publish(ctx context.Context, topic int, stamp int64) error
	pid() int
}

// served is the server: a change is an update of a tenant, and of what was counted of it, seen in
// PostgreSQL's log.
type served struct {
	*house
	to        target
	topics    int
	statement string
}

const (
	renamed = `update tenant set name = $1 where tenant_id = any($2::uuid[])`
	counted = `with name as (` + renamed + `), latest as (
			select r.* from unnest($2::uuid[]) id,
				lateral (select tenant_id, at, type from event_rollup where tenant_id = id order by at desc limit 1) r
		)
		update event_rollup set count = count + 1 from latest
		where (event_rollup.tenant_id, event_rollup.at, event_rollup.type) = (latest.tenant_id, latest.at, latest.type)`
)

func (h *house) served(d document, topics int) (served, error) {
	to, err := h.target(d.query)
	statement := renamed
	if d.moves {
		statement = counted
	}
	return served{h, to, topics, statement}, err
}

func (s served) target() target { return s.to }
func (s served) pid() int       { return s.server.ID() }

func (s served) publish(ctx context.Context, topic int, stamp int64) error {
	var ids []string
	for i, t := range s.tenants[:s.topics] {
		if topic == everyTopic || topic == i {
			ids = append(ids, t.id)
		}
	}
	_, err := s.owner.Exec(ctx, s.statement, fmt.Sprint(stamp), ids)
	if err != nil {
		return fmt.Errorf("change the tenant: %w", err)
	}
	return nil
}

// broadcaster is the bare one, a process of this program.
type broadcaster struct {
	to      target
	process *trial.Process
	input   io.WriteCloser
}

// startBare starts one that sends the same message as the server did.
func startBare(ctx context.Context, message []byte, topics int) (b *broadcaster, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	listen, err := trial.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	b = &broadcaster{}
	if b.to.address, err = addressOf(listen); err != nil {
		return nil, err
	}
	for topic := range topics {
		b.to.upgrade = append(b.to.upgrade, upgradeOf(fmt.Sprint("/", topic), listen))
		b.to.hello = append(b.to.hello, clientFrame(textFrame, []byte(`{"type":"connection_init"}`)))
	}
	// As the server does it, memory is collected seldom.
	env := []string{bareListen + "=" + listen, "GOGC=300", "GOMEMLIMIT=1GiB"}
	if b.process, b.input, err = trial.StartFed(ctx, env, self); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(b.input, "%s\n", message); err != nil {
		return nil, b.stop(fmt.Errorf("feed the broadcaster: %w", err))
	}
	if err := waitListening(ctx, listen); err != nil {
		return nil, b.stop(err)
	}
	return b, nil
}

func waitListening(ctx context.Context, listen string) error {
	for range 200 {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", listen)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("nobody listens at %s", listen)
}

func (b *broadcaster) target() target { return b.to }
func (b *broadcaster) pid() int       { return b.process.ID() }

func (b *broadcaster) publish(_ context.Context, topic int, stamp int64) error {
	if _, err := fmt.Fprintln(b.input, topic, stamp); err != nil {
		return fmt.Errorf("feed the broadcaster: %w", err)
	}
	return nil
}

func (b *broadcaster) stop(err error) error {
	if closed := b.input.Close(); err == nil {
		err = closed
	}
	b.process.Stop()
	return err
}
