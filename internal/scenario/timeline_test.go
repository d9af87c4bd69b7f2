package scenario_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// All that is known of a customer, in one order of time.
func TestTimeline(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a timeline has all of it", aTimelineHasAll},
		{"pages lose nothing and repeat nothing", pagesOfTimelines},
		{"money is for those who may see it", aTimelineWithoutMoney},
		{"who was long away is found", aTimelineOfSomebodyAway},
		{"usage is counted", usageIsCounted},
	})
}

const (
	entryFields = `at kind __typename
		... on EventEntry { event { id type } } ... on TraitEntry { change { name value } } ... on MrrEntry { movement { id kind } }
		... on SubscriptionEntry { subscription { externalId } status } ... on InvoiceEntry { invoice { externalId } } ... on PaymentEntry { payment { externalId } }
		... on NoteEntry { note { id text } } ... on MergeEntry { merge { reason } undone }
		... on TicketEntry { moment ticket { externalId subject person { id } account { id } } }`
	// each type by its own fields, since what an interface gives is that of no type
	eachEntry = `... on EventEntry { at kind } ... on TraitEntry { at kind } ... on MrrEntry { at kind } ... on SubscriptionEntry { at kind }
		... on InvoiceEntry { at kind } ... on PaymentEntry { at kind } ... on NoteEntry { at kind } ... on MergeEntry { at kind } ... on TicketEntry { at kind }`
	timelineFields = `edges { cursor node { at } } nodes { ` + entryFields + ` ` + eachEntry + ` } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } searchedTo`
	allOfTimelines = `query ($first: Int! = 100, $after: String, $filter: TimelineFilter) {
		account(groupId: "g1") { timeline(first: $first, after: $after, filter: $filter) { ` + timelineFields + ` } }
		person(userId: "ann") { timeline(first: $first, filter: $filter) { ` + timelineFields + ` } } }`
	allOfUsage = `query ($range: SpanInput, $first: Int! = 10) {
		account(groupId: "g1") { usage(range: $range, first: $first) { types counts lastAt from to complete } }
		person(userId: "ann") { usage(range: $range, first: $first) { types counts lastAt from to complete } } }`
	allOfAccounts = `query ($first: Int!) { accounts(first: $first) { nodes {
		id groupId name email domain lastSeenAt health { score band override { setBy { name } } trend(days: 30) { scores } } traits mrr { amount } plan { name } owner { name }
		notes(first: 5) { nodes { text author { name } } } mrrMovements(first: 5) { edges { cursor node { id } } nodes { kind } pageInfo { hasNextPage } }
		invoices(first: 3) { edges { cursor node { id } } nodes { number } pageInfo { hasNextPage } }
		openTickets tickets(first: 2, statuses: [OPEN, SOLVED]) { nodes { subject person { id } account { id } } pageInfo { hasNextPage } }
		timeline(first: 10) { nodes { ` + entryFields + ` } } usage { types counts } } totalCount } }`
)

type toldEntry struct {
	At, Kind, Typename string
	Event              *struct{ ID, Type string }
	Change             *struct{ Name string }
	Movement           *struct{ Kind string }
	Subscription       *struct{ ExternalID string }
	Invoice, Payment   *struct{ ExternalID string }
	Status             string
	Note               *struct{ Text string }
	Merge              *struct{ Reason string }
	Undone             bool
	Moment             string
	Ticket             *struct{ ExternalID string }
}

// says is what an entry tells, in a word or two.
func (e toldEntry) says() string {
	switch {
	case e.Event != nil:
		return e.Kind + " " + e.Event.Type
	case e.Change != nil:
		return e.Kind + " " + e.Change.Name
	case e.Movement != nil:
		return e.Kind + " " + e.Movement.Kind
	case e.Subscription != nil:
		return e.Kind + " " + e.Subscription.ExternalID + " " + e.Status
	case e.Invoice != nil:
		return e.Kind + " " + e.Invoice.ExternalID
	case e.Payment != nil:
		return e.Kind + " " + e.Payment.ExternalID
	case e.Note != nil:
		return e.Kind + " " + e.Note.Text
	case e.Merge != nil:
		return fmt.Sprint(e.Kind, " ", e.Undone)
	}
	if e.Ticket != nil {
		return e.Kind + " " + e.Ticket.ExternalID + " " + e.Moment
	}
	return e.Kind + " of nothing"
}

type toldPage struct {
	Timeline struct {
		Nodes      []toldEntry
		PageInfo   pageInfo
		SearchedTo *string
	}
}

func (p *toldPage) says() (list []string) {
	for _, e := range p.Timeline.Nodes {
		list = append(list, e.says())
	}
	return list
}

type toldBoth struct{ Account, Person *toldPage }

