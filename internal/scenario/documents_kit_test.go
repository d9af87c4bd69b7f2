package scenario_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

const documentFields = `id hash name body createdAt retiredAt`

const documentsStory = `query ($first: Int!, $after: String, $retired: Boolean!) {
	trustedDocuments(first: $first, after: $after, retired: $retired) {
		edges { cursor node { id } } nodes { ` + documentFields + ` } pageInfo { hasNextPage endCursor } totalCount }
	tenant { documentMode } }`

const registerThem = `mutation ($documents: [DocumentInput!]!) { registerDocuments(documents: $documents) {
	registered known refused outcomes { hash status field reason document { ` + documentFields + ` } } } }`

const retireIt = `mutation ($id: ID!) { retireDocument(id: $id) { ` + documentFields + ` } }`

const takeTrusted = `mutation ($mode: DocumentMode!) { setDocumentMode(mode: $mode) { id documentMode } }`

type trustedDocument struct {
	ID, Hash, Name, Body string
	CreatedAt            time.Time
	RetiredAt            *time.Time
}

type documentOutcome struct {
	Hash, Status, Field, Reason string
	Document                    *trustedDocument
}

type documentList struct {
	TrustedDocuments struct {
		Nodes      []trustedDocument
		Edges      []struct{ Cursor string }
		PageInfo   struct{ HasNextPage bool }
		TotalCount int
	}
	Tenant struct{ DocumentMode string }
}

// register puts documents on a tenant's list.
func register(t *testing.T, who *served.Tenant, bodies ...string) []documentOutcome {
	t.Helper()
	var drafts []input
	for _, body := range bodies {
		drafts = append(drafts, input{"body": body})
	}
	return registerDrafts(t, who, drafts)
}

func registerDrafts(t *testing.T, who *served.Tenant, drafts []input) []documentOutcome {
	t.Helper()
	var answer struct {
		RegisterDocuments struct {
			Registered, Known, Refused int
			Outcomes                   []documentOutcome
		}
	}
	who.Manage(t, registerThem, map[string]any{"documents": drafts}, &answer)
	got := answer.RegisterDocuments
	counts := map[string]int{}
	for _, o := range got.Outcomes {
		counts[o.Status]++
	}
	wantEqual(t, "counts", []int{got.Registered, got.Known, got.Refused}, []int{counts["REGISTERED"], counts["KNOWN"], counts["REFUSED"]})
	return got.Outcomes
}

func listDocuments(t *testing.T, who *served.Tenant, first int, after any, retired bool) (list documentList) {
	t.Helper()
	who.Manage(t, documentsStory, map[string]any{"first": first, "after": after, "retired": retired}, &list)
	return list
}

func setMode(t *testing.T, who *served.Tenant, mode string) {
	t.Helper()
	var answer struct{ SetDocumentMode struct{ DocumentMode string } }
	who.Manage(t, takeTrusted, map[string]any{"mode": mode}, &answer)
	wantEqual(t, "the mode", answer.SetDocumentMode.DocumentMode, mode)
}

func retire(t *testing.T, who *served.Tenant, id string) {
	t.Helper()
	var answer struct{ RetireDocument trustedDocument }
	who.Manage(t, retireIt, map[string]any{"id": id}, &answer)
	if answer.RetireDocument.ID != id || answer.RetireDocument.RetiredAt == nil {
		t.Errorf("retired: %+v", answer.RetireDocument)
	}
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// byHash is a request that names its document, and sends it only if there is a text.
func byHash(t *testing.T, hash, text string) string {
	t.Helper()
	request := map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}}
	if text != "" {
		request["query"] = text
	}
	return toJSON(t, request)
}

// eventuallyCoded asks until the answer has a code, or none if it is empty, for longer than a
// change of what is trusted may take.
func eventuallyCoded(t *testing.T, kit *served.Kit, key, body, code string) outcome {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		got := overHTTP(t, kit, key, body)
		if got.code() == code {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("still answered %+v, want the code %q", got, code)
		}
	}
}

// once sends a mutation with an idempotency key.
func once(t *testing.T, kit *served.Kit, key, idempotency, query string) served.Reply {
	t.Helper()
	return kit.Do(t, http.MethodPost, "/graphql", key, requestOf(t, query, nil), "Idempotency-Key", idempotency)
}

// wantRefusal checks an answer that says why nothing was executed.
func wantRefusal(t *testing.T, reply served.Reply, status int, code, field string) {
	t.Helper()
	var answer served.Answer
	reply.Decode(t, &answer)
	if reply.Status != status || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != code ||
		answer.Errors[0].Extensions.Field != field || len(answer.Data) > 0 {
		t.Errorf("got %d %s, want %d %s of %q", reply.Status, reply.Body, status, code, field)
	}
	if len(answer.Errors) > 0 {
		wantDiscreet(t, answer.Errors[0].Message, secret)
	}
	if strings.Contains(string(reply.Body), secret) {
		t.Errorf("the answer repeats the request: %s", reply.Body)
	}
}
