package scenario_test

import (
	"fmt"
	"strings"
	"testing"

	domain "github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// People, and the accounts they belong to.
func TestPeople(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"a device joins its user", aDeviceJoinsItsUser},
		{"a person is all their ids", aPersonIsAllTheirIDs},
		{"an account knows its members", anAccountKnowsItsMembers},
		{"an event knows who did it", anEventKnowsWhoDidIt},
		{"merging and undoing", mergingAndUndoing},
		{"merges that are refused", mergesThatAreRefused},
		{"a device kept apart", aDeviceKeptApart},
		{"an alias of a known user", anAliasOfAKnownUser},
		{"people have ids", peopleHaveIDs},
		{"pages of people", pagesOfPeople},
	})
}

// What a device did before its user was known is that user's, also in the past.
func aDeviceJoinsItsUser(t *testing.T, s story) {
	tellOf(t, s, s.acme, `{"type":"track","messageId":"m1","event":"Visit","anonymousId":"phone","timestamp":"2026-04-30T12:00:00Z"}`,
		event("m2", "Buy", "ann", noon))
	s.wantCount(t, 2, 2)
	tellOf(t, s, s.acme, said("m3", "identify", `"userId":"ann","anonymousId":"phone"`))
	s.wantCount(t, 3, 1)
	ann := device(t, s.acme, "phone")
	wantEqual(t, "userIds", ann.UserIDs, []string{"ann"})
	wantEqual(t, "firstSeenAt", *ann.FirstSeenAt, "2026-04-30T12:00:00Z")
	wantEqual(t, "linkedAt", *ann.spelled(t, "phone").LinkedAt, noon)
	if stranger := device(t, s.globex, "phone"); stranger != nil {
		t.Errorf("the stranger finds %+v", stranger)
	}
}

func aPersonIsAllTheirIDs(t *testing.T, s story) {
	tellOf(t, s, s.acme,
		said("m1", "identify", `"userId":"ann","anonymousId":"phone","traits":{"plan":"free","name":"Ann"}`),
		strings.Replace(said("m2", "identify", `"userId":"ann","traits":{"plan":"pro","name":"Ann"}`), "12:00", "13:00", 1),
		said("m3", "identify", `"userId":"null","anonymousId":"null","traits":{"plan":"none"}`))
	ann := user(t, s.acme, "ann")
	wantEqual(t, "traits", ann.Traits, map[string]any{"plan": "pro", "name": "Ann"})
	wantEqual(t, "history", ann.TraitHistory.Nodes, []change{
		{"2026-05-01T13:00:00Z", "plan", "pro"}, {noon, "plan", "free"}, {noon, "name", "Ann"},
	})
	if ann.FirstSeenAt != nil {
		t.Errorf("an identify call made her active at %s", *ann.FirstSeenAt)
	}
	for _, i := range ann.Identities.Nodes {
		wantEqual(t, "person of "+i.Value, i.Person.ID, ann.ID)
	}
	wantEqual(t, "kinds", []string{ann.spelled(t, "ann").Kind, ann.spelled(t, "phone").Kind}, []string{"USER", "DEVICE"})
	for _, nobody := range []string{"null", "", "phone", "bob", "a\x00b", strings.Repeat("x", 300)} {
		if got := user(t, s.acme, nobody); got != nil {
			t.Errorf("%q is %+v", nobody, got)
		}
	}
	for _, variables := range []map[string]any{{}, {"userId": "ann", "anonymousId": "phone"}} {
		answer := s.kit.Ask(t, s.acme.ReadKey, allOfPerson, variables)
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Field != "userId" {
			t.Errorf("%v: %+v", variables, answer.Errors)
		}
	}
}

type company struct {
	ID, GroupType, GroupID, FirstSeenAt string
	Traits                              map[string]any
	TraitHistory                        struct{ Nodes []change }
	Members                             struct {
		Nodes []struct {
			ID      string
			UserIDs []string `json:"userIds"`
		}
	}
}

