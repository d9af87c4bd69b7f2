package event

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sentBy lists what real clients sent (testdata/sent, a request a line: its path and body),
// and what each event is read as: type, user, device, id used before, group, traits.
var sentBy = map[string][]string{
	"segment-node": {
		`Bought u=u group=account:g9`,
		`$identify u=u a=anon traits={"email":"e"}`,
		`$group u=u group=account:g traits={"name":"n"}`,
		`$alias u=u previous=anon`,
		`$page u=u`,
		`$screen a=anon`,
	},
	"segment-go": {
		`Bought u=u group=account:g`,
		`$identify u=u a=anon traits={"email":"e"}`,
		`$group u=u group=account:g traits={"name":"n"}`,
		`$alias u=u previous=anon`,
		`$page u=u`,
		`$screen a=anon`,
	},
	"segment-next": {
		`$page a=browser`,
		`Bought a=browser`,
		`$identify u=u a=browser traits={"email":"e"}`,
		`$group u=u a=browser group=account:g traits={"name":"n"}`,
		`$alias u=u a=browser previous=u`,
		`$screen u=u a=browser`,
		`After u=u a=browser`,
	},
	"rudder-node": {
		`Bought u=u`,
		`$identify u=u a=anon traits={"email":"e"}`,
		`$group u=u group=account:g traits={"name":"n"}`,
		`$alias u=u previous=anon`,
		`$page u=u`,
		`$screen a=anon`,
	},
	"rudder-go": {
		`Bought u=u a=made-up`,
		`$identify u=u a=anon traits={"email":"e"}`,
		`$group u=u a=made-up group=account:g traits={"name":"n"}`,
		`$alias u=u previous=anon`,
		`$page u=u a=made-up`,
		`$screen a=anon`,
	},
	"posthog-node": {
		`Bought u=u group=company:g traits={"a":1} once={"b":2}`,
		`Anon u=dev`,
		`$identify u=u traits={"email":"e"} once={"first":1}`,
		`$alias u=u previous=anon`,
		`$group u=u group=company:g traits={"name":"n"}`,
		`$feature_flag_called u=u`,
		`WithFlags u=u`,
	},
	"posthog-go": {
		`Bought u=u group=company:g`,
		`$identify u=u traits={"email":"e"}`,
		`$alias u=u previous=anon`,
		`$group group=company:g traits={"name":"n"}`,
	},
	"posthog-js": {
		`$page a=browser`,
		`$identify u=u a=browser traits={"email":"e"} once={…}`,
		`Bought a=browser`,
		`$group u=u group=company:g traits={"name":"n"}`,
		`$alias u=u previous=al group=company:g`,
		`$identify u=u group=company:g traits={"plan":"pro"} once={"first":2}`,
		`After u=u group=company:g`,
		`Again a=browser`,
	},
}

// summary is what the event says, in a line.
func summary(e *Incoming) string {
	line := e.Type
	for _, part := range []struct{ name, value string }{
		{"u", e.UserID}, {"a", e.AnonymousID}, {"previous", e.PreviousID}, {"group", strings.Trim(e.GroupType+":"+e.GroupID, ":")},
		{"traits", string(e.Traits)}, {"once", string(e.TraitsOnce)},
	} {
		if part.value != "" {
			line += " " + part.name + "=" + part.value
		}
	}
	return line
}

// read reads a request as its path asks.
func read(path string, body []byte) ([]Item, error) {
	kinds := map[string]string{"t": "track", "i": "identify", "g": "group", "a": "alias", "p": "page", "s": "screen"}
	switch rest, _ := strings.CutPrefix(strings.TrimSuffix(path, "/"), "/v1/"); {
	case rest == "batch":
		return DecodeBatch(body)
	case kinds[rest] != "":
		item, err := DecodeCall(kinds[rest], body)
		return []Item{item}, err
	}
	items, _, err := DecodeCaptures(body)
	return items, err
}

func TestWhatRealClientsSendIsRead(t *testing.T) {
	for name, want := range sentBy {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", "sent", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for line := range strings.Lines(string(text)) {
				path, body, _ := strings.Cut(strings.TrimSpace(line), " ")
				items, err := read(path, []byte(body))
				if err != nil {
					t.Fatal(err)
				}
				if key := WriteKey([]byte(body)); key != "KEY" && !strings.HasPrefix(name, "segment-go") && !strings.HasPrefix(name, "rudder") {
					t.Errorf("the key in the body is read as %q", key)
				}
				for i := range items {
					got = append(got, checkSent(t, &items[i]))
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// checkSent gives the item's summary, its made-up ids called by what they are.
func checkSent(t *testing.T, item *Item) string {
	t.Helper()
	if item.Problem != nil {
		t.Fatalf("%s: %v", item.MessageID, item.Problem)
	}
	if item.MessageID == "" || item.Timestamp.IsZero() {
		t.Errorf("an event without its id or time: %+v", item.Incoming)
	}
	if strings.Contains(string(item.Properties), `"KEY"`) {
		t.Errorf("the key is stored: %s", item.Properties)
	}
	e := item.Incoming
	switch {
	case len(e.AnonymousID) == 36 && strings.Contains(string(e.Context), "analytics-go"):
		e.AnonymousID = "made-up"
	case len(e.AnonymousID) == 36:
		e.AnonymousID = "browser"
	}
	if strings.Contains(string(e.TraitsOnce), "$initial_referrer") && !strings.Contains(string(e.TraitsOnce), "null") {
		e.TraitsOnce = []byte("{…}")
	}
	return summary(&e)
}
