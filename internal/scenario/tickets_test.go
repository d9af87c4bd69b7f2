package scenario_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// What customers asked of support.
func TestTickets(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"what is known is recorded item by item", ticketsAreRecorded},
		{"over HTTP as well", ticketsOverHTTP},
		{"all of it can be read", allOfTicketsIsRead},
		{"page by page", pagesOfTickets},
		{"tickets follow a person", ticketsFollowAPerson},
		{"tickets of the erased say nothing", ticketsOfTheErased},
		{"an account's tickets are pushed", ticketsArePushed},
		{"who sees some rows alone sees none", ticketsAreNotNarrowed},
	})
}

const (
	recordThem  = `mutation ($items: [TicketInput!]!) { recordTickets(items: $items) { accepted duplicates conflicts rejected verdicts { id status field reason } } }`
	ticketField = `id externalId source subject url status priority channel rating person { userIds } account { groupId }
		openedAt firstRepliedAt solvedAt updatedAt secondsToFirstReply secondsToSolve`
	allOfTickets = `query ($groupId: String! = "g1", $userId: String! = "ann", $first: Int! = 20, $after: String, $statuses: [TicketStatus!]) {
		account(groupId: $groupId) { openTickets tickets(first: $first, after: $after, statuses: $statuses) {
			edges { cursor node { id } } nodes { ` + ticketField + ` } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }
		person(userId: $userId) { openTickets tickets(first: $first, after: $after, statuses: $statuses) { nodes { id externalId } pageInfo { hasNextPage endCursor } } } }`
	// of ann and g1: t1 is solved and rated, t2 waits.
	solvedTicket = `{"id": "t1", "source": "zendesk", "subject": "It does not export", "url": "https://desk.example/t/1", "status": "SOLVED", "priority": "HIGH", "channel": "email",
		"rating": "GOOD", "userId": "ann", "groupId": "g1", "openedAt": "2026-03-06T10:00:00Z", "firstRepliedAt": "2026-03-06T10:30:00Z",
		"solvedAt": "2026-03-07T10:00:00.5Z", "updatedAt": "2026-03-08T10:00:00Z"}`
	openTicket = `{"id": "t2", "status": "OPEN", "userId": "ann", "groupId": "g1", "openedAt": "2026-04-20T23:59:00Z", "updatedAt": "2026-04-20T23:59:00Z"}`
)

type toldTicket struct {
	ID, ExternalID, Source, Status string
	Subject, URL                   *string
	SecondsToFirstReply            *int
	SecondsToSolve                 *int
	Person                         *struct {
		UserIDs []string `json:"userIds"`
	}
	Account *struct{ GroupID string }
}

type deskOf struct {
	OpenTickets int
	Tickets     struct {
		Nodes    []toldTicket
		PageInfo pageInfo
	}
}

func (d *deskOf) ids() string {
	var ids []string
	for _, n := range d.Tickets.Nodes {
		ids = append(ids, n.ExternalID)
	}
	return strings.Join(ids, " ")
}

type desks struct{ Account, Person *deskOf }

func desksOf(t *testing.T, who *served.Tenant, variables map[string]any) (d desks) {
	t.Helper()
	who.Query(t, allOfTickets, variables, &d)
	return d
}

// recordTickets records tickets, and gives what became of them.
func recordTickets(t *testing.T, s story, who *served.Tenant, tickets ...string) string {
	t.Helper()
	var answer struct {
		RecordTickets struct {
			Accepted, Duplicates, Conflicts, Rejected int
			Verdicts                                  []struct{ ID, Status, Field, Reason string }
		}
	}
	got := s.kit.Ask(t, who.WriteKey, recordThem, map[string]any{"items": json.RawMessage("[" + strings.Join(tickets, ",") + "]")})
	if len(got.Errors) > 0 {
		t.Fatalf("%+v", got.Errors)
	}
	if err := json.Unmarshal(got.Data, &answer); err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, v := range answer.RecordTickets.Verdicts {
		words = append(words, strings.TrimSpace(v.Status+" "+v.Field))
	}
	counts := answer.RecordTickets
	wantEqual(t, "verdicts", counts.Accepted+counts.Duplicates+counts.Conflicts+counts.Rejected, len(tickets))
	return strings.Join(words, " ")
}

