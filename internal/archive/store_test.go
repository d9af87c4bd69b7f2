package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/tidemarkhq/tidemark/internal/archive"
)

// bucket opens a bucket of a server that speaks S3, in this process.
func bucket(t *testing.T) archive.Store {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "somebody")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	backend := s3mem.New()
	if err := backend.CreateBucket("cold"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	location, err := archive.ParseLocation("s3://cold/some/prefix?region=eu-central-1&endpoint=" + server.URL)
	if err != nil {
		t.Fatal(err)
	}
	store, err := location.Open()
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// What every store promises.
func TestStores(t *testing.T) {
	for name, open := range map[string]func(*testing.T) archive.Store{"folder": folder, "bucket": bucket} {
		t.Run(name, func(t *testing.T) {
			store, ctx := open(t), t.Context()
			const path = "tenant=a/month=2026-05/part-1.parquet"
			if _, err := store.Get(ctx, path); !errors.Is(err, archive.ErrMissing) {
				t.Errorf("an object that is missing: %v", err)
			}
			if err := store.Remove(ctx, path); err != nil {
				t.Errorf("remove what is missing: %v", err)
			}
			for _, content := range [][]byte{[]byte("short"), bytes.Repeat([]byte("0123456789abcdef"), 40<<16)} { // 40 MiB: in several parts
				if err := store.Put(ctx, path, io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content)))); err != nil {
					t.Fatal(err)
				}
				object, err := store.Get(ctx, path)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(object)
				object.Close()
				if err != nil || !bytes.Equal(got, content) {
					t.Errorf("%d bytes came back as %d: %v", len(content), len(got), err)
				}
			}
			if err := store.Remove(ctx, path); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Get(ctx, path); !errors.Is(err, archive.ErrMissing) {
				t.Errorf("a removed object: %v", err)
			}
			ended, cancel := context.WithCancel(ctx)
			cancel()
			if err := store.Put(ended, path, io.NewSectionReader(strings.NewReader("x"), 0, 1)); err == nil {
				t.Error("an ended context put an object")
			}
			if _, err := store.Get(ctx, path); !errors.Is(err, archive.ErrMissing) {
				t.Errorf("what was not put: %v", err)
			}
		})
	}
}

// The whole way through a bucket.
func TestABucketKeepsEvents(t *testing.T) {
	h := newHouse(t)
	h.store.Store = bucket(t)
	acme := h.tenant(t, 1)
	h.happened(t, acme, h.month(t, 3), 20)
	before := h.events(t, acme)
	h.mustRun(t, acme)
	h.erasure(t, acme, 99)
	if err := h.archive(t).Erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.wantWhole(t, acme, before)
}

// A bucket that is not there fails the run, and drops nothing.
func TestABucketThatIsNotThere(t *testing.T) {
	h := newHouse(t)
	_ = bucket(t)
	server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(server.Close)
	location, err := archive.ParseLocation("s3://cold?region=x&endpoint=" + server.URL)
	if err != nil {
		t.Fatal(err)
	}
	store, err := location.Open()
	if err != nil {
		t.Fatal(err)
	}
	acme := h.tenant(t, 1)
	h.happened(t, acme, h.month(t, 3), 5)
	err = archive.New(h.Worker, store, slog.New(slog.DiscardHandler), archive.Options{}).Run(t.Context(), h.tenantRow(t, acme), func(int) {})
	if err == nil || strings.Contains(err.Error(), "secret") || len(h.events(t, acme)) != 5 {
		t.Errorf("run: %v", err)
	}
}

