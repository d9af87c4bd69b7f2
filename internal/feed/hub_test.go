package feed

import (
	"log/slog"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/tidemarkhq/tidemark/internal/tenant"
	"github.com/tidemarkhq/tidemark/internal/topic"
)

// A message that does not follow the last tells of a loss, and a heartbeat tells as much.
func TestLostMessagesAreNoticed(t *testing.T) {
	day := []topic.Topic{{Tenant: tenant.ID{1}, Subject: topic.Day, Key: "2026-05-01"}}
	listening := &redis.Subscription{Kind: "subscribe"}
	message := func(from string, number uint64, topics ...topic.Topic) *redis.Message {
		return &redis.Message{Payload: Message{from: from, number: number, Topics: topics}.encode()}
	}
	tests := []struct {
		name   string
		comes  []any
		gaps   int // besides that of listening
		topics int
	}{
		{"in order", []any{message("a", 7, day...), message("a", 8), message("a", 9, day...)}, 0, 2},
		{"a topic was lost", []any{message("a", 7), message("a", 9, day...)}, 1, 1},
		{"the last before a heartbeat was lost", []any{message("a", 7), message("a", 9)}, 1, 0},
		{"another leads", []any{message("a", 7), message("b", 1), message("b", 2, day...)}, 1, 1},
		{"listening again", []any{message("a", 7), listening, message("a", 20, day...)}, 1, 1},
		{"a leader of before", []any{&redis.Message{Payload: Message{Topics: day}.encode()}, message("a", 1)}, 0, 1},
		{"not understood", []any{message("a", 7), &redis.Message{Payload: "?"}, message("a", 9)}, 1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			gaps, topics := 0, 0
			hub := NewHub(nil, "changes", slog.New(slog.DiscardHandler), func(m Message) {
				if m.Gap {
					gaps++
				}
				topics += len(m.Topics)
			})
			for _, one := range append([]any{listening}, test.comes...) {
				hub.receive(one)
			}
			if gaps != test.gaps+1 || topics != test.topics {
				t.Errorf("%d gaps and %d topics, want %d and %d", gaps, topics, test.gaps+1, test.topics)
			}
			if hub.Silence() > BeatEvery {
				t.Errorf("silent for %v", hub.Silence())
			}
		})
	}
}

func TestWhatIsWrongWithASlot(t *testing.T) {
	well := SlotState{Exists: true, Active: true, SafeSize: -1}
	for want, change := range map[string]func(*SlotState){
		"":                                         func(*SlotState) {},
		"there is no replication slot":             func(s *SlotState) { s.Exists = false },
		"nobody follows the replication slot":      func(s *SlotState) { s.Active = false },
		"the replication slot's WAL was removed":   func(s *SlotState) { s.Lost, s.Active = true, false },
		"the replication slot is about to be lost": func(s *SlotState) { s.SafeSize = lowSize - 1 },
	} {
		s := well
		change(&s)
		if got := s.Problem(); got != want {
			t.Errorf("%+v: %q, want %q", s, got, want)
		}
	}
	well.SafeSize = lowSize
	if got := well.Problem(); got != "" {
		t.Errorf("with %d bytes to write: %q", well.SafeSize, got)
	}
}
