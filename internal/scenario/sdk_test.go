package scenario_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/posthog/posthog-go"
	rudder "github.com/rudderlabs/analytics-go/v4"
	segment "github.com/segmentio/analytics-go/v3"

	"github.com/tidemarkhq/tidemark/internal/testkit/served"
)

// told are the properties that the lists below show.
var told = []string{"p", "name", "category", "email", "plan", "previousId", "alias", "$group_key"}

// arrivedEver lists what a tenant has, an event a line: type, user, device, properties.
func arrivedEver(t *testing.T, who *served.Tenant) (lines []string) {
	t.Helper()
	var answer struct {
		Events struct {
			List struct {
				Nodes []struct {
					Type, UserID, AnonymousID string
					Properties                map[string]any
				}
			}
		}
	}
	who.Query(t, `{ events(`+ever+`) { list(first: 100) { nodes { type userId anonymousId properties } } } }`, nil, &answer)
	for _, e := range answer.Events.List.Nodes {
		line := e.Type
		if e.UserID != "" {
			line += " u=" + e.UserID
		}
		if len(e.AnonymousID) == 36 {
			e.AnonymousID = "made-up"
		}
		if e.AnonymousID != "" {
			line += " a=" + e.AnonymousID
		}
		for _, name := range told {
			if value, ok := e.Properties[name]; ok {
				line += fmt.Sprintf(" %s=%v", name, value)
			}
		}
		lines = append(lines, line)
	}
	sort.Strings(lines)
	return lines
}

// asSegment is what Segment's shape brings of the calls that every library here makes.
var asSegment = []string{
	"Bought u=u p=1", "$identify u=u a=a email=e", "$group u=u plan=pro", "$alias u=u previousId=before",
	"$page u=u name=Home category=Docs", "$screen a=a name=Cart",
}

// asPostHog is the same of PostHog's.
var asPostHog = []string{"Bought u=u p=1", "$identify u=u", "$group $group_key=g", "$alias u=u alias=before"}

// library is one that people use, unchanged but for its host.
type library struct {
	name string
	want []string
	send func(t *testing.T, url, key string) (end func())

	// What a call that is sent again is told. One for browsers adds to the call whom it has
	// come to know since: that is another event, and the first stays.
	again string
}

var libraries = []library{
	{"analytics-go of Segment", replaced(asSegment, " category=Docs", ""), segmentGo, "DUPLICATE"},
	{"analytics-go of RudderStack", []string{
		"Bought u=u a=made-up p=1", "$identify u=u a=a email=e", "$group u=u a=made-up plan=pro", "$alias u=u previousId=before",
		"$page u=u a=made-up name=Home", "$screen a=a name=Cart",
	}, rudderGo, "DUPLICATE"},
	{"posthog-go", asPostHog, posthogGo, "DUPLICATE"},
	{"@segment/analytics-node", asSegment, node("segment-node"), "DUPLICATE"},
	{"@rudderstack/rudder-sdk-node", asSegment, node("rudder-node"), "DUPLICATE"},
	{"posthog-node", append([]string{"$feature_flag_called u=u"}, asPostHog...), node("posthog-node"), "DUPLICATE"},
	{"@segment/analytics-next", []string{
		"$page a=made-up name=Home", "Bought a=made-up p=1", "$identify u=u a=made-up email=e",
		"$group u=u a=made-up plan=pro", "$screen u=u a=made-up name=Cart",
	}, node("segment-next"), "CONFLICT"},
	{"@segment/analytics-next in batches", []string{
		"Bought a=made-up p=1", "$identify u=u a=made-up email=e",
	}, node("segment-next-batch"), "DUPLICATE"},
	{"posthog-js", []string{
		"$page a=made-up", "Bought a=made-up p=1", "$identify u=u a=made-up", "$group u=u $group_key=g", "$alias u=u alias=before",
	}, node("posthog-js"), "DUPLICATE"},
}

// wantLines compares lists whose order says nothing.
func wantLines(t *testing.T, got, want []string) {
	t.Helper()
	wantEqual(t, "what is stored", got, slices.Sorted(slices.Values(want)))
}

func replaced(lines []string, from, to string) (list []string) {
	for _, line := range lines {
		list = append(list, strings.ReplaceAll(line, from, to))
	}
	return list
}

// Real libraries work with their host set to the server's. Each of their calls is there once,
// though an answer was lost on its way and they sent again.
func TestRealLibrariesSend(t *testing.T) {
	s := begin(t)
	for _, l := range libraries {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel() // they wait before they send again
			own := s.aside(t)
			between := newLossy(t, s.kit)
			between.again = l.again
			end := l.send(t, between.url, own.acme.WriteKey)
			between.wait(t, len(l.want))
			end()
			wantLines(t, arrivedEver(t, own.acme), l.want)
			own.wantStrangerEmpty(t)
		})
	}
}

