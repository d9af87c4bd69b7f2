package scenario_test

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// The worker is killed again and again while the log fills. Whatever was acknowledged is stored,
// once, though the database forgets every message id at once: the offsets alone keep it so.
func TestWorkersKilledUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and kills a program")
	}
	brokers := startBrokers(t)
	p := build(t)
	p.env = append(p.env, "INGEST=kafka", "TIDEMARK_KAFKA="+strings.Join(brokers.ListenAddrs(), ","), "TIDEMARK_KAFKA_PARTITIONS=2")
	write, _ := p.company(t, "Acme")
	p.kit.Exec(t, `
		create function forget_message() returns trigger language plpgsql security definer as $$
		begin
			delete from public.message where tenant_id = new.tenant_id and message_key = new.message_key;
			return null;
		end $$`)
	p.kit.Exec(t, `create trigger forget after insert on message for each row execute function forget_message()`)
	p.start(t, "serve")
	p.waitReady(t)
	worker := p.start(t, "work")

	book := newLedger(t)
	book.status = "QUEUED"
	for range 4 {
		before := p.storedEvents(t)
		book.sendSome(t, p.kit.URL, write)
		p.waitStored(t, before+1) // the worker is one of the group, which takes it a while
		stop := book.send(t, p.kit.URL, write, 4)
		book.waitFor(t, 150)
		worker.end(syscall.SIGKILL)
		stop()
		worker = p.start(t, "work")
	}

	book.mu.Lock()
	book.read(t)
	acknowledged := len(book.acked)
	book.mu.Unlock()
	p.waitStored(t, acknowledged)
	worker.end(syscall.SIGTERM)
	if code := worker.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("told to stop, the worker exits with %d", code)
	}
	if book.failures > 0 {
		t.Fatalf("%d requests failed, and what was sent twice is stored twice here", book.failures)
	}
	book.compare(t, p.kit)
	wantRecounted(t, p.kit)
}

// sendSome sends a few batches.
func (l *ledger) sendSome(t *testing.T, url, key string) {
	t.Helper()
	stop := l.send(t, url, key, 1)
	l.waitFor(t, 5)
	stop()
}

func (p *program) storedEvents(t *testing.T) (events int) {
	t.Helper()
	p.kit.Scan(t, `select count(*) from event`, nil, &events)
	return events
}

// waitStored waits until so many events are stored, or more.
func (p *program) waitStored(t *testing.T, events int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(60 * time.Second); p.storedEvents(t) < events; {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%d events are stored, want %d", p.storedEvents(t), events)
		}
	}
}
