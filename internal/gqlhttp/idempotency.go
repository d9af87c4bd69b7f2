package gqlhttp

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/vektah/gqlparser/v2/ast"
)

// Idempotency has a mutation that is sent again, with the key that it had, answered again
// instead of executed again.
type Idempotency interface {
	// Once calls do, or gives the answer that an earlier call of it had, and says so.
	// The context says who asks: keys of others are other keys. The answer is kept if do
	// says that it will last. The fingerprint is that of the request, and of everything
	// that authorization depends on. Errors are faults: IDEMPOTENCY_KEY_REUSED if the key came
	// with another request before, IDEMPOTENCY_KEY_IN_FLIGHT if the first is not answered.
	Once(ctx context.Context, key string, fingerprint [sha256.Size]byte, do func() (answer []byte, lasting bool)) (answer []byte, replayed bool, err error)
}

// The two ways to send a key: a header, and for a websocket's messages an extension.
const (
	keyHeader      = "Idempotency-Key"
	keyField       = "extensions.idempotencyKey"
	replayedHeader = "Idempotency-Replayed"
	maxKey         = 255 // characters
)

// perform executes a query or a mutation. A mutation that comes with a key is executed once
// only, and then to its end: whoever leaves before may come back for the answer.
func (h *Handler) perform(ctx context.Context, scope string, q *request, op *graphql.OperationContext, deadline time.Time) (a *answer, err error) {
	if op.Operation.Operation != ast.Mutation || h.config.Idempotency == nil {
		return h.execute(ctx, op, deadline), nil
	}
	key, err := q.idempotencyKey()
	if err != nil {
		return nil, err
	}
	if key == "" {
		return h.execute(ctx, op, deadline), nil
	}
	fingerprint, err := fingerprintOf(scope, op)
	if err != nil {
		return nil, err
	}
	stored, replayed, err := h.config.Idempotency.Once(ctx, key, fingerprint, func() ([]byte, bool) {
		a = h.execute(context.WithoutCancel(ctx), op, deadline)
		return a.encode(), a.lasting()
	})
	if replayed {
		a = &answer{stored: stored}
	}
	return a, err
}

// fingerprintOf tells requests apart as live queries are told apart. Who may do less or more
// than before asks for something else, and is not shown the answer of then.
func fingerprintOf(scope string, op *graphql.OperationContext) (sum [sha256.Size]byte, err error) {
	key, err := keyOf(scope, op, "")
	if err != nil {
		return sum, err
	}
	text, err := json.Marshal(key) // in which the parts cannot run into each other
	return sha256.Sum256(text), err
}

// lasting tells whether the answer holds for every repeat of its request. One that failed
// for a reason that passes does not, unless a part of the mutation has been done: it would
// be done again.
func (a *answer) lasting() bool {
	if a.data == nil {
		return false
	}
	for _, e := range a.errors {
		if fault.Code(codeOf(e)).Passing() {
			return a.hasValue()
		}
	}
	return true
}

// hasValue tells whether any field of the answer's root is there.
func (a *answer) hasValue() bool {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(a.data, &fields) // an object, or null
	for _, value := range fields {
		if !isNull(value) {
			return true
		}
	}
	return false
}

// idempotencyKey reads the key of a request; "" if it has none.
func (q *request) idempotencyKey() (string, error) {
	key, err := keyOfHeader(q.header.Values(keyHeader))
	if err != nil {
		return "", err
	}
	var extensions struct {
		Key json.RawMessage `json:"idempotencyKey"`
	}
	_ = json.Unmarshal(q.extensions, &extensions) // an object, or null
	if isNull(extensions.Key) {
		return key, nil
	}
	var sent string
	if first(extensions.Key) != '"' || json.Unmarshal(extensions.Key, &sent) != nil || !isKey(sent) {
		return "", fault.Input(keyField, "An idempotency key is a text of 1 to %d printable ASCII characters.", maxKey)
	}
	if key != "" && key != sent {
		return "", fault.Input(keyField, "The header and the extension have different idempotency keys.")
	}
	return sent, nil
}

// keyOfHeader takes a string of structured fields (RFC 9651, 3.3.3), as
// draft-ietf-httpapi-idempotency-key-header has it, and the bare text that most clients
// send: "abc" and abc are one key.
func keyOfHeader(values []string) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	key := strings.Trim(values[0], " \t")
	ok := !strings.ContainsAny(key, "\" ,;\\")
	if strings.HasPrefix(key, `"`) {
		key, ok = unquote(key)
	}
	if !ok || len(values) > 1 || !isKey(key) {
		return "", fault.Input(keyHeader, "An idempotency key is a text of 1 to %d printable ASCII characters, sent once.", maxKey)
	}
	return key, nil
}

// unquote reads a quoted string, in which a backslash stands before a quote or a backslash.
func unquote(quoted string) (string, bool) {
	var text strings.Builder
	for i := 1; i < len(quoted); i++ {
		switch c := quoted[i]; c {
		case '"':
			return text.String(), i == len(quoted)-1
		case '\\':
			if i++; i == len(quoted) || quoted[i] != '"' && quoted[i] != '\\' {
				return "", false
			}
			text.WriteByte(quoted[i])
		default:
			text.WriteByte(c)
		}
	}
	return "", false
}

func isKey(key string) bool {
	if len(key) < 1 || len(key) > maxKey {
		return false
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return false
		}
	}
	return true
}
