// Package document knows GraphQL documents by the SHA-256 of their text. A tenant may
// register those that its own programs send, and have no others run; any other text can be
// kept for a while, to be sent by its hash alone. A tenant finds its own documents only.
package document

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
	"unicode/utf8"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Mode says which documents a tenant's callers may run.
type Mode string

// The modes.
const (
	Open        Mode = "OPEN"         // any
	TrustedOnly Mode = "TRUSTED_ONLY" // those that are registered
)

// The bounds of documents.
const (
	MaxBytes      = 64 << 10 // of one document
	MaxName       = 200      // characters of its name
	MaxAtOnce     = 500      // documents of one registration
	MaxRegistered = 10_000   // documents of one tenant, those that are retired included
)

// RetiredFor is for how many days a retired document is kept.
const RetiredFor = 90

// Document is one that is registered, or was.
type Document struct {
	Hash      Hash
	Name      string // its operation's, unless whoever registered it gave another; may be empty
	Body      string
	CreatedAt time.Time
	RetiredAt *time.Time // nil: it may run
}

// Hash names a document by its text.
type Hash [sha256.Size]byte

// HashOf is the hash of a text.
func HashOf(text string) Hash { return sha256.Sum256([]byte(text)) }

// ParseHash reads what String writes, and nothing else.
func ParseHash(text string) (h Hash, ok bool) {
	decoded, err := hex.DecodeString(text)
	if err != nil || len(decoded) != len(h) || hex.EncodeToString(decoded) != text {
		return h, false
	}
	return Hash(decoded), true
}

// String is the hash in lower-case hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Check finds what is wrong with a document that is to be registered, and gives the name of
// its operation. The schema is its own to know. Faults name no field: the document is at fault.
type Check func(ctx context.Context, body string) (operation string, err error)

// Draft is a document that is to be registered.
type Draft struct {
	Name string // empty: its operation's
	Body string
}

// check finds what is wrong with a draft, and names it.
func (d Draft) check(ctx context.Context, inSchema Check) (Draft, *fault.Error) {
	if size := len(d.Body); size < 1 || size > MaxBytes {
		return d, fault.Input("body", "A document has 1 to %d bytes.", MaxBytes)
	}
	if !utf8.ValidString(d.Name) || utf8.RuneCountInString(d.Name) > MaxName || hasControl(d.Name) {
		return d, fault.Input("name", "A name has at most %d characters, and none that controls.", MaxName)
	}
	if hasNUL(d.Body) {
		return d, fault.Input("body", "The document has a character that cannot be kept.")
	}
	operation, err := inSchema(ctx, d.Body)
	if err != nil {
		f, _ := fault.Of(err)
		return d, f.In("body")
	}
	if d.Name == "" {
		d.Name = truncate(operation, MaxName)
	}
	return d, nil
}

func hasNUL(text string) bool {
	for i := range len(text) {
		if text[i] == 0 {
			return true
		}
	}
	return false
}

func hasControl(text string) bool {
	for _, r := range text {
		if r < ' ' || r == 0x7f {
			return true
		}
	}
	return false
}

// truncate cuts an operation's name, which has ASCII characters alone.
func truncate(name string, length int) string { return name[:min(len(name), length)] }

func documentOf(r dbsqlc.TrustedDocumentPageRow) Document {
	d := Document{Hash: Hash(r.Hash), Name: r.Name, Body: r.Body, CreatedAt: r.CreatedAt.UTC()}
	if r.RetiredAt != nil {
		at := r.RetiredAt.UTC()
		d.RetiredAt = &at
	}
	return d
}
