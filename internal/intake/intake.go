// Package intake takes in what a sender says item by item: what is wrong with one item keeps no
// other from being taken, and all that is fit is stored together, or nothing of it.
package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/postgres"
)

// MaxItems is how many items one batch may have.
const MaxItems = 1_000

const (
	attempts = 3   // of a transaction that the server undoes for another's sake
	maxField = 200 // bytes of a field's name that is told
)

// Given is an item as it came: it may not have been readable at all.
type Given[T any] struct {
	Item    T
	Problem *fault.Error
}

// Sent are items that could be read.
func Sent[T any](items []T) []Given[T] {
	given := make([]Given[T], len(items))
	for i, item := range items {
		given[i].Item = item
	}
	return given
}

// Decode reads a body: {"items": [item, …]}, or one item by itself. The fields of an item are told
// below its own name, if it has one. The error, a fault, means that the body as a whole cannot be
// read; each item tells for itself what is wrong with it.
func Decode[T any](body []byte, name string) (given []Given[T], alone bool, err error) {
	var envelope struct {
		Items *[]jsontext.Value `json:"items"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return nil, false, fault.Input("body", "A JSON object is needed: an item, or items in a list called items.").Because(err)
	}
	if envelope.Items == nil {
		return []Given[T]{decode[T](body, name)}, true, nil
	}
	if err := checkSize(len(*envelope.Items)); err != nil {
		return nil, false, err
	}
	for _, raw := range *envelope.Items {
		given = append(given, decode[T](raw, name))
	}
	return given, false, nil
}

// decode reads one item, strictly: a misspelt field would be one that was left out.
func decode[T any](raw []byte, name string) (g Given[T]) {
	err := json.Unmarshal(raw, &g.Item, json.RejectUnknownMembers(true))
	if err == nil {
		return g
	}
	g.Item = *new(T) // nothing of it counts
	wrong, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		g.Problem = fault.Input(fieldOf(name, ""), "This is no JSON that can be read.").Because(err)
		return g
	}
	reason := "The value is of another type than this field has."
	if errors.Is(err, json.ErrUnknownName) {
		reason = "There is no such field."
	}
	g.Problem = fault.Input(fieldOf(name, string(wrong.JSONPointer)), "%s", reason).Because(err)
	return g
}

// fieldOf names where something is wrong. A name that is too long is the sender's own.
func fieldOf(name, pointer string) string {
	field := strings.ReplaceAll(strings.Trim(pointer, "/"), "/", ".")
	if len(field) > maxField {
		field = ""
	}
	switch {
	case name != "" && field != "":
		return name + "." + field
	case name == "" && field == "":
		return "items"
	}
	return name + field
}

func checkSize(n int) error {
	if n < 1 || n > MaxItems {
		return fault.Input("items", "Between 1 and %d items are allowed.", MaxItems)
	}
	return nil
}

// Store runs store for a sender of so many items of a kind, in one transaction, again where the
// server undoes it for another's sake.
func Store(ctx context.Context, app *postgres.App, who access.Principal, kind string, n int, store func(tx pgx.Tx) error) (err error) {
	if !who.May(access.Ingest) || who.Kind == access.PublishKey { // what stands in a page is no secret
		return fault.Newf(fault.Forbidden, "To send %s takes a write key.", kind)
	}
	if err := checkSize(n); err != nil {
		return err
	}
	for range attempts {
		if err = app.InTenant(ctx, who.Tenant, store); !postgres.RolledBack(err) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("record %d items of %s: %w", n, kind, err)
	}
	return nil
}