func ticketsAreRecorded(t *testing.T, s story) {
	wantEqual(t, "at first", recordTickets(t, s, s.acme, solvedTicket, openTicket, strings.Replace(openTicket, `"ann"`, `"null"`, 1)),
		"ACCEPTED ACCEPTED REJECTED ticket.userId")
	wantEqual(t, "again", recordTickets(t, s, s.acme, solvedTicket, strings.Replace(solvedTicket, "GOOD", "BAD", 1), strings.Replace(solvedTicket, "03-08", "03-07", 1)),
		"DUPLICATE CONFLICT ticket.updatedAt DUPLICATE")
	for key, code := range map[string]string{s.acme.ReadKey: "FORBIDDEN", "": "UNAUTHENTICATED"} {
		answer := s.kit.Ask(t, key, recordThem, map[string]any{"items": json.RawMessage("[" + openTicket + "]")})
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != code {
			t.Errorf("with %q: %+v", key, answer.Errors)
		}
	}
}

func ticketsOverHTTP(t *testing.T, s story) {
	for _, c := range []struct {
		key, body string
		status    int
		want      string
	}{
		{s.acme.WriteKey, `{"items": [` + openTicket + `,{"id": "x", "state": 1},7]}`, 200,
			`{"success":true,"verdicts":[{"id":"t2","status":"ACCEPTED"},{"id":"","status":"REJECTED","field":"ticket.state","reason":"There is no such field."},` +
				`{"id":"","status":"REJECTED","field":"ticket","reason":`},
		{s.acme.WriteKey, openTicket, 200, `"status":"DUPLICATE"`},
		{s.acme.WriteKey, strings.Replace(openTicket, "OPEN", "CLOSED", 1), 409, `"status":"CONFLICT","field":"ticket.updatedAt"`},
		{s.acme.WriteKey, `{"id": "x"}`, 400, `"status":"REJECTED","field":"ticket.`},
		{s.acme.WriteKey, `[]`, 400, `"field":"body"`},
		{s.acme.WriteKey, `{"items": []}`, 400, `"field":"items"`},
		{s.acme.ReadKey, openTicket, 403, `"FORBIDDEN"`},
		{"", openTicket, 401, `"UNAUTHENTICATED"`},
	} {
		reply := s.kit.Do(t, http.MethodPost, "/v1/tickets", c.key, c.body)
		if reply.Status != c.status || !strings.Contains(string(reply.Body), c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.body, reply.Status, reply.Body, c.status, c.want)
		}
	}
	if reply := s.kit.Do(t, http.MethodGet, "/v1/tickets", s.acme.WriteKey, ""); reply.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", reply.Status)
	}
	wantEqual(t, "known", desksOf(t, s.acme, nil).Account.ids(), "t2")
}

func allOfTicketsIsRead(t *testing.T, s story) {
	recordTickets(t, s, s.acme, solvedTicket, openTicket, `{"id": "t3", "status": "ON_HOLD", "groupId": "g1", "openedAt": "2026-04-21T00:00:00Z", "updatedAt": "2026-04-21T00:00:00Z"}`)
	got := desksOf(t, s.acme, nil)
	wantEqual(t, "of the account", []any{got.Account.ids(), got.Account.OpenTickets}, []any{"t3 t2 t1", 2})
	wantEqual(t, "of ann", []any{got.Person.ids(), got.Person.OpenTickets}, []any{"t2 t1", 1})
	first := got.Account.Tickets.Nodes[2]
	wantEqual(t, "t1", []any{first.Source, *first.Subject, *first.URL, first.Status, *first.SecondsToFirstReply, *first.SecondsToSolve, first.Person.UserIDs[0], first.Account.GroupID},
		[]any{"zendesk", "It does not export", "https://desk.example/t/1", "SOLVED", 1800, 86_400, "ann", "g1"})
	wantEqual(t, "t3", []any{got.Account.Tickets.Nodes[0].Person == nil, got.Account.Tickets.Nodes[0].Source}, []any{true, "default"})
	for _, c := range []struct {
		statuses []string
		want     string
	}{{[]string{"SOLVED", "CLOSED"}, "t1"}, {[]string{"OPEN", "ON_HOLD", "OPEN"}, "t3 t2"}, {[]string{}, ""}} {
		wantEqual(t, fmt.Sprint(c.statuses), desksOf(t, s.acme, map[string]any{"statuses": c.statuses}).Account.ids(), c.want)
	}
	var node struct{ Node struct{ ID string } }
	s.acme.Query(t, customerNodes, map[string]any{"id": first.ID}, &node)
	wantEqual(t, "node", node.Node.ID, first.ID)

	// The stranger has an account and a user of the same names, and sees nothing.
	tellOf(t, s, s.globex, said("m1", "group", `"userId":"ann","groupId":"g1"`))
	theirs := desksOf(t, s.globex, nil)
	wantEqual(t, "the stranger", []any{theirs.Account.ids() + theirs.Person.ids(), theirs.Account.OpenTickets + theirs.Person.OpenTickets}, []any{"", 0})
	wantRefused(t, s.kit, s.globex.ReadKey, customerNodes, map[string]any{"id": first.ID}, "NOT_FOUND")
	wantRefused(t, s.kit, s.acme.WriteKey, `{ account(groupId: "g1") { tickets { nodes { id } } } }`, nil, "FORBIDDEN")

	d := newDesk(t, s)
	reader := access.Principal{Tenant: s.acme.ID, Kind: access.MemberKind, Permissions: access.Of(access.Read)}
	hidden := d.ask(t, reader, `{ account(groupId: "g1") { tickets(statuses: [SOLVED]) { nodes { subject externalId } } } }`)
	if !strings.Contains(hidden, `{"nodes":[{"subject":null,"externalId":"t1"}]}`) || !strings.Contains(hidden, `"group":"PII"`) {
		t.Errorf("without READ_PII: %s", hidden)
	}
}