// eventful has something of every kind happen to an account and its person.
func eventful(t *testing.T, s story, who *served.Tenant) {
	t.Helper()
	tellOf(t, s, who,
		`{"type":"track","messageId":"m1","event":"Visit","userId":"ann","groupId":"g1","timestamp":"2026-03-01T12:00:00Z"}`,
		`{"type":"track","messageId":"m2","event":"Visit","userId":"ann","groupId":"g2","timestamp":"2026-03-01T12:01:00Z"}`,
		`{"type":"track","messageId":"m3","event":"Export","anonymousId":"phone","groupId":"g1","timestamp":"2026-04-20T23:59:00Z"}`,
		said("m4", "group", `"userId":"ann","groupId":"g1","traits":{"seats":3}`),
		said("m5", "identify", `"userId":"ann","anonymousId":"phone","traits":{"plan":"pro"}`))
	revenueOf(t, s, who)
	recordTickets(t, s, who, solvedTicket, openTicket)
}

func aTimelineHasAll(t *testing.T, s story) {
	eventful(t, s, s.acme)
	tellOf(t, s, s.acme, event("m9", "E", "ben", noon))
	noteOn(t, s.acme, accountID(t, s.acme, "g1"), "hello")
	made := merge(t, s.acme, "ben", "ann")
	s.acme.Manage(t, undoIt, map[string]any{"id": made}, &struct{}{})
	var got toldBoth
	s.acme.Query(t, allOfTimelines, nil, &got)
	wantEqual(t, "account", strings.Join(got.Account.says(), ", "),
		"NOTE hello, TRAIT seats, EVENT Export, TICKET t2 OPENED, TICKET t1 SOLVED, PAYMENT r1, PAYMENT c1, TICKET t1 OPENED, SUBSCRIPTION s1 ACTIVE, INVOICE i1, EVENT Visit, MRR NEW")
	wantEqual(t, "person", strings.Join(got.Person.says(), ", "),
		"MERGE true, MERGE false, TRAIT plan, EVENT Export, TICKET t2 OPENED, TICKET t1 SOLVED, TICKET t1 OPENED, EVENT Visit, EVENT Visit")
	for _, filter := range []struct {
		filter map[string]any
		want   string
	}{
		{map[string]any{"kinds": []string{"EVENT"}, "types": []string{"Export"}}, "EVENT Export"},
		{map[string]any{"kinds": []string{"INVOICE", "NOTE"}}, "NOTE hello, INVOICE i1"},
		{map[string]any{"kinds": []string{"TICKET"}, "from": "2026-03-06T10:00:00Z", "to": "2026-03-07T10:00:01Z"}, "TICKET t1 SOLVED, TICKET t1 OPENED"},
		{map[string]any{"from": "2026-03-06T10:00:00Z", "to": "2026-05-01T12:00:00Z"}, "EVENT Export, TICKET t2 OPENED, TICKET t1 SOLVED, PAYMENT r1, PAYMENT c1, TICKET t1 OPENED"},
		{map[string]any{"kinds": []string{}}, ""},
	} {
		var got toldBoth
		s.acme.Query(t, allOfTimelines, map[string]any{"filter": filter.filter}, &got)
		wantEqual(t, fmt.Sprint(filter.filter), strings.Join(got.Account.says(), ", "), filter.want)
	}
	tellOf(t, s, s.globex, said("m1", "group", `"userId":"ann","groupId":"g1"`))
	var theirs toldBoth
	s.globex.Query(t, allOfTimelines, nil, &theirs)
	wantEqual(t, "the stranger", len(theirs.Account.Timeline.Nodes)+len(theirs.Person.Timeline.Nodes), 0)
}

