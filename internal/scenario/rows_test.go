package scenario_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/graph"
	"github.com/tidemarkhq/tidemark/graph/loader"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/archive"
	"github.com/tidemarkhq/tidemark/internal/customer"
	domain "github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/health"
	"github.com/tidemarkhq/tidemark/internal/history"
	"github.com/tidemarkhq/tidemark/internal/journey"
	"github.com/tidemarkhq/tidemark/internal/metric"
	"github.com/tidemarkhq/tidemark/internal/postgres"
	"github.com/tidemarkhq/tidemark/internal/registry"
	"github.com/tidemarkhq/tidemark/internal/report"
	"github.com/tidemarkhq/tidemark/internal/revenue"
	"github.com/tidemarkhq/tidemark/internal/tail"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
	"github.com/tidemarkhq/tidemark/internal/ticket"
	"github.com/tidemarkhq/tidemark/internal/timeline"
)

// desk answers documents to members, as the server does once it knows who asks.
type desk struct {
	app      *postgres.App
	executor *executor.Executor
	streams  *tail.Service
	prepare  func(context.Context) context.Context
}

func newDesk(t *testing.T, s story) *desk {
	t.Helper()
	app, err := postgres.OpenApp(t.Context(), s.kit.DB, 2, nil) // few, so that roles follow each other on one connection
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	events, parts, people := domain.NewReader(app), archive.NewReader(app), customer.NewService(app)
	keyring := access.NewKeyring(app, nil, nil) // which looks keys up, and makes none
	metrics := metric.NewService(app, metric.NewCatalog(metric.Builtin(), revenue.Metrics()))
	books := revenue.NewService(app)
	histories := history.NewStore(app, 1<<20)
	t.Cleanup(histories.Close)
	tickets, scores := ticket.NewService(app), health.NewService(app)
	streams := tail.NewService(app, slog.New(slog.DiscardHandler))
	from := loader.Services{
		Events: events, Parts: parts, People: people, Keys: keyring, Metrics: metrics, Revenue: books, Timelines: timeline.NewService(app), Tickets: tickets, Health: scores,
	}
	return &desk{app, graph.NewExecutor(&graph.Resolver{
		TenantSettings: access.NewSettings(app), MetricService: metrics, EventReader: events, EventTail: streams, ArchiveReader: parts,
		Customers: people, Registry: registry.NewService(app, registry.NewPlans(app)), ReportService: report.NewService(app), Revenue: books, Tickets: tickets, HealthService: scores,
		Journeys: journey.NewService(metrics, histories),
	}, graph.Bounds{Cost: 100_000, Items: 10_000}, slog.New(slog.DiscardHandler)), streams, func(ctx context.Context) context.Context { return loader.With(ctx, from) }}
}

