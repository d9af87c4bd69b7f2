package registry

import (
	"time"

	"github.com/google/uuid"
)

// Action is what becomes of an event that is against the plan, as in the schema's enum PlanAction.
type Action string

// The actions, the mildest first.
const (
	Allow      Action = "ALLOW"      // nothing is checked
	Report     Action = "REPORT"     // taken, with a warning; the violation is counted
	Quarantine Action = "QUARANTINE" // kept aside until somebody decides
	Reject     Action = "REJECT"     // not taken
)

// Plan is what a tenant means to send.
type Plan struct {
	OnViolation   Action         `json:"onViolation"`
	OnUnknownType Action         `json:"onUnknownType"`
	Events        []PlannedEvent `json:"events"`
}

// PlannedEvent is what events of one type should be. Of $identify and $group the properties
// are the traits that they set.
type PlannedEvent struct {
	Type                   string            `json:"type"`
	Description            *string           `json:"description,omitempty"`
	OnViolation            *Action           `json:"onViolation,omitempty"` // nil: the plan's
	AllowUnknownProperties bool              `json:"allowUnknownProperties"`
	Properties             []PlannedProperty `json:"properties"`
}

// PlannedProperty is what one property should be.
type PlannedProperty struct {
	Name        string   `json:"name"`
	Description *string  `json:"description,omitempty"`
	Required    bool     `json:"required,omitempty"`
	Kinds       []Kind   `json:"kinds"`             // none: any
	Allowed     []string `json:"allowed"`           // none: any
	Pattern     *string  `json:"pattern,omitempty"` // RE2, over the whole of a text
	Personal    bool     `json:"personal,omitempty"`
}

// Version is a plan as it was saved.
type Version struct {
	Plan
	Number  int
	SavedAt time.Time
	SavedBy uuid.UUID // the key
	Current bool
}

// event finds what the plan says about a type; nil: nothing.
func (p *Plan) event(eventType string) *PlannedEvent {
	if p == nil {
		return nil
	}
	for i := range p.Events {
		if p.Events[i].Type == eventType {
			return &p.Events[i]
		}
	}
	return nil
}

// property finds what the plan says about a property; nil: nothing.
func (e *PlannedEvent) property(name string) *PlannedProperty {
	if e == nil {
		return nil
	}
	for i := range e.Properties {
		if e.Properties[i].Name == name {
			return &e.Properties[i]
		}
	}
	return nil
}

// personal lists the properties of which no sample may be kept, as parallel lists.
func (p *Plan) personal() (types, names []string) {
	for _, e := range p.Events {
		for _, property := range e.Properties {
			if property.Personal {
				types, names = append(types, e.Type), append(names, property.Name)
			}
		}
	}
	return types, names
}
