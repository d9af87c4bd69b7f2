package event

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// settlePerson tells who did it. A distinct id names a user, unless the event says that it
// names a browser whose user is not known.
func (c *capture) settlePerson() *fault.Error {
	switch {
	case c.Type == Group && c.distinctID == "$"+c.GroupType+"_"+c.GroupID:
		return nil // made up by clients for want of a person
	case c.distinctID == "" && c.Type != Group:
		return fault.Input("distinct_id", "An event needs a distinct_id.")
	case c.Type == Alias:
		c.UserID, c.PreviousID = c.distinctID, c.inside.alias
		if c.isAnonymous() { // a browser says who its visitor is
			c.UserID, c.PreviousID = c.PreviousID, c.UserID
		}
	case c.Type == Identify && c.inside.anonymous != "":
		c.UserID = c.distinctID
		if c.inside.anonymous != c.distinctID {
			c.AnonymousID = c.inside.anonymous
		}
	case c.isAnonymous():
		c.AnonymousID = c.distinctID
	default:
		c.UserID = c.distinctID
	}
	return nil
}

// isAnonymous reports whether the event says that its user is not known.
func (c *capture) isAnonymous() bool {
	switch string(c.inside.identified) {
	case "true":
		return false
	case "false":
		return true
	}
	return c.inside.state == "anonymous" || c.inside.device != "" && c.inside.device == c.distinctID
}

// settleTraits finds what the event sets of its person, or of its group: beside its
// properties in browsers, among them elsewhere.
func (c *capture) settleTraits() {
	if c.Type == Group {
		c.Traits = c.inside.groupSet
		return
	}
	c.Traits, c.TraitsOnce = c.set, c.once
	if isNone(c.Traits) {
		c.Traits = c.inside.set
	}
	if isNone(c.TraitsOnce) {
		c.TraitsOnce = c.inside.once
	}
	c.TraitsOnce = withoutNulls(c.TraitsOnce)
}

// preferred are the types of groups that most likely name the customer, if there are several.
var preferred = []string{DefaultGroup, "company", "organization"}

// settleGroup tells on whose behalf it was done.
func (c *capture) settleGroup() {
	if c.Type == Group {
		c.GroupType, c.GroupID = c.inside.groupType, c.inside.groupKey
		return
	}
	groups := map[string]string{}
	var types []string
	_ = (&scanner{data: c.inside.groups}).object(func(quoted, value []byte) *fault.Error { // as far as it can be read
		name, _ := readText(quoted)
		if id, problem := readID(value); problem == nil && name != "" && id != "" {
			groups[name] = id
			types = append(types, name)
		}
		return nil
	})
	if len(types) == 0 {
		return
	}
	slices.Sort(types)
	c.GroupType = types[0]
	for _, p := range preferred {
		if groups[p] != "" {
			c.GroupType = p
			break
		}
	}
	c.GroupID = groups[c.GroupType]
}

// withoutNulls leaves out the members that are null: browsers send what they don't know of a
// first visit as null, and that is nothing to keep for good.
func withoutNulls(object []byte) []byte {
	if !bytes.Contains(object, null) {
		return object
	}
	kept := newObject(len(object))
	problem := (&scanner{data: object}).object(func(quoted, value []byte) *fault.Error {
		if !bytes.Equal(value, null) {
			kept.add(quoted, value)
		}
		return nil
	})
	if problem != nil {
		return object // to be judged as it is
	}
	return kept.close()
}

// renamed says a problem's field in the sender's words.
func renamed(problem *fault.Error, names map[string]string) *fault.Error {
	head, rest, nested := strings.Cut(problem.Field, ".")
	own, ok := names[head]
	if !ok {
		return problem
	}
	if nested {
		own += "." + rest
	}
	return problem.In(own)
}
