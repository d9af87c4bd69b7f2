//go:build linux

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

// cost is the processor time of one message, by who spent it. Server is the one of the side
// that is measured.
type cost struct{ server, worker, postgres, redis, client time.Duration }

// spent reads what the processes have used so far.
func (h *house) spent(s side) cost {
	return cost{
		server: trial.Used(s.pid()), worker: trial.Used(h.keeper.ID()), client: trial.Used(os.Getpid()),
		postgres: trial.UsedBelow(h.services.Dir, "postgres)"), redis: trial.UsedBelow(h.services.Dir, "redis"),
	}
}

func (c cost) since(before cost, messages int64) cost {
	per := func(now, then time.Duration) time.Duration {
		return ((now - then) / time.Duration(max(messages, 1))).Round(10 * time.Nanosecond)
	}
	return cost{
		per(c.server, before.server), per(c.worker, before.worker), per(c.postgres, before.postgres),
		per(c.redis, before.redis), per(c.client, before.client),
	}
}

func (c cost) String() string {
	return fmt.Sprintf("%v in the server, %v in the worker, %v in PostgreSQL, %v in Redis, %v in the client", c.server, c.worker, c.postgres, c.redis, c.client)
}
