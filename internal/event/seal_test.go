package event

import (
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// sealed completes an event of the given properties, which must be in order.
func sealed(t interface {
	Helper()
	Fatalf(string, ...any)
}, properties string) *Incoming {
	t.Helper()
	e := &Incoming{MessageID: "m", Type: "e", UserID: "u", Properties: []byte(properties)}
	if problem := e.Check(); problem != nil {
		t.Fatalf("%s: %v", properties, problem)
	}
	return e
}

func TestTheSamePropertiesHaveOneFingerprint(t *testing.T) {
	for name, pair := range map[string][2]string{
		"members in another order":        {`{"a":1,"b":2}`, `{"b":2,"a":1}`},
		"and deep within":                 {`{"x":[{"a":{"c":[],"d":{}},"b":2}]}`, `{"x":[{"b":2,"a":{"d":{},"c":[]}}]}`},
		"with white space":                {`{"a":[1,2]}`, " {\n\"a\" : [ 1 ,\t2 ] } "},
		"with escapes":                    {`{"a":"é/😀"}`, `{"\u0061":"\u00e9\/\ud83d\ude00"}`},
		"nothing, said in different ways": {``, `{}`},
		"and null":                        {`null`, `{ }`},
	} {
		if sealed(t, pair[0]).fingerprint != sealed(t, pair[1]).fingerprint {
			t.Errorf("%s: %s and %s differ", name, pair[0], pair[1])
		}
	}
}

func TestOtherPropertiesHaveAnother(t *testing.T) {
	seen := map[int64]string{}
	for _, properties := range []string{
		`{}`, `{"":null}`, `{"a":null}`, `{"a":false}`, `{"a":true}`, `{"a":0}`, `{"a":1}`, `{"a":-1}`, `{"a":10}`,
		`{"a":""}`, `{"a":"0"}`, `{"a":"1"}`, `{"a":"null"}`, `{"a":"true"}`, `{"a":" "}`, `{"a":"A"}`,
		`{"a":{}}`, `{"a":[]}`, `{"a":[{}]}`, `{"a":[[]]}`, `{"a":[[],[]]}`, `{"a":[null]}`, `{"a":[""]}`, `{"a":["",""]}`,
		`{"a":[1]}`, `{"a":[1,2]}`, `{"a":[2,1]}`, `{"a":[12]}`, `{"a":[1,1]}`, `{"a":[[1],2]}`, `{"a":[1,[2]]}`,
		`{"b":1}`, `{"A":1}`, `{"a":1,"b":2}`, `{"a":2,"b":1}`, `{"a":1,"b":1}`, `{"a":{"b":1}}`, `{"b":{"a":1}}`,
		`{"a":{"b":1},"c":2}`, `{"a":{"b":1,"c":2}}`, `{"a":"ab","b":"c"}`, `{"a":"a","b":"bc"}`,
	} {
		sum := sealed(t, properties).fingerprint
		if other, taken := seen[sum]; taken {
			t.Errorf("%s and %s have one fingerprint", properties, other)
		}
		seen[sum] = properties
	}
}

// What the sender says about the event is in the fingerprint. How it came is not, since
// that differs from one try to the next.
func TestTheFingerprintIsOfAllThatIsSaidAndNoMore(t *testing.T) {
	base := func() *Incoming {
		return &Incoming{MessageID: "m", Type: "e", UserID: "u", Timestamp: noon, Properties: []byte(`{"a":1}`), Context: []byte(`{"b":2}`)}
	}
	of := func(change func(*Incoming)) int64 {
		e := base()
		change(e)
		if problem := e.Check(); problem != nil {
			t.Fatal(problem)
		}
		return e.fingerprint
	}
	same := of(func(*Incoming) {})
	for name, change := range map[string]func(*Incoming){
		"sent later":           func(e *Incoming) { e.SentAt = noon.Add(time.Hour) },
		"in another zone":      func(e *Incoming) { e.Timestamp = noon.In(time.FixedZone("", 7200)) },
		"within a microsecond": func(e *Incoming) { e.Timestamp = noon.Add(999) },
		"under another id":     func(e *Incoming) { e.MessageID = "n" },
	} {
		if of(change) != same {
			t.Errorf("%s: another fingerprint", name)
		}
	}
	for name, change := range map[string]func(*Incoming){
		"another type":             func(e *Incoming) { e.Type = "f" },
		"another user":             func(e *Incoming) { e.UserID = "v" },
		"a device as well":         func(e *Incoming) { e.AnonymousID = "u" },
		"a device instead":         func(e *Incoming) { e.UserID, e.AnonymousID = "", "u" },
		"a microsecond later":      func(e *Incoming) { e.Timestamp = noon.Add(time.Microsecond) },
		"without a time":           func(e *Incoming) { e.Timestamp = time.Time{} },
		"other properties":         func(e *Incoming) { e.Properties = []byte(`{"a":2}`) },
		"another context":          func(e *Incoming) { e.Context = nil },
		"properties and context":   func(e *Incoming) { e.Properties, e.Context = e.Context, e.Properties },
		"type and user changed by": func(e *Incoming) { e.Type, e.UserID = e.UserID, e.Type },
	} {
		if of(change) == same {
			t.Errorf("%s: the same fingerprint", name)
		}
	}
}

func TestEmptyObjectsAreStoredAsObjects(t *testing.T) {
	for _, nothing := range []string{"", "null", "{}"} {
		e := sealed(t, nothing)
		if string(e.Properties) != "{}" || string(e.Context) != "{}" {
			t.Errorf("%q: properties %s, context %s", nothing, e.Properties, e.Context)
		}
	}
}

// A level is an object or a list: 32 in each other are allowed, 33 are not, whatever the
// innermost holds.
func TestLevelsAreBounded(t *testing.T) {
	lists := func(n int, value string) string {
		return `{"a":` + strings.Repeat("[", n-1) + value + strings.Repeat("]", n-1) + `}`
	}
	for _, value := range []string{"1", `"x"`, "{}", "[]", "null"} {
		inner := 0
		if value == "{}" || value == "[]" {
			inner = 1
		}
		sealed(t, nest(maxDepth-inner, value))
		sealed(t, lists(maxDepth-inner, value))
		for _, tooDeep := range []string{nest(maxDepth+1-inner, value), lists(maxDepth+1-inner, value)} {
			e := Incoming{Type: "e", UserID: "u", Properties: []byte(tooDeep)}
			if problem := e.Check(); problem == nil || !strings.HasPrefix(problem.Field, "properties.a") {
				t.Errorf("33 levels around %s: %v", value, problem)
			}
		}
	}
}

// The mutation's objects come here without having been decoded from Segment's shape.
func TestObjectsThatCannotBeKeptAreRefused(t *testing.T) {
	for object, field := range map[string]string{
		`[]`: "context", `"x"`: "context", `1`: "context", `{`: "context", `{"a":`: "context.a", `{"a" 1}`: "context.a",
		`{} {}`: "context", `{}x`: "context", `{"a":1,"a":2}`: "context.a", `{"a":1,"\u0061":2}`: "context.a",
		`{"a":"\ud800"}`: "context.a", `{"a":"\udc00\ud800"}`: "context.a", "{\"a\":\"\xff\"}": "context.a", "{\"\xff\":1}": "context",
		`{"a":1e400}`: "context.a", `{"a":[-1e309]}`: "context.a", `{"a":1` + strings.Repeat("0", 400) + `}`: "context.a",
		`{"a":"\u0000"}`: "context.a", `{"a\u0000":1}`: "context", `{"a":{"b":[1,"x\u0000y"]}}`: "context.a.b",
		`{"` + strings.Repeat("x", 300) + `":1e400}`: "context", // a name that nobody would read is not repeated
	} {
		e := Incoming{Type: "e", UserID: "u", Context: []byte(object)}
		problem := e.Check()
		if problem == nil || problem.Code != fault.BadUserInput || problem.Field != field {
			t.Errorf("%.60s: %v, want a problem of %s", object, problem, field)
		}
	}
}
