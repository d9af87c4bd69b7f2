package event

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// nest gives that many objects, each in the one before, around a value.
func nest(levels int, value string) string {
	return strings.Repeat(`{"a":`, levels) + value + strings.Repeat("}", levels)
}

// track is a good call with one member more, or one put in another's place.
func track(member string) string {
	return `{"type":"track","event":"e","userId":"u",` + member + `}`
}

var long = strings.Repeat("é", maxText+1)

// refusals lists what is wrong with an item, and the field that is told to be.
var refusals = []struct {
	name, item, field string
}{
	{"not an object", `7`, "event"},
	{"null", `null`, "event"},
	{"a call that is not an event", `{"type":"erase","userId":"u"}`, "type"},
	{"an identify of nobody", `{"type":"identify","traits":{"a":1}}`, "userId"},
	{"a group without its id", `{"type":"group","userId":"u"}`, "groupId"},
	{"an alias of nobody", `{"type":"alias","previousId":"a"}`, "userId"},
	{"an alias without the other id", `{"type":"alias","userId":"u"}`, "previousId"},
	{"traits that are a list", `{"type":"identify","userId":"u","traits":[1]}`, "traits"},
	{"NUL in traits", `{"type":"group","userId":"u","groupId":"g","traits":{"a":"\u0000"}}`, "traits.a"},
	{"a group id that is an object", `{"type":"group","userId":"u","groupId":{}}`, "groupId"},
	{"an id used before that is too long", `{"type":"alias","userId":"u","previousId":"` + long + `"}`, "previousId"},
	{"a category that is a number", `{"type":"page","userId":"u","category":1}`, "category"},
	{"a type of the wrong type", `{"type":5,"userId":"u"}`, "type"},
	{"no name", `{"type":"track","userId":"u"}`, "event"},
	{"a name of null", `{"type":"track","userId":"u","event":null}`, "event"},
	{"a name of the wrong type", `{"type":"track","userId":"u","event":["e"]}`, "event"},
	{"a name that is too long", `{"type":"track","userId":"u","event":"` + long + `"}`, "event"},
	{"nobody at all", `{"type":"track","event":"e"}`, "userId"},
	{"nobody but null and nothing", `{"type":"track","event":"e","userId":null,"anonymousId":""}`, "userId"},
	{"a user who is an object", `{"type":"track","event":"e","userId":{"id":1}}`, "userId"},
	{"a device that is true", `{"type":"track","event":"e","anonymousId":true}`, "anonymousId"},
	{"a user id that is too long", `{"type":"track","event":"e","userId":"` + long + `"}`, "userId"},
	{"an anonymous id that is too long", track(`"anonymousId":"` + long + `"`), "anonymousId"},
	{"a message id that is too long", track(`"messageId":"` + long + `"`), "messageId"},
	{"a message id that is a number", track(`"messageId":7`), "messageId"},
	{"NUL in the name", `{"type":"track","event":"a\u0000","userId":"u"}`, "event"},
	{"NUL in the user id", `{"type":"track","event":"e","userId":"\u0000"}`, "userId"},
	{"NUL in the anonymous id", track(`"anonymousId":"a\u0000"`), "anonymousId"},
	{"NUL in the message id", track(`"messageId":"\u0000m"`), "messageId"},
	{"NUL in a value", track(`"properties":{"a":["\u0000"]}`), "properties.a"},
	{"NUL in a name of a property", track(`"properties":{"\u0000":1}`), "properties"},
	{"NUL in a page's name", `{"type":"page","userId":"u","name":"\u0000"}`, "properties.name"},
	{"a time that is a number", track(`"timestamp":1777636800`), "timestamp"},
	{"a time in words", track(`"timestamp":"yesterday"`), "timestamp"},
	{"a time without a zone", track(`"timestamp":"2026-05-01T12:00:00"`), "timestamp"},
	{"a day", track(`"timestamp":"2026-05-01"`), "timestamp"},
	{"the thirtieth of February", track(`"timestamp":"2026-02-30T12:00:00Z"`), "timestamp"},
	{"an original time in words", track(`"originalTimestamp":"soon"`), "originalTimestamp"},
	{"sent at an object", track(`"sentAt":{}`), "sentAt"},
	{"the year 0", track(`"timestamp":"0000-01-01T00:00:00Z"`), "timestamp"},
	{"the year 1", track(`"timestamp":"0001-01-01T00:00:00Z"`), "timestamp"},
	{"the year 1999", track(`"timestamp":"1999-12-31T23:59:59.999999999Z"`), "timestamp"},
	{"the year 10000", track(`"timestamp":"10000-01-01T00:00:00Z"`), "timestamp"},
	{"properties that are a list", track(`"properties":[1]`), "properties"},
	{"properties that are a text", track(`"properties":"{}"`), "properties"},
	{"a page's properties that are a list", `{"type":"page","userId":"u","name":"n","properties":[1]}`, "properties"},
	{"a context that is a number", track(`"context":1`), "context"},
	{"a number beyond a double", track(`"properties":{"a":{"b":1e400}}`), "properties.a.b"},
	{"a number beyond a double in the context", track(`"context":{"a":-1e400}`), "context.a"},
	{"a name twice", track(`"event":"f"`), "event"},
	{"a property twice", track(`"properties":{"a":1,"a":2}`), "properties.a"},
	{"half a surrogate", track(`"properties":{"a":{"b":"\ud800"}}`), "properties.a.b"},
	{"text that is not UTF-8", track("\"context\":{\"a\":\"\xff\"}"), "context.a"},
	{"a misspelt member", track(`"propertis":{}`), "propertis"},
	{"a member in another case", track(`"UserId":"u"`), "UserId"},
	{"a member without a name", track(`"":1`), "event"},
	{"a member of a very long name", track(`"` + strings.Repeat("x", 300) + `":1`), "event"},
}

