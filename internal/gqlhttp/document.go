package gqlhttp

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/document"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Documents knows documents by their hashes, and decides which may run.
type Documents interface {
	// Resolve gives the text to execute. It is called before every execution, each of
	// a live query's included, with a context that says who asks. Errors are faults:
	// PERSISTED_QUERY_NOT_FOUND, DOCUMENT_NOT_TRUSTED, and those that pass.
	Resolve(ctx context.Context, asked document.Asked) (text string, err error)
	// Keep is told of a valid document whose client asks to have it known by its hash
	// from now on. It may forget it at any time.
	Keep(ctx context.Context, asked document.Asked)
}

// The places where a hash can stand.
const (
	apqField = "extensions.persistedQuery"
	idField  = "documentId"
	// idScheme is what GraphQL over HTTP puts before a hash in documentId. Without it
	// the hash is as clear.
	idScheme = "sha256:"
)

// named tells whether a request without a text names its document in another way.
func (q *request) named() bool {
	return q.documentID != "" || !isNull(q.persisted())
}

// persisted is extensions.persistedQuery as it was sent.
func (q *request) persisted() json.RawMessage {
	var extensions struct {
		PersistedQuery json.RawMessage `json:"persistedQuery"`
	}
	_ = json.Unmarshal(q.extensions, &extensions) // objectParam has seen that it is an object, or null
	return extensions.PersistedQuery
}

// document reads what a request says of its document. A hash must be the text's, if both
// were sent.
func (q *request) document() (asked document.Asked, err error) {
	asked.Text = q.query
	field := idField
	if q.documentID != "" {
		if asked.Hash, err = hashOfID(q.documentID); err != nil {
			return asked, err
		}
		asked.Hashed = true
	}
	if raw := q.persisted(); !isNull(raw) {
		field = apqField + ".sha256Hash"
		hash, err := hashOfExtension(raw)
		if err != nil {
			return asked, err
		}
		if asked.Hashed && asked.Hash != hash {
			return asked, fault.Input(field, "The hash is not the one of documentId.")
		}
		asked.Hash, asked.Hashed, asked.Persist = hash, true, true
	}
	if asked.Hashed && asked.Text != "" && document.HashOf(asked.Text) != asked.Hash {
		return asked, fault.Input(field, "The hash is not that of the query: it is the SHA-256 of its UTF-8 bytes, in lower-case hexadecimal digits.")
	}
	return asked, nil
}

func hashOfID(id string) (document.Hash, error) {
	hash, ok := document.ParseHash(strings.TrimPrefix(id, idScheme))
	if !ok {
		return hash, fault.Input(idField, "A documentId is sha256: and 64 lower-case hexadecimal digits.")
	}
	return hash, nil
}

// hashOfExtension reads the extension of automatic persisted queries
// (https://github.com/apollographql/apollo-link-persisted-queries#protocol).
func hashOfExtension(raw json.RawMessage) (hash document.Hash, err error) {
	var extension struct {
		Version json.Number `json:"version"`
		Hash    string      `json:"sha256Hash"`
	}
	if first(raw) != '{' || json.Unmarshal(raw, &extension) != nil {
		return hash, fault.Input(apqField, "The extension persistedQuery is not of the form {version: 1, sha256Hash: \"…\"}.")
	}
	if extension.Version != "1" {
		return hash, fault.Input(apqField+".version", "The version of persistedQuery is not 1.")
	}
	hash, ok := document.ParseHash(extension.Hash)
	if !ok {
		return hash, fault.Input(apqField+".sha256Hash", "A hash is the SHA-256 of the query, in 64 lower-case hexadecimal digits.")
	}
	return hash, nil
}

// resolve finds the text of a request's document. All transports come by here, since all of
// them parse; a live query does so before each of its executions.
func (h *Handler) resolve(ctx context.Context, q *request) (asked document.Asked, err error) {
	if asked, err = q.document(); err != nil {
		return asked, err
	}
	switch {
	case h.config.Documents != nil:
		text, err := h.config.Documents.Resolve(ctx, asked)
		if err != nil {
			return asked, err // and a live query may ask again
		}
		q.query = text
	case asked.Text == "":
		return asked, fault.Input("query", "This server knows no documents by their hash. Send the query.")
	}
	asked.Text = q.query
	return asked, nil
}
