package scenario_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Tokens that a customer's backend signs, and what browsers see with them.
func TestEmbedding(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a token shows what it names", aTokenShowsWhatItNames},
		{"a token shows the reports that it names", aTokenShowsItsReports},
		{"a token is held to its filters", aTokenIsHeldToItsFilters},
		{"a token shows nothing else", aTokenShowsNothingElse},
		{"a token ends", aTokenEnds},
		{"a token ends with its key and its tenant", aTokenEndsWithItsKeyAndItsTenant},
		{"whoever guesses learns nothing", whoeverGuessesLearnsNothing},
		{"the backends of the docs", theBackendsOfTheDocs},
	})
}

// embed signs a token with a key of the tenant's.
func embed(t *testing.T, who *served.Tenant, life time.Duration, more string) (token, keyID string) {
	t.Helper()
	made := newKey(t, who, map[string]any{"kind": "EMBED"})
	return signEmbed(made.Secret, life, more), made.Key.ID
}

func signEmbed(secret string, life time.Duration, more string) string {
	now := time.Now().Unix()
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	signed := part(fmt.Sprintf(`{"alg":"HS256","typ":"embed+jwt","kid":%q}`, strings.Split(secret, "_")[1])) + "." +
		part(fmt.Sprintf(`{"aud":"tidemark-embed","iat":%d,"exp":%d,%s}`, now, now+int64(life/time.Second), more))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

const eventsAlone = `"metrics":["events"]`

func aTokenShowsWhatItNames(t *testing.T, s story) {
	token, _ := embed(t, s.acme, time.Hour, eventsAlone)
	s.acme.Batch(t, event("m1", "E", "u1", noon))
	s.globex.Batch(t, event("m1", "E", "u1", noon), event("m2", "E", "u1", noon))
	const document = `{ metric(key: "events") { value(` + ever + `) { value } } metrics { totalCount nodes { key } } }`
	for _, by := range transports {
		got := by.ask(t, s.kit, token, requestOf(t, document, nil))
		wantEqual(t, by.name, string(got.Data), `{"metric":{"value":{"value":1}},"metrics":{"totalCount":1,"nodes":[{"key":"events"}]}}`)
	}
	_, metric, _ := ids(t, s.acme) // of new_users
	for _, document := range []string{`{ metric(key: "new_users") { key } }`, `{ metric(key: "nothing") { key } }`, `{ node(id: "` + metric + `") { id } }`} {
		got := s.kit.Ask(t, token, document, nil)
		if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "NOT_FOUND" {
			t.Errorf("%s: %s %+v", document, got.Data, got.Errors)
		}
	}
	query := live(`metric(key: "events") { value(` + ever + `) { value } }`)
	watchers := map[string]watcher{}
	for way, watch := range ways {
		watchers[way] = watch(t, s.kit, token, query)
		wantNext(t, watchers[way], `"value":1`)
	}
	s.acme.Batch(t, event("m2", "E", "u1", noon))
	for way, w := range watchers {
		t.Run(way, func(t *testing.T) { wantNext(t, w, `"value":2`) })
	}
}

func aTokenShowsItsReports(t *testing.T, s story) {
	named, other := keep(t, s.acme, "Named"), keep(t, s.acme, "Other")
	token, _ := embed(t, s.acme, time.Hour, `"reports":["`+named.ID+`"]`)
	s.acme.Batch(t, event("m1", "E", "u1", noon))
	w := watchSocket(t, s.kit, token, live(`report(id: "`+named.ID+`") { name result }`))
	wantNext(t, w, `"value":1`)
	s.acme.Batch(t, event("m2", "E", "u1", noon))
	wantNext(t, w, `"value":2`)
	wantRefused(t, s.kit, token, `{ report(id: "`+other.ID+`") { name } }`, nil, "NOT_FOUND")
	wantRefused(t, s.kit, token, `{ metric(key: "events") { key } }`, nil, "NOT_FOUND")
	wantRefused(t, s.kit, token, `{ sharedReports { nodes { id } } }`, nil, "NOT_FOUND")
	got := s.kit.Ask(t, token, `{ reports { nodes { name } } }`, nil)
	wantEqual(t, "the list", string(got.Data), `{"reports":{"nodes":[{"name":"Named"}]}}`)
}

// Filters are the backend's, and nothing that the browser says undoes them.
func aTokenIsHeldToItsFilters(t *testing.T, s story) {
	of := func(id, account string) string {
		return `{"type":"track","messageId":"` + id + `","event":"E","userId":"u` + id + `","timestamp":"` + noon + `","context":{"groupId":"` + account + `"}}`
	}
	s.acme.Batch(t, of("1", "one"), of("2", "two"), of("3", "one"), event("m4", "E", "u4", noon))
	query := live(`metric(key: "events") { value(` + ever + `) { value } series(` + thatDay + `) { values } } users: metric(key: "active_users") { value(` + ever + `) { value } }`)
	watchers := map[string]watcher{}
	for account, want := range map[string]string{"one": `"value":2`, "two": `"value":1`, "none": `"value":0`} {
		token, _ := embed(t, s.acme, time.Hour, `"metrics":["events","active_users"],"filters":{"account":{"type":"account","id":"`+account+`"}}`)
		watchers[account] = watchSocket(t, s.kit, token, query)
		wantNext(t, watchers[account], want)
	}
	s.acme.Batch(t, of("5", "two"))
	wantNext(t, watchers["two"], `"value":2`)
	s.acme.Batch(t, of("6", "one"))
	wantNext(t, watchers["one"], `"value":3`) // the very next: nothing of the other's came
	s.wantStrangerEmpty(t)
}

// openToTokens are the root fields that a token's one permission opens, each with what holds it
// to what the token names. Whoever adds one says it here.
var openToTokens = map[string]string{
	"Query.metric":            "metric.Service.FindShown",
	"Query.metrics":           "metric.Service.Shown",
	"Query.restatements":      "summary.Service.keys",
	"Query.materializedViews": "it tells of no figure",
	"Query.retention":         "journey.Service refuses tokens",
	"Query.funnel":            "likewise",
	"Query.lifecycle":         "likewise",
	"Query.paths":             "likewise",
	"Query.cohorts":           "cohort.Service refuses tokens",
	"Query.cohort":            "likewise",
	"Subscription.live":       "what is in it is guarded field by field",

	"Query.report":        "Embed.AllowsReport",
	"Query.reports":       "likewise",
	"Query.sharedReport":  "report.Received: there are none for tokens",
	"Query.sharedReports": "likewise",
}

// typesOpenToTokens are the types that it opens.
var typesOpenToTokens = map[string]string{
	"IngestResult": "of a mutation that needs INGEST", "EventVerdict": "as above", "EventWarning": "as above", "Range": "of a figure",
	"Viewer": "it tells the token's own permissions", "Session": "of a Viewer: a token has none", "SessionConnection": "as above", "SessionEdge": "as above",
	"Membership": "as above", "SecondFactorEnrollment": "of a mutation that needs somebody who has signed in",
	"Report": "it is found by Embed.AllowsReport", "ReportConnection": "of Query.reports", "ReportEdge": "of Query.reports",
	"SharedReport": "see Query.sharedReport", "SharedReportConnection": "as above", "SharedReportEdge": "as above",
	"Live": "see Subscription.live", "Metric": "it is found by metric.Service.FindShown, and its figures are guarded by it",
	"MetricValue": "of a Metric", "MetricSeries": "of a Metric", "MetricBreakdown": "of a Metric", "MetricRow": "of a Metric",
	"MetricComparison": "of a Metric", "MetricSeriesComparison": "of a Metric", "Dimension": "of a Metric", "Money": "of a Metric",
	"MetricSummary": "of a Metric, or found by summary.Service.ByID", "MetricSummarySeries": "of a Metric", "MetricSummaryConnection": "of a Metric",
	"MetricSummaryEdge": "of a Metric", "Restatement": "see Query.restatements", "RestatementConnection": "as above", "RestatementEdge": "as above",
	"MaterializedView": "see Query.materializedViews", "MaterializedViewConnection": "as above", "MaterializedViewEdge": "as above",
	"Retention": "see Query.retention", "RetentionGroup": "as above", "RetentionSpan": "as above",
	"Cohort": "see Query.cohort", "CohortConnection": "as above", "CohortEdge": "as above", "CohortCondition": "as above", "CohortTrait": "as above",
	"CohortDid": "as above", "CohortStopped": "as above", "CohortWindow": "as above", "LastSteps": "as above", "CohortMrr": "as above", "Filter": "as above",
	"CohortEvaluation": "as above", "CohortEvaluationConnection": "as above", "CohortEvaluationEdge": "as above",
	"Lifecycle": "see Query.lifecycle", "Paths": "see Query.paths", "PathNode": "as above",
	"Funnel": "see Query.funnel", "FunnelGroup": "as above", "FunnelStep": "as above", "FunnelDurations": "as above",
	"FunnelTrend": "as above", "FunnelComparison": "as above",
	"RevenueResult": "of a mutation that needs INGEST", "RevenueVerdict": "as above",
	"TicketResult": "of a mutation that needs INGEST", "TicketVerdict": "as above",
	"MetricConnection": "of Query.metrics", "MetricEdge": "of Query.metrics",
}

// A token reads metrics and may do nothing else, whatever the schema offers.
func aTokenShowsNothingElse(t *testing.T, s story) {
	token, _ := embed(t, s.acme, time.Hour, eventsAlone)
	for _, field := range rootFields(t) {
		do := permission(t, field)
		if do == "" {
			continue // below it each type has its own
		}
		if do == access.ReadMetrics {
			if openToTokens[field] == "" {
				t.Errorf("%s is open to embed tokens: say what holds it to what they name", field)
			}
			continue
		}
		for _, by := range transports {
			if strings.HasPrefix(field, "Subscription.") && by.name == "HTTP" {
				continue // refused for everybody
			}
			got := by.ask(t, s.kit, s.freshToken(t), requestOf(t, asked[field], nil))
			if got.code() != "FORBIDDEN" || !isNull(got.Data) {
				t.Errorf("%s over %s: %s %+v", field, by.name, got.Data, got.Errors)
			}
		}
	}
	for _, definition := range ours(t) {
		can := definition.Directives.ForName("can")
		if can == nil {
			continue
		}
		do := can.Arguments.ForName("do")
		if open := do == nil || do.Value.Raw == string(access.ReadMetrics); open && typesOpenToTokens[definition.Name] == "" {
			t.Errorf("%s is open to embed tokens: say what holds it to what they name", definition.Name)
		}
	}
	for _, id := range s.idsOfOthers(t) {
		got := s.kit.Ask(t, token, `query ($id: ID!) { node(id: $id) { id } }`, map[string]any{"id": id})
		if len(got.Errors) != 1 || !isNull(got.Data) && string(got.Data) != `{"node":null}` {
			t.Errorf("node %s: %s %+v", id, got.Data, got.Errors)
		}
	}
}

// freshToken is of a key of its own, whose budget nobody has spent yet.
func (s story) freshToken(t *testing.T) string {
	t.Helper()
	key, err := access.CreateKeyAs(t.Context(), s.kit.Node.Worker(), s.kit.Node.Vault(), s.acme.ID, access.KeyDraft{Kind: access.EmbedKey, Name: "n"})
	if err != nil {
		t.Fatal(err)
	}
	return signEmbed(key, time.Hour, eventsAlone)
}

// idsOfOthers gives the ids of things that are no metric.
func (s story) idsOfOthers(t *testing.T) []string {
	t.Helper()
	s.acme.Batch(t, event("m9", "E", "u9", noon))
	tenant, _, happened := ids(t, s.acme)
	key := newKey(t, s.acme, map[string]any{"kind": "READ"}).Key.ID
	person := base64.RawURLEncoding.EncodeToString([]byte("person:1"))
	kind := base64.RawURLEncoding.EncodeToString([]byte("eventtype:E"))
	return []string{tenant, happened, key, person, kind}
}

func aTokenEnds(t *testing.T, s story) {
	token, _ := embed(t, s.acme, 3*time.Second, eventsAlone)
	ends := time.Now().Add(3 * time.Second)
	socket := s.kit.Connect(t, token)
	query := live(`metric(key: "events") { value(` + ever + `) { value } }`)
	wantNext(t, socketWatcher{socket, socket.Subscribe(t, query)}, `"value":0`)
	stream := s.kit.Stream(t, token, query)
	wantNext(t, streamWatcher{stream}, `"value":0`)
	if got, ended := (ending{t, socket}).end(); !ended || got.Closed != 4403 {
		t.Errorf("the socket ends with %+v, want 4403", got)
	}
	if e, ok := stream.Next(t); ok {
		t.Errorf("the stream goes on with %q %s", e.Name, e.Data)
	}
	if late := time.Since(ends); late > 5*time.Second {
		t.Errorf("it ended %s late", late)
	}
	got := overHTTP(t, s.kit, token, requestOf(t, `{ __typename }`, nil))
	if got.Status != http.StatusUnauthorized || got.code() != "UNAUTHENTICATED" {
		t.Errorf("after its end it gets %+v", got)
	}
}

func aTokenEndsWithItsKeyAndItsTenant(t *testing.T, s story) {
	query := live(`metric(key: "events") { value(` + ever + `) { value } }`)
	for name, end := range map[string]func(t *testing.T, s story, key string){
		"its key is revoked": func(t *testing.T, s story, key string) {
			s.acme.Manage(t, revokeIt, map[string]any{"id": key}, &struct{}{})
		},
		"its tenant is suspended": func(t *testing.T, s story, _ string) {
			if err := access.Suspend(t.Context(), s.kit.Node.Worker(), s.acme.ID, true); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.aside(t)
			token, key := embed(t, s.acme, time.Hour, eventsAlone)
			sockets := []*served.Socket{s.kit.Connect(t, token)}
			if name != "its key is revoked" {
				sockets = append(sockets, s.kit.Connect(t, s.acme.ReadKey), s.kit.Connect(t, s.acme.ManageKey))
			}
			wantNext(t, socketWatcher{sockets[0], sockets[0].Subscribe(t, query)}, `"value":0`)
			stream := s.kit.Stream(t, token, query)
			wantNext(t, streamWatcher{stream}, `"value":0`)
			stranger := watchSocket(t, s.kit, s.globex.ReadKey, query)
			wantNext(t, stranger, `"value":0`)
			end(t, s, key)
			start := time.Now()
			for _, socket := range sockets {
				if got, ended := (ending{t, socket}).end(); !ended || got.Closed != 4401 {
					t.Errorf("the socket ends with %+v, want 4401", got)
				}
			}
			if e, ok := stream.Next(t); ok {
				t.Errorf("the stream goes on with %q %s", e.Name, e.Data)
			}
			if took := time.Since(start); took > revokedWithin {
				t.Errorf("it took %s", took)
			}
			s.wantShutOut(t, token)
			s.globex.Batch(t, event("m1", "E", "u1", noon))
			wantNext(t, stranger, `"value":1`)
		})
	}
}

