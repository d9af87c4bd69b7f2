package gqlhttp

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/document"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

func hashOf(text string) string { return document.HashOf(text).String() }

// fakeDocuments knows what it was asked to keep, and what the test says.
type fakeDocuments struct {
	mu      sync.Mutex
	texts   map[string]string // by hash
	refuse  error
	refused string // the text that is refused, if any
}

func (d *fakeDocuments) Resolve(_ context.Context, asked document.Asked) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := asked.Text
	if text == "" {
		text = d.texts[asked.Hash.String()]
	}
	switch {
	case d.refuse != nil:
		return "", d.refuse
	case text == "":
		return "", fault.New(fault.PersistedQueryNotFound, "PersistedQueryNotFound")
	case text == d.refused:
		return "", fault.New(fault.DocumentNotTrusted, "Not this one.")
	}
	return text, nil
}

func (d *fakeDocuments) Keep(_ context.Context, asked document.Asked) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.texts[asked.Hash.String()] = asked.Text
}

func (d *fakeDocuments) kept() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.texts)
}

func (d *fakeDocuments) refuseNow(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refused = text
}

// persisted writes a request of automatic persisted queries; without a text it is the first try.
func persisted(text, hash string) string {
	request := map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}}
	if text != "" {
		request["query"] = text
	}
	body, _ := json.Marshal(request)
	return string(body)
}

func urlPersisted(text, hash string) string {
	values := url.Values{"extensions": {`{"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}`}}
	if text != "" {
		values.Set("query", text)
	}
	return values.Encode()
}

const notFound = `{"message":"PersistedQueryNotFound","extensions":{"code":"PERSISTED_QUERY_NOT_FOUND"}}`

// A client tries the hash, sends the text if it must, and is understood by the hash alone then.
func TestPersistedQueriesOverEveryTransport(t *testing.T) {
	const text = "{ name }"
	hash := hashOf(text)
	stream := []string{"Accept", "text/event-stream"}
	for name, ask := range map[string]func(w *world, text string) string{
		"POST": func(w *world, text string) string { return w.post(persisted(text, hash)).want(200).body },
		"GET":  func(w *world, text string) string { return w.get(urlPersisted(text, hash)).want(200).body },
		"SSE":  func(w *world, text string) string { return w.post(persisted(text, hash), stream...).want(200).body },
		"SSE by GET": func(w *world, text string) string {
			return w.get(urlPersisted(text, hash), stream...).want(200).body
		},
		"websocket": func(w *world, text string) string {
			p := w.connect()
			p.send(`{"type":"subscribe","id":"1","payload":` + persisted(text, hash) + `}`)
			return p.read()
		},
	} {
		t.Run(name, func(t *testing.T) {
			documents := &fakeDocuments{texts: map[string]string{}}
			bubble(t, Config{Documents: documents}, func(w *world) {
				if got := ask(w, ""); !strings.Contains(got, notFound) || strings.Contains(got, "tidemark") {
					w.Errorf("at first: %s", got)
				}
				for _, text := range []string{text, ""} {
					if got := ask(w, text); !strings.Contains(got, `"name":"tidemark"`) {
						w.Errorf("with the text %q: %s", text, got)
					}
				}
			})
		})
	}
}

// A hash that cannot be right is refused by the place where it stands, and nothing is executed
// or kept.
func TestHashesThatCannotBeRight(t *testing.T) {
	documents := &fakeDocuments{texts: map[string]string{}}
	good, other := hashOf("mutation { bump }"), hashOf("{ name }")
	const version, hash = `"field":"extensions.persistedQuery.version"`, `"field":"extensions.persistedQuery.sha256Hash"`
	bubble(t, Config{Documents: documents}, func(w *world) {
		socket := w.connect()
		for body, field := range map[string]string{
			persisted("mutation { bump }", other): hash,
			persisted("", "hunter2"):              hash,
			persisted("", strings.ToUpper(good)):  hash,
			persisted("", good+"00"):              hash,
			persisted("mutation { bump }", ""):    hash,
			`{"extensions":{"persistedQuery":{"version":2,"sha256Hash":"` + good + `"}}}`:                                     version,
			`{"extensions":{"persistedQuery":{"sha256Hash":"` + good + `"}}}`:                                                 version,
			`{"extensions":{"persistedQuery":"hunter2"}}`:                                                                     `"field":"extensions.persistedQuery"`,
			`{"documentId":"sha256:hunter2"}`:                                                                                 `"field":"documentId"`,
			`{"documentId":"md5:` + good + `"}`:                                                                               `"field":"documentId"`,
			`{"documentId":"` + good + `","query":"{ hunter2 }"}`:                                                             `"field":"documentId"`,
			`{"documentId":"` + good + `","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + other + `"}}}`:        hash,
			`{"documentId":"` + good + `","query":"mutation { bump }","extensions":{"persistedQuery":{"version":1.0000001}}}`: version,
		} {
			w.post(body, "Accept", responseType).want(400, "BAD_USER_INPUT", field).lacks("hunter2", `"data"`)
			// A socket goes on: it is the operation that is refused.
			socket.send(`{"type":"subscribe","id":"1","payload":` + body + `}`)
			socket.wantParts(`"type":"error"`, field)
		}
		w.post(`{"documentId":7}`).want(400, `"field":"documentId"`)
		if w.bumps.Load() != 0 || documents.kept() != 0 {
			w.Error("something was executed, or kept")
		}
	})
}

