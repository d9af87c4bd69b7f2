package app

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/tidemarkhq/tidemark/"

// levels is the picture of the house: a package imports only from levels below its own.
var levels = []struct {
	name     string
	packages []string
}{
	{"words", []string{"internal/fault", "internal/tenant", "internal/progress", "internal/patience", "internal/secret", "internal/frame", "internal/jsonpatch", "internal/websocket", "migrations", "bench/internal/trial"}},
	{"words that use words", []string{"internal/calendar", "internal/formula", "internal/topic"}},
	{"rows", []string{"internal/postgres/dbsqlc"}},
	{"foundations", []string{"internal/postgres", "internal/revision", "internal/feed", "internal/job", "internal/limit", "internal/embedded", "internal/demo"}},
	{"who did what", []string{"internal/audit"}},
	{"who asks, and who is who", []string{"internal/access", "internal/identity", "internal/rotation", "internal/mail"}},
	{"who belongs here", []string{"internal/people"}},
	{"what is expected", []string{"internal/registry", "internal/quota", "internal/document", "internal/idempotency"}},
	{"what comes in", []string{"internal/event"}},
	{"what comes in by a log, and item by item", []string{"internal/kafka", "internal/intake"}},
	{"what comes out", []string{"internal/archive", "internal/auditlog", "internal/customer", "internal/history", "internal/metric", "internal/live", "internal/report", "internal/importer", "internal/pusher", "internal/tail"}},
	{"what is kept of it", []string{"internal/summary"}},
	{"what is worked out of it", []string{"internal/revenue", "internal/ticket", "internal/definition"}},
	{"how they do", []string{"internal/health"}},
	{"who belongs together", []string{"internal/cohort"}},
	{"what is told of it all", []string{"internal/timeline", "internal/journey"}},
	{"shapes of the schema", []string{"graph/model", "graph/scalar"}},
	{"the schema, generated", []string{"graph/generated", "graph/loader"}},
	{"ways in and out", []string{"graph", "internal/answer", "internal/gqlhttp", "internal/httpserver", "web"}},
	{"the whole", []string{"internal/app"}},
	{"what tests live in", []string{"internal/testkit"}},
	{"programs", []string{"bench/access", "bench/cohort", "bench/ingest", "bench/live", "bench/query", "cmd/tidemark", "internal/sandbox", "internal/testkit/served", "internal/scenario"}},
}

func TestImportsPointDown(t *testing.T) {
	level := map[string]int{}
	for i, l := range levels {
		for _, p := range l.packages {
			level[p] = i
		}
	}
	for path, imports := range packages(t) {
		from, ok := level[path]
		if !ok {
			t.Errorf("%s has no place in the picture", path)
			continue
		}
		for _, imported := range imports {
			to, ours := level[imported]
			if ours && to >= from {
				t.Errorf("%s (%s) imports %s (%s)", path, levels[from].name, imported, levels[to].name)
			}
		}
	}
}

// packages lists the module's packages, without tests, and what they import of it.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	found := map[string][]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		var ours []string
		for _, i := range p.Imports {
			if rest, ok := strings.CutPrefix(i, module); ok {
				ours = append(ours, rest)
			}
		}
		found[strings.TrimPrefix(p.ImportPath, module)] = ours
	}
}
