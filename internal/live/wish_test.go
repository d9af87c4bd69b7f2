package live

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	other "github.com/evanphx/json-patch/v5"
	"pgregory.net/rapid"

	"github.com/tidemarkhq/tidemark/internal/topic"
)

// series answers as a live query does that has selected everything.
func (d *data) series(ctx context.Context) []byte {
	topic.Note(ctx, topic.Exactly(acme, topic.Day, "2026-05-01"))
	value := d.value.Load()
	return fmt.Appendf(nil, `{"data":{"l":{"at":"%s","from":"%s","patch":"%s","query":{"name":"%s","values":[%s%d]}}}}`,
		RevisionMark, BaseMark, PatchMark, strings.Repeat("n", 300), strings.Repeat("0,", 89), value)
}

// shown is what a client knows that applies patches.
type shown struct {
	At, From string
	Patch    json.RawMessage
	Query    json.RawMessage
}

func decode(t testing.TB, text []byte) shown {
	t.Helper()
	var response struct{ Data struct{ L shown } }
	if err := json.Unmarshal(text, &response); err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return response.Data.L
}

// apply gives what is shown after an answer; nil if it does not follow.
func (s shown) apply(t testing.TB, next shown) shown {
	t.Helper()
	if string(next.Patch) == "null" {
		return next
	}
	if next.From != s.At || string(next.Query) != "null" {
		t.Fatalf("a patch of %s came to one who has %s, with %s", next.From, s.At, next.Query)
	}
	patch, err := other.DecodePatch(next.Patch)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := patch.Apply([]byte(`{"query":` + string(s.Query) + `}`))
	if err != nil {
		t.Fatal(err)
	}
	var made shown
	if err := json.Unmarshal(whole, &made); err != nil {
		t.Fatal(err)
	}
	return shown{At: next.At, Query: made.Query}
}

// patching is a key whose subscribers wish for patches.
var patching = Key{Scope: "acme/read", Query: "subscription { live(patch: true) … }"}

func TestWhoHasTheLastAnswerGetsAPatch(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, e *Engine) {
		var d data
		quick, slow := wish(t, e, patching, Wish{Patch: true}, d.series), wish(t, e, patching, Wish{Patch: true}, d.series)
		first := decode(t, []byte(wantFrame(t, quick, `"patch":null`)))
		wantFrame(t, slow, `"patch":null`)
		d.change(e, 1)
		next := wantFrame(t, quick, `"patch":[{"op":"replace","path":"/query/values/89","value":1}],"query":null`)
		if len(next) > 250 {
			t.Errorf("a patch of one number takes %d bytes: %s", len(next), next)
		}
		d.change(e, 2)
		last := first.apply(t, decode(t, []byte(next))).apply(t, decode(t, []byte(wantFrame(t, quick, `"value":2`))))
		// The slow one has missed an answer, and so has the late one.
		whole := wantFrame(t, slow, `"patch":null`)
		late := wish(t, e, patching, Wish{Patch: true}, d.series)
		if wantFrame(t, late, `"patch":null`) != whole || string(decode(t, []byte(whole)).Query) != string(last.Query) {
			t.Errorf("the whole is %s, and patched %s", whole, last.Query)
		}
	})
}

// change sets the value, says so, and waits until it is answered.
func (d *data) change(e *Engine, value int64) {
	time.Sleep(time.Second)
	d.value.Store(value)
	e.Changed([]topic.Topic{may1})
	synctest.Wait()
}

func TestWhatCannotBePatchedIsSentWhole(t *testing.T) {
	full := fmt.Sprintf(`{"data":{"l":{"at":"%s","from":"%s","patch":"%s","query":{"a":"%s","b":%%d}}}%%s}`,
		RevisionMark, BaseMark, PatchMark, strings.Repeat("a", 300))
	tests := []struct{ name, first, second string }{
		{"errors", fmt.Sprintf(full, 1, ""), fmt.Sprintf(full, 2, `,"errors":[{"message":"m"}]`)},
		{"errors before", fmt.Sprintf(full, 1, `,"errors":[{"message":"m"}]`), fmt.Sprintf(full, 2, "")},
		{"other extensions", fmt.Sprintf(full, 1, `,"extensions":{"notices":[1]}`), fmt.Sprintf(full, 2, `,"extensions":{"notices":[2]}`)},
		{"no room for the patch", `{"data":{"l":{"query":{"b":1}}}}`, `{"data":{"l":{"query":{"b":2}}}}`},
		{"no data", fmt.Sprintf(full, 1, ""), `{"data":null,"errors":[]}`},
		{"a patch that is longer", strings.Replace(fmt.Sprintf(full, 1, ""), strings.Repeat("a", 300), "a", 1), strings.Replace(fmt.Sprintf(full, 2, ""), strings.Repeat("a", 300), "b", 1)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, e *Engine) {
				var d data
				s := wish(t, e, patching, Wish{Patch: true}, func(ctx context.Context) []byte {
					topic.Note(ctx, topic.Exactly(acme, topic.Day, "2026-05-01"))
					if d.value.Load() == 0 {
						return []byte(test.first)
					}
					return []byte(test.second)
				})
				wantFrame(t, s, `"`)
				d.change(e, 1)
				if got := wantFrame(t, s, `"`); strings.Contains(got, `"op"`) || strings.Contains(got, PatchMark) || strings.Contains(got, BaseMark) {
					t.Errorf("got %s", got)
				}
			})
		})
	}
}