func anAccountKnowsItsMembers(t *testing.T, s story) {
	tellOf(t, s, s.acme,
		said("m1", "group", `"userId":"ann","anonymousId":"phone","groupId":"acme-1","traits":{"seats":3}`),
		said("m2", "group", `"anonymousId":"phone","groupId":"acme-1"`),
		`{"type":"track","messageId":"m3","event":"E","userId":"ben","timestamp":"2026-04-01T00:00:00Z","groupId":"acme-1"}`)
	var answer struct{ Account *company }
	s.acme.Query(t, allOfAccount, map[string]any{"groupId": "acme-1"}, &answer)
	wantEqual(t, "traits", answer.Account.Traits, map[string]any{"seats": 3.0})
	wantEqual(t, "history", answer.Account.TraitHistory.Nodes, []change{{noon, "seats", 3.0}})
	wantEqual(t, "kind", []string{answer.Account.GroupType, answer.Account.GroupID}, []string{"account", "acme-1"})
	var members []string
	for _, m := range answer.Account.Members.Nodes {
		members = append(members, m.UserIDs...)
	}
	if len(answer.Account.Members.Nodes) != len(members) || members[0] != "ann" {
		t.Errorf("members %v: ann has two ids, and comes once", answer.Account.Members.Nodes)
	}
	wantEqual(t, "accounts of ann", user(t, s.acme, "ann").Accounts.Nodes[0].ID, answer.Account.ID)
	answer.Account = nil
	s.globex.Query(t, allOfAccount, map[string]any{"groupId": "acme-1"}, &answer)
	if answer.Account != nil {
		t.Errorf("the stranger finds %+v", answer.Account)
	}
}

func anEventKnowsWhoDidIt(t *testing.T, s story) {
	tellOf(t, s, s.acme, event("m1", "E", "ann", noon), said("m2", "group", `"userId":"ann","groupType":"team","groupId":"t1"`), event("m3", "E", "null", noon))
	var answer struct {
		Events struct {
			List struct {
				Nodes []struct {
					MessageID          string
					GroupType, GroupID *string
					Person             *struct{ ID string }
					Account            *struct{ ID, GroupID string }
				}
			}
		}
	}
	s.acme.Query(t, eventsPeople, nil, &answer)
	ann := user(t, s.acme, "ann").ID
	for _, e := range answer.Events.List.Nodes {
		if known := e.Person != nil && e.Person.ID == ann; known != (e.MessageID != "m3") {
			t.Errorf("%s was done by %+v", e.MessageID, e.Person)
		}
		if grouped := e.Account != nil && e.Account.GroupID == "t1" && *e.GroupType == "team"; grouped != (e.MessageID == "m2") {
			t.Errorf("%s was done for %+v", e.MessageID, e.Account)
		}
	}
}

