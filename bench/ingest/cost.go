package main

import (
	"fmt"
	"os"
	"time"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

// cost is the processor time of one event, by who spent it.
type cost struct{ client, server, postgres time.Duration }

func (c cost) String() string {
	return fmt.Sprintf("an event costs %v in the server, %v in PostgreSQL, %v in the client", c.server, c.postgres, c.client)
}

func (c cost) since(before cost, events int) cost {
	per := func(now, then time.Duration) time.Duration {
		return ((now - then) / time.Duration(max(events, 1))).Round(10 * time.Nanosecond)
	}
	return cost{per(c.client, before.client), per(c.server, before.server), per(c.postgres, before.postgres)}
}

// spent reads what the processes have used so far, from /proc; zero where there is none.
func (h *house) spent() cost {
	return cost{trial.Used(os.Getpid()), trial.Used(h.server.ID()), trial.UsedBelow(h.services.Dir, "postgres)")}
}
