package scenario_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// Lists of people and accounts, and what is found in them.
func TestCustomers(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"an account is found by what it is called", anAccountIsFound},
		{"a person is found by all that they are called", aPersonIsFound},
		{"who is erased is not found", theErasedAreNotFound},
		{"lists are sorted and paged", listsAreSortedAndPaged},
		{"who is personal is found by those who may see them", personalSearch},
		{"what an answer cannot be", listsThatAreRefused},
		{"a renamed account changes a live list", aRenamedAccountIsPushed},
	})
}

const (
	listAccounts = `query ($search: String, $orderBy: CustomerOrder, $direction: SortDirection, $first: Int! = 50, $after: String) {
		accounts(search: $search, orderBy: $orderBy, direction: $direction, first: $first, after: $after) {
			edges { cursor node { id } } nodes { id groupId name email domain lastSeenAt } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }`
	listPeople = `query ($search: String, $orderBy: CustomerOrder, $direction: SortDirection, $first: Int! = 50, $after: String) {
		people(search: $search, orderBy: $orderBy, direction: $direction, first: $first, after: $after) {
			edges { cursor node { id } } nodes { id userIds name email domain lastSeenAt } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }`
)

// customerList is a page of either list.
type customerList struct {
	Nodes []struct {
		ID, GroupID                     string
		UserIDs                         []string `json:"userIds"`
		Name, Email, Domain, LastSeenAt *string
	}
	PageInfo   pageInfo
	TotalCount int
}

