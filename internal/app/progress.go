package app

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// progress adds up what several goroutines have done.
type progress struct {
	mu     sync.Mutex
	done   int
	total  int
	report func(done, total int)
}

func newProgress(total int, report func(done, total int)) *progress {
	return &progress{total: total, report: report}
}

func (p *progress) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.report(p.done, p.total)
}

// How often progress is shown: on a terminal in place, elsewhere line by line.
const (
	redrawEvery = 100 * time.Millisecond
	lineEvery   = 2 * time.Second
)

// ProgressLine gives a report that shows what is done, how fast, and how long it will
// take. It is not for concurrent use.
func ProgressLine(out *os.File, what string) func(done, total int) {
	start, shown := time.Now(), time.Time{}
	every, begin, end := lineEvery, "", "\n"
	if isTerminal(out) {
		every, begin, end = redrawEvery, "\r\x1b[K", ""
	}
	return func(done, total int) {
		now := time.Now()
		if done < total && now.Sub(shown) < every {
			return
		}
		shown = now
		writeProgress(out, begin, what, done, total, now.Sub(start))
		if done >= total {
			end = "\n"
		}
		_, _ = io.WriteString(out, end)
	}
}

func writeProgress(out io.Writer, begin, what string, done, total int, took time.Duration) {
	rate := float64(done) / max(took.Seconds(), 0.001)
	left := time.Duration(float64(total-done) / max(rate, 1) * float64(time.Second)).Round(time.Second)
	_, _ = fmt.Fprintf(out, "%s%s  %3d %%  %d of %d events  %.0f/s  %v left", begin, what, done*100/max(total, 1), done, total, rate, left)
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
