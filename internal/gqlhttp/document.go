package gqlhttp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Documents knows documents by their hashes, and decides which may run.
type Documents interface {
	// Resolve gives the text to execute. It is called before every execution, each of
	// a live query's included, with a context that says who asks. Errors are faults:
	// PERSISTED_QUERY_NOT_FOUND, DOCUMENT_NOT_TRUSTED, and those that pass.
	Resolve(ctx context.Context, asked Document) (text string, err error)
	// Keep is told of a valid document whose client asks to have it known by its hash
	// from now on. It may forget it at any time.
	Keep(ctx context.Context, asked Document)
}

// Document is what a request says of its document: the text, the hash, or both.
type Document struct {
	Text    string
	Hash    string // SHA-256 of the text, in 64 lower-case hexadecimal digits; "" if none was sent
	Persist bool   // whether the client speaks the protocol of automatic persisted queries
}

// HashOf is the name that a document's text has: its SHA-256, in lower-case hexadecimal digits.
func HashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// IsHash tells whether a text has the form of HashOf's.
func IsHash(text string) bool {
	return len(text) == 2*sha256.Size && strings.Trim(text, "0123456789abcdef") == ""
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
func (q *request) document() (asked Document, err error) {
	asked.Text = q.query
	field := idField
	if asked.Hash, err = hashOfID(q.documentID); err != nil {
		return asked, err
	}
	if raw := q.persisted(); !isNull(raw) {
		field = apqField + ".sha256Hash"
		hash, err := hashOfExtension(raw)
		if err != nil {
			return asked, err
		}
		if asked.Hash != "" && asked.Hash != hash {
			return asked, fault.Input(field, "The hash is not the one of documentId.")
		}
		asked.Hash, asked.Persist = hash, true
	}
	if asked.Hash != "" && asked.Text != "" && HashOf(asked.Text) != asked.Hash {
		return asked, fault.Input(field, "The hash is not that of the query: it is the SHA-256 of its UTF-8 bytes, in lower-case hexadecimal digits.")
	}
	return asked, nil
}

func hashOfID(id string) (string, error) {
	hash := strings.TrimPrefix(id, idScheme)
	if id != "" && !IsHash(hash) {
		return "", fault.Input(idField, "A documentId is sha256: and 64 lower-case hexadecimal digits.")
	}
	return hash, nil
}

// hashOfExtension reads the extension of automatic persisted queries
// (https://github.com/apollographql/apollo-link-persisted-queries#protocol).
func hashOfExtension(raw json.RawMessage) (string, error) {
	var extension struct {
		Version json.Number `json:"version"`
		Hash    string      `json:"sha256Hash"`
	}
	if first(raw) != '{' || json.Unmarshal(raw, &extension) != nil {
		return "", fault.Input(apqField, "The extension persistedQuery is not of the form {version: 1, sha256Hash: \"…\"}.")
	}
	if extension.Version != "1" {
		return "", fault.Input(apqField+".version", "The version of persistedQuery is not 1.")
	}
	if !IsHash(extension.Hash) {
		return "", fault.Input(apqField+".sha256Hash", "A hash is the SHA-256 of the query, in 64 lower-case hexadecimal digits.")
	}
	return extension.Hash, nil
}

// resolve finds the text of a request's document. All transports come by here, since all of
// them parse; a live query does so before each of its executions.
func (h *Handler) resolve(ctx context.Context, q *request) (asked Document, err error) {
	if asked, err = q.document(); err != nil {
		return asked, err
	}
	switch {
	case h.config.Documents != nil:
		if q.query, err = h.config.Documents.Resolve(ctx, asked); err != nil {
			return asked, err
		}
	case asked.Text == "":
		return asked, fault.Input("query", "This server knows no documents by their hash. Send the query.")
	}
	asked.Text = q.query
	return asked, nil
}
