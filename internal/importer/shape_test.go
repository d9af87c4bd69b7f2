package importer

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTargets(t *testing.T) {
	tests := []struct {
		header string
		pairs  map[string]string
		want   string
	}{
		{"Event,user_id,TimeStamp,plan", nil, "event,userId,timestamp,properties.plan"},
		{"event_name,UserID,Occurred At,anonymous-id", nil, "event,userId,timestamp,anonymousId"},
		{"name,event,created_at,timestamp", nil, "properties.name,event,properties.created_at,timestamp"},
		{"id,uuid,message_id", nil, "properties.id,properties.uuid,messageId"},
		{"userId,user_id", nil, "userId,properties.user_id"},
		{"account_id,type,previous_id", nil, "groupId,type,previousId"},
		{"properties,properties.a,context.page.url,traits.email,context.", nil,
			"properties,properties.a,context.page.url,traits.email,properties.context."},
		{"event,customer,user_id,note", map[string]string{"customer": "userId", "note": "-"}, "event,userId,properties.user_id,-"},
		{"id,at", map[string]string{"id": "properties.id", "at": "timestamp"}, "properties.id,timestamp"},
		{"uuid,id", map[string]string{"uuid": "-"}, "-,messageId"},
	}
	for _, test := range tests {
		m, err := NewMapping(test.pairs)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, target := range m.targets(strings.Split(test.header, ",")) {
			got = append(got, target.String())
		}
		if joined := strings.Join(got, ","); joined != test.want {
			t.Errorf("%s goes to\n%s, want\n%s", test.header, joined, test.want)
		}
	}
}

func TestWhatCannotBeMapped(t *testing.T) {
	for _, field := range []string{"", "nothing", "user", "properties.", "event.name", "UserId"} {
		if _, err := NewMapping(map[string]string{"a": field}); err == nil {
			t.Errorf("a field %q is taken", field)
		}
	}
	for header, pairs := range map[string]map[string]string{
		"a,b,a": nil, "a,b": {"c": "userId"}, "a,b,c": {"a": "userId", "b": "userId"},
	} {
		m, err := NewMapping(pairs)
		if err != nil {
			t.Fatal(err)
		}
		if m.checkHeader(strings.Split(header, ",")) == nil {
			t.Errorf("%s with %v is taken", header, pairs)
		}
	}
}

// become tells what rows are sent as, or why they are refused.
func become(t *testing.T, name, text string, o Options) (events, refusals []string) {
	t.Helper()
	o.Concurrency, o.DryRun = 1, true
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	r := &run{options: o, source: &source{expanded: newWindow(strings.NewReader(text))}}
	if o.Preview == nil {
		r.options.Preview = &strings.Builder{}
	}
	if err := r.readAs(name); err != nil {
		t.Fatal(err)
	}
	for {
		row, err := r.rows.next()
		if err != nil {
			return events, refusals
		}
		e := r.entry(row)
		if e.event == nil {
			refusals = append(refusals, fmt.Sprintf("%d %s: %s", e.line, e.verdict.Field, e.verdict.Reason))
			continue
		}
		var event map[string]any
		if err := json.Unmarshal(e.event, &event); err != nil {
			t.Fatalf("%v\n%s", err, e.event)
		}
		if id, _ := event["messageId"].(string); strings.HasPrefix(id, "import-") {
			delete(event, "messageId")
		}
		plain, _ := json.Marshal(event)
		events = append(events, string(plain))
	}
}

