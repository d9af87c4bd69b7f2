package event

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

func TestABodyThatCannotBeReadIsRefusedAsAWhole(t *testing.T) {
	const good = `{"type":"track","event":"e","userId":"u"}`
	cases := []struct{ name, body, field string }{
		{"nothing", ``, "body"},
		{"white space", " \n", "body"},
		{"a list", `[` + good + `]`, "body"},
		{"a text", `"batch"`, "body"},
		{"not JSON", `batch=1`, "body"},
		{"cut short", `{"batch":[` + good, "body"},
		{"text behind", `{"batch":[` + good + `]} {}`, "body"},
		{"no batch", `{}`, "batch"},
		{"a batch of null", `{"batch":null}`, "batch"},
		{"an empty batch", `{"batch":[]}`, "batch"},
		{"a batch that is an object", `{"batch":{"0":` + good + `}}`, "batch"},
		{"not JSON beside it", `{"batch":[` + good + `],"writeKey":nonsense}`, "body"},
		{"not JSON within what nobody reads", `{"options":{"a" 1},"batch":[` + good + `]}`, "body"},
		{"two batches", `{"batch":[` + good + `],"batch":[` + good + `]}`, "batch"},
		{"sent at a number", `{"batch":[` + good + `],"sentAt":5}`, "sentAt"},
		{"sent at a word", `{"batch":[` + good + `],"sentAt":"now"}`, "sentAt"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			items, err := DecodeBatch([]byte(c.body))
			wantFault(t, err, fault.BadUserInput, c.field)
			if items != nil {
				t.Errorf("%d items beside the error", len(items))
			}
		})
	}
	for _, body := range []string{``, `[]`, `7`, `{`, `{"a":}`, good + `{}`, good + `]`, "\ufeff" + good} {
		_, err := DecodeCall("track", []byte(body))
		wantFault(t, err, fault.BadUserInput, "body")
	}
}

func wantFault(t *testing.T, err error, code fault.Code, field string) {
	t.Helper()
	if f, ok := fault.Of(err); err == nil || !ok || f.Code != code || f.Field != field {
		t.Errorf("error %v, want %s of %s", err, code, field)
	}
}

// Everything in RELIABILITY's row 18 costs its own item, and no other one.
func TestOneBadItemKeepsNoOtherOut(t *testing.T) {
	bad := []string{
		`null`, `[]`, `"\ud800"`, "\"\xff\"",
		track(`"event":"again"`),
		track(`"properties":{"a":1,"a":1}`),
		track(`"properties":{"a":"\ud800"}`),
		track("\"properties\":{\"\xff\":1}"),
		track(`"properties":{"a":1e400}`),
		track(`"properties":{"a":"\u0000"}`),
		track(`"properties":` + nest(5_000, "1")),
		track(`"timestamp":"0000-01-01T00:00:00Z"`),
		track(`"properties":{"a":"` + strings.Repeat("x", MaxEventBytes) + `"}`),
		track(`"` + strings.Repeat("x", 30_000) + `":1`),
	}
	wantOnlyBad(t, bad)
	t.Run("depth 100,000", func(t *testing.T) {
		wantOnlyBad(t, []string{track(`"properties":{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`)})
	})
}

// wantOnlyBad sends each bad item with a good one after it.
func wantOnlyBad(t *testing.T, bad []string) {
	t.Helper()
	const good = `{"type":"track","event":"e","userId":"u","messageId":"good"}`
	items, err := DecodeBatch([]byte(`{"batch":[` + strings.Join(bad, `,`+good+`,`) + `,` + good + `]}`))
	if err != nil || len(items) != 2*len(bad) {
		t.Fatalf("%d items, %v; want %d", len(items), err, 2*len(bad))
	}
	for i := range bad {
		if items[2*i].Problem == nil {
			t.Errorf("item %.40s was taken", bad[i])
		}
		if next := items[2*i+1]; next.Problem != nil || next.MessageID != "good" {
			t.Errorf("the item after %.40s: %v", bad[i], next.Problem)
		}
	}
}

