package scenario_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/importer"
)

// importing is an import by the program, with what it has said.
type importing struct {
	*exec.Cmd
	out, err bytes.Buffer
	done     chan struct{}
}

// imports starts the program on files; stdin may be nil.
func (p *program) imports(t *testing.T, key, stdin string, args ...string) *importing {
	t.Helper()
	i := &importing{Cmd: exec.CommandContext(t.Context(), p.binary, append([]string{"import"}, args...)...), done: make(chan struct{})}
	i.Env = append(os.Environ(), "TIDEMARK_KEY="+key, "TIDEMARK_URL="+p.kit.URL)
	i.Stdout, i.Stderr, i.Stdin = &i.out, &i.err, strings.NewReader(stdin)
	if err := i.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(i.done)
		_ = i.Wait() // its exit code tells
	}()
	return i
}

// wantCode waits for the end, and holds what was said against what must not be.
func (i *importing) wantCode(t *testing.T, want int, key string) string {
	t.Helper()
	<-i.done
	said := i.out.String() + i.err.String()
	if code := i.ProcessState.ExitCode(); code != want {
		t.Errorf("it exits with %d, want %d:\n%s", code, want, said)
	}
	if strings.Contains(said, key) {
		t.Errorf("it says the key:\n%s", said)
	}
	return said
}

