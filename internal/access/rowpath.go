package access

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
)

// compile writes conditions as a predicate of SQL/JSON path (PostgreSQL documentation,
// section 9.16.2) over the properties of an event or the traits of somebody, with the group
// as variables; ” for no conditions. It is strict: a value in a list is not the value.
func compile(conditions []Condition) string {
	parts := make([]string, len(conditions))
	for i, c := range conditions {
		parts[i] = c.predicate()
	}
	if len(parts) == 0 {
		return ""
	}
	return "strict " + strings.Join(parts, " && ")
}

func (c Condition) predicate() string {
	if c.Group != "" {
		return fmt.Sprintf(`($"group_type" == %s && (%s))`, quoted(c.Group), c.oneOf(`$"group_id"`))
	}
	path := c.Property
	if c.Trait != "" {
		path = []string{c.Trait}
	}
	var steps strings.Builder
	for _, name := range path {
		steps.WriteString("." + quoted(name))
	}
	// A path is walked once, however many values there are.
	return fmt.Sprintf(`exists ($%s ? (%s))`, steps.String(), c.oneOf("@"))
}

func (c Condition) oneOf(what string) string {
	either := make([]string, len(c.In))
	for i, value := range c.In {
		either[i] = what + " == " + literal(value)
	}
	return strings.Join(either, " || ")
}

// literal writes a value that was checked.
func literal(value any) string {
	switch v := value.(type) {
	case string:
		return quoted(v)
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return "null" // there is none: nothing else passes the check
}

// quoted writes a string of a path. Whatever is not a letter of ASCII, a digit, a space or
// one of -_. is written by its number, so that no text can end the string, nor a string of
// SQL around it.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, unit := range utf16.Encode([]rune(text)) {
		if plain := rune(unit); plain < 0x80 && (plain >= 'a' && plain <= 'z' || plain >= 'A' && plain <= 'Z' || plain >= '0' && plain <= '9' || strings.ContainsRune(" -_.", plain)) {
			b.WriteByte(byte(unit))
			continue
		}
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	b.WriteByte('"')
	return b.String()
}