// Much at one instant, over all sources: pages of any size are the whole.
func pagesOfTimelines(t *testing.T, s story) {
	var calls []string
	for i := range 9 {
		calls = append(calls, fmt.Sprintf(`{"type":"track","messageId":"e%d","event":"E%d","userId":"u%d","groupId":"g1","timestamp":"2026-05-01T1%d:00:00Z"}`, i, i, i%3, 2+i/5))
		calls = append(calls, said(fmt.Sprint("g", i), "group", fmt.Sprintf(`"userId":"ann","groupId":"g1","traits":{"t%d":1}`, i)))
	}
	calls = append(calls, event("x1", "Far", "ann", "2025-11-01T00:00:00Z"))
	tellOf(t, s, s.acme, calls...)
	var items []string
	items = append(items, proPlan)
	for i := range 3 {
		items = append(items, fmt.Sprintf(`{"charge": {"id": "c%d", "groupId": "g1", "amount": 100, "currency": "EUR", "occurredAt": %q}}`, i, noon))
		items = append(items, fmt.Sprintf(`{"subscription": {"id": "s%d", "groupId": "g1", "plan": "pro", "status": "ACTIVE", "occurredAt": %q}}`, i, noon))
	}
	record(t, s, s.acme, items...)
	for i := range 3 { // opened and solved at once, so that a page may begin between the two
		recordTickets(t, s, s.acme, fmt.Sprintf(`{"id": "t%d", "status": "SOLVED", "userId": "ann", "groupId": "g1", "openedAt": %q, "solvedAt": %q, "updatedAt": %q}`, i, noon, noon, noon))
	}
	var whole toldBoth
	s.acme.Query(t, allOfTimelines, nil, &whole)
	if n := len(whole.Account.Timeline.Nodes); n != 9+9+3+3+1+6 {
		t.Fatalf("%d entries: %v", n, whole.Account.says())
	}
	for _, first := range []int{1, 2, 7} {
		var paged []string
		after := any(nil)
		for {
			var page toldBoth
			s.acme.Query(t, allOfTimelines, map[string]any{"first": first, "after": after}, &page)
			paged = append(paged, page.Account.says()...)
			if !page.Account.Timeline.PageInfo.HasNextPage {
				break
			}
			after = *page.Account.Timeline.PageInfo.EndCursor
		}
		wantEqual(t, fmt.Sprint("by ", first), paged, whole.Account.says())
	}
	said := strings.Join(whole.Account.says(), ", ")
	const tickets = "TICKET t2 SOLVED, TICKET t2 OPENED, TICKET t1 SOLVED, TICKET t1 OPENED, TICKET t0 SOLVED, TICKET t0 OPENED"
	if !strings.Contains(said, tickets) || !strings.Contains(strings.Join(whole.Person.says(), ", "), tickets) {
		t.Errorf("of tickets: %s", said)
	}
	for _, wrong := range []string{"x", "", "MQ"} {
		answer := s.kit.Ask(t, s.acme.ReadKey, allOfTimelines, map[string]any{"after": wrong})
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Field != "after" {
			t.Errorf("after %q: %+v", wrong, answer.Errors)
		}
	}
}

func aTimelineWithoutMoney(t *testing.T, s story) {
	eventful(t, s, s.acme)
	d := newDesk(t, s)
	reader := access.Principal{Tenant: s.acme.ID, Kind: access.MemberKind, Permissions: access.Of(access.Read, access.ReadMetrics)}
	wantEqual(t, "account", d.ask(t, reader, `{ account(groupId: "g1") { timeline { nodes { kind } } } }`),
		`{"data":{"account":{"timeline":{"nodes":[{"kind":"TRAIT"},{"kind":"EVENT"},{"kind":"TICKET"},{"kind":"TICKET"},{"kind":"TICKET"},{"kind":"EVENT"}]}}}}`)
	got := d.ask(t, reader, `{ people { nodes { timeline { nodes { kind ... on EventEntry { event { properties } } } } } } }`)
	if strings.Contains(got, "TRAIT") || !strings.Contains(got, `"properties":null`) {
		t.Errorf("person: %s", got)
	}
}

// A page looks through so much and no more, and says so; the next goes on.
func aTimelineOfSomebodyAway(t *testing.T, s story) {
	calls := []string{event("x1", "Far", "ann", "2020-01-01T00:00:00Z"), said("x2", "group", `"userId":"ann","groupId":"g1"`)}
	for i := range 60 {
		calls = append(calls, said(fmt.Sprint("i", i), "identify", fmt.Sprintf(`"userId":"ann","anonymousId":"d%d"`, i)))
	}
	tellOf(t, s, s.acme, calls...)
	var found []string
	after, pages := any(nil), 0
	for ; pages < 100; pages++ {
		var page struct{ Person *toldPage }
		s.acme.Query(t, `query ($after: String) { person(userId: "ann") { timeline(first: 5, after: $after) { nodes { `+entryFields+` } pageInfo { hasNextPage endCursor } searchedTo } } }`,
			map[string]any{"after": after}, &page)
		found = append(found, page.Person.says()...)
		info := page.Person.Timeline.PageInfo
		if !info.HasNextPage {
			break
		}
		if page.Person.Timeline.SearchedTo == nil {
			t.Fatalf("there is more, and it does not say how far it got: %+v", page.Person)
		}
		after = *info.EndCursor
	}
	wantEqual(t, "found", found, []string{"EVENT Far"})
	if pages == 0 {
		t.Error("years of 61 ids were looked through for one page")
	}
}

