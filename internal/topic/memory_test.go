package topic

import (
	"context"
	"testing"
	"time"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// kept makes a memory with one part, and says what that was read from.
func kept(note func(ctx context.Context)) *Memory {
	m := &Memory{}
	ctx, readings := RecordPart(Remember(context.Background(), m))
	note(ctx)
	m.Keep("part", "what it was", readings)
	return m
}

func TestAPartIsRememberedWhileItHolds(t *testing.T) {
	ofMay := func(ctx context.Context) { Note(ctx, Span{acme, Day, "2026-05-01", "2026-05-31"}) }
	untilNoon := func(ctx context.Context) { NoteUntil(ctx, noon) }
	for name, c := range map[string]struct {
		note func(ctx context.Context)
		then func(m *Memory)
		at   time.Time
		want bool
	}{
		"nothing has happened":           {ofMay, func(*Memory) {}, noon, true},
		"another day has changed":        {ofMay, func(m *Memory) { m.Forget([]Topic{{acme, Day, "2026-06-01"}}) }, noon, true},
		"another tenant's has":           {ofMay, func(m *Memory) { m.Forget([]Topic{{globex, Day, "2026-05-01"}}) }, noon, true},
		"one of its days has":            {ofMay, func(m *Memory) { m.Forget([]Topic{{acme, Plan, ""}, {acme, Day, "2026-05-31"}}) }, noon, false},
		"many have":                      {ofMay, func(m *Memory) { m.Forget([]Topic{{acme, Day, Many}}) }, noon, false},
		"nobody knows what has":          {ofMay, (*Memory).ForgetAll, noon, false},
		"it is not yet time":             {untilNoon, func(*Memory) {}, noon.Add(-time.Nanosecond), true},
		"it is time":                     {untilNoon, func(*Memory) {}, noon, false},
		"it had failed":                  {NoteFailed, func(*Memory) {}, noon, false},
		"it changes with each instant":   {NoteMoving, func(*Memory) {}, noon, false},
		"it was read from nothing":       {func(context.Context) {}, func(m *Memory) { m.Forget([]Topic{{acme, Day, Many}}) }, noon, true},
		"it was kept, changed, and kept": {ofMay, func(m *Memory) { m.ForgetAll(); _, r := RecordPart(context.Background()); m.Keep("part", "anew", r) }, noon, true},
	} {
		m := kept(c.note)
		c.then(m)
		if value := m.Recall(context.Background(), "part", c.at); (value != nil) != c.want {
			t.Errorf("%s: recalled %v, want something: %v", name, value, c.want)
		}
		if value := m.Recall(context.Background(), "another part", c.at); value != nil {
			t.Errorf("%s: another part is %v", name, value)
		}
	}
}

// An answer depends on what its parts were read from, remembered or not.
func TestWhatIsRecalledIsNotedAgain(t *testing.T) {
	m := kept(func(ctx context.Context) {
		Note(ctx, Exactly(acme, Plan, ""))
		NoteUntil(ctx, noon)
	})
	ctx, readings := Record(Remember(context.Background(), m))
	if MemoryOf(ctx).Recall(ctx, "part", noon.Add(-time.Hour)) == nil {
		t.Fatal("nothing was recalled")
	}
	if spans := readings.Spans(); len(spans) != 1 || spans[0] != Exactly(acme, Plan, "") || !readings.Until().Equal(noon) {
		t.Errorf("noted %v until %v", spans, readings.Until())
	}
}

// What is read once for several parts is noted by each, and not by who happened to come first;
// within a part nothing is remembered, as its own parts have other names.
func TestWhatPartsShareIsToldToEach(t *testing.T) {
	answer, _ := Record(Remember(context.Background(), &Memory{}))
	if ctx, readings := Shared(answer); ctx != answer || readings != nil {
		t.Error("an answer without parts shares")
	}
	first, ofFirst := RecordPart(answer)
	second, ofSecond := RecordPart(answer)
	if MemoryOf(answer) == nil || MemoryOf(first) != nil {
		t.Error("the answer has a memory, and its parts have none")
	}
	shared, readings := Shared(first)
	Note(shared, Exactly(acme, Plan, ""))
	if n := len(ofFirst.Spans()); n != 0 {
		t.Errorf("who came first has noted %d spans by itself", n)
	}
	readings.Retell(first)
	readings.Retell(second)
	if len(ofFirst.Spans()) != 1 || len(ofSecond.Spans()) != 1 {
		t.Errorf("the parts have noted %v and %v", ofFirst.Spans(), ofSecond.Spans())
	}
	if within, inner := Shared(shared); within == shared || inner == nil {
		t.Error("what is shared cannot be told apart further")
	}
	if n := len(MemoryOf(answer).parts); n != 0 {
		t.Errorf("%d parts are kept, and nobody did", n)
	}
}
