package event

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// maxTold is how long the words of a verdict may be, in bytes.
const maxTold = 300

// Whatever is sent, every item is fit to write or has a problem that can be told.
func FuzzDecodeBatch(f *testing.F) {
	for _, c := range refusals {
		f.Add([]byte(`{"batch":[` + c.item + `]}`))
	}
	for _, seed := range []string{
		``, `{}`, `[]`, `{"batch":[]}`, `{"batch":null,"sentAt":"x"}`, `{"batch":[1],"batch":[2]}`,
		`{"batch":[{"type":"track","event":"e","userId":"u"}],"sentAt":"2026-05-01T12:00:00Z","context":{"a":[1,{"b":null}]}}`,
		`{"batch":[{"type":"page","name":"\ud83d\ude00","userId":1e3,"properties":{"name":null}}]}`,
		"{\"batch\":[{\"type\":\"screen\",\"anonymousId\":\"\xff\"}]}",
		`{"batch":[` + nest(40, `[[{"a":"\u0000"}]]`) + `]} x`,
		strings.Repeat("[", 20_000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		checkDecoded(t, body)
		if item, err := DecodeOne(body); err != nil {
			checkFault(t, err)
		} else {
			checkItem(t, item)
		}
	})
}

func checkDecoded(t *testing.T, body []byte) {
	t.Helper()
	items, err := DecodeBatch(body)
	if err != nil {
		checkFault(t, err)
		return
	}
	if len(items) == 0 {
		t.Error("neither items nor an error")
	}
	sound := true
	for _, item := range items {
		checkItem(t, item)
		sound = sound && item.Problem == nil
	}
	if deep := bytes.Count(body, []byte("[")) + bytes.Count(body, []byte("{")); sound && deep < 5_000 {
		checkAgainstAnother(t, body, items)
	}
}

// checkAgainstAnother reads a batch that was taken as a whole with the standard library's
// decoder, which must find the same.
func checkAgainstAnother(t *testing.T, body []byte, items []Item) {
	t.Helper()
	var envelope map[string]json.RawMessage
	var batch []map[string]json.RawMessage
	if err := json.Unmarshal(body, &envelope); err != nil {
		t.Fatalf("taken, though %v", err)
	}
	if err := json.Unmarshal(envelope["batch"], &batch); err != nil || len(batch) != len(items) {
		t.Fatalf("%d items taken of %d, %v", len(items), len(batch), err)
	}
	for i, raw := range batch {
		for name, got := range map[string]string{
			"messageId": items[i].MessageID, "event": items[i].Type, "userId": items[i].UserID, "anonymousId": items[i].AnonymousID,
		} {
			var want string
			if json.Unmarshal(raw[name], &want) != nil || want == "" || name == "event" && got[0] == '$' {
				continue // a number, a made-up id, or the name of a page
			}
			if got != want {
				t.Errorf("item %d: %s %q, want %q", i, name, got, want)
			}
		}
	}
}

func checkFault(t *testing.T, err error) {
	t.Helper()
	f, ok := fault.Of(err)
	if !ok {
		t.Fatalf("error %v is not a fault", err)
	}
	if f.Code != fault.BadUserInput && f.Code != fault.TooLarge {
		t.Errorf("code %s for a body", f.Code)
	}
	if f.Message == "" || len(f.Message) > maxTold || f.Field == "" || len(f.Field) > maxTold {
		t.Errorf("field %q, message %q", f.Field, f.Message)
	}
}

func checkItem(t *testing.T, item Item) {
	t.Helper()
	if problem := checkText("messageId", item.MessageID); problem != nil {
		t.Errorf("a message id that is not to be repeated: %v", problem)
	}
	if item.Problem != nil {
		checkFault(t, item.Problem)
		return
	}
	if item.MessageID == "" || item.Type == "" || item.UserID == "" && item.AnonymousID == "" {
		t.Errorf("taken without an id, a type or anybody: %+v", item.Incoming)
	}
	for _, object := range [][]byte{item.Properties, item.Context} {
		if object = []byte(strings.TrimSpace(string(object))); !json.Valid(object) || object[0] != '{' {
			t.Errorf("taken with %q in place of an object", object)
		}
	}
}
