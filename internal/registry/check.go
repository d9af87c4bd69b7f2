package registry

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Rule is what an event can break, as in the schema's enum PlanRule.
type Rule string

// The rules.
const (
	UnknownType     Rule = "UNKNOWN_EVENT_TYPE"
	MissingProperty Rule = "MISSING_PROPERTY"
	UnknownProperty Rule = "UNKNOWN_PROPERTY"
	WrongKind       Rule = "WRONG_KIND"
	NotAllowed      Rule = "NOT_ALLOWED"
	NoMatch         Rule = "NO_MATCH"
)

// Violation is one way in which an event is against the plan.
type Violation struct {
	Rule     Rule
	Property string // empty where no property is at fault
	kinds    []Kind // those that the plan wants
}

// maxFound is how many violations of one event are told apart.
const maxFound = 50

// Subject is an event to check. Its members are the properties, or, of $identify and $group,
// the traits.
type Subject struct {
	Type    string
	Members []Property
	Object  []byte // where the members' values stand
}

// Finding is what came of checking an event.
type Finding struct {
	Action     Action // Allow: there is nothing against it
	Violations []Violation
	rules      *Rules // by which it was checked
}

// PlanVersion is the version of the plan that the event was checked by; 0: none.
func (f Finding) PlanVersion() int32 { return f.rules.version() }

// builtIn are the types that no sender made up: a plan that does not mention them does not
// mean to forbid them.
var builtIn = map[string]bool{"$page": true, "$screen": true, "$identify": true, "$group": true, "$alias": true}

// Plans reports whether the rules have any for a type, so that its values need to be read.
func (r *Rules) Plans(eventType string) bool { return r != nil && r.events[eventType] != nil }

// Check holds an event against the rules.
func (r *Rules) Check(s Subject) Finding {
	f := Finding{Action: Allow, rules: r}
	if r == nil {
		return f
	}
	e := r.events[s.Type]
	switch {
	case e == nil && (builtIn[s.Type] || r.unknown == Allow):
	case e == nil:
		f.Action, f.Violations = r.unknown, []Violation{{Rule: UnknownType}}
	case e.action != Allow:
		if f.Violations = e.check(s); len(f.Violations) > 0 {
			f.Action = e.action
		}
	}
	return f
}

func (e *eventRules) check(s Subject) (found []Violation) {
	there := 0 // of those that are required
	for _, m := range s.Members {
		p := e.properties[m.Name]
		switch {
		case p == nil && !e.allowUnknown && len(found) < maxFound:
			found = append(found, Violation{Rule: UnknownProperty, Property: m.Name})
		case p != nil && !p.takes(m.Kind) && len(found) < maxFound:
			found = append(found, Violation{Rule: WrongKind, Property: m.Name, kinds: p.kinds})
		}
		if p != nil && p.required && p.there(m.Kind) {
			there++
		}
	}
	if there < len(e.required) {
		found = append(found, e.missing(s.Members)...)
	}
	if e.readsValues {
		found = append(found, e.checkValues(s.Object)...)
	}
	return found[:min(len(found), maxFound)]
}

// missing lists the required properties that are not there.
func (e *eventRules) missing(members []Property) (found []Violation) {
	there := make(map[string]bool, len(members))
	for _, m := range members {
		if p := e.properties[m.Name]; p != nil && p.there(m.Kind) {
			there[m.Name] = true
		}
	}
	for _, name := range e.required {
		if !there[name] {
			found = append(found, Violation{Rule: MissingProperty, Property: name})
		}
	}
	return found
}

// there reports whether a value is one. Null is none, unless it is one of the kinds wanted.
func (p *propertyRules) there(kind Kind) bool {
	return kind != Null || slices.Contains(p.kinds, Null)
}

func (p *propertyRules) takes(kind Kind) bool {
	return kind == Null || len(p.kinds) == 0 || slices.Contains(p.kinds, kind)
}

// checkValues looks at the values for which there is a list or a pattern.
func (e *eventRules) checkValues(object []byte) (found []Violation) {
	eachMember(object, func(name string, kind Kind, value func() jsontext.Value) {
		p := e.properties[name]
		if p == nil || p.allowed == nil && p.pattern == nil || !p.takes(kind) {
			return
		}
		if rule, broken := p.checkValue(kind, value()); broken {
			found = append(found, Violation{Rule: rule, Property: name})
		}
	})
	return found
}

func (p *propertyRules) checkValue(kind Kind, value jsontext.Value) (Rule, bool) {
	switch kind {
	case Text:
		unquoted, _ := jsontext.AppendUnquote(nil, value) // it was read before
		if p.allowed != nil && !p.allowed[string(unquoted)] {
			return NotAllowed, true
		}
		return NoMatch, p.pattern != nil && (len(unquoted) > maxMatched || !p.pattern.Match(unquoted))
	case Number:
		number, _ := strconv.ParseFloat(string(value), 64)
		return NotAllowed, p.allowed != nil && !p.numbers[number]
	case Boolean:
		return NotAllowed, p.allowed != nil && !p.allowed[string(value)]
	}
	return "", false
}

// Reason says what is wrong, and repeats nothing of what the event says.
func (v Violation) Reason() string {
	switch v.Rule {
	case UnknownType:
		return "The tracking plan has no such event."
	case MissingProperty:
		return "The tracking plan requires this property."
	case UnknownProperty:
		return "The tracking plan has no such property for this event."
	case WrongKind:
		return "The tracking plan wants a value of the kind " + strings.ReplaceAll(joinKinds(v.kinds), ",", " or ") + "."
	case NotAllowed:
		return "The value is not one of those that the tracking plan allows."
	}
	return "The value does not match the tracking plan's pattern."
}

// Field names what is at fault, below the name of what holds the properties.
func (v Violation) Field(holder string) string {
	switch {
	case v.Rule == UnknownType:
		return "event"
	case len(v.Property) > maxName:
		return holder
	}
	return holder + "." + v.Property
}