// Two users become one, and a third: whichever merge is undone, everybody is who they were.
func mergingAndUndoing(t *testing.T, s story) {
	for i, id := range []string{"ann", "ben", "cem"} {
		tellOf(t, s, s.acme, event("m"+id, "E", id, noon), said("i"+id, "identify", fmt.Sprintf(`"userId":%q,"traits":{"n":%d}`, id, i)))
	}
	first := merge(t, s.acme, "ann", "ben")
	s.wantCount(t, 6, 2)
	second := merge(t, s.acme, "ben", "cem")
	s.wantCount(t, 6, 1)
	wantEqual(t, "userIds", user(t, s.acme, "ann").UserIDs, []string{"cem", "ann", "ben"})
	wantEqual(t, "traits, of one instant the greater", user(t, s.acme, "ann").Traits, map[string]any{"n": 2.0})

	var undone struct{ UndoMerge mergedPeople }
	s.acme.Manage(t, undoIt, map[string]any{"id": first}, &undone)
	wantEqual(t, "ann's ids", undone.UndoMerge.From.Person.UserIDs, []string{"ann"})
	if undone.UndoMerge.UndoneAt == nil {
		t.Error("it does not say when it was undone")
	}
	s.wantCount(t, 6, 2)
	wantEqual(t, "ben's ids", user(t, s.acme, "ben").UserIDs, []string{"cem", "ben"})
	s.acme.Manage(t, undoIt, map[string]any{"id": second}, &undone)
	s.wantCount(t, 6, 3)
	wantEqual(t, "traits", user(t, s.acme, "ann").Traits, map[string]any{"n": 0.0})

	answer := s.kit.Ask(t, s.acme.ManageKey, undoIt, map[string]any{"id": first})
	if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != badInput {
		t.Errorf("undone twice: %+v", answer.Errors)
	}
	var list struct {
		PersonMerges struct {
			Nodes []struct {
				ID         string
				From, Into struct{ Value string }
				UndoneAt   *string
			}
			PageInfo pageInfo
		}
	}
	s.acme.Query(t, allMerges, map[string]any{"first": 1}, &list)
	wantEqual(t, "the latest", list.PersonMerges.Nodes[0].ID, second)
	s.acme.Query(t, allMerges, map[string]any{"first": 1, "after": *list.PersonMerges.PageInfo.EndCursor}, &list)
	wantEqual(t, "the one before", list.PersonMerges.Nodes[0].ID, first)
	wantEqual(t, "who", []string{list.PersonMerges.Nodes[0].From.Value, list.PersonMerges.Nodes[0].Into.Value}, []string{"ann", "ben"})
	s.globex.Query(t, allMerges, map[string]any{"first": 10}, &list)
	if len(list.PersonMerges.Nodes) > 0 {
		t.Errorf("the stranger sees %+v", list.PersonMerges.Nodes)
	}
	var kinds string
	s.kit.Scan(t, `select string_agg(kind || ' by ' || (made_by = any (select api_key_id from api_key where name = 'manage' and tenant_id = $1)), ', ' order by made_at)
		from identity_correction where tenant_id = $1`, []any{s.acme.ID}, &kinds)
	wantEqual(t, "audit", kinds, "MERGE by true, MERGE by true, UNDO_MERGE by true, UNDO_MERGE by true")
}

func mergesThatAreRefused(t *testing.T, s story) {
	for _, who := range []*served.Tenant{s.acme, s.globex} {
		tellOf(t, s, who, event("m1", "E", "ann", noon), event("m2", "E", "ben", noon), `{"type":"track","messageId":"m3","event":"E","anonymousId":"phone"}`)
	}
	ann, ben, phone := user(t, s.acme, "ann"), user(t, s.acme, "ben"), device(t, s.acme, "phone")
	theirs := user(t, s.globex, "ben")
	for name, c := range map[string]struct{ from, into, reason, code, field string }{
		"herself":            {ann.ID, ann.ID, "x", badInput, "into"},
		"a device":           {phone.ID, ann.ID, "x", badInput, "from"},
		"into a device":      {ann.ID, phone.ID, "x", badInput, "into"},
		"a stranger":         {ann.ID, theirs.ID, "x", "NOT_FOUND", "into"},
		"an identity's id":   {ann.Identities.Nodes[0].ID, ben.ID, "x", "NOT_FOUND", "from"},
		"nobody":             {"x", ben.ID, "x", "NOT_FOUND", "from"},
		"without a reason":   {ann.ID, ben.ID, " ", badInput, "reason"},
		"with a long reason": {ann.ID, ben.ID, strings.Repeat("x", 501), badInput, "reason"},
	} {
		answer := s.kit.Ask(t, s.acme.ManageKey, mergeThem, map[string]any{"from": c.from, "into": c.into, "reason": c.reason})
		if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != c.code || answer.Errors[0].Extensions.Field != c.field {
			t.Errorf("%s: %+v, want %s in %s", name, answer.Errors, c.code, c.field)
		}
	}
	merge(t, s.acme, "ann", "ben")
	again := s.kit.Ask(t, s.acme.ManageKey, mergeThem, map[string]any{"from": ben.ID, "into": ann.ID, "reason": "x"})
	if len(again.Errors) != 1 || again.Errors[0].Extensions.Field != "into" {
		t.Errorf("merged in a circle: %+v", again)
	}
	e, u := count(t, s.globex)
	wantEqual(t, "the stranger's events and users", []int{e, u}, []int{3, 3})
}