// enqueue hands messages to a client, and returns how to close it. A client that is closed
// sends nothing again, so that is for the end.
func enqueue[M any](t *testing.T, err error, client interface {
	Enqueue(M) error
	Close() error
}, messages ...M) (end func()) {
	t.Helper()
	for i := 0; err == nil && i < len(messages); i++ {
		err = client.Enqueue(messages[i])
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}
}

// silent keeps the clients from telling of the answer that is lost on purpose.
var silent = log.New(io.Discard, "", 0)

func segmentGo(t *testing.T, url, key string) (end func()) {
	t.Helper()
	client, err := segment.NewWithConfig(key, segment.Config{Endpoint: url, BatchSize: 6, Logger: segment.StdLogger(silent)})
	return enqueue[segment.Message](t, err, client,
		segment.Track{UserId: "u", Event: "Bought", Properties: segment.NewProperties().Set("p", 1), Context: &segment.Context{GroupID: "g"}},
		segment.Identify{UserId: "u", AnonymousId: "a", Traits: segment.NewTraits().SetEmail("e")},
		segment.Group{UserId: "u", GroupId: "g", Traits: segment.NewTraits().Set("plan", "pro")},
		segment.Alias{UserId: "u", PreviousId: "before"},
		segment.Page{UserId: "u", Name: "Home"},
		segment.Screen{AnonymousId: "a", Name: "Cart"})
}

func rudderGo(t *testing.T, url, key string) (end func()) {
	t.Helper()
	client, err := rudder.NewWithConfig(key, rudder.Config{DataPlaneUrl: url, BatchSize: 6, Logger: rudder.StdLogger(silent)})
	return enqueue[rudder.Message](t, err, client,
		rudder.Track{UserId: "u", Event: "Bought", Properties: rudder.NewProperties().Set("p", 1)},
		rudder.Identify{UserId: "u", AnonymousId: "a", Traits: rudder.NewTraits().SetEmail("e")},
		rudder.Group{UserId: "u", GroupId: "g", Traits: rudder.NewTraits().Set("plan", "pro")},
		rudder.Alias{UserId: "u", PreviousId: "before"},
		rudder.Page{UserId: "u", Name: "Home"},
		rudder.Screen{AnonymousId: "a", Name: "Cart"})
}

func posthogGo(t *testing.T, url, key string) (end func()) {
	t.Helper()
	client, err := posthog.NewWithConfig(key, posthog.Config{Endpoint: url, BatchSize: 4, Logger: posthog.StdLogger(silent)})
	return enqueue[posthog.Message](t, err, client,
		posthog.Capture{DistinctId: "u", Event: "Bought", Properties: posthog.NewProperties().Set("p", 1), Groups: posthog.NewGroups().Set("company", "g")},
		posthog.Identify{DistinctId: "u", Properties: posthog.NewProperties().Set("email", "e")},
		posthog.GroupIdentify{Type: "company", Key: "g", Properties: posthog.NewProperties().Set("plan", "pro")},
		posthog.Alias{DistinctId: "u", Alias: "before"})
}

// node runs a library in Node (testdata/sdk).
func node(script string) func(t *testing.T, url, key string) (end func()) {
	return func(t *testing.T, url, key string) (end func()) {
		t.Helper()
		folder := filepath.Join("testdata", "sdk")
		needNode(t, folder)
		var said bytes.Buffer
		command := exec.CommandContext(t.Context(), "node", "send.mjs", script, url, key)
		command.Dir, command.Stdout, command.Stderr = folder, &said, &said
		input, err := command.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		var once sync.Once
		end = func() {
			once.Do(func() {
				_ = input.Close() // which ends it
				if err := command.Wait(); err != nil || t.Failed() {
					t.Errorf("%s: %v\n%s", script, err, said.String())
				}
			})
		}
		t.Cleanup(end)
		return end
	}
}

// needNode skips where Node is not installed, which a run that counts does not allow.
func needNode(t *testing.T, folder string) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("Node.js is not installed, and CI needs it: the libraries for Node and browsers are tested by it.")
		}
		t.Skip("Node.js is not installed, so the libraries for Node and browsers are not tested.")
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal("The libraries are not installed. Run the tests by ./scripts/test.sh, or npm ci in internal/scenario/testdata/sdk.")
	}
}