// An import as people run it, from files and from a pipe, and what it answers.
func TestImportProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a program")
	}
	p := build(t)
	write, read := p.company(t, "Acme")
	_, stranger := p.company(t, "Globex")
	p.start(t, "serve")
	p.waitReady(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	count := func(key string) (answer struct{ Events struct{ Count int } }) {
		got := p.kit.Ask(t, key, `{ events(`+ever+`) { count } }`, nil)
		if err := json.Unmarshal(got.Data, &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	fmt.Fprintln(w, event("z1", "E", "u2", noon))
	w.Close()

	good := file("good.csv", "event;user_id;time\nA;u1;2026-05-01\nA;u1;2026-05-01\n")
	p.imports(t, write, "", good, file("z.ndjson.gz", zipped.String())).wantCode(t, 0, write)
	p.imports(t, write, event("p1", "E", "u3", noon)+"\n").wantCode(t, 0, write)
	p.imports(t, write, zipped.String(), "-").wantCode(t, 0, write) // known already
	if got := count(read).Events.Count; got != 4 {
		t.Errorf("%d events, want 4", got)
	}

	bad := file("bad.csv", "who,what,when\nu1,A,2026-05-01\nu1,,2026-05-01\n")
	mapping := "--map=who=userId,what=event,when=timestamp"
	said := p.imports(t, write, "", bad, mapping, "--dry-run").wantCode(t, 3, write)
	if !strings.Contains(said, "who -> userId") || !strings.Contains(said, "line 3 is refused: event: An event needs a name.") || count(read).Events.Count != 4 {
		t.Errorf("a dry run says:\n%s", said)
	}
	said = p.imports(t, write, "", bad, mapping).wantCode(t, 3, write)
	if report, err := os.ReadFile(bad + ".refused.ndjson"); err != nil || !strings.Contains(said, bad+".refused.ndjson") ||
		!strings.Contains(string(report), `{"line":3,"messageId":"import-`) || strings.Count(string(report), "\n") != 1 {
		t.Errorf("%v: %s\nit says:\n%s", err, report, said)
	}
	if !strings.Contains(said, "duplicates   1\n") { // its good row is one that good.csv has, without an id
		t.Errorf("a row that another file has had:\n%s", said)
	}
	p.imports(t, write, "", bad, mapping, "--source=crm").wantCode(t, 1, write) // not the import that was begun
	p.imports(t, write, "", bad, mapping, "--source=crm", "--restart").wantCode(t, 3, write)
	wrong := "tmw_" + strings.Repeat("A", 43)
	if said := p.imports(t, wrong, event("p2", "E", "u3", noon)+"\n").wantCode(t, 1, wrong); !strings.Contains(said, "401") {
		t.Errorf("with a wrong key it says:\n%s", said)
	}
	p.imports(t, write, "", filepath.Join(dir, "missing.csv")).wantCode(t, 1, write)
	p.imports(t, write, "", good, "--format=xml").wantCode(t, 2, write)
	if mine, theirs := count(read).Events.Count, count(stranger).Events.Count; mine != 5 || theirs != 0 {
		t.Errorf("%d events, want 5; the stranger sees %d", mine, theirs)
	}
}

// hugeTable writes rows of which some are equal and some are bad, and counts both by hand.
func hugeTable(rows int) (text string, good, bad int) {
	var b strings.Builder
	b.WriteString("event,user_id,time,n\n")
	for i := range rows {
		if i%500 == 7 {
			b.WriteString("A,u1,never,1\n")
			bad++
			continue
		}
		fmt.Fprintf(&b, "Type %d,u%d,2026-05-%02d 10:00:00,%d\n", i/2%3, i/2%97, 1+i/2%28, i/2)
		good++
	}
	return b.String(), good, bad
}

// An import is killed again and again, and once the server under it; what it comes to in the
// end is what the file has, each row once.
func TestImportKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and kills programs")
	}
	p := build(t)
	key, _ := p.company(t, "Acme")
	server := p.start(t, "serve")
	p.waitReady(t)
	text, good, bad := hugeTable(60_000)
	path := filepath.Join(t.TempDir(), "events.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	kills := 0
	for _, at := range []int{1, 10_000, 25_000, 40_000} {
		running := p.imports(t, key, "", path, "--concurrency=2")
		if !p.stored(t, at, running.done) {
			continue // it was too fast for this one
		}
		if at == 25_000 {
			server.end(syscall.SIGKILL)
			server = p.start(t, "serve")
		}
		kills++
		if at == 10_000 {
			_ = running.Process.Signal(syscall.SIGINT)
			if said := running.wantCode(t, 1, key); !strings.Contains(said, "interrupted; the same command goes on") {
				t.Errorf("interrupted, it says:\n%s", said)
			}
			continue
		}
		_ = running.Process.Kill()
		<-running.done
	}
	running := p.imports(t, key, "", path, "--concurrency=2")
	if p.stored(t, 45_000, running.done) {
		server.end(syscall.SIGKILL) // and the import goes on by itself once there is one again
		p.start(t, "serve")
	}
	said := running.wantCode(t, 3, key)
	var stored, distinct int
	p.kit.Scan(t, `select count(*), count(distinct message_id) from event`, nil, &stored, &distinct)
	if stored != good || distinct != good {
		t.Errorf("%d events are stored, %d of them distinct, want %d", stored, distinct, good)
	}
	lines := reported(t, path+".refused.ndjson")
	for i, line := range lines {
		if want := int64(500*i + 7 + 2); line != want {
			t.Fatalf("refusal %d is of line %d, want %d", i, line, want)
		}
	}
	if len(lines) != bad || kills == 0 {
		t.Errorf("%d rows are reported, want %d; it was killed %d times", len(lines), bad, kills)
	}
	if !strings.Contains(said, fmt.Sprintf("read         %d\n", good+bad)) || !strings.Contains(said, fmt.Sprintf("rejected     %d\n", bad)) {
		t.Errorf("it says:\n%s", said)
	}
	t.Logf("killed %d times; in the end it says:\n%s", kills, said)
	wantRecounted(t, p.kit)
}

// stored waits until so many events are stored; false if the import has ended before.
func (p *program) stored(t *testing.T, events int, done <-chan struct{}) bool {
	t.Helper()
	patience := time.After(60 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		var n int
		p.kit.Scan(t, `select count(*) from event`, nil, &n)
		if n >= events {
			return true
		}
		select {
		case <-tick.C:
		case <-done:
			return false
		case <-patience:
			t.Fatal("the import does not get on")
		}
	}
}

func reported(t *testing.T, path string) (lines []int64) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for decoder := json.NewDecoder(bytes.NewReader(text)); decoder.More(); {
		var refusal importer.Refusal
		if err := decoder.Decode(&refusal); err != nil {
			t.Fatal(errors.Join(err, errors.New("the report is broken")))
		}
		lines = append(lines, refusal.Line)
	}
	return lines
}
