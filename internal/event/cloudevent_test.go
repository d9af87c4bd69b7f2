package event

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// paid is a good CloudEvent, with one attribute more.
func paid(attribute string) string {
	return `{"specversion":"1.0","id":"7","source":"/billing","type":"Paid","subject":"ada"` + attribute + `}`
}

func cloudy(t *testing.T, body string) Item {
	t.Helper()
	items, alone, err := DecodeCloudEvents([]byte(body))
	if err != nil || !alone || len(items) != 1 {
		t.Fatalf("%s: %d items, alone %v, %v", body, len(items), alone, err)
	}
	return items[0]
}

func TestCloudEventsAreReadInBothModes(t *testing.T) {
	around := `{"source":"/billing","subject":"ada"}`
	whole := Incoming{MessageID: "/billing 7", Type: "Paid", UserID: "ada", Properties: []byte(`{}`), Context: []byte(around)}
	with := func(change func(e *Incoming)) Incoming {
		e := whole
		change(&e)
		return e
	}
	for _, c := range []struct {
		name, body string
		want       Incoming
	}{
		{"the least there is", paid(``), whole},
		{"data that is an object", paid(`,"data":{"total":5}`), with(func(e *Incoming) { e.Properties = []byte(`{"total":5}`) })},
		{"data that is a text", paid(`,"data":"five"`), with(func(e *Incoming) { e.Properties = []byte(`{"data":"five"}`) })},
		{"data that is a list", paid(`,"data":[5]`), with(func(e *Incoming) { e.Properties = []byte(`{"data":[5]}`) })},
		{"data that is null", paid(`,"data":null`), whole},
		{"data that is not text", paid(`,"data_base64":"AAE="`), with(func(e *Incoming) { e.Properties = []byte(`{"data_base64":"AAE="}`) })},
		{"its time", paid(`,"time":"2026-05-01T12:00:00Z"`), with(func(e *Incoming) { e.Timestamp = noon })},
		{"extensions", paid(`,"dataschema":"#1","traceparent":"00-1","sampled":true`), with(func(e *Incoming) {
			e.Context = []byte(`{"source":"/billing","subject":"ada","dataschema":"#1","traceparent":"00-1","sampled":true}`)
		})},
		{"a user beside the subject", paid(`,"userid":"u"`), with(func(e *Incoming) { e.UserID = "u" })},
		{"a device beside the subject", paid(`,"anonymousid":"d"`), with(func(e *Incoming) { e.UserID, e.AnonymousID = "", "d" })},
		{"a group", paid(`,"groupid":"g"`), with(func(e *Incoming) { e.GroupType, e.GroupID = "account", "g" })},
		{"a group of a type", paid(`,"groupid":"g","grouptype":"team"`), with(func(e *Incoming) { e.GroupType, e.GroupID = "team", "g" })},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := cloudy(t, c.body)
			if got.Problem != nil {
				t.Fatal(got.Problem)
			}
			if diff := cmp.Diff(c.want, got.Incoming, cmpopts.IgnoreUnexported(Incoming{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// header is a request's, as net/http gives it.
func header(pairs ...string) map[string][]string {
	h := map[string][]string{"Ce-Specversion": {"1.0"}, "Ce-Id": {"7"}, "Ce-Source": {"/billing"}, "Ce-Type": {"Paid"}, "Ce-Subject": {"ada"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		h[pairs[i]] = append(h[pairs[i]], pairs[i+1])
	}
	return h
}

func TestCloudEventsInBinaryMode(t *testing.T) {
	for _, c := range []struct {
		name, media, body, properties string
	}{
		{"JSON", "application/json; charset=utf-8", ` {"total":5} `, `{"total":5}`},
		{"JSON of a kind", "application/vnd.acme+json", `[5]`, `{"data":[5]}`},
		{"JSON without a label", "", `{"total":5}`, `{"total":5}`},
		{"text", "text/plain", `fünf "5"`, `{"data":"fünf \"5\""}`},
		{"bytes", "application/octet-stream", "\x00\x01", `{"data_base64":"AAE="}`},
		{"text that is none", "text/plain", "\xff", `{"data_base64":"/w=="}`},
		{"nothing", "application/json", "", `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := header()
			if c.media != "" {
				h = header("Content-Type", c.media)
			}
			if !IsBinaryCloudEvent(h) {
				t.Fatal("not told as binary")
			}
			item, err := DecodeBinaryCloudEvent(h, []byte(c.body))
			if err != nil || item.Problem != nil {
				t.Fatal(err, item.Problem)
			}
			if got := string(item.Properties); got != c.properties || item.MessageID != "/billing 7" || item.UserID != "ada" {
				t.Errorf("%s by %s has the properties %s, want %s", item.MessageID, item.UserID, got, c.properties)
			}
		})
	}
	item, err := DecodeBinaryCloudEvent(header("Ce-Userid", "Zo%C3%AB%20%22Z%22", "Ce-Tenant", "eu"), nil)
	if err != nil || item.UserID != `Zoë "Z"` || !strings.Contains(string(item.Context), `"tenant":"eu"`) {
		t.Errorf("user %q, context %s, %v", item.UserID, item.Context, err)
	}
	for _, bad := range []map[string][]string{header("Ce-Userid", "%zz"), header("Ce-Userid", "%ff")} {
		_, err := DecodeBinaryCloudEvent(bad, nil)
		wantFault(t, err, fault.BadUserInput, "userid")
	}
	_, err = DecodeBinaryCloudEvent(header(), []byte(`{"a":1},"userid":"other"`))
	wantFault(t, err, fault.BadUserInput, "data")
	item, err = DecodeBinaryCloudEvent(header("Ce-Id", "8"), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, item, fault.BadUserInput, "id")
	if IsBinaryCloudEvent(header("Content-Type", "application/cloudevents+json")) || IsBinaryCloudEvent(nil) {
		t.Error("structured mode is taken for binary mode")
	}
}

func TestWhatIsWrongWithACloudEventIsNamedInItsWords(t *testing.T) {
	for _, c := range []struct{ name, body, field string }{
		{"another version", `{"specversion":"0.3"}`, "specversion"},
		{"no id", `{"specversion":"1.0","source":"s","type":"t","subject":"u"}`, "id"},
		{"no source", `{"specversion":"1.0","id":"1","type":"t","subject":"u"}`, "source"},
		{"a source in words", `{"specversion":"1.0","id":"1","source":"the shop","type":"t","subject":"u"}`, "source"},
		{"no type", `{"specversion":"1.0","id":"1","source":"s","subject":"u"}`, "type"},
		{"a type that is too long", `{"specversion":"1.0","id":"1","source":"s","subject":"u","type":"` + long + `"}`, "type"},
		{"nobody", `{"specversion":"1.0","id":"1","source":"s","type":"t"}`, "subject"},
		{"a time in words", paid(`,"time":"noon"`), "time"},
		{"the year 1999", paid(`,"time":"1999-12-31T23:59:59Z"`), "time"},
		{"a number beyond a double", paid(`,"data":{"a":1e400}`), "data.a"},
		{"an attribute in the wrong case", paid(`,"userId":"u"`), "userId"},
		{"a name twice", paid(`,"id":"8"`), "id"},
		{"an extension twice", paid(`,"trace":"1","trace":"2"`), "context.trace"},
		{"NUL in an extension", paid(`,"trace":"\u0000"`), "context.trace"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantProblem(t, cloudy(t, c.body), fault.BadUserInput, c.field)
		})
	}
}

// An id is its source's own; and however long the two are, the same pair has the same id.
func TestCloudEventsOfTwoSourcesAreTwo(t *testing.T) {
	far := "https://" + strings.Repeat("x", maxText) + ".example.com/"
	ids := map[string]bool{}
	for _, source := range []string{"/a", "/b", far + "a", far + "b", "/a"} {
		ids[cloudID(source, "7")] = true
	}
	if len(ids) != 4 {
		t.Errorf("ids %v, want one for each of four sources", ids)
	}
	for id := range ids {
		if problem := checkText("id", id); problem != nil {
			t.Error(problem)
		}
	}
}

func TestCloudEventsComeInBatches(t *testing.T) {
	items, alone, err := DecodeCloudEvents([]byte(" [" + paid(``) + `,7,` + paid(`,"data":{"a":1}`) + "] "))
	if err != nil || alone || len(items) != 3 || items[0].Problem != nil || items[1].Problem == nil || items[2].Problem != nil {
		t.Errorf("%d items, alone %v, %v", len(items), alone, err)
	}
	if items, _, err := DecodeCloudEvents([]byte(`[]`)); err != nil || len(items) != 0 {
		t.Errorf("an empty batch is allowed by the format: %v", err)
	}
	for _, body := range []string{``, `7`, `{`, `[` + paid(``), paid(``) + paid(``)} {
		_, _, err := DecodeCloudEvents([]byte(body))
		wantFault(t, err, fault.BadUserInput, "body")
	}
}

// An event that says who somebody is says so in its data.
func TestACloudEventMayIdentify(t *testing.T) {
	item := cloudy(t, strings.Replace(paid(`,"data":{"plan":"pro"}`), "Paid", Identify, 1))
	if got := summary(&item.Incoming); item.Problem != nil || got != `$identify u=ada traits={"plan":"pro"}` {
		t.Errorf("%s, %v", got, item.Problem)
	}
	if !item.Timestamp.Equal(time.Time{}) {
		t.Errorf("a time of its own: %v", item.Timestamp)
	}
}
