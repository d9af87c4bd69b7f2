package event

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
)

// noon is when things happen in these tests.
var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// onlyOne decodes a batch of one item, which must succeed as a whole.
func onlyOne(t *testing.T, item string) Item {
	t.Helper()
	items, err := DecodeBatch([]byte(`{"batch":[` + item + `]}`))
	if err != nil || len(items) != 1 {
		t.Fatalf("DecodeBatch: %d items, %v", len(items), err)
	}
	return items[0]
}

func TestEveryShapeThatSegmentsClientsSendIsRead(t *testing.T) {
	none := []byte("{}")
	cases := []struct {
		name, body string
		want       Incoming
	}{
		{"a track call", `{"type":"track","messageId":"m","event":"Signed Up","userId":"u","properties":{"plan":"pro"},"context":{"ip":"::1"}}`,
			Incoming{MessageID: "m", Type: "Signed Up", UserID: "u", Properties: []byte(`{"plan":"pro"}`), Context: []byte(`{"ip":"::1"}`)}},
		{"of a device only", `{"type":"track","messageId":"m","event":"e","anonymousId":"a","userId":null}`,
			Incoming{MessageID: "m", Type: "e", AnonymousID: "a", Properties: none, Context: none}},
		{"ids that are numbers", `{"type":"track","messageId":"m","event":"e","userId":42,"anonymousId":7}`,
			Incoming{MessageID: "m", Type: "e", UserID: "42", AnonymousID: "7", Properties: none, Context: none}},
		{"objects that are null", `{"type":"track","messageId":"m","event":"e","userId":"u","properties":null,"context":null}`,
			Incoming{MessageID: "m", Type: "e", UserID: "u", Properties: none, Context: none}},
		{"a page and its name", `{"type":"page","messageId":"m","name":"Home","userId":"u","properties":{"url":"/"}}`,
			Incoming{MessageID: "m", Type: "$page", UserID: "u", Properties: []byte(`{"name":"Home","url":"/"}`), Context: none}},
		{"a page without a name", `{"type":"page","messageId":"m","userId":"u"}`,
			Incoming{MessageID: "m", Type: "$page", UserID: "u", Properties: none, Context: none}},
		{"a page without properties", `{"type":"page","messageId":"m","name":"Home","userId":"u"}`,
			Incoming{MessageID: "m", Type: "$page", UserID: "u", Properties: []byte(`{"name":"Home"}`), Context: none}},
		{"a page whose properties are null", `{"type":"page","messageId":"m","name":"Home","userId":"u","properties":null}`,
			Incoming{MessageID: "m", Type: "$page", UserID: "u", Properties: []byte(`{"name":"Home"}`), Context: none}},
		{"a page with a name of its own among the properties", `{"type":"page","messageId":"m","name":"Home","userId":"u","properties":{"name":"Start"}}`,
			Incoming{MessageID: "m", Type: "$page", UserID: "u", Properties: []byte(`{"name":"Start"}`), Context: none}},
		{"a screen", `{"type":"screen","messageId":"m","name":"Cart","anonymousId":"a"}`,
			Incoming{MessageID: "m", Type: "$screen", AnonymousID: "a", Properties: []byte(`{"name":"Cart"}`), Context: none}},
		{"a page with a category", `{"type":"page","messageId":"m","name":"Home","category":"Docs","userId":"u","properties":{"name":"Start"}}`,
			Incoming{MessageID: "m", Type: "$page", UserID: "u", Properties: []byte(`{"category":"Docs","name":"Start"}`), Context: none}},
		{"an identify", `{"type":"identify","messageId":"m","userId":"u","anonymousId":"a","traits":{"plan":"pro"}}`,
			Incoming{MessageID: "m", Type: "$identify", UserID: "u", AnonymousID: "a", Traits: []byte(`{"plan":"pro"}`), Properties: []byte(`{"plan":"pro"}`), Context: none}},
		{"an identify whose traits stand in the context", `{"type":"identify","messageId":"m","userId":"u","context":{"traits":{"plan":"pro"}}}`,
			Incoming{MessageID: "m", Type: "$identify", UserID: "u", Traits: []byte(`{"plan":"pro"}`), Properties: []byte(`{"plan":"pro"}`), Context: []byte(`{"traits":{"plan":"pro"}}`)}},
		{"an identify that says nothing", `{"type":"identify","messageId":"m","userId":"u","traits":{}}`,
			Incoming{MessageID: "m", Type: "$identify", UserID: "u", Properties: none, Context: none}},
		{"a group", `{"type":"group","messageId":"m","userId":"u","groupId":7,"traits":{"seats":5},"properties":{"own":1}}`,
			Incoming{MessageID: "m", Type: "$group", UserID: "u", GroupType: "account", GroupID: "7", Traits: []byte(`{"seats":5}`), Properties: []byte(`{"own":1}`), Context: none}},
		{"a group told by a server", `{"type":"group","messageId":"m","groupId":"g","traits":{"seats":5}}`,
			Incoming{MessageID: "m", Type: "$group", GroupType: "account", GroupID: "g", Traits: []byte(`{"seats":5}`), Properties: []byte(`{"seats":5}`), Context: none}},
		{"an alias", `{"type":"alias","messageId":"m","userId":"u","previousId":"a"}`,
			Incoming{MessageID: "m", Type: "$alias", UserID: "u", PreviousID: "a", Properties: []byte(`{"previousId":"a"}`), Context: none}},
		{"an alias of the device", `{"type":"alias","messageId":"m","userId":"u","anonymousId":"a"}`,
			Incoming{MessageID: "m", Type: "$alias", UserID: "u", AnonymousID: "a", PreviousID: "a", Properties: []byte(`{"previousId":"a"}`), Context: none}},
		{"on behalf of the context's group", `{"type":"track","messageId":"m","event":"e","userId":"u","traits":{"a":1},"context":{"groupId":"g"}}`,
			Incoming{MessageID: "m", Type: "e", UserID: "u", GroupType: "account", GroupID: "g", Properties: none, Context: []byte(`{"groupId":"g"}`)}},
		{"both clocks", `{"type":"track","messageId":"m","event":"e","userId":"u","timestamp":"2026-05-01T12:00:00Z","sentAt":"2026-05-01T12:00:01Z"}`,
			Incoming{MessageID: "m", Type: "e", UserID: "u", Timestamp: noon, SentAt: noon.Add(time.Second), Properties: none, Context: none}},
		{"the original timestamp, for want of another", `{"type":"track","messageId":"m","event":"e","userId":"u","timestamp":null,"originalTimestamp":"2026-05-01T12:00:00Z"}`,
			Incoming{MessageID: "m", Type: "e", UserID: "u", Timestamp: noon, Properties: none, Context: none}},
		{"the timestamp, before the original one", `{"type":"track","messageId":"m","event":"e","userId":"u","originalTimestamp":"2026-05-01T11:00:00Z","timestamp":"2026-05-01T12:00:00Z"}`,
			Incoming{MessageID: "m", Type: "e", UserID: "u", Timestamp: noon, Properties: none, Context: none}},
		{"what libraries add", `{"type":"track","messageId":"m","event":"e","userId":"u","integrations":{"All":true},"writeKey":"k","channel":"client","version":2,"traits":{},"receivedAt":"now","projectId":"p","options":null,"category":"c","_metadata":{"bundled":[]}}`,
			Incoming{MessageID: "m", Type: "e", UserID: "u", Properties: none, Context: none}},
		{"texts as long as they may be", fmt.Sprintf(`{"type":"track","messageId":"%s","event":"%[1]s","userId":"%[1]s","anonymousId":"%[1]s"}`, strings.Repeat("é", maxText)),
			Incoming{MessageID: strings.Repeat("é", maxText), Type: strings.Repeat("é", maxText), UserID: strings.Repeat("é", maxText), AnonymousID: strings.Repeat("é", maxText), Properties: none, Context: none}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			alone, err := DecodeCall("track", []byte(c.body))
			if err != nil {
				t.Fatalf("DecodeCall: %v", err)
			}
			for way, got := range map[string]Item{"alone": alone, "in a batch": onlyOne(t, c.body)} {
				if got.Problem != nil {
					t.Fatalf("%s: %v", way, got.Problem)
				}
				if diff := cmp.Diff(c.want, got.Incoming, cmpopts.IgnoreUnexported(Incoming{})); diff != "" {
					t.Errorf("%s (-want +got):\n%s", way, diff)
				}
			}
		})
	}
}

