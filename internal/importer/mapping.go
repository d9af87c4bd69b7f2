package importer

import (
	"fmt"
	"slices"
	"strings"
)

// target is where a column's values go.
type target struct {
	field string // a field of draft.texts, or properties, context, traits; empty: nowhere
	name  string // the member of properties, context or traits; empty: the whole object
}

func (t target) String() string {
	switch {
	case t.field == "":
		return "-"
	case t.name == "":
		return t.field
	}
	return t.field + "." + t.name
}

// objects are the fields that hold JSON objects.
var objects = []string{"properties", "context", "traits"}

// known lists the names by which a field is found, without their case and underscores; of
// several that a file has, the first counts.
var known = []struct {
	field string
	names []string
}{
	{"type", []string{"type"}},
	{"event", []string{"event", "eventname", "name"}},
	{"userId", []string{"userid", "distinctid"}},
	{"anonymousId", []string{"anonymousid"}},
	{"previousId", []string{"previousid"}},
	{"groupId", []string{"groupid", "accountid"}},
	{"messageId", []string{"messageid", "uuid", "id"}},
	{"timestamp", []string{"timestamp", "time", "occurredat", "createdat", "originaltimestamp", "receivedat"}},
	{"properties", []string{"properties"}},
	{"context", []string{"context"}},
	{"traits", []string{"traits"}},
}

// Mapping says by name where columns go that are not to go where their name says.
type Mapping map[string]target

// NewMapping reads pairs of a header and a field, such as {"Customer": "userId", "note": "-"}.
func NewMapping(pairs map[string]string) (Mapping, error) {
	m := Mapping{}
	for header, field := range pairs {
		t, ok := parseTarget(field)
		if !ok {
			return nil, fmt.Errorf("--map %s=%s: there is no such field; there are %s, properties.NAME, context.NAME, traits.NAME, and - for none", header, field, fieldNames())
		}
		m[header] = t
	}
	return m, nil
}

func fieldNames() string {
	var names []string
	for _, f := range known {
		names = append(names, f.field)
	}
	return strings.Join(names, ", ")
}

func parseTarget(field string) (target, bool) {
	if field == "-" {
		return target{}, true
	}
	object, name, dotted := strings.Cut(field, ".")
	if dotted {
		return target{object, name}, slices.Contains(objects, object) && name != ""
	}
	for _, f := range known {
		if f.field == field {
			return target{field: field}, true
		}
	}
	return target{}, false
}

// plain is a name without its case, underscores, hyphens and spaces.
func plainName(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
}

// targets decides where the columns of a header go.
func (m Mapping) targets(header []string) []target {
	targets := make([]target, len(header))
	taken := map[string]bool{}
	for i, name := range header {
		t, mapped := m[name]
		if !mapped {
			object, rest, _ := strings.Cut(name, ".")
			if rest == "" || !slices.Contains(objects, object) {
				continue
			}
			t = target{object, rest}
		}
		targets[i] = t
		if t.name == "" {
			taken[t.field] = true
		}
	}
	for i, t := range targets {
		if _, mapped := m[header[i]]; t == (target{}) && !mapped {
			targets[i] = m.byName(header, i, taken)
		}
	}
	return targets
}

// byName finds the field that a column's name means. Where another one has it already, or
// none is meant, the column is a property.
func (m Mapping) byName(header []string, at int, taken map[string]bool) target {
	name := plainName(header[at])
	for _, f := range known {
		rank := slices.Index(f.names, name)
		if rank < 0 || taken[f.field] {
			continue
		}
		better := slices.ContainsFunc(header, func(other string) bool {
			_, mapped := m[other]
			r := slices.Index(f.names, plainName(other))
			return !mapped && r >= 0 && r < rank
		})
		if !better {
			taken[f.field] = true
			return target{field: f.field}
		}
	}
	return target{"properties", header[at]}
}

// checkHeader finds what a file can't be read with.
func (m Mapping) checkHeader(header []string) error {
	seen, fields := map[string]bool{}, map[target]string{}
	for _, name := range header {
		if name != "" && seen[name] {
			return fmt.Errorf("its header has the name %q twice", name)
		}
		seen[name] = true
		if t, ok := m[name]; ok && t != (target{}) {
			if other, twice := fields[t]; twice {
				return fmt.Errorf("--map sends both %q and %q to %s", other, name, t)
			}
			fields[t] = name
		}
	}
	for name := range m {
		if !seen[name] {
			return fmt.Errorf("--map names the column %q, which the header doesn't have", name)
		}
	}
	return nil
}
