package event

import (
	"slices"

	"github.com/tidemarkhq/tidemark/internal/registry"
)

// observations tells the registry what was stored.
func observations(rows []row) []registry.Observation {
	list := make([]registry.Observation, len(rows))
	for i := range rows {
		r := &rows[i]
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
	s := registry.Subject{Type: e.Type, Members: e.shape, Object: e.Properties}
	if setsTraits(e.Type) {
		s.Object = e.Traits
	}
	return s
}

// merged adds to the members of traits those that are set once only, where they are others.
func merged(members, once []registry.Property) []registry.Property {
	for _, m := range once {
		known := func(other registry.Property) bool { return other.Name == m.Name }
		if !slices.ContainsFunc(members, known) {
			members = append(members, m)
		}
	}
	return members
}