// Pages of any size are the whole, also where much was opened at one instant.
func pagesOfTickets(t *testing.T, s story) {
	var tickets []string
	for i := range 9 {
		tickets = append(tickets, fmt.Sprintf(`{"id": "t%d", "status": "OPEN", "userId": "ann", "groupId": "g1", "openedAt": "2026-04-2%dT00:00:00Z", "updatedAt": "2026-04-29T00:00:00Z"}`, i, i/4))
	}
	recordTickets(t, s, s.acme, tickets...)
	whole := desksOf(t, s.acme, nil)
	for _, first := range []int{1, 4, 9} {
		var ofAccount, ofPerson []string
		after := any(nil)
		for {
			page := desksOf(t, s.acme, map[string]any{"first": first, "after": after})
			ofAccount, ofPerson = append(ofAccount, page.Account.ids()), append(ofPerson, page.Person.ids())
			if !page.Account.Tickets.PageInfo.HasNextPage {
				break
			}
			after = *page.Account.Tickets.PageInfo.EndCursor
		}
		wantEqual(t, fmt.Sprint("by ", first), []string{strings.Join(ofAccount, " "), strings.Join(ofPerson, " ")}, []string{whole.Account.ids(), whole.Account.ids()})
	}
	for argument, value := range map[string]any{"first": 101, "after": "x"} {
		answer := s.kit.Ask(t, s.acme.ReadKey, allOfTickets, map[string]any{argument: value})
		if len(answer.Errors) == 0 || answer.Errors[0].Extensions.Field != argument {
			t.Errorf("%s %v: %+v", argument, value, answer.Errors)
		}
	}
}

func ticketsFollowAPerson(t *testing.T, s story) {
	recordTickets(t, s, s.acme, solvedTicket, strings.Replace(openTicket, `"ann"`, `"ben"`, 1))
	made := merge(t, s.acme, "ben", "ann")
	wantEqual(t, "merged", []any{desksOf(t, s.acme, nil).Person.ids(), desksOf(t, s.acme, nil).Person.OpenTickets}, []any{"t2 t1", 1})
	s.acme.Manage(t, undoIt, map[string]any{"id": made}, &struct{}{})
	wantEqual(t, "undone", []any{desksOf(t, s.acme, nil).Person.ids(), desksOf(t, s.acme, nil).Person.OpenTickets}, []any{"t1", 0})
}

func ticketsOfTheErased(t *testing.T, s story) {
	hers := `{"id": "t4", "status": "OPEN", "subject": "Only hers: secret", "userId": "ann", "openedAt": "2026-04-20T00:00:00Z", "updatedAt": "2026-04-20T00:00:00Z"}`
	secret := strings.NewReplacer("It does", "The secret does", "/t/1", "/t/secret").Replace(solvedTicket)
	for _, who := range []*served.Tenant{s.acme, s.globex} {
		wantEqual(t, "recorded", recordTickets(t, s, who, secret, hers), "ACCEPTED ACCEPTED")
	}
	own := desksOf(t, s.acme, nil).Person.Tickets.Nodes[0].ID
	erase(t, s.acme, "ann")
	says := func(when string) {
		t.Helper()
		left := desksOf(t, s.acme, nil)
		if left.Person != nil || left.Account.ids() != "t1" {
			t.Fatalf("%s: %+v", when, left)
		}
		ticket := left.Account.Tickets.Nodes[0]
		wantEqual(t, when, []any{ticket.Subject == nil, ticket.URL == nil, ticket.Person == nil, ticket.Status}, []any{true, true, true, "SOLVED"})
		wantRefused(t, s.kit, s.acme.ReadKey, customerNodes, map[string]any{"id": own}, "NOT_FOUND")
	}
	says("while she is erased")
	s.waitErased(t)
	says("afterwards")
	s.wantNoTrace(t, "secret")
	wantEqual(t, "the same again", recordTickets(t, s, s.acme, secret), "DUPLICATE")
	says("after the same again")
	wantEqual(t, "the stranger's", desksOf(t, s.globex, nil).Person.ids(), "t4 t1")
}

