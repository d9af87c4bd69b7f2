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
			alone, err := DecodeOne([]byte(c.body))
			if err != nil {
				t.Fatalf("DecodeOne: %v", err)
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
		if item, err := DecodeOne([]byte(body)); err != nil || item.Problem != nil || item.Type != want {
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