func TestParseLocation(t *testing.T) {
	for text, ok := range map[string]bool{
		"file:///var/archive": true, "file:///": true, "s3://bucket": true, "s3://bucket/a/b?endpoint=http://127.0.0.1:9000&region=eu": true,
		"": false, "archive": false, "file://relative/path": false, "file:relative": false, "file:///a?b=c": false, "http://x/y": false, "s3://": false, "s3:///prefix": false,
		"s3://key:secret@bucket": false, "s3://bucket?secret=x": false, "s3://bucket?endpoint=host:9000": false,
		"s3://bucket?endpoint=https://u:secret@host": false, "s3://bucket?endpoint=https://host/path": false, "s3://bucket#secret": false, "s3://%zz?secret": false,
	} {
		_, err := archive.ParseLocation(text)
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret@") || strings.Contains(err.Error(), "=x")) {
			t.Errorf("%q: the error repeats it: %v", text, err)
		}
	}
}

// A partition without events goes, made by an owner who is under row security, too; one
// with events stays, and so do the months that are about to be.
func TestEmptyPartitionsGo(t *testing.T) {
	h := newHouse(t)
	acme, forever := h.tenant(t, 1), h.tenant(t, 0)
	h.happened(t, acme, h.month(t, 4), 5)
	h.happened(t, acme, h.month(t, 3), 5)
	h.happened(t, forever, h.month(t, 3), 5)
	for ago := -2; ago < 3; ago++ {
		h.Exec(t, "select event_partition_ensure($1)", h.month(t, ago))
	}
	// The tests' own login is a superuser, whom row security lets through.
	owner := "plain_" + strings.ReplaceAll(acme.String(), "-", "")
	h.Exec(t, "create role "+owner)
	t.Cleanup(func() {
		_, err := h.Owner.Exec(context.Background(), "reassign owned by "+owner+" to current_user; drop owned by "+owner+"; drop role "+owner)
		if err != nil {
			t.Error(err)
		}
	})
	h.Exec(t, `do $do$ declare r regclass; begin
		for r in select oid from pg_class where oid = 'event'::regclass or relname ~ '^event_2' and relkind = 'r' loop
			execute format('alter table %s owner to `+owner+`', r);
		end loop; end $do$`)
	h.Exec(t, "grant create, usage on schema public to "+owner)
	h.Exec(t, "alter function event_partition_drop owner to "+owner)
	h.Exec(t, "alter function event_partition_ensure owner to "+owner)

	dropped := func(ago int) (was bool) {
		err := h.Owner.QueryRow(t.Context(), "select event_partition_drop($1)", h.month(t, ago)).Scan(&was)
		if err != nil {
			t.Fatal(err)
		}
		return was
	}
	if dropped(4) || dropped(3) || len(h.events(t, acme)) != 10 || dropped(9) {
		t.Fatal("a partition with events was dropped")
	}
	if err := h.archive(t).Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for ago, want := range map[int]int{4: 0, 3: 1, 2: 0, 1: 1, 0: 1, -1: 1, -2: 1} {
		name := "event_" + h.month(t, ago).Format("200601")
		if n := h.Number(t, "select count(*) from pg_class where relname = $1", name); n != want {
			t.Errorf("%s: %d partitions, want %d", name, n, want)
		}
	}
	for _, ago := range []int{1, 0, -1} {
		if _, err := h.Owner.Exec(t.Context(), "select event_partition_drop($1)", h.month(t, ago)); err == nil {
			t.Errorf("the partition of %d months ago may be dropped", ago)
		}
	}
	// Restoring makes it anew, and somebody who reads keeps it from being dropped, and is
	// not kept waiting.
	if n := h.restore(t, acme, h.month(t, 4)); n != 5 {
		t.Errorf("%d events restored", n)
	}
	h.Exec(t, "select event_partition_ensure($1)", h.month(t, 2))
	reading, err := h.Owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reading.Exec(t.Context(), "select from event limit 1"); err != nil {
		t.Fatal(err)
	}
	if dropped(2) {
		t.Error("a partition was dropped from under a reader")
	}
	if err := reading.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !dropped(2) {
		t.Error("a partition without events was not dropped")
	}
	if diff := cmp.Diff(5, len(h.events(t, forever))); diff != "" {
		t.Error(diff)
	}
}