func TestACallOfItsOwnIsATrackUnlessItSaysOtherwise(t *testing.T) {
	for body, want := range map[string]string{
		`{"event":"Signed Up","userId":"u"}`:             "Signed Up",
		`{"event":"Signed Up","userId":"u","type":null}`: "Signed Up",
		"\n {\"type\":\"page\",\"userId\":\"u\"} \n":     "$page",
	} {
		if item, err := DecodeCall("track", []byte(body)); err != nil || item.Problem != nil || item.Type != want {
			t.Errorf("%s: %q, %v, %v; want %q", body, item.Type, item.Problem, err, want)
		}
	}
}

func TestTimesAreReadAsSendersWriteThem(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2026-05-01T12:00:00Z":                noon,
		"2026-05-01T12:00:00.000Z":            noon,
		"2026-05-01T14:00:00+02:00":           noon,
		"2026-05-01T14:00:00+0200":            noon,
		"2026-05-01T06:15:00.25-05:45":        noon.Add(250 * time.Millisecond),
		"2026-05-01T12:00:00.123456789Z":      noon.Add(123456789),
		"2000-01-01T00:00:00Z":                Earliest,
		"9999-12-31T23:59:59Z":                time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		"2026-05-01T12:00:00.000000000-00:00": noon,
	} {
		got := onlyOne(t, fmt.Sprintf(`{"type":"track","event":"e","userId":"u","timestamp":%q}`, text))
		if got.Problem != nil || !got.Timestamp.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", text, got.Timestamp, got.Problem, want)
		}
	}
}