func usageIsCounted(t *testing.T, s story) {
	eventful(t, s, s.acme)
	span := map[string]any{"from": "2026-02-15T00:00:00Z", "to": "2026-05-01T00:00:00Z"}
	var got struct {
		Account, Person struct {
			Usage struct {
				Types    []string
				Counts   []int
				LastAt   []string
				From, To string
				Complete bool
			}
		}
	}
	s.acme.Query(t, allOfUsage, map[string]any{"range": span}, &got)
	wantEqual(t, "account", fmt.Sprint(got.Account.Usage), "{[Export Visit] [1 1] [2026-04-20T23:59:00Z 2026-03-01T12:00:00Z] 2026-02-15T00:00:00Z 2026-05-01T00:00:00Z true}")
	wantEqual(t, "person", fmt.Sprint(got.Person.Usage), "{[Visit Export] [2 1] [2026-03-01T12:01:00Z 2026-04-20T23:59:00Z] 2026-02-15T00:00:00Z 2026-05-01T00:00:00Z true}")
	s.acme.Query(t, allOfUsage, map[string]any{"range": map[string]any{"from": "2026-03-01T12:01:00Z", "to": "2026-03-02T12:01:00Z"}, "first": 1}, &got)
	wantEqual(t, "half-open", fmt.Sprint(got.Person.Usage.Types, got.Account.Usage.Types), "[Visit] []")
	answer := s.kit.Ask(t, s.acme.ReadKey, allOfUsage, map[string]any{"range": map[string]any{"from": "2025-01-01T00:00:00Z"}})
	if len(answer.Errors) == 0 || answer.Errors[0].Extensions.Field != "range" {
		t.Errorf("a year: %+v", answer.Errors)
	}
}

// Whatever the number of accounts on a page, it takes the same statements.
func TestAPageOfCustomersTakesSoManyStatements(t *testing.T) {
	s := begin(t)
	var calls []string
	items := []string{proPlan}
	for i := range 50 {
		calls = append(calls,
			said(fmt.Sprint("g", i), "group", fmt.Sprintf(`"userId":"u%d","groupId":"g%02d","traits":{"name":"Name %02d"}`, i, i, i)),
			fmt.Sprintf(`{"type":"track","messageId":"t%d","event":"E","userId":"u%d","groupId":"g%02d","timestamp":%q}`, i, i, i, noon))
		items = append(items,
			fmt.Sprintf(`{"subscription": {"id": "s%d", "groupId": "g%02d", "plan": "pro", "status": "ACTIVE", "occurredAt": "2026-03-05T10:00:00Z"}}`, i, i),
			fmt.Sprintf(`{"invoice": {"id": "i%d", "groupId": "g%02d", "number": "n", "status": "PAID", "currency": "EUR", "occurredAt": %q, "issuedAt": %q, "lines": [{"kind": "RECURRING", "amount": 1}]}}`, i, i, noon, noon))
	}
	tellOf(t, s, s.acme, calls...)
	record(t, s, s.acme, items...)
	var tickets []string
	for i := range 50 {
		tickets = append(tickets, fmt.Sprintf(`{"id": "t%d", "status": "OPEN", "userId": "u%d", "groupId": "g%02d", "openedAt": %q, "updatedAt": %q}`, i, i, i, noon, noon))
	}
	recordTickets(t, s, s.acme, tickets...)
	for i := range 50 {
		id := accountID(t, s.acme, fmt.Sprintf("g%02d", i))
		noteOn(t, s.acme, id, "hello")
		if i == 0 {
			own(t, s, s.acme, id)
		} else {
			s.acme.Manage(t, `mutation ($of: ID!) { setOwner(of: $of) { __typename } }`, map[string]any{"of": id}, &struct{}{})
		}
	}
	s.kit.Exec(t, `update customer_owner set login_id = (select login_id from customer_owner where login_id is not null limit 1)`)
	taken := map[int]map[string]int{}
	for _, first := range []int{5, 50} {
		s.kit.Statements.Take()
		var answer struct {
			Accounts struct {
				Nodes []struct {
					Owner    struct{ Name string }
					Timeline struct{ Nodes []toldEntry }
					Usage    struct{ Counts []int }

					OpenTickets int
					Tickets     struct{ Nodes []toldTicket }
				}
				TotalCount int
			}
		}
		s.acme.Query(t, allOfAccounts, map[string]any{"first": first}, &answer)
		taken[first] = s.kit.Statements.TakeForAnswers()
		delete(taken[first], "PasswordResetDone") // it keeps house, by the clock
		wantEqual(t, "accounts", []int{len(answer.Accounts.Nodes), answer.Accounts.TotalCount}, []int{first, 50})
		for _, n := range answer.Accounts.Nodes {
			if len(n.Timeline.Nodes) != 7 || n.OpenTickets != 1 || len(n.Tickets.Nodes) != 1 || n.Owner.Name != "Olga" || fmt.Sprint(n.Usage.Counts) != "[]" {
				t.Fatalf("an account: %+v", n)
			}
		}
	}
	wantEqual(t, "statements", taken[50], taken[5])
	if names := slices.Sorted(maps.Keys(taken[5])); len(names) > 40 {
		t.Errorf("%d kinds of statements: %v", len(names), names)
	}
}
