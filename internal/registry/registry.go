// Package registry knows what events a tenant sends: which types there are, which properties
// they have, and of what kind.
package registry

// Kind is what a property's value is, in JSON's terms.
type Kind string

// The kinds of values.
const (
	Text    Kind = "string"
	Number  Kind = "number"
	Boolean Kind = "boolean"
	Object  Kind = "object"
	List    Kind = "array"
	Null    Kind = "null"
)

// Property is one member of an event's properties: its name, and the kind of its value.
type Property struct {
	Name string
	Kind Kind
}