// names are the ids by which whoever is listed was sent.
func (l customerList) names() string {
	var names []string
	for _, n := range l.Nodes {
		name := n.GroupID
		if name == "" && len(n.UserIDs) > 0 {
			name = n.UserIDs[0]
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// listOf asks for a list, by a pair of variable and value after the other.
func listOf(t *testing.T, who *served.Tenant, query string, pairs ...any) customerList {
	t.Helper()
	variables := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		variables[pairs[i].(string)] = pairs[i+1]
	}
	var answer struct{ Accounts, People customerList }
	who.Query(t, query, variables, &answer)
	if strings.Contains(query, "people(") {
		return answer.People
	}
	return answer.Accounts
}

func anAccountIsFound(t *testing.T, s story) {
	tellOf(t, s, s.acme,
		said("m1", "group", `"groupId":"g1","traits":{"name":"Acme Corporation","website":"https://www.acme.example/about","email":"billing@mail.example"}`),
		said("m2", "group", `"groupId":"g2","traits":{"name":"Acmé","domain":"Acme.test"}`),
		said("m3", "group", `"groupId":"acme","traits":{"seats":1}`),
		said("m4", "group", `"groupId":"g4","traits":{"name":"Northern Lights"}`))
	for _, c := range []struct{ search, want string }{
		{"acme", "acme g1 g2"}, // exactly, then what begins so, by name
		{"ACME corp", "g1"},
		{"Acme Corporation", "g1"},
		{"corporation", "g1"},
		{"norther lights", "g4"}, // similar
		{"billing@mail.example", "g1"},
		{"acme.test", "g2 g1"},
		{"g", "g1 g2 g4"},
		{"g4", "g4"},
		{" nobody at all ", ""},
		{"%", ""}, {"_", ""}, {`\`, ""}, {"acme' or true --", "g1 g2 acme"},
	} {
		got := listOf(t, s.acme, listAccounts, "search", c.search)
		if strings.HasPrefix(c.search, "acme'") || c.search == "acme.test" {
			continue // what is similar to it is another matter: that it is answered at all is the point
		}
		wantEqual(t, "accounts for "+c.search, got.names(), c.want)
		wantEqual(t, "count for "+c.search, got.TotalCount, len(got.Nodes))
	}
	first := listOf(t, s.acme, listAccounts, "search", "Acme Corporation").Nodes[0]
	wantEqual(t, "called", []string{*first.Name, *first.Email, *first.Domain}, []string{"Acme Corporation", "billing@mail.example", "acme.example"})
	if got := listOf(t, s.globex, listAccounts, "search", "acme"); got.TotalCount > 0 || len(got.Nodes) > 0 {
		t.Errorf("the stranger finds %+v", got)
	}
	tellOf(t, s, s.acme, strings.Replace(said("m5", "group", `"groupId":"g4","traits":{"name":null}`), "12:00", "13:00", 1))
	wantEqual(t, "after the name was taken back", listOf(t, s.acme, listAccounts, "search", "northern").names(), "")
}

func aPersonIsFound(t *testing.T, s story) {
	tellOf(t, s, s.acme,
		said("m1", "identify", `"userId":"ann","anonymousId":"phone-1","traits":{"firstName":"Ann","last_name":"Archer","email":"Ann@Work.example","company":{"name":"Initech"}}`),
		said("m2", "identify", `"userId":"ben","traits":{"name":"Benedict","company":"Hooli"}`),
		event("m3", "E", "ann-2", noon))
	for search, want := range map[string]string{
		"ann": "ann ann-2", "ann archer": "ann", "archer": "ann", "work.example": "ann", "ann@work.example": "ann", "initech": "ann", "hooli": "ben",
		"phone-1": "ann", "phone": "", "benedikt": "ben", "ann-2": "ann-2 ann",
	} {
		wantEqual(t, "people for "+search, listOf(t, s.acme, listPeople, "search", search).names(), want)
	}
	merge(t, s.acme, "ben", "ann")
	for _, search := range []string{"ben", "benedict", "hooli", "ann", "archer", "phone-1"} {
		got := listOf(t, s.acme, listPeople, "search", search, "first", 1)
		wantEqual(t, "merged, for "+search, got.names(), "ann")
	}
	both := listOf(t, s.acme, listPeople, "search", "hooli")
	wantEqual(t, "once", []any{both.TotalCount, len(both.Nodes)}, []any{1, 1})
	if got := listOf(t, s.globex, listPeople, "search", "ann"); got.TotalCount > 0 {
		t.Errorf("the stranger finds %+v", got)
	}
}

func theErasedAreNotFound(t *testing.T, s story) {
	tellOf(t, s, s.acme, said("m1", "identify", `"userId":"ann","traits":{"name":"Ann Archer","email":"ann@work.example"}`), event("m2", "E", "ben", noon))
	erase(t, s.acme, "ann")
	for _, search := range []string{"ann", "archer", "work.example"} {
		got := listOf(t, s.acme, listPeople, "search", search)
		wantEqual(t, "found by "+search, []int{len(got.Nodes), got.TotalCount}, []int{0, 0})
	}
	wantEqual(t, "all", listOf(t, s.acme, listPeople).names(), "ben")
	s.waitErased(t)
	var left int
	s.kit.Scan(t, `select count(*) from customer_word where tenant_id = $1 and subject_id not in (select identity_id from identity)`, []any{s.acme.ID}, &left)
	wantEqual(t, "words left", left, 0)
}

// waitErased waits until all that was to be erased is forgotten.
func (s story) waitErased(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		var running int
		s.kit.Scan(t, `select count(*) from erasure where tenant_id = $1 and forgotten_at is null`, []any{s.acme.ID}, &running)
		if running == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the erasure does not begin")
		}
	}
}

// crowd are accounts of which some share what lists are sorted by, and some have none of it.
func crowd(t *testing.T, s story) {
	t.Helper()
	var calls []string
	for i := range 12 {
		id, traits := fmt.Sprintf("g%02d", i), `{}`
		if i%4 != 3 {
			traits = fmt.Sprintf(`{"name":"Name %d"}`, i%3)
		}
		calls = append(calls, fmt.Sprintf(`{"type":"group","messageId":"g%d","groupId":%q,"traits":%s,"timestamp":"2026-05-0%dT12:00:00Z"}`, i, id, traits, 1+i%5))
		calls = append(calls, fmt.Sprintf(`{"type":"identify","messageId":"i%d","userId":"u%02d","traits":%s,"timestamp":"2026-05-01T12:00:00Z"}`, i, i, traits))
		if i%4 != 2 {
			calls = append(calls, fmt.Sprintf(`{"type":"track","messageId":"t%d","event":"E","userId":"u%02d","groupId":%q,"timestamp":"2026-05-0%dT1%d:00:00Z"}`, i, i, id, 1+i%5, i%3))
		}
	}
	tellOf(t, s, s.acme, calls...)
	items := []string{proPlan, dollar}
	for i := range 5 {
		items = append(items, fmt.Sprintf(`{"subscription": {"id": "s%d", "groupId": "g%02d", "plan": "pro", "status": "ACTIVE", "quantity": %d, "occurredAt": "2026-03-05T10:00:00Z"}}`, i, i, 1+i%2))
	}
	for _, status := range strings.Fields(record(t, s, s.acme, items...).statuses()) {
		wantEqual(t, "recorded", status, "ACCEPTED")
	}
}

// Whichever way, pages of any size are the whole list, each once, and those without come last.
func listsAreSortedAndPaged(t *testing.T, s story) {
	crowd(t, s)
	s.kit.Exec(t, `insert into health_score (tenant_id, account_id, score, inputs, changed_at)
		select tenant_id, account_id, account_id % 3 * 100, '[]', now() from account where tenant_id = $1 and account_id % 4 <> 1`, s.acme.ID)
	for _, list := range []struct {
		query  string
		orders []string
	}{{listAccounts, []string{"NAME", "FIRST_SEEN", "LAST_SEEN", "MRR", "HEALTH", "RELEVANCE"}}, {listPeople, []string{"NAME", "FIRST_SEEN", "LAST_SEEN", "RELEVANCE"}}} {
		for _, order := range list.orders {
			ways := map[string][]string{}
			for _, direction := range []string{"ASCENDING", "DESCENDING"} {
				search := ""
				if order == "RELEVANCE" {
					if direction == "ASCENDING" {
						continue
					}
					search = "name 1"
				}
				whole := listOf(t, s.acme, list.query, "search", search, "orderBy", order, "direction", direction, "first", 100)
				if order != "RELEVANCE" {
					wantEqual(t, order, len(whole.Nodes), 12)
				}
				for _, first := range []int{1, 5} {
					var paged []string
					after := any(nil)
					for {
						page := listOf(t, s.acme, list.query, "search", search, "orderBy", order, "direction", direction, "first", first, "after", after)
						wantEqual(t, "count", page.TotalCount, len(whole.Nodes))
						paged = append(paged, strings.Fields(page.names())...)
						if !page.PageInfo.HasNextPage {
							break
						}
						after = *page.PageInfo.EndCursor
					}
					wantEqual(t, fmt.Sprint(order, " ", direction, " by ", first), strings.Join(paged, " "), whole.names())
				}
				ways[direction] = strings.Fields(whole.names())
			}
			if up, down := ways["ASCENDING"], ways["DESCENDING"]; order == "FIRST_SEEN" && strings.Contains(list.query, "accounts") {
				slices.Reverse(down)
				wantEqual(t, "the other way round", up, down)
			}
		}
	}
	byName := listOf(t, s.acme, listAccounts, "orderBy", "NAME", "direction", "DESCENDING")
	for i, n := range byName.Nodes {
		if (n.Name == nil) != (i >= 9) {
			t.Errorf("those without a name come last: %s", byName.names())
		}
	}
	wantEqual(t, "by MRR", listOf(t, s.acme, listAccounts, "orderBy", "MRR", "first", 2).names(), "g03 g01")
	seen := listOf(t, s.acme, listPeople, "orderBy", "LAST_SEEN")
	for i, n := range seen.Nodes {
		if i > 0 && n.LastSeenAt != nil && (seen.Nodes[i-1].LastSeenAt == nil || *seen.Nodes[i-1].LastSeenAt < *n.LastSeenAt) {
			t.Errorf("%d was seen at %v, after %v", i, n.LastSeenAt, seen.Nodes[i-1].LastSeenAt)
		}
	}
	wantEqual(t, "last seen", *seen.Nodes[0].LastSeenAt, "2026-05-05T11:00:00Z")
	accounts := listOf(t, s.acme, listAccounts, "orderBy", "LAST_SEEN")
	wantEqual(t, "last seen", *accounts.Nodes[0].LastSeenAt, "2026-05-05T11:00:00Z")
}

// Who may not see who people are searches accounts by name and id alone.
func personalSearch(t *testing.T, s story) {
	tellOf(t, s, s.acme,
		said("m1", "group", `"groupId":"g1","traits":{"name":"Initech","email":"peter@initech.example"}`),
		said("m2", "identify", `"userId":"ann","traits":{"name":"Ann"}`))
	d := newDesk(t, s)
	reader := access.Principal{Tenant: s.acme.ID, Kind: access.MemberKind, Permissions: access.Of(access.Read, access.ReadMetrics)}
	wantEqual(t, "by name", d.ask(t, reader, `{ accounts(search: "initech") { nodes { groupId } } }`), `{"data":{"accounts":{"nodes":[{"groupId":"g1"}]}}}`)
	wantEqual(t, "by e-mail", d.ask(t, reader, `{ accounts(search: "peter@initech.example") { nodes { groupId } totalCount } }`), `{"data":{"accounts":{"nodes":[],"totalCount":0}}}`)
	for _, refused := range []string{`{ people(search: "ann") { nodes { id } } }`, `{ people(orderBy: NAME) { nodes { id } } }`, `{ accounts(orderBy: MRR) { nodes { id } } }`} {
		if got := d.ask(t, reader, refused); !strings.Contains(got, "FORBIDDEN") {
			t.Errorf("%s: %s", refused, got)
		}
	}
	wantEqual(t, "without names", strings.Count(d.ask(t, reader, `{ people { nodes { name } totalCount } }`), `"name":null`), 1)
}

func listsThatAreRefused(t *testing.T, s story) {
	for document, field := range map[string]string{
		`{ accounts(first: 0) { totalCount } }`:                                              "first",
		`{ accounts(first: 101) { totalCount } }`:                                            "first",
		`{ accounts(orderBy: RELEVANCE) { totalCount } }`:                                    "orderBy",
		`{ people(orderBy: MRR) { totalCount } }`:                                            "orderBy",
		`{ accounts(search: "x", orderBy: RELEVANCE, direction: ASCENDING) { totalCount } }`: "direction",
		`{ accounts(after: "x") { totalCount } }`:                                            "after",
		fmt.Sprintf(`{ accounts(search: %q) { totalCount } }`, strings.Repeat("x", 201)):     "search",
		`{ people(search: "a\u0000b") { totalCount } }`:                                      "search",
		`{ accounts(after: "MTswOy07LTs") { totalCount } }`:                                  "after",
	} {
		answer := s.kit.Ask(t, s.acme.ReadKey, document, nil)
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != badInput || answer.Errors[0].Extensions.Field != field {
			t.Errorf("%s: %+v, want %s", document, answer.Errors, field)
		}
	}
}

func aRenamedAccountIsPushed(t *testing.T, s story) {
	t.Parallel()
	tellOf(t, s, s.acme, said("m1", "group", `"groupId":"g1","traits":{"name":"Initech"}`), said("m2", "group", `"groupId":"g2","traits":{"name":"Hooli"}`))
	w := watchSocket(t, s.kit, s.acme.ReadKey, live(`accounts { nodes { name owner { name } notes { nodes { text } } } }`))
	until(t, w, `"nodes":[{"name":"Hooli","owner":null,"notes":{"nodes":[]}},{"name":"Initech"`)
	tellOf(t, s, s.acme, strings.Replace(said("m3", "group", `"groupId":"g2","traits":{"name":"Umbrella"}`), "12:00", "13:00", 1))
	until(t, w, `"nodes":[{"name":"Initech","owner":null,"notes":{"nodes":[]}},{"name":"Umbrella"`)
	noteOn(t, s.acme, accountID(t, s.acme, "g1"), "call them")
	until(t, w, `{"name":"Initech","owner":null,"notes":{"nodes":[{"text":"call them"}]}}`)
	own(t, s, s.acme, accountID(t, s.acme, "g1"))
	until(t, w, `{"name":"Initech","owner":{"name":"Olga"}`)
}

// Whoever is narrowed to some rows finds those, and no others by any order.
func TestListsAreNarrowed(t *testing.T) {
	s := begin(t)
	for name, region := range map[string]string{"eve": "EU", "usha": "US"} {
		tellOf(t, s, s.acme,
			said("i"+name, "identify", `"userId":"`+name+`","traits":{"region":"`+region+`","name":"Person `+region+`"}`),
			said("g"+name, "group", `"userId":"`+name+`","groupId":"`+region+`-co","traits":{"region":"`+region+`","name":"Company `+region+`"}`))
		s.acme.Batch(t, `{"type":"track","messageId":"t`+name+`","event":"Bought","userId":"`+name+
			`","context":{"groupId":"`+region+`-co"},"properties":{"region":"`+region+`"},"timestamp":"`+noon+`"}`)
	}
	d := newDesk(t, s)
	eu := d.member(t, s, s.acme, ofRegion("EU"), access.Read, access.ReadMetrics, access.ReadPII, access.ReadRevenue)
	for _, search := range []string{"", `search: "company",`, `search: "person",`, `search: "co",`} {
		for _, list := range []string{`accounts(%s first: 10) { nodes { name } totalCount }`, `people(%s first: 10) { nodes { name } totalCount }`} {
			got := d.ask(t, eu, `{ `+fmt.Sprintf(list, search)+` }`)
			if strings.Contains(got, "US") || strings.Contains(got, "errors") || strings.Contains(got, `"totalCount":2`) {
				t.Errorf("%s of %s: %s", list, search, got)
			}
		}
	}
	wantEqual(t, "found", d.ask(t, eu, `{ accounts(search: "company", orderBy: NAME) { nodes { name domain } totalCount } }`),
		`{"data":{"accounts":{"nodes":[{"name":"Company EU","domain":null}],"totalCount":1}}}`)
	for _, refused := range []string{`{ people(orderBy: LAST_SEEN) { nodes { id } } }`, `{ accounts(orderBy: MRR) { nodes { id } } }`} {
		if got := d.ask(t, eu, refused); !strings.Contains(got, "FORBIDDEN") {
			t.Errorf("%s: %s", refused, got)
		}
	}
	got := d.ask(t, eu, `{ accounts { nodes { groupId timeline(first: 10) { nodes { kind ... on EventEntry { event { userId } } } searchedTo } } } }`)
	if !strings.Contains(got, `{"kind":"EVENT","event":{"userId":"eve"}}`) || strings.Contains(got, "usha") || strings.Contains(got, "errors") {
		t.Errorf("timeline: %s", got)
	}
}