func TestWhatIsWrongIsRefusedByItsField(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			wantProblem(t, onlyOne(t, c.item), fault.BadUserInput, c.field)
		})
	}
	t.Run("no type in a batch", func(t *testing.T) {
		wantProblem(t, onlyOne(t, `{"event":"e","userId":"u"}`), fault.BadUserInput, "type")
	})
	t.Run("too large", func(t *testing.T) {
		filler := strings.Repeat("x", MaxEventBytes)
		fits := track(`"messageId":"m","properties":{"a":"` + filler[:MaxEventBytes-len(track(`"messageId":"m","properties":{"a":""}`))] + `"}`)
		if item := onlyOne(t, fits); item.Problem != nil {
			t.Errorf("%d bytes: %v", len(fits), item.Problem)
		}
		wantProblem(t, onlyOne(t, fits+" "), "", "") // white space around it is not of the event
		wantProblem(t, onlyOne(t, strings.Replace(fits, "x", "xx", 1)), fault.TooLarge, "event")
	})
}

// wantProblem checks an item's problem; no code means that there is none.
func wantProblem(t *testing.T, item Item, code fault.Code, field string) {
	t.Helper()
	if code == "" {
		if item.Problem != nil {
			t.Errorf("problem %v, want none", item.Problem)
		}
		return
	}
	if item.Problem == nil {
		t.Fatalf("accepted %+v, want %s of %s", item.Incoming, code, field)
	}
	if item.Problem.Code != code || item.Problem.Field != field {
		t.Errorf("problem %v, want %s of %s", item.Problem, code, field)
	}
	if !strings.HasSuffix(item.Problem.Message, ".") || strings.Contains(item.Problem.Message, "json") {
		t.Errorf("message %q, want a sentence for people", item.Problem.Message)
	}
}

func TestARefusedItemKeepsItsIDWhereThatCanBeRead(t *testing.T) {
	for rest, want := range map[string]string{
		`"messageId":"m","userId":{}`:              "m",
		`"messageId":"m","properties":{"a":1e400}`: "m",
		"\"messageId\":\"m\",\"event\":\"\xff\"":   "m",
		`"messageId":"m","event":1,"event":2`:      "m",
		`"messageId":{},"userId":{}`:               "",
		`"messageId":"` + long + `"`:               "", // nobody needs that repeated
		`"messageId":"` + long + `","userId":{}`:   "",
		`"messageId":"\u0000"`:                     "",
	} {
		item := onlyOne(t, fmt.Sprintf(`{"type":"track",%s}`, rest))
		if item.Problem == nil || item.MessageID != want {
			t.Errorf("%.60s: id %.20q, problem %v; want %q", rest, item.MessageID, item.Problem, want)
		}
	}
}