func aDeviceKeptApart(t *testing.T, s story) {
	tellOf(t, s, s.acme, `{"type":"track","messageId":"m1","event":"E","anonymousId":"tablet","timestamp":"`+noon+`"}`,
		event("m2", "E", "ann", noon), said("m3", "identify", `"userId":"ann","anonymousId":"tablet"`))
	s.wantCount(t, 3, 1)
	tablet := user(t, s.acme, "ann").spelled(t, "tablet")
	var answer struct {
		DetachIdentity, ReattachIdentity struct {
			Detached bool
			Person   struct {
				UserIDs []string `json:"userIds"`
			}
		}
	}
	s.acme.Manage(t, detachIt, map[string]any{"id": tablet.ID}, &answer)
	if !answer.DetachIdentity.Detached || len(answer.DetachIdentity.Person.UserIDs) > 0 {
		t.Errorf("detached: %+v", answer.DetachIdentity)
	}
	s.wantCount(t, 3, 2)
	tellOf(t, s, s.acme, `{"type":"track","messageId":"m4","event":"E","userId":"ann","anonymousId":"tablet","timestamp":"2026-04-01T00:00:00Z"}`)
	s.wantCount(t, 4, 2) // what an event says does not attach it again
	again := s.kit.Ask(t, s.acme.ManageKey, detachIt, map[string]any{"id": tablet.ID})
	ofAnn := s.kit.Ask(t, s.acme.ManageKey, detachIt, map[string]any{"id": user(t, s.acme, "ann").spelled(t, "ann").ID})
	foreign := s.kit.Ask(t, s.globex.ManageKey, detachIt, map[string]any{"id": tablet.ID})
	for i, a := range []served.Answer{again, ofAnn, foreign} {
		if len(a.Errors) != 1 || a.Errors[0].Extensions.Code != []string{badInput, badInput, "NOT_FOUND"}[i] {
			t.Errorf("refusal %d: %+v", i, a)
		}
	}
	s.acme.Manage(t, reattachIt, map[string]any{"id": tablet.ID}, &answer)
	wantEqual(t, "userIds", answer.ReattachIdentity.Person.UserIDs, []string{"ann"})
	s.wantCount(t, 4, 1)
}

// An alias makes no two known users one: it warns, and says what does.
func anAliasOfAKnownUser(t *testing.T, s story) {
	tellOf(t, s, s.acme, event("m1", "E", "ann", noon), event("m2", "E", "ben", noon))
	alias := func(id, previous string) []domain.Warning {
		verdict := tellOf(t, s, s.acme, said(id, "alias", fmt.Sprintf(`"userId":"ann","previousId":%q`, previous)))[0]
		wantEqual(t, "status", verdict.Status, domain.Accepted)
		return verdict.Warnings
	}
	got := alias("a1", "ben")
	if len(got) != 1 || got[0].Field != "previousId" || !strings.Contains(got[0].Reason, "mergePeople") {
		t.Errorf("warnings %+v", got)
	}
	s.wantCount(t, 3, 2)
	for _, harmless := range []string{"phone", "ann", "null"} {
		if got := alias("a"+harmless, harmless); len(got) > 0 {
			t.Errorf("%s: warnings %+v", harmless, got)
		}
	}
	s.kit.Statements.Take()
	tellOf(t, s, s.acme, event("m3", "E", "ann", noon))
	if asked := s.kit.Statements.Take(); asked["IdentityKnownUsers"] > 0 {
		t.Errorf("a batch without aliases asks for users: %v", asked)
	}
}

