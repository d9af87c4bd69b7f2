package kafka

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/event"
)

// anyEvent fills every exported field of an event, those that come to be as well: a field that
// the log does not carry is lost on the way.
func anyEvent(t *rapid.T, receivedAt time.Time) event.Incoming {
	var e event.Incoming
	fields := reflect.ValueOf(&e).Elem()
	for i := range fields.NumField() {
		name, field := fields.Type().Field(i).Name, fields.Field(i)
		if !fields.Type().Field(i).IsExported() {
			continue
		}
		switch field.Interface().(type) {
		case string:
			field.SetString(rapid.String().Draw(t, name))
		case time.Time:
			field.Set(reflect.ValueOf(anyInstant().Draw(t, name)))
		case []byte:
			if text := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, name); len(text) > 0 {
				field.SetBytes(text)
			}
		default:
			t.Fatalf("%s is of a type that the log does not carry yet", name)
		}
	}
	e.ReceivedAt = receivedAt
	return e
}

func anyInstant() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "none") {
			return time.Time{}
		}
		seconds := rapid.Int64Range(-62167219300, 253402400000).Draw(t, "seconds") // of the years 0 to 9999, and a little more
		return time.Unix(seconds, rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
	})
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := batch{source: rapid.String().Draw(t, "source"), receivedAt: anyInstant().Draw(t, "received at")}
		value := header(want.source, want.receivedAt)
		for range rapid.IntRange(1, 5).Draw(t, "events") {
			e := anyEvent(t, want.receivedAt)
			want.events = append(want.events, e)
			value = appendEvent(value, &e)
		}
		got, err := decode(value)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(batch{}), cmpopts.IgnoreUnexported(event.Incoming{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// An event that was checked, went through the log and was checked again is the same, down to
// what tells it from others under its id.
func TestAnEventIsTheSameBehindTheLog(t *testing.T) {
	item, err := event.DecodeCall("track", []byte(`{"event":"Report Shared","userId":7,"timestamp":"2026-05-01T12:00:00.123+02:00",
		"properties":{"b":[1e3,{"a":"é"}],"a":null},"context":{"page":"\u00e9"}}`))
	if err != nil || item.Problem != nil {
		t.Fatal(err, item.Problem)
	}
	received := time.Date(2026, 5, 1, 10, 0, 1, 0, time.UTC)
	item.ReceivedAt = received
	b, err := decode(appendEvent(header("web", received), &item.Incoming))
	if err != nil {
		t.Fatal(err)
	}
	if problem := b.events[0].Check(); problem != nil {
		t.Fatal(problem)
	}
	everything := cmp.Exporter(func(reflect.Type) bool { return true })
	if diff := cmp.Diff(item.Incoming, b.events[0], cmp.FilterPath(isTime, cmp.Comparer(time.Time.Equal)), everything); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func isTime(p cmp.Path) bool { return p.Last().Type() == reflect.TypeFor[time.Time]() }

func TestDamagedRecords(t *testing.T) {
	e := event.Incoming{MessageID: "m", Type: "E", UserID: "u", Timestamp: time.Unix(1, 2), Properties: []byte("{}"), Context: []byte("{}")}
	whole := appendEvent(header("web", time.Unix(3, 4)), &e)
	for cut := range len(whole) {
		if _, err := decode(whole[:cut]); err == nil {
			t.Errorf("cut after %d of %d bytes it is read", cut, len(whole))
		}
	}
	for name, value := range map[string][]byte{
		"another version":         append([]byte{version + 1}, whole[1:]...),
		"trailing bytes":          append(whole[:len(whole):len(whole)], 1),
		"a length beyond the end": {version, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"JSON":                    []byte(`{"event":"E"}`),
	} {
		if _, err := decode(value); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	e := event.Incoming{MessageID: "m", Type: "E", Timestamp: time.Unix(1, 2), Properties: []byte("{}")}
	f.Add(appendEvent(header("web", time.Unix(3, 4)), &e))
	f.Add([]byte{version, 0, 1, 2, 0, 255})
	f.Fuzz(func(t *testing.T, value []byte) {
		b, err := decode(value)
		if err != nil {
			return
		}
		again := header(b.source, b.receivedAt)
		for i := range b.events {
			again = appendEvent(again, &b.events[i])
		}
		c, err := decode(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b, c, cmp.AllowUnexported(batch{}), cmpopts.IgnoreUnexported(event.Incoming{})); diff != "" {
			t.Errorf("written and read again (-before +after):\n%s", diff)
		}
	})
}
