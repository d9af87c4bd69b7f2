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
		item, err := DecodeCall("track", body)
		checkAll(t, err, item)
	})
}

// checkAll holds for whatever a decoder gives.
func checkAll(t *testing.T, err error, items ...Item) {
	t.Helper()
	if err != nil {
		checkFault(t, err)
		return
	}
	for _, item := range items {
		checkItem(t, item)
	}
}

// The same holds for PostHog's shape.
func FuzzDecodeCaptures(f *testing.F) {
	for _, seed := range []string{
		``, `[]`, `{}`, `{"batch":[]}`, `[{"event":"E","distinct_id":"u"},7]`, `{"event":"E","properties":{"distinct_id":1,"token":"k"}}`,
		`{"batch":[{"event":"$identify","distinct_id":"u","$set":{"a":1},"$set_once":{"b":null},"properties":{"$anon_distinct_id":"d"}}]}`,
		`{"event":"$groupidentify","properties":{"$group_type":"company","$group_key":"g","$group_set":[],"$groups":{"a":{}}}}`,
		`{"event":"$create_alias","distinct_id":"u","properties":{"alias":"d","$is_identified":false,"token":1}}`,
		`{"event":"E","distinct_id":"u","properties":{"token":"k"` + `,"$set":` + nest(40, `null`) + `}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		items, alone, err := DecodeCaptures(body)
		if alone && err == nil && len(items) != 1 {
			t.Errorf("%d items, alone", len(items))
		}
		checkAll(t, err, items...)
		_ = WriteKey(body)
	})
}

// And for CloudEvents, in both modes.
func FuzzDecodeCloudEvents(f *testing.F) {
	for _, seed := range []string{
		``, `[]`, `{}`, paid(``), `[` + paid(`,"data":[1,{"a":null}]`) + `,7]`, paid(`,"data_base64":"AA==","userid":1e3`),
		paid(`,"data":{"a":1},"data_base64":"AA=="`), paid(`,"é":1`), `{"total":5}`, "\xff",
	} {
		f.Add([]byte(seed), "text/plain", "u%20v")
	}
	f.Fuzz(func(t *testing.T, body []byte, media, user string) {
		items, _, err := DecodeCloudEvents(body)
		checkAll(t, err, items...)
		item, err := DecodeBinaryCloudEvent(header("Content-Type", media, "Ce-Userid", user), body)
		checkAll(t, err, item)
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
	if item.MessageID == "" || item.Type == "" || item.UserID == "" && item.AnonymousID == "" && item.Type != Group {
		t.Errorf("taken without an id, a type or anybody: %+v", item.Incoming)
	}
	objects := [][]byte{item.Properties, item.Context}
	for _, said := range [][]byte{item.Traits, item.TraitsOnce} {
		if len(said) > 0 {
			objects = append(objects, said)
		}
	}
	for _, object := range objects {
		if object = []byte(strings.TrimSpace(string(object))); !json.Valid(object) || object[0] != '{' {
			t.Errorf("taken with %q in place of an object", object)
		}
	}
}
