package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/secret"
)

// said runs a command line, and gives its exit code and what it says.
func said(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	read := func(file **os.File) func() string {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		before := *file
		*file = w
		return func() string {
			*file = before
			w.Close()
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
	stdout, stderr := read(&os.Stdout), read(&os.Stderr)
	code = run(t.Context(), args)
	return code, stdout(), stderr()
}

// clean takes the configuration of whoever runs the tests out of the way.
func clean(t *testing.T) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "TIDEMARK_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("DATABASE_URL", "postgres://u:p@127.0.0.1:1/d")
	t.Setenv("REDIS_URL", "redis://127.0.0.1:1/0")
}

func TestAGeneratedKeyCanBeConfigured(t *testing.T) {
	clean(t)
	code, out, err := said(t, "secret", "generate")
	keys, bad := secret.Parse(out)
	if code != 0 || err != "" || bad != nil || len(keys) != 1 {
		t.Fatalf("it exits with %d and says %q", code, err)
	}
	t.Setenv("TIDEMARK_SECRET_KEYS", strings.TrimSpace(out))
	if code, _, err := said(t, "serve", "--validate"); code != 0 {
		t.Errorf("it can't be served with: %s", err)
	}
}

// What seals secrets does not start without keys, and says how to get one; the rest does.
func TestSecretKeysAreAskedForWhereTheyAreNeeded(t *testing.T) {
	clean(t)
	for command, needed := range map[string]bool{"serve": true, "work": true, "secret rotate": true, "up": false, "migrate": false, "tenant list": false, "secret generate": false} {
		code, _, err := said(t, append(strings.Fields(command), "--validate")...)
		if asked := code == 2 && strings.Contains(err, "tidemark secret generate"); asked != needed || !asked && code != 0 {
			t.Errorf("%s exits with %d and says %q", command, code, err)
		}
	}
}
