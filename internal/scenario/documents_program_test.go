package scenario_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// documents runs tidemark documents, and gives what it says and its exit code.
func (p *program) documents(t *testing.T, url, key string, args ...string) (said string, code int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), p.binary, append([]string{"documents"}, args...)...)
	command.Env = append(os.Environ(), "TIDEMARK_KEY="+key, "TIDEMARK_URL="+url)
	out, err := command.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if key != "" && strings.Contains(string(out), key) {
		t.Errorf("it says the key:\n%s", out)
	}
	return string(out), code
}

// Documents pushed as people push them, and what it answers.
func TestDocumentsProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a program")
	}
	p, s := build(t), begin(t)
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := func(code int, key string, parts []string, args ...string) {
		t.Helper()
		said, got := p.documents(t, s.kit.URL, key, args...)
		if got != code {
			t.Errorf("it exits with %d, want %d:\n%s", got, code, said)
		}
		for _, part := range parts {
			if !strings.Contains(said, part) {
				t.Errorf("it does not say %q:\n%s", part, said)
			}
		}
	}
	write("a.graphql", "query A { tenant { ...F } }\nquery B { events { count } }\n")
	write("f.graphql", "fragment F on Tenant { name }\n")
	want(0, "", []string{hashOf("query B { events { count } }"), "2 documents would be sent"}, "push", dir, "--dry-run")
	want(0, s.acme.ManageKey, []string{"registered     2", "already known  0"}, "push", dir)
	want(0, s.acme.ManageKey, []string{"registered     0", "already known  2"}, "push", dir)
	write("bad.graphql", "query Bad { nosuch }")
	want(3, s.acme.ManageKey, []string{"already known  2", "refused        1", "refused: Bad in " + filepath.Join(dir, "bad.graphql"), "nosuch"}, "push", dir)
	want(1, s.acme.ReadKey, []string{"MANAGE_DOCUMENTS"}, "push", dir)
	want(1, "tmm_nobody", []string{"The key is not valid."}, "push", dir)
	want(1, "", []string{"TIDEMARK_KEY"}, "push", dir)
	want(0, s.acme.ManageKey, []string{hashOf("query B { events { count } }"), "  A\n", "  B\n"}, "list")
	want(0, s.globex.ManageKey, nil, "list")
	if said, _ := p.documents(t, s.kit.URL, s.globex.ManageKey, "list"); said != "" {
		t.Errorf("the stranger is shown:\n%s", said)
	}

	setMode(t, s.acme, "TRUSTED_ONLY")
	eventuallyCoded(t, s.kit, s.acme.ReadKey, requestOf(t, `{ tenant { zone } }`, nil), "DOCUMENT_NOT_TRUSTED")
	whole := "query A { tenant { ...F } }\n\nfragment F on Tenant { name }"
	if got := overHTTP(t, s.kit, s.acme.ReadKey, byHash(t, hashOf(whole), "")); string(got.Data) != `{"tenant":{"name":"Acme"}}` {
		t.Errorf("what was pushed answers %+v", got)
	}
}