// A key that there is and one that there is not get the same answer, after the same work.
func whoeverGuessesLearnsNothing(t *testing.T, s story) {
	known := newKey(t, s.acme, map[string]any{"kind": "EMBED"}).Secret
	parts := strings.Split(known, "_")
	guess := func(kid string) (outcome, map[string]int) {
		s.kit.Statements.Take()
		got := overHTTP(t, s.kit, signEmbed("tme_"+kid+"_guessed", time.Hour, eventsAlone), requestOf(t, `{ __typename }`, nil))
		work := s.kit.Statements.Take()
		delete(work, "PasswordResetTake") // of the worker, now and then
		return got, work
	}
	right, work := guess(parts[1])
	wrong, other := guess("0198c1de000070008000000000000000")
	wantEqual(t, "the answer", wrong, right)
	wantEqual(t, "the statements", other, work)
	if right.code() != "UNAUTHENTICATED" || right.Status != http.StatusUnauthorized {
		t.Errorf("the answer is %+v", right)
	}
}

// What the documentation shows, signs what the server takes.
func theBackendsOfTheDocs(t *testing.T, s story) {
	text, err := os.ReadFile("../../docs/embedding.md")
	if err != nil {
		t.Fatal(err)
	}
	s.acme.Batch(t, event("m1", "E", "u1", noon))
	key := newKey(t, s.acme, map[string]any{"kind": "EMBED"}).Secret
	for language, command := range map[string][]string{"go": {"go", "run", "main.go"}, "js": {"node", "main.mjs"}} {
		t.Run(language, func(t *testing.T) {
			_, code, found := strings.Cut(string(text), "```"+language+"\n")
			code, _, ended := strings.Cut(code, "```")
			if !found || !ended {
				t.Fatal("the documentation has no such example")
			}
			if _, err := exec.LookPath(command[0]); err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			token := run(t, code, command, key)
			got := s.kit.Ask(t, token, `{ metric(key: "active_users") { key } metrics { nodes { key } } }`, nil)
			wantEqual(t, "its answer", string(got.Data), `{"metric":{"key":"active_users"},"metrics":{"nodes":[{"key":"events"},{"key":"active_users"}]}}`)
		})
	}
}

// run runs a program of one file with an embed key in its environment.
func run(t *testing.T, code string, command []string, key string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, command[len(command)-1]), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	program := exec.CommandContext(t.Context(), command[0], command[1:]...)
	program.Dir = dir
	program.Env = append(os.Environ(), "TIDEMARK_EMBED_KEY="+key, "GOFLAGS=", "GO111MODULE=off")
	output, err := program.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return strings.TrimSpace(string(output))
}