func TestTheEnvelopeSpeaksForItemsThatDontForThemselves(t *testing.T) {
	items, err := DecodeBatch([]byte(`{"sentAt":"2026-05-01T12:00:00Z","context":{"ip":"envelope"},"writeKey":"k","batch":[
		{"type":"track","event":"e","userId":"u"},
		{"type":"track","event":"e","userId":"u","sentAt":"2026-05-01T13:00:00Z","context":{"ip":"item"}},
		{"type":"track","event":"e","userId":"u","sentAt":null,"context":{}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		sentAt  time.Time
		context string
	}{{noon, `{"ip":"envelope"}`}, {noon.Add(time.Hour), `{"ip":"item"}`}, {noon, `{}`}}
	for i, w := range want {
		if got := items[i]; got.Problem != nil || !got.SentAt.Equal(w.sentAt) || string(got.Context) != w.context {
			t.Errorf("item %d: sent at %v, context %s, %v; want %v, %s", i, got.SentAt, got.Context, got.Problem, w.sentAt, w.context)
		}
	}
	for _, broken := range []string{`5`, `[1]`, `{"a":1,"a":2}`} {
		items, err := DecodeBatch([]byte(`{"context":` + broken + `,"batch":[{"type":"track","event":"e","userId":"u"}]}`))
		if err != nil {
			continue // refused as a whole is as good
		}
		if p := items[0].Problem; p == nil || !strings.HasPrefix(p.Field, "context") {
			t.Errorf("envelope's context %s: %v", broken, p)
		}
	}
}

// hostile bodies are as large as a body may be, and made to cost as much as they can.
func hostile(size int) map[string]string {
	fill := func(head, piece, tail string) string {
		return head + strings.Repeat(piece, (size-len(head)-len(tail))/len(piece)) + tail
	}
	shared := func(context int) string {
		return fmt.Sprintf(`{"context":{"a":"%s"},"batch":[`, strings.Repeat("x", context))
	}
	const small = `{"type":"page","userId":"u"},`
	return map[string]string{
		"open lists":                      fill("", "[", ""),
		"open lists in a batch":           fill(`{"batch":`, "[", ""),
		"open objects":                    fill("", `{"a":`, ""),
		"open objects in a batch":         fill(`{"batch":[`, `{"a":`, ""),
		"items that are numbers":          fill(`{"batch":[`, "1,", "1]}"),
		"items that are empty":            fill(`{"batch":[`, "{},", "{}]}"),
		"names that are alike":            fill(`{"batch":[{`, `"a":1,`, `"a":1}]}`),
		"escapes":                         fill(`{"batch":[{"event":"`, `\u0041`, `"}]}`),
		"a number":                        fill(`{"batch":[{"userId":`, "9", "}]}"),
		"captures in a list":              fill(`[`, `{"event":"E","distinct_id":"u","properties":{"token":"k","$groups":{"a":1,"b":2},"$set":{"a":null}}},`, `1]`),
		"a capture of many groups":        fill(`[{"event":"E","distinct_id":"u","properties":{"$groups":{`, `"a":1,`, `"a":1}}}]`),
		"CloudEvents in a list":           fill(`[`, `{"specversion":"1.0","id":"1","source":"s","type":"t","subject":"u","ext":"x"},`, `1]`),
		"names with a dollar":             fill(`{"event":"E",`, `"$a":1,`, `"$a":1}`),
		"one context of many small items": fill(shared(size/2), small, `1]}`),
		"one context of some small items": shared(30_000) + strings.Repeat(small, 2_400*size/MaxBatchBytes) + `1]}`,
	}
}

// Memory and work are counted in what is allocated: no body costs more than RELIABILITY
// allows, and none of twice the length much more than twice as much.
func TestHostileBodiesAreCheap(t *testing.T) {
	half, whole := hostile(MaxBatchBytes/2), hostile(MaxBatchBytes)
	for name := range whole {
		t.Run(name, func(t *testing.T) {
			some, all := allocated(half[name]), allocated(whole[name])
			if const50MB := uint64(50 << 20); all > const50MB {
				t.Errorf("allocates %d MB, want at most 50", all>>20)
			}
			if all > 3*some+1<<20 {
				t.Errorf("allocates %d KB, and %d KB for half of it", all>>10, some>>10)
			}
		})
	}
}

// allocated gives how many bytes it takes to decode a body in the way that takes the most.
func allocated(body string) (most uint64) {
	for _, decode := range []func(body []byte){ // what they answer is told by other tests
		func(body []byte) { _, _ = DecodeBatch(body) },
		func(body []byte) { _, _ = DecodeCall("track", body) },
		func(body []byte) { _, _, _ = DecodeCaptures(body) },
		func(body []byte) { _, _, _ = DecodeCloudEvents(body) },
		func(body []byte) { _ = WriteKey(body) },
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		decode([]byte(body))
		runtime.ReadMemStats(&after)
		most = max(most, after.TotalAlloc-before.TotalAlloc)
	}
	return most
}
