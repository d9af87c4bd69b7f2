//go:build linux

// Command live measures live queries at scale: thousands of websocket subscribers to the real
// server, from a change in PostgreSQL to the answer in the client, against a bare broadcaster in
// Go that sends the same bytes, in the same run, in turns. Linux only: it reads /proc and waits
// by epoll.
//
//	go run ./bench/live [-subscribers 1000,5000,10000] [-topics 1,100] [-rounds 3] [-length 4s] [-record bench/README.md]
//	go run ./bench/live -reconnect
//	go run ./bench/live -profile live.pprof -subscribers 5000
//
// It exits with 1 where a limit is missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tidemarkhq/tidemark/bench/internal/trial"
)

// What must hold with fullHouse subscribers, on two processors that they share with the server.
const (
	fullHouse   = 10_000
	ratioLimit  = 0.5                    // of the broadcaster's answers
	delayLimit  = 100 * time.Millisecond // of 99 in 100 answers, at the paced rate
	memoryAim   = 10 << 10               // bytes of one idle subscriber
	memoryLimit = 20 << 10
	pushAim     = 50 * time.Millisecond // from a change to one subscriber, in the middle
)

type options struct {
	subscribers, topics []int
	rounds              int
	length              time.Duration // of one load
	paced               int           // answers a second in all, where delays count
	settle              time.Duration // before memory is looked at
	singles             int           // changes to one subscriber
	minInterval         int           // what subscribers ask for, in milliseconds; 0: nothing
	only                string        // part of the names of the documents
	skipIdle            bool
	reconnect           bool
	profile             string
	record              string
}

func main() {
	if address := os.Getenv(bareListen); address != "" {
		trial.Main("live", func(ctx context.Context) error { return serveBare(ctx, address) })
		return
	}
	o, err := parse()
	if err != nil {
		fmt.Fprintln(os.Stderr, "live:", err)
		os.Exit(2)
	}
	trial.Main("live", func(ctx context.Context) error { return run(ctx, o) })
}

func parse() (o options, err error) {
	subscribers := flag.String("subscribers", "1000,5000,10000", "how many, with commas between")
	topics := flag.String("topics", "1,100", "over how many tenants they are spread, with commas between")
	flag.IntVar(&o.rounds, "rounds", 3, "measurements of each kind; the median counts")
	flag.DurationVar(&o.length, "length", 4*time.Second, "how long each lasts")
	flag.IntVar(&o.paced, "paced", 20_000, "answers a second in all, where delays are measured")
	flag.DurationVar(&o.settle, "settle", 15*time.Second, "how long a server rests before its memory is looked at")
	flag.IntVar(&o.singles, "singles", 200, "changes to one subscriber; 0: that is not measured")
	flag.IntVar(&o.minInterval, "min-interval", 0, "the minInterval that subscribers ask for, in milliseconds; 0: none, for servers that do not know it")
	flag.StringVar(&o.only, "only", "", "measure this document alone: small, series or moving series")
	flag.BoolVar(&o.skipIdle, "skip-idle", false, "do not measure memory")
	flag.BoolVar(&o.reconnect, "reconnect", false, "measure 1,000 sockets that come back at once, and nothing else")
	flag.StringVar(&o.profile, "profile", "", "file for a CPU profile of the first setting, of a server in this process; nothing else is measured")
	flag.StringVar(&o.record, "record", "", "file to which the figures are added, such as bench/README.md")
	flag.Parse()
	if o.subscribers, err = numbers(*subscribers, 1, 15_000); err != nil {
		return o, fmt.Errorf("-subscribers: %w", err)
	}
	if o.topics, err = numbers(*topics, 1, 1_000); err != nil {
		return o, fmt.Errorf("-topics: %w", err)
	}
	if o.profile != "" {
		runtime.MemProfileRate = 4 << 10
	}
	if o.rounds < 1 || slices.Min(o.subscribers) < slices.Max(o.topics) {
		return o, errors.New("at least one round, and a subscriber for each topic")
	}
	return o, nil
}

func numbers(text string, least, most int) (list []int, err error) {
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < least || n > most {
			return nil, fmt.Errorf("%q is no number from %d to %d", part, least, most)
		}
		list = append(list, n)
	}
	return list, nil
}

// results are all that was measured.
type results struct {
	settings  []*setting
	push      push
	memory    memory
	comebacks []comeback
}

func run(ctx context.Context, o options) (err error) {
	if err := allowSockets(slices.Max(o.subscribers)); err != nil {
		return err
	}
	h, err := open(ctx, slices.Max(o.topics))
	if err != nil {
		return err
	}
	defer func() { err = h.close(err) }()
	var r results
	switch {
	case o.profile != "":
		return h.profileServer(ctx, o)
	case o.reconnect:
		r.comebacks, err = h.reconnect(ctx, o)
	default:
		err = h.measureAll(ctx, o, &r)
	}
	if err != nil {
		return err
	}
	text := figures(o, r)
	fmt.Print(text)
	return errors.Join(trial.Record(ctx, o.record, "live", text), r.check())
}

func (h *house) measureAll(ctx context.Context, o options, r *results) (err error) {
	if o.singles > 0 {
		if r.push, err = h.single(ctx, o); err != nil {
			return fmt.Errorf("one subscriber: %w", err)
		}
		fmt.Fprintf(os.Stderr, "  change to push: median %v, p99 %v\n", r.push.p50, r.push.p99)
	}
	for _, d := range documents(o.minInterval) {
		if o.only != "" && o.only != d.name {
			continue
		}
		for _, topics := range o.topics {
			for _, subscribers := range o.subscribers {
				s := &setting{subscribers: subscribers, topics: topics, document: d}
				r.settings = append(r.settings, s)
				if err := h.measure(ctx, o, s); err != nil {
					return err
				}
			}
		}
	}
	if !o.skipIdle {
		if r.memory, err = h.idle(ctx, o, slices.Max(o.subscribers)); err != nil {
			return fmt.Errorf("memory: %w", err)
		}
	}
	return nil
}

// spare is how many descriptors a process needs for other things than subscribers.
const spare = 500

// allowSockets raises the limit of open files, for this process and those it starts.
func allowSockets(subscribers int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("ask how many files may be open: %w", err)
	}
	need := uint64(subscribers + spare)
	if limit.Max < need {
		return fmt.Errorf("%d subscribers need %d open files, and %d are allowed: raise it with ulimit -Hn", subscribers, need, limit.Max)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("allow %d open files: %w", need, err)
	}
	return nil
}
