package graph

import (
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/event"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestAnIDFindsWhatItWasMadeOf(t *testing.T) {
	for _, node := range [][2]string{
		{tenantNode, "01890c5e-8f3a-7cc0-98c4-dc0c0c07398f"}, {metricNode, "active_users"}, {eventNode, "1777636800000000.7"},
		{metricNode, ""}, {metricNode, "a:b"}, {"", ""}, {metricNode, "é\x00\xff"},
	} {
		id := nodeID(node[0], node[1])
		kind, key, err := parseNodeID(id)
		if err != nil || kind != node[0] || key != node[1] {
			t.Errorf("%q: %q, %q, %v; want %q", id, kind, key, err, node)
		}
		if strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%q has characters that a URL would need to quote", id)
		}
	}
}

func TestWhatIsNoIDIsOneAndTheSameNothing(t *testing.T) {
	id := nodeID(metricNode, "events") // bWV0cmljOmV2ZW50cw
	for name, bad := range map[string]string{
		"nothing": "", "not base64": "!", "a text": "metric:events", "no kind": encoded("events"),
		"padded": id + "==", "of the other alphabet": "a+/b", "cut": id[:len(id)-1], "with a space": " " + id, "with a line's end": id + "\n",
		"with a line's end within": id[:4] + "\r\n" + id[4:], "bits behind the end": id[:len(id)-1] + "x",
	} {
		kind, key, err := parseNodeID(bad)
		if !errors.Is(err, errNoNode) || kind != "" || key != "" {
			t.Errorf("%s: %q, %q, %v; want the one error", name, kind, key, err)
		}
	}
}

// Whatever is taken for an id is the one way to write it.
func FuzzParseNodeID(f *testing.F) {
	for _, seed := range []string{"", nodeID(metricNode, "events"), nodeID(eventNode, "1.2"), "bWV0cmlj\nOmE", "OmE=", "OmF"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if kind, key, err := parseNodeID(id); err == nil && nodeID(kind, key) != id {
			t.Errorf("%q is taken for %q", id, nodeID(kind, key))
		}
	})
}

func TestAPositionIsReadAsItWasWritten(t *testing.T) {
	for _, p := range []event.Position{
		{OccurredAt: event.Earliest, ID: 1},
		{OccurredAt: time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC), ID: math.MaxInt64},
		{OccurredAt: time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC), ID: 0},
	} {
		if got, ok := parsePosition(positionKey(p)); !ok || got != p {
			t.Errorf("%v: %v, %v", p, got, ok)
		}
	}
	elsewhere := time.Date(2026, 5, 1, 14, 0, 0, 0, time.FixedZone("", 7200))
	got, ok := parsePosition(positionKey(event.Position{OccurredAt: elsewhere, ID: 7}))
	if !ok || !got.OccurredAt.Equal(elsewhere) || got.OccurredAt.Location() != time.UTC {
		t.Errorf("%v, %v; want the instant in UTC", got, ok)
	}
}

func TestWhatIsNoPositionIsRefused(t *testing.T) {
	for _, key := range []string{
		"", ".", "1777636800000000", "1777636800000000.", ".7", "a.7", "1777636800000000.a", "1777636800000000.7.8",
		"1777636800000000.99999999999999999999", "99999999999999999999.7", "9223372036854775807.7", "-9223372036854775808.7",
		"946684799999999.7",    // the last instant of 1999
		"253402300800000000.7", // the first of 10000
		"1777636800000000.7 ", " 1777636800000000.7", "1_777_636_800_000_000.7", "0x1.7", "1e15.7",
		"+1777636800000000.7", "01777636800000000.7", "1777636800000000.+7", "1777636800000000.07", "1777636800000000.-0",
	} {
		if p, ok := parsePosition(key); ok {
			t.Errorf("%q is taken for %v", key, p)
		}
	}
}

func TestWhateverASubjectSaysOfNothingIsTheSameNothing(t *testing.T) {
	down := fault.New(fault.Unavailable, "Try again later.")
	for name, c := range map[string]struct {
		err, want error
	}{
		"a loader's nothing": {nil, errNoNode},
		"a subject's":        {fault.New(fault.NotFound, "No event of this type was seen.").In("name"), errNoNode},
		"a fault":            {down, down},
	} {
		if node, err := found[event.Event](nil, c.err); !errors.Is(err, c.want) || node != nil {
			t.Errorf("%s: %#v, %v; want %v", name, node, err, c.want)
		}
	}
	if node, err := found(&event.Event{Type: "Login"}, nil); err != nil || node.(*event.Event).Type != "Login" {
		t.Errorf("what is there: %v, %v", node, err)
	}
}