func TestAMissingMessageIDIsMadeUp(t *testing.T) {
	seen := map[string]bool{}
	for _, id := range []string{``, `"messageId":null,`, `"messageId":"",`} {
		item := onlyOne(t, `{`+id+`"type":"track","event":"e","userId":"u"}`)
		if parsed, err := uuid.Parse(item.MessageID); err != nil || parsed.Version() != 7 {
			t.Errorf("%q: made %q, want a UUID of version 7", id, item.MessageID)
		}
		seen[item.MessageID] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d of 3 ids are their own", len(seen))
	}
}

// What an event says of somebody is shown among its properties, and counts once in its size.
func TestTraitsCountOnceInTheSize(t *testing.T) {
	call := func(n int) string {
		return `{"type":"identify","messageId":"m","userId":"u","traits":{"a":"` + strings.Repeat("x", n) + `"}}`
	}
	if item := onlyOne(t, call(MaxEventBytes-200)); item.Problem != nil {
		t.Errorf("nearly as large as may be: %v", item.Problem)
	}
}

// A batch's context names the group of all its events, as it does in one's own.
func TestABatchsContextNamesTheGroup(t *testing.T) {
	items, err := DecodeBatch([]byte(`{"context":{"groupId":"g"},"batch":[
		{"type":"track","event":"e","userId":"u"}, {"type":"track","event":"e","userId":"u","context":{}}]}`))
	if err != nil || items[0].GroupID != "g" || items[1].GroupID != "" {
		t.Errorf("groups %q and %q, %v; want g and none", items[0].GroupID, items[1].GroupID, err)
	}
}