// member makes somebody of a role that is narrowed to conditions, and says who they are.
func (d *desk) member(t *testing.T, s story, of *served.Tenant, conditions string, permissions ...access.Permission) (who access.Principal) {
	t.Helper()
	login, role := uuid.New(), uuid.New()
	s.kit.Exec(t, `insert into login (login_id, email, name) values ($1::uuid, $1::text || '@example.com', 'Ann')`, login)
	s.kit.Exec(t, `insert into role (tenant_id, role_id, name, permissions, row_conditions) values ($1, $2::uuid, $2::uuid::text, $3, $4)`, of.ID, role, permissions, conditions)
	s.kit.Exec(t, `insert into member (tenant_id, login_id, role_id) values ($1, $2, $3)`, of.ID, login, role)
	err := d.app.Read(t.Context(), of.ID, func(tx pgx.Tx) (err error) {
		who, _, err = access.MemberPrincipal(t.Context(), tx, login)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// ask answers a document, with everything of the answer as JSON.
func (d *desk) ask(t *testing.T, who access.Principal, document string) string {
	t.Helper()
	return d.follow(t, who, document)()
}

// follow is ask for a stream, whose answers it gives one after the other.
func (d *desk) follow(t *testing.T, who access.Principal, document string) (answer func() string) {
	t.Helper()
	ctx := graphql.StartOperationTrace(access.With(t.Context(), who))
	now := time.Now()
	operation, errs := d.executor.CreateOperationContext(ctx, &graphql.RawParams{Query: document, ReadTime: graphql.TraceTiming{Start: now, End: now}})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	next, inner := d.executor.DispatchOperation(ctx, operation)
	return func() string {
		t.Helper()
		text, err := json.Marshal(next(d.prepare(inner)))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// ofRegion narrows everything to a region, as a property of events and as a trait.
func ofRegion(region string) string {
	return fmt.Sprintf(`{"events":[{"property":["region"],"in":[%[1]q]}],"people":[{"trait":"region","in":[%[1]q]}],"accounts":[{"trait":"region","in":[%[1]q]}]}`, region)
}

// whatTheySee asks for all that there is of the day, in all ways there are.
const whatTheySee = `{ events(` + thatDay + `) { count exact byType { types counts totalCount } timeline(interval: DAY) { counts }
		list { nodes { type userId person { userIds } account { groupId } } totalCount } }
	active: metric(key: "active_users") { value(` + thatDay + `) { value } series(` + thatDay + `) { values } }
	new: metric(key: "new_users") { value(` + thatDay + `) { value } }
	eve: person(userId: "eve") { userIds traits } usha: person(userId: "usha") { userIds traits }
	eu: account(groupId: "eu-co") { groupId traits members { nodes { userIds } } } us: account(groupId: "us-co") { groupId traits members { nodes { userIds } } }
	people: retention(startEvent: {}, interval: DAY, periods: 2, ` + thatDay + `) { sizes exact }
	accounts: retention(unit: ACCOUNT, startEvent: { filter: ` + isOfSomeRegion + ` }, interval: DAY, periods: 2, by: { kind: USER_TRAIT, name: "region" }, ` + thatDay + `) { groups { keys sizes } groupCount } }`

const isOfSomeRegion = `{ dimension: { kind: PROPERTY, name: "region" }, operator: IS_SET }`

// Who is narrowed to a region sees its events, figures, people and accounts, and nothing of
// the others', whoever asked the same before on the same connections.
func TestARoleSeesItsRowsAlone(t *testing.T) {
	s := begin(t)
	for name, region := range map[string]string{"eve": "EU", "usha": "US"} {
		co := strings.ToLower(region) + "-co"
		// What is said of them, earlier, and what they did.
		tellOf(t, s, s.acme,
			strings.ReplaceAll(said("i"+name, "identify", `"userId":"`+name+`","traits":{"region":"`+region+`"}`), "2026-05", "2026-04"),
			strings.ReplaceAll(said("g"+name, "group", `"userId":"`+name+`","groupId":"`+co+`","traits":{"region":"`+region+`"}`), "2026-05", "2026-04"))
		wantVerdicts(t, s.acme.Batch(t, `{"type":"track","messageId":"t`+name+`","event":"Bought in `+region+`","userId":"`+name+
			`","context":{"groupId":"`+co+`"},"properties":{"region":"`+region+`"},"timestamp":"`+noon+`"}`), "ACCEPTED")
	}
	s.acme.Batch(t, event("m1", "Nowhere", "eve", noon))
	d := newDesk(t, s)
	read := []access.Permission{access.Read, access.ReadMetrics, access.ReadPII, access.ReadSchema, access.ManageData}
	eu, us := d.member(t, s, s.acme, ofRegion("EU"), read...), d.member(t, s, s.acme, ofRegion("US"), read...)
	stranger := d.member(t, s, s.globex, ofRegion("EU"), read...)
	if eu.Permissions != access.Of(access.Read, access.ReadMetrics, access.ReadPII) {
		t.Errorf("beside conditions a role may %v", eu.Permissions.List())
	}
	want := func(mine, company, region string) string {
		they := `{"userIds":["` + mine + `"],"traits":{"region":"` + region + `"}}`
		it := `{"groupId":"` + company + `","traits":{"region":"` + region + `"},"members":{"nodes":[{"userIds":["` + mine + `"]}]}}`
		rest := map[string]string{"EU": `"eve":` + they + `,"usha":null,"eu":` + it + `,"us":null`, "US": `"eve":null,"usha":` + they + `,"eu":null,"us":` + it}[region]
		return `{"data":{"events":{"count":1,"exact":true,"byType":{"types":["Bought in ` + region + `"],"counts":[1],"totalCount":1},"timeline":{"counts":[1]},` +
			`"list":{"nodes":[{"type":"Bought in ` + region + `","userId":"` + mine + `","person":{"userIds":["` + mine + `"]},"account":{"groupId":"` + company + `"}}],"totalCount":1}},` +
			`"active":{"value":{"value":1},"series":{"values":[1]}},"new":{"value":{"value":1}},` + rest +
			`,"people":{"sizes":[1],"exact":true},"accounts":{"groups":[{"keys":["` + region + `"],"sizes":[1]}],"groupCount":1}}}`
	}
	for range 3 { // loaders, statements and connections warm
		wantEqual(t, "in the EU", d.ask(t, eu, whatTheySee), want("eve", "eu-co", "EU"))
		wantEqual(t, "in the US", d.ask(t, us, whatTheySee), want("usha", "us-co", "US"))
		if got := d.ask(t, stranger, whatTheySee); strings.Contains(got, "eve") && strings.Contains(got, `"userIds"`) || !strings.Contains(got, `"count":0`) {
			t.Errorf("the stranger sees %s", got)
		}
		if events, _ := count(t, s.acme); events != 7 {
			t.Errorf("who sees all rows counts %d events", events)
		}
	}
	d.wantOthersNotFound(t, s, us, eu)
}

// wantOthersNotFound asks one for the ids of what the other sees, and for what is told of all
// rows or of none.
func (d *desk) wantOthersNotFound(t *testing.T, s story, others, who access.Principal) {
	t.Helper()
	var answer struct {
		Data struct {
			Events struct {
				List struct{ Nodes []struct{ ID string } }
			}
			Person struct {
				ID         string
				Identities struct{ Nodes []struct{ ID string } }
			}
			Account struct{ ID string }
		}
	}
	text := d.ask(t, others, `{ events(`+thatDay+`) { list { nodes { id } } } person(userId: "usha") { id identities { nodes { id } } } account(groupId: "us-co") { id } }`)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{answer.Data.Events.List.Nodes[0].ID, answer.Data.Person.ID, answer.Data.Person.Identities.Nodes[0].ID, answer.Data.Account.ID} {
		ask := `{ node(id: "` + id + `") { id } }`
		if got := d.ask(t, others, ask); !strings.Contains(got, id) {
			t.Errorf("their own %s: %s", id, got)
		}
		if got := d.ask(t, who, ask); !strings.Contains(got, "NOT_FOUND") || strings.Contains(got, id) {
			t.Errorf("another's %s: %s", id, got)
		}
	}
	for _, query := range []string{
		`{ personMerges { nodes { id } } }`, `{ healthModel { version } }`, `{ healthChanges { nodes { id } } }`,
		`{ accounts(first: 1) { nodes { health { score } } } }`, `{ accounts(first: 1, orderBy: HEALTH) { nodes { id } } }`,
	} {
		if got := d.ask(t, who, query); !strings.Contains(got, "FORBIDDEN") || strings.Contains(got, "SQL") {
			t.Errorf("what cannot be narrowed, %s: %s", query, got)
		}
	}
}
