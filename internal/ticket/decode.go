package ticket

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Decode reads what /v1/tickets is sent: {"items": [ticket, …]}, or one ticket by itself. The
// error, a fault, means that the body as a whole cannot be read; each item tells for itself what
// is wrong with it.
func Decode(body []byte) (given []Given, alone bool, err error) {
	var envelope struct {
		Items *[]jsontext.Value `json:"items"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return nil, false, fault.Input("body", "A JSON object is needed: a ticket, or tickets in a list called items.").Because(err)
	}
	if envelope.Items == nil {
		return []Given{decode(body)}, true, nil
	}
	if len(*envelope.Items) < 1 || len(*envelope.Items) > MaxItems {
		return nil, false, fault.Input("items", "Between 1 and %d items are allowed.", MaxItems)
	}
	for _, raw := range *envelope.Items {
		given = append(given, decode(raw))
	}
	return given, false, nil
}

// decode reads one item, strictly: a misspelt field would be one that was left out.
func decode(raw []byte) (g Given) {
	err := json.Unmarshal(raw, &g.Item, json.RejectUnknownMembers(true))
	if err == nil {
		return g
	}
	g.Item, g.Problem = Item{}, fault.Input("ticket", "This is no JSON that can be read.").Because(err)
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		reason := "The value is of another type than this field has."
		if errors.Is(err, json.ErrUnknownName) {
			reason = "There is no such field."
		}
		field := "ticket"
		if name := strings.Trim(string(wrong.JSONPointer), "/"); name != "" && len(name) <= maxText {
			field += "." + strings.ReplaceAll(name, "/", ".")
		}
		g.Problem = fault.Input(field, "%s", reason).Because(err)
	}
	return g
}
