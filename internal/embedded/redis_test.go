//go:build linux || darwin

package embedded

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func startTestRedis(t *testing.T, dir, path string) *Redis {
	t.Helper()
	m := machine{path: path}
	if path != "" && m.lookup("redis-server") == "" && m.lookup("valkey-server") == "" {
		t.Skip("neither redis-server nor valkey-server is on this machine: only the in-process one is tried")
	}
	r, err := startRedis(t.Context(), RedisOptions{Dir: dir, Logger: testLog(t)}, m)
	must(t, err)
	t.Cleanup(func() { stop(t, r) })
	return r
}

func client(t *testing.T, address string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(address)
	must(t, err)
	options.MaxRetries = -1
	c := redis.NewClient(options)
	t.Cleanup(func() { c.Close() })
	return c
}

// checkRedis is what both kinds have to do.
func checkRedis(t *testing.T, r *Redis) {
	t.Helper()
	ctx, c := t.Context(), client(t, r.URL)
	must(t, c.Set(ctx, "short", "lived", 50*time.Millisecond).Err())
	await(t, "the key has expired", func() bool { return c.Get(ctx, "short").Err() == redis.Nil })

	heard := c.Subscribe(ctx, "topics")
	defer heard.Close()
	_, err := heard.Receive(ctx)
	must(t, err)
	must(t, c.Publish(ctx, "topics", "changed").Err())
	if m, err := heard.ReceiveMessage(ctx); err != nil || m.Payload != "changed" {
		t.Errorf("heard %v, %v", m, err)
	}

	stranger, err := url.Parse(r.URL)
	must(t, err)
	stranger.User = nil
	if err := client(t, stranger.String()).Ping(ctx).Err(); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("without a password: %v", err)
	}
	stop(t, r)
	stop(t, r)
	if err := c.Ping(ctx).Err(); err == nil {
		t.Error("still answers after its end")
	}
}

func TestRedisServer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), `with "quotes" and spaces`)
	r := startTestRedis(t, dir, os.Getenv("PATH"))
	t.Log(r.Kind)
	if r.InProcess || !strings.Contains(r.Kind, "-server ") {
		t.Errorf("kind %q", r.Kind)
	}
	ctx, c := t.Context(), client(t, r.URL)
	for name, want := range map[string]string{"appendonly": "no", "save": "", "maxmemory-policy": "noeviction", "dir": dir} {
		if got := c.ConfigGet(ctx, name).Val()[name]; got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	command, _, _ := inspect(r.server.handle.Pid)
	if password, _ := mustURL(t, r.URL).User.Password(); strings.Contains(strings.Join(command, " "), password) {
		t.Error("the password is there for all to see")
	}
	checkRedis(t, r)
}

func mustURL(t *testing.T, text string) *url.URL {
	u, err := url.Parse(text)
	must(t, err)
	return u
}

func TestMiniredisWhereThereIsNoServer(t *testing.T) {
	r := startTestRedis(t, t.TempDir(), "")
	if !r.InProcess || r.Kind != "miniredis (in-process)" {
		t.Errorf("kind %q, %v", r.Kind, r.InProcess)
	}
	checkRedis(t, r)
}

func TestUnaskedEndOfRedisIsReported(t *testing.T) {
	t.Parallel()
	r := startTestRedis(t, t.TempDir(), os.Getenv("PATH"))
	must(t, r.server.handle.Kill())
	select {
	case err := <-r.Exited():
		wantText(t, err, "ended by itself", "killed")
	case <-time.After(20 * time.Second):
		t.Fatal("not reported")
	}
}

func TestRedisFolderHasOneServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startTestRedis(t, dir, os.Getenv("PATH"))
	_, err := StartRedis(t.Context(), RedisOptions{Dir: dir, Logger: testLog(t)})
	wantText(t, err, "already running")
}

func TestLeftoverRedisIsStopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if (thisMachine().lookup("redis-server")) == "" {
		t.Skip("redis-server is not on this machine")
	}
	other, address := helper(t, "redis", dir, true)
	kill(other)
	left := client(t, address)
	must(t, left.Ping(t.Context()).Err())
	r := startTestRedis(t, dir, os.Getenv("PATH"))
	await(t, "the leftover has ended", func() bool { return left.Ping(t.Context()).Err() != nil })
	must(t, client(t, r.URL).Ping(t.Context()).Err())
}