func TestWhatLinesBecome(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"plain", `{"event":"A","userId":"u","timestamp":"2026-05-01T00:00:00Z","properties":{"a":1}}`,
			`{"event":"A","properties":{"a":1},"timestamp":"2026-05-01T00:00:00Z","type":"track","userId":"u"}`},
		{"an archive of Segment's: nothing shifts it to today",
			`{"type":"track","messageId":"m","event":"A","userId":7,"anonymousId":null,"timestamp":"2026-05-01T00:00:00Z","sentAt":"2026-05-01T00:00:09Z","receivedAt":"2026-05-01T00:00:10Z","originalTimestamp":"2026-05-01T00:00:01Z","writeKey":"secret","integrations":{},"_metadata":{},"version":2,"context":{"ip":"::1"}}`,
			`{"context":{"ip":"::1"},"event":"A","messageId":"m","timestamp":"2026-05-01T00:00:00Z","type":"track","userId":"7"}`},
		{"Segment's rule, where there is no timestamp",
			`{"type":"page","name":"Home","anonymousId":"a","messageId":"m","originalTimestamp":"2026-05-01T00:00:01Z","sentAt":"2026-05-01T00:00:09Z","receivedAt":"2026-05-01T00:00:10Z"}`,
			`{"anonymousId":"a","messageId":"m","name":"Home","timestamp":"2026-05-01T00:00:02Z","type":"page"}`},
		{"a misspelt field is for the server to refuse", `{"event":"A","userId":"u","timestamp":0,"propertis":{}}`,
			`{"event":"A","propertis":{},"timestamp":"1970-01-01T00:00:00Z","type":"track","userId":"u"}`},
		{"group", `{"type":"group","userId":"u","groupId":"g","traits":{"plan":"pro"},"timestamp":1777630000}`,
			`{"groupId":"g","timestamp":"2026-05-01T10:06:40Z","traits":{"plan":"pro"},"type":"group","userId":"u"}`},
		{"PostHog", `{"uuid":"x","event":"paid","distinct_id":"u","timestamp":"2026-05-01 00:00:00.5+00:00","properties":{"a":1},"person_id":"p","team_id":1}`,
			`{"event":"paid","messageId":"x","properties":{"a":1},"timestamp":"2026-05-01T00:00:00.5Z","type":"track","userId":"u"}`},
		{"PostHog, its properties as text", `{"event":"paid","distinct_id":"u","timestamp":1777630000,"properties":"{\"a\":1}"}`,
			`{"event":"paid","properties":{"a":1},"timestamp":"2026-05-01T10:06:40Z","type":"track","userId":"u"}`},
		{"PostHog, a stranger's page", `{"event":"$pageview","distinct_id":"d","timestamp":1777630000,"properties":{"$device_id":"d","title":"T"}}`,
			`{"anonymousId":"d","name":"T","properties":{"$device_id":"d","title":"T"},"timestamp":"2026-05-01T10:06:40Z","type":"page"}`},
		{"PostHog, identify", `{"event":"$identify","distinct_id":"u","timestamp":1777630000,"properties":{"$anon_distinct_id":"d","$set":{"email":"e"}}}`,
			`{"anonymousId":"d","properties":{"$anon_distinct_id":"d","$set":{"email":"e"}},"timestamp":"2026-05-01T10:06:40Z","traits":{"email":"e"},"type":"identify","userId":"u"}`},
		{"a warehouse's row", `{"id":"m","event":"A","user_id":"u","account_id":7,"plan":null,"amount":1.50,"timestamp":"2026-05-01 00:00:00 UTC"}`,
			`{"context":{"groupId":"7"},"event":"A","messageId":"m","properties":{"amount":1.5},"timestamp":"2026-05-01T00:00:00Z","type":"track","userId":"u"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			events, refusals := become(t, "a.ndjson", test.line+"\n", Options{Zone: "UTC"})
			if diff := cmp.Diff([]string{test.want}, events); diff != "" || refusals != nil {
				t.Errorf("(-want +got):\n%s\n%v", diff, refusals)
			}
		})
	}
}

func TestWhatIsRefused(t *testing.T) {
	const good = `{"event":"A","userId":"u","timestamp":"2026-05-01T00:00:00Z"}`
	text := strings.Join([]string{
		good, `{"event":`, `"text"`, `[` + good + `]`, good + `x`, `{"event":"A","event":"B","userId":"u"}`,
		`{"event":"A","userId":{},"timestamp":1}`, "{\"event\":\"\xff\"}", `{"event":"A","userId":"u"}`,
		`{"event":"A","userId":"u","timestamp":"soon"}`,
		`{"event":"A","userId":"u","timestamp":1,"properties":{"a":"` + strings.Repeat("x", 33<<10) + `"}}`, good,
	}, "\n")
	events, refusals := become(t, "a.ndjson", text, Options{Zone: "UTC"})
	want := []string{
		"2 row: The JSON ends too early.", "3 row: A JSON object is needed.", "4 row: A JSON object is needed.",
		"5 row: Text follows the JSON object.", "6 event: The name occurs twice.", "7 userId: A text or a number is needed.",
		"8 row: " + errUTF8.Message, "9 timestamp: " + errNoTime.Message, "10 timestamp: " + errTime.Message,
		"11 event: " + errSize.Message,
	}
	if diff := cmp.Diff(want, refusals); diff != "" || len(events) != 2 {
		t.Errorf("%d events; refused (-want +got):\n%s", len(events), diff)
	}
}

func TestWhatTablesBecome(t *testing.T) {
	const text = "\ufeffkind,event,user_id,account_id,at,plan,n,properties,traits.email,\n" // the BOM is cut off before
	rows := strings.TrimPrefix(text, "\ufeff") +
		`track,A,u,g,2026-05-01,,1,"{""x"":[1]}",e,` + "\n" +
		`group,,u,g,2026-05-01,pro,1,,e,` + "\n" +
		`page,Home,u,,2026-05-01,007,,,,` + "\n" +
		`track,A,u,,2026-05-01,,,{,,` + "\n" +
		`track,A,u,,2026-05-01,,,,,extra` + "\n"
	mapping, err := NewMapping(map[string]string{"kind": "type", "at": "timestamp"})
	if err != nil {
		t.Fatal(err)
	}
	events, refusals := become(t, "a.csv", rows, Options{Zone: "UTC", Mapping: mapping})
	want := []string{
		`{"context":{"groupId":"g","traits":{"email":"e"}},"event":"A","properties":{"n":1,"x":[1]},"timestamp":"2026-05-01T00:00:00Z","type":"track","userId":"u"}`,
		`{"groupId":"g","properties":{"n":1,"plan":"pro"},"timestamp":"2026-05-01T00:00:00Z","traits":{"email":"e"},"type":"group","userId":"u"}`,
		`{"name":"Home","properties":{"plan":"007"},"timestamp":"2026-05-01T00:00:00Z","type":"page","userId":"u"}`,
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"5 properties: The JSON ends too early.", "6 row: " + errNameless.Message}, refusals); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

// The same row has the same id in every file and format; equal rows of one file differ.
func TestMadeUpIDs(t *testing.T) {
	ids := func(name, text, from string) (ids []string) {
		o := Options{Zone: "UTC", Source: from, DryRun: true, Concurrency: 1, Preview: &strings.Builder{}}
		if err := o.check(); err != nil {
			t.Fatal(err)
		}
		r := &run{options: o, source: &source{expanded: newWindow(strings.NewReader(text))}, ids: identity{source: from}}
		if err := r.readAs(name); err != nil {
			t.Fatal(err)
		}
		for {
			row, err := r.rows.next()
			if err != nil {
				return ids
			}
			ids = append(ids, r.entry(row).id)
		}
	}
	csv := ids("a.csv", "event,user_id,time,a,b\nA,u,2026-05-01,1,x\nB,u,2026-05-01,1,x\nA,u,2026-05-01,1,x\n", "")
	ndjson := ids("a.ndjson", `{"properties":{"b":"x","a":1},"userId":"u","event":"A","timestamp":"2026-05-01T02:00:00+02:00"}`, "")
	other := ids("a.csv", "event,user_id,time,a,b\nA,u,2026-05-01,1,x\n", "other")
	if csv[0] == csv[1] || csv[0] == csv[2] || csv[0] != ndjson[0] || csv[0] == other[0] {
		t.Errorf("the ids are %v, %v, %v", csv, ndjson, other)
	}
	given := ids("a.csv", "event,user_id,time,id\nA,u,2026-05-01,mine\n", "other")
	if diff := cmp.Diff([]string{"mine"}, given); diff != "" {
		t.Errorf("a given id (-want +got):\n%s", diff)
	}
}

// Beyond what is counted, a row's line stands for its count.
func TestIDsBeyondTheCount(t *testing.T) {
	ids := identity{unnamed: maxCounted}
	row := object(`{"event":"A"}`)
	first, _ := ids.next(row, 7)
	second, _ := ids.next(row, 8)
	again := identity{unnamed: maxCounted}
	repeated, _ := again.next(row, 7)
	if first == second || first != repeated || ids.equal != nil {
		t.Errorf("%s, %s, and again %s", first, second, repeated)
	}
}
