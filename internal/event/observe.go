package event

import (
	"slices"

	"github.com/tidemarkhq/tidemark/internal/registry"
)

// observations tells the registry what was stored.
func observations(rows []row) []registry.Observation {
	list := make([]registry.Observation, len(rows))
	for i, r := range rows {
		s := subject(r.Incoming)
		list[i] = registry.Observation{
			Type: r.Type, MessageID: r.MessageID, At: r.occurredAt,
			Members: s.Members, Object: s.Object, Traits: setsTraits(r.Type), Finding: r.finding,
		}
	}
	return list
}

func setsTraits(eventType string) bool { return eventType == Identify || eventType == Group }

// holder names what holds the members of an event that the registry looks at.
func holder(eventType string) string {
	if setsTraits(eventType) {
		return "traits"
	}
	return "properties"
}

// subject is an event as the registry looks at it: its properties, or, where it sets traits,
// the traits.
func subject(e *Incoming) registry.Subject {
	if !setsTraits(e.Type) {
		return registry.Subject{Type: e.Type, Members: e.Shape(), Object: e.Properties}
	}
	s := registry.Subject{Type: e.Type, Members: registry.Shape(e.Traits), Object: e.Traits}
	if len(e.TraitsOnce) == 0 {
		return s
	}
	for _, once := range registry.Shape(e.TraitsOnce) {
		known := func(m registry.Property) bool { return m.Name == once.Name }
		if !slices.ContainsFunc(s.Members, known) {
			s.Members = append(s.Members, once)
		}
	}
	return s
}
