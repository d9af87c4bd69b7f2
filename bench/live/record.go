//go:build linux

package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
)

// figures is what is recorded: the conditions, and the results.
func figures(o options, r results) string {
	var text strings.Builder
	asked := "subscribers ask for no interval of their own"
	if o.minInterval > 0 {
		asked = fmt.Sprintf("subscribers ask for answers every %d ms at most", o.minInterval)
	}
	fmt.Fprintf(&text, "%d processors, %s, PostgreSQL as `tidemark up` sets it (fsync on), everything on one machine, the client included; %s.\n",
		runtime.NumCPU(), runtime.Version(), asked)
	if len(r.settings) > 0 {
		fmt.Fprintf(&text, "Medians of %d rounds of %v, in turns.\n", o.rounds, o.length)
		writeSpeeds(&text, r.settings)
		writeDelays(&text, o, r.settings)
	}
	if r.push.changes > 0 {
		fmt.Fprintf(&text, "\nOne subscriber, %d changes in turn: from the change to the answer **%v** in the middle (aim %v: %s), p99 %v.\n",
			r.push.changes, r.push.p50.Round(100*time.Microsecond), pushAim, verdict(r.push.p50 < pushAim), r.push.p99.Round(100*time.Microsecond))
	}
	if m := r.memory; m.subscribers > 0 {
		fmt.Fprintf(&text, "\nMemory of the process (kernel's buffers are not in it) with %d subscribers to a small field: **%d** bytes each when idle (aim %d, limit %d: %s), %d after pushes; the bare broadcaster has %d. All connections were gone %v after all had left; %v later the process held %d KiB, and %d KiB before they came.\n",
			m.subscribers, m.idle, memoryAim, memoryLimit, verdict(m.idle <= memoryAim && m.worst() <= memoryLimit), m.pushed, m.bare, m.gone.Round(time.Millisecond), o.settle, m.after>>10, m.before>>10)
	}
	for _, c := range r.comebacks {
		fmt.Fprintf(&text, "\n%d subscribers, %s: all had their answer after **%v**, %d of them a wrong one.\n", reconnectors, c.why, c.took.Round(time.Millisecond), c.wrong)
	}
	return text.String()
}

func writeSpeeds(text *strings.Builder, settings []*setting) {
	fmt.Fprintf(text, "\nAs fast as the answers come (limit %.1f of the broadcaster with %d subscribers):\n\n", ratioLimit, fullHouse)
	fmt.Fprintln(text, "| subscribers | topics | answer | bytes | answers/s | broadcaster | ratio | | server, an answer | broadcaster | PostgreSQL, Redis, worker | client |\n|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, s := range settings {
		mark := "–"
		if s.bounded() {
			mark = verdict(s.ratio() >= ratioLimit)
		}
		fmt.Fprintf(text, "| %d | %d | %s | %d | %.0f | %.0f | **%.2f** | %s | %v | %v | %v | %v |\n", s.subscribers, s.topics, s.document.name, middle(s.server, size),
			middle(s.server, perSecond), middle(s.bare, perSecond), s.ratio(), mark, middle(s.server, cpu), middle(s.bare, cpu), middle(s.server, rest), middle(s.server, user))
	}
}

func writeDelays(text *strings.Builder, o options, settings []*setting) {
	fmt.Fprintf(text, "\nFrom the change to the answer, at %d answers a second in all, where the interval lets them come (limit of p99: %v with %d subscribers):\n\n", o.paced, delayLimit, fullHouse)
	fmt.Fprintln(text, "| subscribers | topics | answer | answers/s | p50 | p99 | | broadcaster p50 | p99 | server, an answer | broadcaster |\n|---|---|---|---|---|---|---|---|---|---|---|")
	for _, s := range settings {
		mark := "–"
		if s.bounded() {
			mark = verdict(middle(s.paced, p99) < delayLimit)
		}
		round := func(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
		fmt.Fprintf(text, "| %d | %d | %s | %.0f | %v | **%v** | %s | %v | %v | %v | %v |\n", s.subscribers, s.topics, s.document.name, middle(s.paced, perSecond),
			round(middle(s.paced, p50)), round(middle(s.paced, p99)), mark, round(middle(s.barePaced, p50)), round(middle(s.barePaced, p99)), middle(s.paced, cpu), middle(s.barePaced, cpu))
	}
}

func verdict(holds bool) string {
	if holds {
		return "PASS"
	}
	return "FAIL"
}

func (m memory) worst() int64 { return max(m.idle, m.pushed) }

// check says what is beyond a limit. What is an aim alone fails nothing.
func (r results) check() error {
	var missed []error
	miss := func(format string, args ...any) { missed = append(missed, fmt.Errorf(format, args...)) }
	for _, s := range r.settings {
		if !s.bounded() {
			continue
		}
		if ratio := s.ratio(); ratio < ratioLimit {
			miss("%v: %.2f of the broadcaster, and must be %.1f", s, ratio, ratioLimit)
		}
		if delay := middle(s.paced, p99); delay >= delayLimit {
			miss("%v: p99 is %v, and must be below %v", s, delay, delayLimit)
		}
	}
	if worst := r.memory.worst(); worst > memoryLimit {
		miss("an idle subscriber takes %d bytes, and must take at most %d", worst, memoryLimit)
	}
	for _, c := range r.comebacks {
		if c.wrong > 0 {
			miss("%s: %d first answers were wrong", c.why, c.wrong)
		}
	}
	return errors.Join(missed...)
}