const customerNodes = `query ($id: ID!) { node(id: $id) { id __typename } }`

func peopleHaveIDs(t *testing.T, s story) {
	tellOf(t, s, s.acme, said("m1", "group", `"userId":"ann","anonymousId":"phone","groupId":"g1"`), event("m2", "E", "ben", noon), event("m3", "E", "cem", noon))
	made := merge(t, s.acme, "ann", "ben")
	gone := erase(t, s.acme, "cem")
	ben := user(t, s.acme, "ben")
	var account struct{ Account struct{ ID string } }
	s.acme.Query(t, `{ account(groupId: "g1") { id } }`, nil, &account)
	for id, typename := range map[string]string{
		ben.ID: "Person", ben.spelled(t, "phone").ID: "Identity", account.Account.ID: "Account", made: "PersonMerge", gone.ID: "Erasure",
	} {
		var answer struct{ Node map[string]any }
		s.acme.Query(t, customerNodes, map[string]any{"id": id}, &answer)
		wantEqual(t, "node", answer.Node, map[string]any{"id": id, "__typename": typename})
		if stranger := s.kit.Ask(t, s.globex.ReadKey, customerNodes, map[string]any{"id": id}); len(stranger.Errors) != 1 || string(stranger.Data) != `{"node":null}` {
			t.Errorf("the stranger finds the %s: %s", typename, stranger.Data)
		}
	}
}

func pagesOfPeople(t *testing.T, s story) {
	var events []string
	for i := range 7 {
		events = append(events, said(fmt.Sprint("m", i), "group", fmt.Sprintf(`"userId":"ann","anonymousId":"d%d","groupId":"g%d"`, i, i)))
		events = append(events, said(fmt.Sprint("i", i), "identify", fmt.Sprintf(`"userId":"u%d","traits":{"n":%d}`, i, i)))
		events = append(events, said(fmt.Sprint("t", i), "identify", fmt.Sprintf(`"userId":"ann","traits":{"n%d":%d}`, i, i)))
		events = append(events, said(fmt.Sprint("g", i), "group", fmt.Sprintf(`"userId":"u%d","groupId":"g0","traits":{"n":%d}`, i, i)))
	}
	tellOf(t, s, s.acme, events...)
	for _, list := range []struct {
		from, list string
		want       int
	}{
		{`person(userId: "ann")`, "identities", 8}, {`person(userId: "ann")`, "accounts", 7}, {`person(userId: "ann")`, "traitHistory", 7},
		{`account(groupId: "g0")`, "members", 8},
	} {
		for _, first := range []int{1, 3, 100} {
			seen, after := map[string]bool{}, ""
			for {
				var answer map[string]map[string]struct {
					Edges    []struct{ Cursor string }
					PageInfo pageInfo
				}
				s.acme.Query(t, fmt.Sprintf(`{ %s { %s(first: %d %s) { edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`,
					list.from, list.list, first, after), nil, &answer)
				for _, of := range answer {
					page := of[list.list]
					wantPage(t, page.PageInfo, first, len(page.Edges), len(page.Edges), after != "")
					for _, e := range page.Edges {
						seen[e.Cursor] = true
					}
					after = ""
					if page.PageInfo.HasNextPage {
						after = fmt.Sprintf("after: %q", *page.PageInfo.EndCursor)
					}
				}
				if after == "" {
					break
				}
			}
			wantEqual(t, fmt.Sprint(list.list, " by ", first), len(seen), list.want)
		}
		for _, wrong := range []string{`first: 0`, `first: 101`, `after: "x"`, `after: "MQ=="`, `after: ""`} {
			answer := s.kit.Ask(t, s.acme.ReadKey, fmt.Sprintf(`{ %s { %s(%s) { pageInfo { hasNextPage } } } }`, list.from, list.list, wrong), nil)
			if len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != badInput {
				t.Errorf("%s(%s): %+v", list.list, wrong, answer.Errors)
			}
		}
	}
}
