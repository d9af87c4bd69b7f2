package scenario_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// What an event may not be.
func TestBadEvents(t *testing.T) {
	begin(t).tell(t, []chapter{
		{"one bad event keeps no other out", oneBadEventKeepsNoOtherOut},
		{"a bad event alone is refused", aBadEventAloneIsRefused},
	})
}

// secret stands in every bad event, and must not come back in a reason.
const secret = "hunter2-do-not-repeat"

// bad is an event at fault: members of the object, and what the verdict must name.
type bad struct {
	name, members string
	field         string // or how it begins
	id            string // in the verdict; "" where it can't be read
}

func member(name, value string) string {
	return fmt.Sprintf(`"type":"track","messageId":"bad","event":"E","userId":"u9",%q:%s`, name, value)
}

// without drops one member of a whole event.
func without(text string) string {
	return strings.Replace(`"type":"track","messageId":"bad","event":"E","userId":"u9","properties":{"p":"`+secret+`"}`, text+",", "", 1)
}

func nested(depth int) string {
	return strings.Repeat(`{"a":`, depth) + `"` + secret + `"` + strings.Repeat("}", depth)
}

var badEvents = []bad{
	{"no event name", without(`"event":"E"`), "event", "bad"},
	{"no userId", without(`"userId":"u9"`), "userId", "bad"},
	{"no type", without(`"type":"track"`), "type", "bad"},
	{"type erase", strings.Replace(without("-"), `"track"`, `"erase"`, 1), "type", "bad"},
	{"group without its id", strings.Replace(without("-"), `"track"`, `"group"`, 1), "groupId", "bad"},
	{"traits a list", strings.Replace(member("traits", `[1]`), `"track"`, `"identify"`, 1), "traits", "bad"},
	{"event name a number", strings.Replace(without("-"), `"E"`, `5`, 1), "event", "bad"},
	{"event name of 201 characters", strings.Replace(without("-"), `"E"`, `"`+strings.Repeat("é", 201)+`"`, 1), "event", "bad"},
	{"userId an object", strings.Replace(without("-"), `"u9"`, `{}`, 1), "userId", "bad"},
	{"timestamp no time", member("timestamp", `"`+secret+`"`), "timestamp", "bad"},
	{"timestamp a number", member("timestamp", `1777636800`), "timestamp", "bad"},
	{"timestamp without a zone", member("timestamp", `"2026-05-01T12:00:00"`), "timestamp", "bad"},
	{"timestamp of the 30th of February", member("timestamp", `"2026-02-30T12:00:00Z"`), "timestamp", "bad"},
	{"year 1999", member("timestamp", `"1999-12-31T23:59:59Z"`), "timestamp", "bad"},
	{"year 1", member("timestamp", `"0001-01-01T00:00:00Z"`), "timestamp", "bad"},
	{"year 0", member("timestamp", `"0000-01-01T00:00:00Z"`), "timestamp", "bad"},
	{"sentAt no time", member("sentAt", `"`+secret+`"`), "sentAt", "bad"},
	{"properties a string", member("properties", `"`+secret+`"`), "properties", "bad"},
	{"properties a list", member("properties", `[1]`), "properties", "bad"},
	{"context a number", member("context", `1`), "context", "bad"},
	{"unknown field", member("propertis", `{"p":"`+secret+`"}`), "propertis", "bad"},
	{"a name twice", member("event", `"`+secret+`"`), "", "bad"},
	{"a name twice inside", member("properties", `{"a":1,"a":"`+secret+`"}`), "properties", "bad"},
	{"invalid UTF-8", member("properties", "{\"a\":\"\xff"+secret+"\"}"), "properties", "bad"},
	{"invalid UTF-8 in a name", member("properties", "{\"\xc0\xaf\":1}"), "properties", "bad"},
	{"lone surrogate", member("properties", `{"a":"\ud800`+secret+`"}`), "properties", "bad"},
	{"NUL in a property", member("properties", `{"a":"\u0000`+secret+`"}`), "properties.a", "bad"},
	{"NUL in a name", member("properties", `{"\u0000":1}`), "properties", "bad"},
	{"NUL in the event name", strings.Replace(without("-"), `"E"`, `"E\u0000"`, 1), "event", "bad"},
	{"1e400", member("properties", `{"n":{"m":1e400}}`), "properties.n.m", "bad"},
	{"1e-20000", member("properties", `{"n":1e-20000}`), "", "bad"},
	{"33 levels", member("properties", nested(34)), "", "bad"},
	{"depth 100", member("properties", nested(100)), "", "bad"},
	{"depth 100 in context", member("context", nested(100)), "", "bad"},
	{"depth 9,000", member("properties", strings.Repeat("[", 9_000)+strings.Repeat("]", 9_000)), "", "bad"},
	{"depth 100,000", member("properties", strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)), "event", "bad"},
	{"33 KB", member("properties", `{"p":"`+secret+strings.Repeat("x", 33<<10)+`"}`), "event", "bad"},
	{"id of 300 characters", strings.Replace(without("-"), `"bad"`, `"`+strings.Repeat("i", 300)+`"`, 1), "messageId", ""},
	{"id a number", strings.Replace(without("-"), `"bad"`, `7`, 1), "messageId", ""},
}