// Whenever a subscriber looks, comes late, or comes again with what it has: what it shows in the
// end equals a fresh answer.
func TestWhatIsShownEqualsAFreshAnswer(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, 3), 1, 20).Draw(r, "values")
		taken := rapid.SliceOfN(rapid.SampledFrom([]string{"take", "wait", "again"}), len(values), len(values)).Draw(r, "taken")
		inBubble(t, Options{}, func(t *testing.T, e *Engine) {
			var d data
			keep := subscribe(t, e, patching, d.series) // so that the query goes on
			_ = keep
			var sees shown
			s := wish(t, e, patching, Wish{Patch: true}, d.series)
			look := func() {
				synctest.Wait()
				if f, _ := s.Take(); f != nil {
					sees = sees.apply(t, decode(t, f.Bytes()))
				}
			}
			look()
			for i, value := range values {
				d.change(e, value)
				switch taken[i] {
				case "take":
					look()
				case "again":
					s.Close()
					s = wish(t, e, patching, Wish{Patch: true, After: sees.At}, d.series)
				}
			}
			look()
			raw := d.series(t.Context())
			fresh := decode(t, newAnswer(raw, revisionOf(raw)).whole.Bytes())
			if sees.At != fresh.At || string(sees.Query) != string(fresh.Query) {
				t.Errorf("shows %s %s, want %s %s", sees.At, sees.Query, fresh.At, fresh.Query)
			}
		})
	})
}

// The marks are each process's own, and an answer's revision is every server's.
func TestMarksDoNotCountInRevisions(t *testing.T) {
	text := `{"data":{"live":{"revision":"%s","base":%s,"patch":%s,"query":{"a":1}}}}`
	marked := fmt.Sprintf(text, RevisionMark, quotedBase, quotedPatch)
	if got, want := revisionOf([]byte(marked)), revisionOf(fmt.Appendf(nil, text, "", "null", "null")); got != want {
		t.Errorf("the revision is %s, and would be %s with other marks", got, want)
	}
}

func TestWhoHasTheAnswerIsNotSentItAgain(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, e *Engine) {
		var d data
		s := subscribe(t, e, patching, d.series)
		has := decode(t, []byte(wantFrame(t, s, `"query"`))).At
		s.Close() // and so the query is over: the revision is the answer's, not the engine's
		again := wish(t, e, patching, Wish{After: has}, d.series)
		wantFrame(t, again, "")
		d.change(e, 1)
		wantFrame(t, again, `,1]`)
		missed := wish(t, e, patching, Wish{After: has}, d.series)
		wantFrame(t, missed, `,1]`)
		stranger := wish(t, e, patching, Wish{After: "anything"}, d.series)
		wantFrame(t, stranger, `,1]`)
	})
}

func TestAnswersComeNoCloserThanIsWished(t *testing.T) {
	for _, test := range []struct {
		wish time.Duration
		want int64 // executions in ten seconds of changes
	}{{0, 40}, {time.Nanosecond, 100}, {100 * time.Millisecond, 100}, {time.Second, 10}, {time.Hour, 1}} {
		t.Run(test.wish.String(), func(t *testing.T) {
			inBubble(t, Options{MinInterval: 250 * time.Millisecond, LeastInterval: 100 * time.Millisecond}, func(t *testing.T, e *Engine) {
				var d data
				wish(t, e, watch, Wish{Interval: test.wish}, d.run)
				for range 1_000 {
					time.Sleep(10 * time.Millisecond)
					e.Changed([]topic.Topic{may1})
				}
				synctest.Wait()
				if got := d.reads.Load(); got < test.want || got > test.want+2 {
					t.Errorf("%d executions, want %d", got, test.want)
				}
			})
		})
	}
}
