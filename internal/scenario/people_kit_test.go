package scenario_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	domain "github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// call is one call in Segment's shape.
type call struct {
	Type, MessageID, Event, UserID, AnonymousID, PreviousID, GroupType, GroupID string
	Timestamp                                                                   time.Time
	Traits                                                                      json.RawMessage
}

// tellOf stores calls of all kinds as the server's own writer does.
func tellOf(t *testing.T, s story, who *served.Tenant, calls ...string) []domain.Verdict {
	t.Helper()
	items := make([]domain.Item, len(calls))
	for i, text := range calls {
		var c call
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if c.Type != "track" {
			c.Event = "$" + c.Type
		}
		items[i].Incoming = domain.Incoming{
			MessageID: c.MessageID, Type: c.Event, UserID: c.UserID, AnonymousID: c.AnonymousID, PreviousID: c.PreviousID,
			GroupType: c.GroupType, GroupID: c.GroupID, Timestamp: c.Timestamp, Traits: c.Traits,
		}
		if problem := items[i].Check(); problem != nil {
			t.Fatal(problem)
		}
	}
	writer := s.kit.Node.Writer(domain.WriterOptions{Linger: time.Microsecond})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = writer.Run(ctx) })
	defer running.Wait()
	defer stop()
	verdicts, err := writer.Append(t.Context(), who.ID, "default", items)
	if err != nil {
		t.Fatal(err)
	}
	return verdicts
}

// said is a call that says something, in Segment's shape, at noon.
func said(id, kind, members string) string {
	return fmt.Sprintf(`{"type":%q,"messageId":%q,"timestamp":%q,%s}`, kind, id, noon, members)
}

const allOfPerson = `query ($userId: String, $anonymousId: String) { person(userId: $userId, anonymousId: $anonymousId) {
	id userIds firstSeenAt traits
	identities { edges { cursor node { id } } nodes { id kind value firstSeenAt linkedAt detached person { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }
	traitHistory { edges { cursor node { name } } nodes { saidAt name value } pageInfo { hasNextPage } }
	accounts { edges { cursor node { id } } nodes { id groupType groupId } pageInfo { hasNextPage } } } }`

const allOfAccount = `query ($groupId: String!) { account(groupId: $groupId) {
	id groupType groupId traits firstSeenAt
	traitHistory { edges { cursor node { name } } nodes { saidAt name value } pageInfo { hasNextPage } }
	members { edges { cursor node { id } } nodes { id userIds } pageInfo { hasNextPage } } } }`

const allMerges = `query ($first: Int!, $after: String) { personMerges(first: $first, after: $after) {
	edges { cursor node { id } } nodes { id from { value } into { value } reason madeAt undoneAt }
	pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`

const (
	eventsPeople = `{ events(` + ever + `) { list(first: 50) { nodes { messageId groupType groupId person { id userIds traits } account { id groupId } } } } }`
	mergeThem    = `mutation ($from: ID!, $into: ID!, $reason: String!) { mergePeople(from: $from, into: $into, reason: $reason) { id undoneAt from { person { userIds } } } }`
	undoIt       = `mutation ($id: ID!) { undoMerge(id: $id) { id undoneAt from { person { userIds } } } }`
	detachIt     = `mutation ($id: ID!) { detachIdentity(id: $id, reason: "a shared tablet") { detached person { userIds } } }`
	reattachIt   = `mutation ($id: ID!) { reattachIdentity(id: $id, reason: "it was not") { detached person { userIds } } }`
	eraseIt      = `mutation ($id: ID!) { erasePerson(id: $id, reason: "asked to") { id requestedAt reason identityCount eventCount finishedAt } }`
)

// human is a person as allOfPerson asks for it.
type human struct {
	ID           string
	UserIDs      []string `json:"userIds"`
	FirstSeenAt  *string
	Traits       map[string]any
	Identities   struct{ Nodes []spelling }
	TraitHistory struct{ Nodes []change }
	Accounts     struct {
		Nodes []struct{ ID, GroupType, GroupID string }
	}
}

type spelling struct {
	ID, Kind, Value       string
	FirstSeenAt, LinkedAt *string
	Detached              bool
	Person                struct{ ID string }
}

type change struct {
	SaidAt, Name string
	Value        any
}

// user finds a person by a user's id; nil is nobody.
func user(t *testing.T, who *served.Tenant, id string) *human {
	t.Helper()
	var answer struct{ Person *human }
	who.Query(t, allOfPerson, map[string]any{"userId": id}, &answer)
	return answer.Person
}

// device finds a person by an anonymous id.
func device(t *testing.T, who *served.Tenant, id string) *human {
	t.Helper()
	var answer struct{ Person *human }
	who.Query(t, allOfPerson, map[string]any{"anonymousId": id}, &answer)
	return answer.Person
}

// spelled finds an identity of a person.
func (h *human) spelled(t *testing.T, value string) spelling {
	t.Helper()
	for _, i := range h.Identities.Nodes {
		if i.Value == value {
			return i
		}
	}
	t.Fatalf("%v has no id %s", h.UserIDs, value)
	return spelling{}
}

type mergedPeople struct {
	ID       string
	UndoneAt *string
	From     struct {
		Person struct {
			UserIDs []string `json:"userIds"`
		}
	}
}

// merge makes two users one, and returns the merge's id.
func merge(t *testing.T, who *served.Tenant, from, into string) string {
	t.Helper()
	var answer struct{ MergePeople mergedPeople }
	who.Manage(t, mergeThem, map[string]any{"from": user(t, who, from).ID, "into": user(t, who, into).ID, "reason": "the same"}, &answer)
	return answer.MergePeople.ID
}

type erased struct {
	ID, RequestedAt, Reason   string
	IdentityCount, EventCount int
	FinishedAt                *string
}

// erase erases a user.
func erase(t *testing.T, who *served.Tenant, id string) erased {
	t.Helper()
	var answer struct{ ErasePerson erased }
	who.Manage(t, eraseIt, map[string]any{"id": user(t, who, id).ID}, &answer)
	return answer.ErasePerson
}
