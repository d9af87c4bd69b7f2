//go:build linux || darwin

package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestMain is also the other process of the tests that need one: it starts a
// server and sits there until it is killed, or until its parent has gone.
func TestMain(m *testing.M) {
	what, dir, _ := strings.Cut(os.Getenv("EMBEDDED_TEST_HELPER"), ":")
	if what == "" {
		os.Exit(m.Run())
	}
	url, err := help(what, dir)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(url)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func help(what, dir string) (url string, err error) {
	m := thisMachine()
	m.stateRoot = dir
	m.outlive = os.Getenv("EMBEDDED_TEST_OUTLIVE") != ""
	log := slog.New(slog.DiscardHandler)
	if what == "redis" {
		r, err := startRedis(context.Background(), RedisOptions{Dir: dir, Logger: log}, m)
		if err != nil {
			return "", err
		}
		return r.URL, nil
	}
	p, err := startPostgres(context.Background(), PostgresOptions{Dir: dir, Throwaway: true, Logger: log}, m)
	if err != nil {
		return "", err
	}
	return p.URL, nil
}

// helper runs this test program as another process that starts a server.
func helper(t *testing.T, what, dir string, outlive bool) (cmd *exec.Cmd, url string) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "EMBEDDED_TEST_HELPER="+what+":"+dir)
	if outlive {
		cmd.Env = append(cmd.Env, "EMBEDDED_TEST_OUTLIVE=1")
	}
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	must(t, errors.Join(errIn, errOut, cmd.Start()))
	t.Cleanup(func() { in.Close(); kill(cmd) })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error:") {
		t.Fatalf("helper: %v %s", err, line)
	}
	return cmd, strings.TrimSpace(line)
}

// kill is kill -9, as nobody can prepare for it.
func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// openDir is a temporary folder that the server's user can reach, too, when the
// tests run as root.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tidemark-embedded-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	dir, err = filepath.EvalSymlinks(dir) // macOS
	must(t, err)
	return dir
}

func testMachine(t *testing.T) machine {
	m := thisMachine()
	m.stateRoot = openDir(t)
	return m
}

func testLog(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func tryStart(t *testing.T, ctx context.Context, dir string, m machine) (*Postgres, error) {
	t.Helper()
	p, err := startPostgres(ctx, PostgresOptions{Dir: dir, Throwaway: true, Logger: testLog(t)}, m)
	if err == nil {
		t.Cleanup(func() { stop(t, p) })
	}
	return p, err
}

func start(t *testing.T, dir string) *Postgres {
	t.Helper()
	p, err := tryStart(t, t.Context(), dir, testMachine(t))
	must(t, err)
	return p
}

func stop(t *testing.T, s interface{ Stop(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// ask runs statements, and returns the answer to the last one as text.
func ask(t *testing.T, url string, statements ...string) (answer string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	must(t, err)
	defer conn.Close(ctx)
	for _, sql := range statements {
		results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if rows := results[len(results)-1].Rows; len(rows) > 0 {
			answer = string(rows[0][0])
		}
	}
	return answer
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantText(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
}

// await waits for a fact; its absence for 20 s is a failure.
func await(t *testing.T, what string, fact func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !fact(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("still not true: " + what)
		}
	}
}

// pidOn is the server on a data folder, or 0.
func pidOn(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	must(t, err)
	var pid int
	_, err = fmt.Sscan(string(text), &pid)
	must(t, err)
	return pid
}

// inFolder counts the living processes that work in a data folder, where /proc
// tells.
func inFolder(data string) (n int) {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if folder, err := os.Readlink(link); err == nil && folder == data {
			n++
		}
	}
	return n
}