// documentId, of GraphQL over HTTP, names a document that is known.
func TestDocumentID(t *testing.T) {
	hash := hashOf("{ name }")
	documents := &fakeDocuments{texts: map[string]string{hash: "{ name }"}}
	bubble(t, Config{Documents: documents}, func(w *world) {
		for _, id := range []string{hash, "sha256:" + hash} {
			w.post(`{"documentId":"`+id+`"}`).want(200, "tidemark")
			w.get("documentId="+id).want(200, "tidemark")
			w.post(`{"documentId":"`+id+`","query":"{ name }"}`).want(200, "tidemark")
		}
		w.post(`{"documentId":"sha256:`+hashOf("x")+`"}`, "Accept", responseType).want(400, notFound)
	})
	bubble(t, Config{}, func(w *world) {
		w.post(`{"documentId":"sha256:`+hash+`"}`, "Accept", responseType).want(400, `"field":"query"`, "no documents by their hash")
		w.post(persisted("{ name }", hash)).want(200, "tidemark")
	})
}

// Only what parses and is valid is kept, and only where the client asks for it.
func TestWhatIsKept(t *testing.T) {
	documents := &fakeDocuments{texts: map[string]string{}}
	bubble(t, Config{Documents: documents}, func(w *world) {
		for _, text := range []string{"{", "{ nosuch }", "query A { name } query B { name }"} {
			w.post(persisted(text, hashOf(text))).want(200, `"errors"`)
		}
		w.post(`{"query":"{ name }"}`).want(200, "tidemark")
		w.post(`{"query":"{ name }","documentId":"`+hashOf("{ name }")+`"}`).want(200, "tidemark")
		if n := documents.kept(); n != 0 {
			w.Errorf("%d documents were kept", n)
		}
	})
}

// A document's hash is as good as its text: who asks by either shares a live query.
func TestALiveQueryByHashIsShared(t *testing.T) {
	const text = "subscription { live }"
	documents := &fakeDocuments{texts: map[string]string{hashOf(text): text}}
	bubble(t, Config{Documents: documents}, func(w *world) {
		byHash, byText := w.connect(), w.connect()
		byHash.send(`{"type":"subscribe","id":"1","payload":` + persisted("", hashOf(text)) + `}`)
		byHash.wantParts(`"live":1`)
		byText.send(`{"type":"subscribe","id":"1","payload":{"query":"` + text + `"}}`)
		byText.wantParts(`"live":1`)
		if keys := w.live.keys(); len(keys) != 1 || keys[0].Query != text {
			w.Errorf("%d live queries: %+v", len(keys), keys)
		}
		// What is not trusted any more is not executed again.
		documents.refuseNow(text)
		w.live.changed()
		byHash.wantParts("DOCUMENT_NOT_TRUSTED")
		byText.wantParts("DOCUMENT_NOT_TRUSTED")
		if n := w.resolvers.live.Load(); n != 1 {
			w.Errorf("it was executed %d times", n)
		}
		documents.refuseNow("")
		w.live.changed()
		byHash.wantParts(`"live":2`)
		byText.wantParts(`"live":2`)
	})
}

func TestDocumentsThatAreRefused(t *testing.T) {
	documents := &fakeDocuments{refuse: fault.New(fault.DocumentNotTrusted, "Not this one.")}
	bubble(t, Config{Documents: documents}, func(w *world) {
		w.post(bumpQuery).want(403, `"code":"DOCUMENT_NOT_TRUSTED"`).lacks("bump")
		documents.refuse = fault.New(fault.Unavailable, "Later.").Because(errors.New("pg: down"))
		w.post(bumpQuery).want(503, "UNAVAILABLE").lacks("pg: down")
		if !strings.Contains(w.log.String(), "pg: down") || w.bumps.Load() != 0 {
			w.Errorf("bumped %d times; log: %s", w.bumps.Load(), w.log)
		}
	})
}
