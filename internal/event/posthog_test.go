package event

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// captured reads one event in PostHog's shape, given without its braces.
func captured(t *testing.T, members string) Item {
	t.Helper()
	items, alone, err := DecodeCaptures([]byte("{" + members + "}"))
	if err != nil || !alone || len(items) != 1 {
		t.Fatalf("%s: %d items, alone %v, %v", members, len(items), alone, err)
	}
	return items[0]
}

func TestWhatACaptureSaysIsSaidInOurWords(t *testing.T) {
	for _, c := range []struct{ name, members, want string }{
		{"a user", `"event":"E","distinct_id":"u"`, `E u=u`},
		{"a number", `"event":"E","distinct_id":42`, `E u=42`},
		{"a user among the properties", `"event":"E","properties":{"distinct_id":"u"}`, `E u=u`},
		{"a browser that has not identified anybody", `"event":"E","distinct_id":"d","properties":{"$is_identified":false}`, `E a=d`},
		{"a browser by its state", `"event":"E","distinct_id":"d","properties":{"$user_state":"anonymous"}`, `E a=d`},
		{"a device by itself", `"event":"E","distinct_id":"d","properties":{"$device_id":"d"}`, `E a=d`},
		{"a device whose user is known", `"event":"E","distinct_id":"d","properties":{"$device_id":"d","$is_identified":true}`, `E u=d`},
		{"a user on a device", `"event":"E","distinct_id":"u","properties":{"$device_id":"d"}`, `E u=u`},
		{"a page", `"event":"$pageview","distinct_id":"u"`, `$page u=u`},
		{"a screen", `"event":"$screen","distinct_id":"u"`, `$screen u=u`},
		{"an identify", `"event":"$identify","distinct_id":"u","properties":{"$anon_distinct_id":"d","$is_identified":true},"$set":{"a":1}`, `$identify u=u a=d traits={"a":1}`},
		{"an identify by the same id", `"event":"$identify","distinct_id":"u","properties":{"$anon_distinct_id":"u"}`, `$identify u=u`},
		{"an alias", `"event":"$create_alias","distinct_id":"u","properties":{"alias":"d"}`, `$alias u=u previous=d`},
		{"an alias by a browser that is nobody yet", `"event":"$create_alias","distinct_id":"d","properties":{"alias":"u","$device_id":"d"}`, `$alias u=u previous=d`},
		{"a group", `"event":"$groupidentify","distinct_id":"u","properties":{"$group_type":"company","$group_key":"g","$group_set":{"a":1},"$set":{"b":1}}`, `$group u=u group=company:g traits={"a":1}`},
		{"a group by nobody", `"event":"$groupidentify","distinct_id":"$company_g","properties":{"$group_type":"company","$group_key":"g"}`, `$group group=company:g`},
		{"what a person has from now on", `"event":"$set","distinct_id":"u","properties":{"$set":{"a":1},"$set_once":{"b":null,"c":2}}`, `$identify u=u traits={"a":1} once={"c":2}`},
		{"what any event sets", `"event":"E","distinct_id":"u","$set":{"a":1},"$set_once":{"b":null}`, `E u=u traits={"a":1}`},
		{"beside the properties before among them", `"event":"E","distinct_id":"u","$set":{"a":1},"properties":{"$set":{"a":2}}`, `E u=u traits={"a":1}`},
		{"the only group", `"event":"E","distinct_id":"u","properties":{"$groups":{"team":7}}`, `E u=u group=team:7`},
		{"the account among groups", `"event":"E","distinct_id":"u","properties":{"$groups":{"a":"1","organization":"2","company":"3"}}`, `E u=u group=company:3`},
		{"the first of groups by name", `"event":"E","distinct_id":"u","properties":{"$groups":{"team":"1","office":"2","none":null}}`, `E u=u group=office:2`},
		{"what clients add", `"event":"E","distinct_id":"u","type":"capture","library":"x","library_version":"1","api_key":"k","token":"k","offset":3,"$lib":"x","_x":1`, `E u=u`},
	} {
		t.Run(c.name, func(t *testing.T) {
			item := captured(t, c.members)
			if item.Problem != nil {
				t.Fatal(item.Problem)
			}
			if diff := cmp.Diff(c.want, summary(&item.Incoming)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsWrongWithACaptureIsNamedInItsWords(t *testing.T) {
	for _, c := range []struct{ name, members, field string }{
		{"no event", `"distinct_id":"u"`, "event"},
		{"nobody", `"event":"E","properties":{}`, "distinct_id"},
		{"a distinct id that is an object", `"event":"E","distinct_id":{}`, "distinct_id"},
		{"a distinct id that is too long", `"event":"E","distinct_id":"` + long + `"`, "distinct_id"},
		{"a uuid that is a number", `"event":"E","distinct_id":"u","uuid":7`, "uuid"},
		{"a uuid that is too long", `"event":"E","distinct_id":"u","uuid":"` + long + `"`, "uuid"},
		{"a time in words", `"event":"E","distinct_id":"u","timestamp":"now"`, "timestamp"},
		{"the year 1999", `"event":"E","distinct_id":"u","timestamp":"1999-12-31T23:59:59Z"`, "timestamp"},
		{"properties that are a list", `"event":"E","distinct_id":"u","properties":[1]`, "properties"},
		{"a property twice", `"event":"E","distinct_id":"u","properties":{"a":1,"a":2}`, "properties.a"},
		{"NUL in what is set", `"event":"E","distinct_id":"u","$set":{"a":"\u0000"}`, "$set.a"},
		{"an alias of nothing", `"event":"$create_alias","distinct_id":"u"`, "properties.alias"},
		{"a group without its key", `"event":"$groupidentify","distinct_id":"u","properties":{"$group_type":"company"}`, "properties.$group_key"},
		{"a misspelt member", `"event":"E","distinct_id":"u","propertis":{}`, "propertis"},
		{"a name twice", `"event":"E","event":"F","distinct_id":"u"`, "event"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantProblem(t, captured(t, c.members), fault.BadUserInput, c.field)
		})
	}
}

// A client that gives no ids repeats what it sent to the letter; so the same is the same, and
// anything else is not. Without its time, two equal events are two.
func TestACaptureWithoutAnIDHasThatOfWhatItSays(t *testing.T) {
	const timed = `"event":"E","distinct_id":"u","timestamp":"2026-05-01T12:00:00Z"`
	first, again, other := captured(t, timed), captured(t, timed), captured(t, strings.Replace(timed, "00Z", "01Z", 1))
	if first.MessageID == "" || first.MessageID != again.MessageID || first.MessageID == other.MessageID {
		t.Errorf("ids %q, %q and %q: want two that are equal, and another", first.MessageID, again.MessageID, other.MessageID)
	}
	const untimed = `"event":"E","distinct_id":"u","uuid":""`
	if a, b := captured(t, untimed), captured(t, untimed); a.MessageID == b.MessageID {
		t.Errorf("two events share the id %q", a.MessageID)
	}
}

func TestCapturesComeAloneInListsAndInBatches(t *testing.T) {
	const one = `{"event":"E","distinct_id":"u","properties":{"token":"key","a":1}}`
	for body, want := range map[string]int{
		one: 1, "[" + one + "," + one + "]": 2, `{"api_key":"key","batch":[` + one + `],"sent_at":"2026-05-01T12:00:00Z"}`: 1,
		"[]\n": 0,
	} {
		items, alone, err := DecodeCaptures([]byte(body))
		if err != nil || len(items) != want || alone != (body == one) {
			t.Errorf("%s: %d items, alone %v, %v", body, len(items), alone, err)
		}
		for _, item := range items {
			if got := string(item.Properties); got != `{"a":1}` {
				t.Errorf("%s: properties %s, want them without the key", body, got)
			}
			if strings.Contains(body, "sent_at") && !item.SentAt.Equal(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)) {
				t.Errorf("sent at %v", item.SentAt)
			}
		}
		if want > 0 && WriteKey([]byte(body)) != "key" {
			t.Errorf("%s: key %q", body, WriteKey([]byte(body)))
		}
	}
	for _, body := range []string{``, `7`, `[`, `[` + one, `[` + one + `]]`, `{"batch":[]}`, `{"batch":null}`, one + one, `data=x`} {
		if items, _, err := DecodeCaptures([]byte(body)); err == nil {
			t.Errorf("%s: taken as %d items", body, len(items))
		} else {
			checkFault(t, err)
		}
	}
}

func TestOneBadCaptureKeepsNoOtherOut(t *testing.T) {
	const good = `{"event":"E","distinct_id":"u","uuid":"good"}`
	for _, bad := range []string{
		`null`, `[]`, `"\ud800"`, `{"event":"E","distinct_id":"u","properties":{"a":1e400}}`,
		`{"event":"E","distinct_id":"u","properties":` + nest(5_000, "1") + `}`,
		`{"event":"E","distinct_id":"u","properties":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`,
		"{\"event\":\"E\",\"distinct_id\":\"\xff\"}",
		`{"event":"E","distinct_id":"u","properties":{"token":"k","a":"\ud800"}}`,
	} {
		for _, body := range []string{`[` + bad + `,` + good + `]`, `{"batch":[` + bad + `,` + good + `]}`} {
			items, _, err := DecodeCaptures([]byte(body))
			if err != nil || len(items) != 2 || items[0].Problem == nil || items[1].Problem != nil || items[1].MessageID != "good" {
				t.Errorf("%.60s: %v, %+v", body, err, items)
			}
		}
	}
}
