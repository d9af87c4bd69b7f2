package scenario_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/testkit"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// program is the binary, on a database of its own.
type program struct {
	binary, listen string
	env            []string
	kit            *served.Kit // of the database and the address: no node of ours runs
}

func build(t *testing.T) *program {
	t.Helper()
	p := &program{binary: filepath.Join(t.TempDir(), "tidemark"), listen: freeAddress(t)}
	command := exec.CommandContext(t.Context(), "go", "build", "-o", p.binary, "github.com/tidemarkhq/tidemark/cmd/tidemark")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	p.kit = &served.Kit{URL: "http://" + p.listen, DB: testkit.Database(t)}
	p.env = append(os.Environ(), "DATABASE_URL="+p.kit.DB, "REDIS_URL="+testkit.Env(t, "REDIS_URL"),
		"TIDEMARK_SECRET_KEYS="+testkit.SecretKeys(t), "TIDEMARK_LISTEN="+p.listen, "TIDEMARK_LOG_LEVEL=warn", "TIDEMARK_LOG_FORMAT=text")
	return p
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// process is one that runs. What it says is shown if the test fails.
type process struct {
	command *exec.Cmd
	done    chan struct{}
}

func (p *program) start(t *testing.T, part string) *process {
	t.Helper()
	var said bytes.Buffer
	r := &process{command: exec.CommandContext(t.Context(), p.binary, part), done: make(chan struct{})}
	r.command.Env, r.command.Stderr, r.command.Stdout = p.env, &said, &said
	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.done)
		_ = r.command.Wait() // it is killed, which is an error
	}()
	t.Cleanup(func() {
		r.end(syscall.SIGKILL)
		if t.Failed() && said.Len() > 0 {
			t.Logf("%s said:\n%s", part, said.String())
		}
	})
	return r
}

// end sends a signal and waits until the process is gone.
func (r *process) end(signal syscall.Signal) {
	_ = r.command.Process.Signal(signal) // it may be gone
	<-r.done
}

// waitReady waits until the server answers.
func (p *program) waitReady(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.kit.URL+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the server was never ready")
		}
	}
}

// company makes a tenant with its keys, as an operator does.
func (p *program) company(t *testing.T, name string) (write, read string) {
	t.Helper()
	worker, err := postgres.OpenWorker(t.Context(), p.kit.DB, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	id, err := access.CreateTenant(t.Context(), worker, name, "Europe/Berlin", time.Monday)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[access.Kind]string{}
	for _, kind := range []access.Kind{access.WriteKey, access.ReadKey} {
		if keys[kind], err = access.CreateKey(t.Context(), worker, id, kind, string(kind)); err != nil {
			t.Fatal(err)
		}
	}
	return keys[access.WriteKey], keys[access.ReadKey]
}

// The server is killed ten times under load. Whatever it had acknowledged is stored, once,
// and everything that is counted agrees with what is stored.
func TestKilledUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and kills a program")
	}
	p := build(t)
	write, read := p.company(t, "Acme")
	_, stranger := p.company(t, "Globex")
	p.start(t, "work")
	server := p.start(t, "serve")
	p.waitReady(t)

	book := newLedger(t)
	stop := book.send(t, p.kit.URL, write, 4)
	for range 10 {
		book.waitFor(t, 40) // batches more, so that the load is on
		server.end(syscall.SIGKILL)
		server = p.start(t, "serve")
	}
	book.waitFor(t, 40)
	stop()

	acknowledged := book.check(t, p.kit)
	wantRecounted(t, p.kit)
	p.wantFollowed(t, server, write, read, stranger, acknowledged)
}

// wantFollowed watches the server that came back, and tells it to stop.
func (p *program) wantFollowed(t *testing.T, server *process, write, read, stranger string, events int) {
	t.Helper()
	query := live(`events(` + ever + `) { count }`)
	socket, others := p.kit.Connect(t, read), p.kit.Connect(t, stranger)
	w := socketWatcher{socket, socket.Subscribe(t, query)}
	wantNext(t, w, fmt.Sprintf(`"count":%d`, events))
	wantNext(t, socketWatcher{others, others.Subscribe(t, query)}, `"count":0`)
	p.kit.Do(t, http.MethodPost, "/v1/batch", write, `{"batch":[`+event("after", "E", "u1", noon)+`]}`)
	until(t, w, fmt.Sprintf(`"count":%d`, events+1))

	var listening sync.WaitGroup
	for _, s := range []*served.Socket{socket, others} {
		listening.Go(func() {
			if got, ended := (ending{t, s}).end(); !ended || got.Closed != 1012 {
				t.Errorf("told to stop, the server closes a socket with %+v, want 1012", got)
			}
		})
	}
	server.end(syscall.SIGTERM)
	listening.Wait()
	if code := server.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("told to stop, the server exits with %d", code)
	}
}
