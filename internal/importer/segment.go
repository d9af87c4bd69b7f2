package importer

import (
	"strings"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// later are the clocks that Segment's archives give beside the timestamp.
type later struct{ original, sent, received string }

// passedOver are members of an archive that are not the event's, as the server has them.
var passedOver = map[string]bool{
	"integrations": true, "writeKey": true, "channel": true, "version": true, "category": true, "projectId": true, "options": true,
}

// segment reads a line in Segment's shape. What it was sent and received at is left out: the
// server would take it for the clock of this import, and shift the event to today.
func segment(members []member, c clock) (d draft, problem *fault.Error) {
	var l later
	seen := map[string]bool{}
	for _, m := range members {
		if seen[m.name] {
			return d, twice(m.name)
		}
		seen[m.name] = true
		if problem := d.segmentMember(m, &l); problem != nil {
			return d, problem.In(m.name)
		}
	}
	if d.timestamp == "" {
		d.at, problem = l.corrected(c)
	}
	return d, problem
}

func (d *draft) segmentMember(m member, l *later) *fault.Error {
	clocks := map[string]*string{"originalTimestamp": &l.original, "sentAt": &l.sent, "receivedAt": &l.received}
	field := d.text(m.name)
	if field == nil {
		field = clocks[m.name]
	}
	switch o := d.object(m.name); {
	case field != nil:
		text, ok := plainText(m.value)
		if !ok {
			return errText
		}
		*field = text
	case o != nil && m.value.Kind() == '{':
		*o = object(m.value)
	case o != nil && m.value.Kind() == 'n', passedOver[m.name], strings.HasPrefix(m.name, "_"):
	default:
		d.extra = append(d.extra, m)
	}
	return nil
}

// corrected works out the time of an event that has no timestamp: by Segment's rule if all
// of its clocks are given, or else by the one that is.
func (l later) corrected(c clock) (t time.Time, problem *fault.Error) {
	var times [3]time.Time
	for i, text := range []string{l.original, l.sent, l.received} {
		if text == "" {
			continue
		}
		if times[i], problem = c.read(text); problem != nil {
			return t, problem
		}
	}
	original, sent, received := times[0], times[1], times[2]
	switch {
	case original.IsZero():
		return received, nil
	case sent.IsZero() || received.IsZero():
		return original, nil
	}
	return received.Add(original.Sub(sent)), nil
}
