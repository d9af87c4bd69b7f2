package importer

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// posthogFields are the members of a line of PostHog's exports that are read. The others,
// such as what PostHog knew of the person, are not the event's.
var posthogFields = map[string]target{
	"event": {field: "event"}, "uuid": {field: "messageId"}, "timestamp": {field: "timestamp"},
	"distinct_id": {field: "userId"}, "properties": {field: "properties"},
}

// posthog reads a line as PostHog exports it.
func posthog(members []member) (d draft, problem *fault.Error) {
	seen := map[string]bool{}
	for _, m := range members {
		t, read := posthogFields[m.name]
		if !read || m.value.Kind() == 'n' {
			continue
		}
		if seen[m.name] {
			return d, twice(m.name)
		}
		seen[m.name] = true
		if problem := d.put(t, m.value); problem != nil {
			return d, problem.In(m.name)
		}
	}
	properties := map[string]jsontext.Value{}
	if len(d.properties) > 0 {
		inside, problem := membersOf(d.properties)
		if problem != nil {
			return d, problem.In("properties")
		}
		for _, m := range inside {
			properties[m.name] = m.value
		}
	}
	d.fromPosthog(properties)
	return d, nil
}

// fromPosthog names the call that an event of PostHog's own stands for.
func (d *draft) fromPosthog(properties map[string]jsontext.Value) {
	text := func(name string) string {
		value, _ := plainText(properties[name])
		return value
	}
	switch d.event {
	case "$identify":
		d.kind, d.anonymousID, d.traits = "identify", text("$anon_distinct_id"), objectOf(properties["$set"])
	case "$create_alias":
		d.kind, d.previousID = "alias", text("alias")
	case "$groupidentify":
		d.kind, d.groupID, d.traits = "group", text("$group_key"), objectOf(properties["$group_set"])
	case "$pageview":
		d.kind, d.name = "page", text("title")
	case "$screen":
		d.kind, d.name = "screen", text("$screen_name")
	}
	if d.kind != "" {
		d.event = ""
	}
	// Somebody who never said who they are has an id of their device.
	stranger := string(properties["$is_identified"]) == "false" || d.userID != "" && text("$device_id") == d.userID
	if stranger && (d.kind == "" || d.kind == "page" || d.kind == "screen") {
		d.userID, d.anonymousID = "", d.userID
	}
}

func objectOf(value jsontext.Value) object {
	if value.Kind() != '{' {
		return nil
	}
	return object(value)
}