func ticketsArePushed(t *testing.T, s story) {
	recordTickets(t, s, s.acme, solvedTicket)
	watching := watchSocket(t, s.kit, s.acme.ReadKey, live(`account(groupId: "g1") { openTickets tickets(first: 1) { nodes { status } } }`))
	wantNext(t, watching, `"openTickets":0`)
	recordTickets(t, s, s.acme, openTicket)
	until(t, watching, `{"openTickets":1,"tickets":{"nodes":[{"status":"OPEN"}]}}`)
	// Whoever writes: what reaches the table reaches the dashboard.
	s.kit.Exec(t, `update ticket set status = 'CLOSED' where tenant_id = $1 and external_id = 't2'`, s.acme.ID)
	until(t, watching, `{"openTickets":0,"tickets":{"nodes":[{"status":"CLOSED"}]}}`)
}

func ticketsAreNotNarrowed(t *testing.T, s story) {
	tellOf(t, s, s.acme, said("m1", "group", `"userId":"ann","groupId":"g1","traits":{"region":"EU"}`), said("m2", "identify", `"userId":"ann","traits":{"region":"EU"}`))
	recordTickets(t, s, s.acme, solvedTicket)
	id := desksOf(t, s.acme, nil).Account.Tickets.Nodes[0].ID
	d := newDesk(t, s)
	eu := d.member(t, s, s.acme, ofRegion("EU"), access.Read, access.ReadPII)
	wantEqual(t, "their timeline", d.ask(t, eu, `{ account(groupId: "g1") { timeline { nodes { kind } } } person(userId: "ann") { timeline { nodes { kind } } } }`),
		`{"data":{"account":{"timeline":{"nodes":[{"kind":"TRAIT"}]}},"person":{"timeline":{"nodes":[{"kind":"TRAIT"}]}}}}`)
	for _, document := range []string{
		`{ account(groupId: "g1") { tickets { nodes { externalId } } } }`, `{ account(groupId: "g1") { openTickets } }`,
		`{ person(userId: "ann") { tickets { nodes { externalId } } } }`, `{ person(userId: "ann") { openTickets } }`, `{ node(id: "` + id + `") { id } }`,
	} {
		if got := d.ask(t, eu, document); !strings.Contains(got, "FORBIDDEN") || strings.Contains(got, "t1") || strings.Contains(got, "SQL") {
			t.Errorf("%s: %s", document, got)
		}
	}
}

// Whatever the number of people on a page, it takes the same statements.
func TestTicketsOfPeopleTakeSoManyStatements(t *testing.T) {
	s := begin(t)
	var tickets []string
	for i := range 50 {
		tickets = append(tickets, fmt.Sprintf(`{"id": "t%d", "status": "PENDING", "userId": "u%02d", "groupId": "g%02d", "openedAt": %q, "updatedAt": %q}`, i, i, i%7, noon, noon))
	}
	recordTickets(t, s, s.acme, tickets...)
	taken := map[int]map[string]int{}
	for _, first := range []int{5, 50} {
		s.kit.Statements.Take()
		var answer struct{ People struct{ Nodes []deskOf } }
		s.acme.Query(t, `query ($first: Int!) { people(first: $first) { nodes { openTickets tickets(first: 3, statuses: [PENDING]) { nodes { externalId subject person { id } account { groupId } } } } } }`,
			map[string]any{"first": first}, &answer)
		taken[first] = s.kit.Statements.TakeForAnswers()
		delete(taken[first], "PasswordResetDone") // it keeps house, by the clock
		wantEqual(t, "people", len(answer.People.Nodes), first)
		for _, n := range answer.People.Nodes {
			if n.OpenTickets != 1 || len(n.Tickets.Nodes) != 1 || n.Tickets.Nodes[0].Account == nil {
				t.Fatalf("somebody: %+v", n)
			}
		}
	}
	wantEqual(t, "statements", taken[50], taken[5])
}
