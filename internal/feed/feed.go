// Package feed turns committed changes into topics: PostgreSQL's logical decoding is read
// by one leader, who publishes to Redis, where every server's hub listens. It may repeat a
// topic, and never loses one: what cannot be known to have arrived is announced as a gap.
// Messages are numbered, and a heartbeat goes the whole way every few seconds, so that a
// message that was lost is noticed by the next.
package feed

import (
	"fmt"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/topic"
)

// Publication is what the leader follows; the migrations make it.
const Publication = "tidemark"

// Message is what travels: the topics of one transaction, or a gap, after which
// everything must be read afresh.
type Message struct {
	Topics []topic.Topic
	Gap    bool

	from   string // who leads
	number uint64 // of this message, among the leader's; from 1 on
}

const (
	gapLine    = "gap"
	numberLine = "number" // and the leader, and the number
)

// encode writes a line for each topic.
func (m Message) encode() string {
	var text strings.Builder
	if m.number > 0 {
		fmt.Fprintf(&text, "%s %s %d\n", numberLine, m.from, m.number)
	}
	if m.Gap {
		text.WriteString(gapLine + "\n")
	}
	for _, t := range m.Topics {
		text.WriteString(t.String() + "\n")
	}
	return text.String()
}

// decode reads what encode wrote.
func decode(text string) (Message, error) {
	var m Message
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == gapLine {
			m.Gap = true
			continue
		}
		if rest, ok := strings.CutPrefix(line, numberLine+" "); ok {
			if _, err := fmt.Sscanf(rest, "%s %d", &m.from, &m.number); err != nil {
				return Message{}, fmt.Errorf("decode message: %w", err)
			}
			continue
		}
		t, err := topic.Parse(line)
		if err != nil {
			return Message{}, fmt.Errorf("decode message: %w", err)
		}
		m.Topics = append(m.Topics, t)
	}
	return m, nil
}

// Channel is the Redis channel of a database, so that several can share one Redis.
func Channel(database string) string { return "tidemark:" + database + ":changes" }

// Slot is the replication slot of a database; slots' names are the cluster's.
func Slot(database string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower("tidemark_"+database))
	return name[:min(len(name), 63)]
}
