// Package registry knows what events a tenant sends: which types there are, which properties
// they have and of what kind, and whether that is what the tenant's plan says. What is
// observed is written with the events themselves, so it equals a recount of them.
package registry

// Kind is what a property's value is, in JSON's terms, as in the schema's enum PropertyKind.
type Kind string

// The kinds of values.
const (
	Text    Kind = "STRING"
	Number  Kind = "NUMBER"
	Boolean Kind = "BOOLEAN"
	Object  Kind = "OBJECT"
	List    Kind = "ARRAY"
	Null    Kind = "NULL"
)

// KindOf tells by its first character what a value is that was checked before.
func KindOf(first byte) Kind {
	switch first {
	case '"':
		return Text
	case '{':
		return Object
	case '[':
		return List
	case 't', 'f':
		return Boolean
	case 'n':
		return Null
	}
	return Number
}

// Property is one member of an event's properties: its name, and the kind of its value.
type Property struct {
	Name string
	Kind Kind
}

// The bounds of what is recorded of one tenant. What is beyond them is counted, and no more.
const (
	MaxEventTypes = 2_000
	MaxProperties = 500 // names, of one type
	maxViolations = 10_000
	maxName       = 200 // characters of a property's name
	maxSample     = 100 // characters of a sample
)
