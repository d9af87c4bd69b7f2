//go:build linux || darwin

package embedded

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseVersion(t *testing.T) {
	for line, want := range map[string]string{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)": "15.18",
		"postgres (PostgreSQL) 17.10\n":                        "17.10",
		"postgres (PostgreSQL) 18beta2":                        "18beta2",
		"postgres (PostgreSQL) 19devel":                        "19devel",
		"postgres (PostgreSQL) 18rc1 (Homebrew)":               "18rc1",
		"postgres (PostgreSQL) 9.6.24":                         "9.6",
		"postgres (Postgres.app) 16.4":                         "16.4",
		"psql (PostgreSQL) 15.18":                              "error",
		"postgres: command not found":                          "error",
		"":                                                     "error",
	} {
		got, err := parseVersion(line)
		if text := got.String(); (err != nil) != (want == "error") || (err == nil && text != want) {
			t.Errorf("%q: got %s, %v", line, text, err)
		}
	}
}

// fake puts binaries into a folder that state a version and do nothing else.
func fake(t *testing.T, dir, version string) {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o755))
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
	must(t, os.WriteFile(filepath.Join(dir, "postgres"), []byte(script), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "initdb"), []byte(script), 0o755))
}

func TestSearchOrder(t *testing.T) {
	root := openDir(t)
	at := func(name string) string { return filepath.Join(root, name) }
	for dir, version := range map[string]string{
		"old": "14.12", "path": "16.1", "linked": "15.3",
		"lib/9.6/bin": "9.6.24", "lib/15/bin": "15.18", "lib/17/bin": "17.2", "lib/17-2/bin": "17.10", "lib/18/bin": "18beta1",
		"lone": "17.1", "broken": "oops", "closed/bin": "17.3",
	} {
		fake(t, at(dir), version)
	}
	must(t, os.Remove(at("lone/initdb")))
	must(t, os.Mkdir(at("links"), 0o755))
	must(t, os.Symlink(at("linked/postgres"), at("links/postgres"))) // without initdb, as a distribution does it
	must(t, os.Chmod(at("closed"), 0o700))
	m := machine{
		path:    strings.Join([]string{at("missing"), "", "relative", at("old"), at("lone"), at("path"), at("broken"), at("closed/bin"), at("links")}, ":"),
		folders: []string{at("lib/*/bin"), at("linked"), at("none/*")},
	}
	s := findInstalls(t.Context(), m, defaultAccount())
	var got []string
	for _, in := range s.found {
		got = append(got, in.version.String())
	}
	want := []string{"16.1", "15.3", "18beta1", "17.10", "17.2", "15.18"}
	if os.Geteuid() != 0 { // only another user is shut out
		want = slices.Insert(want, 1, "17.3")
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %v instead of %v", got, want)
	}
	for _, why := range []string{"old: is version 14.12, older than 15", "lone: has no initdb", "broken: not a version"} {
		if !strings.Contains(strings.Join(s.rejected, "\n"), why) {
			t.Errorf("%q is missing in %q", why, s.rejected)
		}
	}
}

func TestDataChoosesItsVersion(t *testing.T) {
	root := openDir(t)
	fake(t, filepath.Join(root, "16"), "16.4")
	fake(t, filepath.Join(root, "18"), "18.1")
	m := machine{path: filepath.Join(root, "18") + ":" + filepath.Join(root, "16")}
	c := &cluster{data: filepath.Join(root, "data"), machine: m, cacheDir: filepath.Join(root, "cache"), log: testLog(t)}
	for made, want := range map[string]string{"": "18.1", "16\n": "16.4", "18\n": "18.1"} {
		must(t, os.MkdirAll(c.data, 0o755))
		if made != "" {
			must(t, os.WriteFile(filepath.Join(c.data, "PG_VERSION"), []byte(made), 0o644))
		}
		if in, err := c.chooseInstall(t.Context()); err != nil || in.version.String() != want {
			t.Errorf("data of %q: got %s, %v", made, in.version, err)
		}
		must(t, os.RemoveAll(c.data))
	}
}

func TestNothingFoundNamesThreeWaysOut(t *testing.T) {
	t.Parallel()
	root := openDir(t)
	fake(t, filepath.Join(root, "old"), "13.1")
	m := machine{path: filepath.Join(root, "old"), folders: []string{"/nowhere/*/bin"}, stateRoot: openDir(t)}
	_, err := tryStart(t, t.Context(), filepath.Join(root, "postgres"), m)
	wantText(t, err, "PATH", "/nowhere/*/bin", "13.1", "npm is not in PATH",
		"install PostgreSQL 15", "install Node", "set DATABASE_URL")
}
