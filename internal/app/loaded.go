package app

import "sync"

// loaded adds up what several goroutines have done.
type loaded struct {
	mu     sync.Mutex
	done   int
	total  int
	report func(done, total int)
}

func newLoaded(total int, report func(done, total int)) *loaded {
	return &loaded{total: total, report: report}
}

func (l *loaded) add(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done += n
	l.report(l.done, l.total)
}
