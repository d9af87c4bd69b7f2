//go:build linux || darwin

package embedded

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"
)

func TestTemporaryServicesLeaveNothing(t *testing.T) {
	s, err := StartServices(t.Context(), ServicesOptions{Throwaway: true, Logger: testLog(t)})
	must(t, err)
	t.Cleanup(func() { _ = s.Stop() })
	if got := ask(t, s.DatabaseURL, "select 1"); got != "1" {
		t.Errorf("PostgreSQL says %q", got)
	}
	checkRedis(t, s.Redis)
	if len(s.Notes()) != 2 {
		t.Errorf("%q", s.Notes())
	}
	must(t, s.Stop())
	if _, err := os.Stat(s.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", s.Dir, err)
	}
}

func TestServicesThatRunAreNotStarted(t *testing.T) {
	dir := openDir(t)
	s, err := StartServices(t.Context(), ServicesOptions{Dir: dir, DatabaseURL: "postgres://elsewhere", Logger: testLog(t)})
	must(t, err)
	t.Cleanup(func() { _ = s.Stop() })
	if s.DatabaseURL != "postgres://elsewhere" || s.Postgres != nil || s.Redis == nil || s.RedisURL != s.Redis.URL || len(s.Notes()) != 1 {
		t.Errorf("%+v", s)
	}
	must(t, s.Stop())
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("a folder that was named is gone: %v", err)
	}
}

func TestServicesAreFollowed(t *testing.T) {
	s, err := StartServices(t.Context(), ServicesOptions{Dir: openDir(t), DatabaseURL: "postgres://elsewhere", Logger: testLog(t)})
	must(t, err)
	t.Cleanup(func() { _ = s.Stop() })
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, s.Follow(stopped))
	if s.RedisInProcess() {
		return // it ends with this process alone
	}
	must(t, s.Redis.server.handle.Kill())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	wantText(t, s.Follow(ctx), "follow Redis: it ended by itself")
}