// under gives a bad event an id of its own, so that it is nobody's repeat.
func (b bad) under(id string) string {
	return "{" + strings.Replace(b.members, `"bad"`, fmt.Sprintf("%q", id), 1) + "}"
}

// One bad event keeps no other out, wherever it stands; and the verdict says what is wrong
// with it, and repeats nothing of it.
func oneBadEventKeepsNoOtherOut(t *testing.T, s story) {
	good := 0
	for _, b := range badEvents {
		t.Run(b.name, func(t *testing.T) {
			before, after := event(b.name+" 1", "Good", "u1", noon), event(b.name+" 2", "Good", "u2", noon)
			reply := s.kit.Do(t, http.MethodPost, "/v1/batch", s.acme.WriteKey, `{"batch":[`+before+`,`+b.under(b.name)+`,`+after+`]}`)
			got := verdictsOf(t, reply, http.StatusOK)
			good += 2
			wantVerdicts(t, got, "ACCEPTED", "REJECTED", "ACCEPTED")
			id := strings.Replace(b.id, "bad", b.name, 1)
			if v := got[1]; v.MessageID != id || v.Field == "" || len(v.Field) > 300 || !strings.HasPrefix(v.Field, b.field) {
				t.Errorf("the verdict names id %.40q and field %.400q, want %.40q and %q", v.MessageID, v.Field, id, b.field)
			}
			wantDiscreet(t, got[1].Reason, secret)
		})
	}
	t.Run("items that are no objects", func(t *testing.T) {
		reply := s.kit.Do(t, http.MethodPost, "/v1/batch/", s.acme.WriteKey, `{"batch":[null,5,"x",[],{},`+event("last", "Good", "u1", noon)+`]}`)
		wantVerdicts(t, verdictsOf(t, reply, http.StatusOK), "REJECTED", "REJECTED", "REJECTED", "REJECTED", "REJECTED", "ACCEPTED")
		good++
	})
	s.wantCount(t, good, 2)
	wantRecounted(t, s.kit)
}

// The same events alone, where the status tells.
func aBadEventAloneIsRefused(t *testing.T, s story) {
	for _, b := range badEvents {
		if b.name == "no type" {
			continue // /v1/track knows the type
		}
		t.Run(b.name, func(t *testing.T) {
			reply := s.kit.Do(t, http.MethodPost, "/v1/track", s.acme.WriteKey, b.under(b.name))
			if reply.Status != http.StatusBadRequest {
				t.Errorf("status %d, want 400: %.300s", reply.Status, reply.Body)
			}
			wantDiscreet(t, string(reply.Body), secret)
		})
	}
	s.wantCount(t, 0, 0)
}
