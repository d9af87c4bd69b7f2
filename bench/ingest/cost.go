package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
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
	var c cost
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		pid, used := readStat(stat)
		switch {
		case pid == os.Getpid():
			c.client += used
		case pid == h.server.ID():
			c.server += used
		case bytes.Contains(stat, []byte("(postgres)")) && h.owns(pid):
			c.postgres += used
		}
	}
	return c
}

// owns reports whether a process works in our folder: other servers may run here.
func (h *house) owns(pid int) bool {
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && strings.HasPrefix(dir, h.services.Dir)
}

// readStat takes the process id, and user and system time in ticks of 10 ms, out of
// /proc/PID/stat (proc(5)).
func readStat(stat []byte) (pid int, used time.Duration) {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	pid, _ = strconv.Atoi(string(stat[:bytes.IndexByte(stat, ' ')]))
	if len(fields) < 13 {
		return pid, 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return pid, time.Duration(user+system) * 10 * time.Millisecond
}
