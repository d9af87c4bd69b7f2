package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/postgres"
)

// hot are the questions that dashboards ask all the time, and what each is.
var hot = []struct{ title, query string }{
	{"A series of events over 90 days", `{ metric(key: "events") { series(range: {last: {count: 90, interval: DAY}}) { values } } }`},
	{"Active users over 90 days", `{ metric(key: "active_users") { series(range: {last: {count: 90, interval: DAY}}) { values } } }`},
	{"Active users of twelve weeks", `{ metric(key: "active_users") { series(range: {last: {count: 12, interval: WEEK}}, interval: WEEK) { values } } }`},
	{"New users over 90 days", `{ metric(key: "new_users") { series(range: {last: {count: 90, interval: DAY}}) { values } } }`},
	{"Monthly active users and stickiness over 90 days", `{ metric(key: "stickiness") { series(range: {last: {count: 90, interval: DAY}}) { values } } }`},
	{"Returning users of twelve weeks", `{ metric(key: "returning_users") { series(range: {last: {count: 12, interval: WEEK}}, interval: WEEK) { values } } }`},
	{"Sessions over 90 days", `{ metric(key: "sessions") { series(range: {last: {count: 90, interval: DAY}}) { values } } }`},
	{"Events by type over 30 days, with the 30 days before", `{ metric(key: "events") { breakdown(by: {kind: TYPE}, range: {last: {count: 30, interval: DAY}}, compare: {kind: PREVIOUS_PERIOD}) { rows { value } } } }`},
	{"The types of 30 days", `{ events(range: {last: {count: 30, interval: DAY}}) { byType(first: 10) { types } } }`},
	{"Events of a day that a filter lets through", `{ metric(key: "events") { value(range: {last: {count: 1, interval: DAY}}, filter: {dimension: {kind: CONTEXT, name: "os.name"}, operator: EQUALS, values: ["iOS"]}) { value } } }`},
	{"The latest events", `{ events(range: {last: {count: 30, interval: DAY}}) { list(first: 50) { nodes { type } } } }`},
	{"The first of those who were active in 7 days", `{ metric(key: "active_users") { value(range: {last: {count: 7, interval: DAY}}) { value entities(first: 10) { totalCount } } } }`},
	{"MRR of twelve months", `{ metric(key: "mrr") { series(range: {last: {count: 12, interval: MONTH}}, interval: MONTH) { values } } }`},
	{"Trials of twelve months", `{ metric(key: "trials") { series(range: {last: {count: 12, interval: MONTH}}, interval: MONTH) { values } } }`},
}

// ofCallers are statements that find out who asks, and what they may. Their answers are kept for
// some seconds.
var ofCallers = map[string]bool{
	"APIKeyAuthenticate": true, "TenantEnter": true, "TenantAdmits": true, "TrustedDocumentLookUp": true, "TenantLimitGet": true,
}

// The marks in the file, between which the plans stand.
const plansFrom, plansTo = "<!-- plans -->\n", "<!-- /plans -->\n"

// plans writes how PostgreSQL executes each statement of the hot questions into a file.
func (h *house) plans(ctx context.Context, file string) error {
	var heard ear
	config := h.config
	config.Tracer = &heard
	var text strings.Builder
	seen := map[string]bool{}
	err := inProcess(ctx, config, func(base string) error {
		for _, q := range hot {
			body, err := json.Marshal(map[string]string{"query": q.query})
			if err != nil {
				return fmt.Errorf("write a request: %w", err)
			}
			statements, err := h.listen(ctx, base, body, &heard)
			if err != nil {
				return fmt.Errorf("%s: %w", q.title, err)
			}
			fmt.Fprintf(&text, "### %s\n\n```graphql\n%s\n```\n\n", q.title, q.query)
			if err := h.planAll(ctx, &text, statements, seen); err != nil {
				return fmt.Errorf("%s: %w", q.title, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return replaceBetween(file, text.String())
}

// listen asks twice, the second time when whose key it is is known, and gives what the server
// then asks the database.
func (h *house) listen(ctx context.Context, base string, body []byte, heard *ear) ([]asked, error) {
	t, err := targetOf(base, "/graphql", h.read, body)
	if err != nil {
		return nil, err
	}
	for range 2 {
		heard.take()
		if _, err := t.once(ctx); err != nil {
			return nil, err
		}
	}
	return heard.take(), nil
}

// planAll writes the plans of statements that were not seen before.
func (h *house) planAll(ctx context.Context, text *strings.Builder, statements []asked, seen map[string]bool) error {
	conn, err := postgres.Connect(ctx, h.config.DatabaseURL, postgres.AppRole)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, setting := range []string{"app.tenant_id", "plan_cache_mode"} {
		value := map[string]string{"app.tenant_id": h.tenant, "plan_cache_mode": "force_generic_plan"}[setting]
		if _, err := conn.Exec(ctx, "select set_config($1, $2, false)", setting, value); err != nil {
			return fmt.Errorf("set %s: %w", setting, err)
		}
	}
	for _, s := range statements {
		name := strings.Fields(s.sql)[2] // behind "-- name:"
		if ofCallers[name] {
			continue
		}
		if seen[name] {
			fmt.Fprintf(text, "`%s`, as above.\n\n", name)
			continue
		}
		seen[name] = true
		rows, err := conn.Query(ctx, "explain (analyze, buffers, costs off, timing off, summary off) "+s.sql, s.args...)
		if err != nil {
			return fmt.Errorf("explain %s: %w", name, err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("explain %s: %w", name, err)
		}
		fmt.Fprintf(text, "`%s`:\n\n```\n%s\n```\n\n", name, strings.Join(lines, "\n"))
	}
	return nil
}

func replaceBetween(file, text string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	before, rest, found := strings.Cut(string(old), plansFrom)
	_, after, closed := strings.Cut(rest, plansTo)
	if !found || !closed {
		return fmt.Errorf("%s has no place for plans", file)
	}
	if err := os.WriteFile(file, []byte(before+plansFrom+"\n"+text+plansTo+after), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
