package registry

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// aPlan has an event of each sort of rule.
var aPlan = Plan{
	OnViolation: Report, OnUnknownType: Quarantine,
	Events: []PlannedEvent{
		{Type: "Signed Up", OnViolation: actionOf(Reject), Properties: []PlannedProperty{
			{Name: "plan", Required: true, Kinds: []Kind{Text}, Allowed: []string{"pro", "team"}},
			{Name: "seats", Kinds: []Kind{Number}, Allowed: []string{"1", "2.50", "1e2"}},
			{Name: "trial", Kinds: []Kind{Boolean}, Allowed: []string{"true"}},
			{Name: "code", Kinds: []Kind{Text, Null}, Required: true, Pattern: textOf(`[A-Z]{3}|x`)},
			{Name: "any"},
		}},
		{Type: "Open", AllowUnknownProperties: true},
		{Type: "Unchecked", OnViolation: actionOf(Allow)},
		{Type: "$identify", Properties: []PlannedProperty{{Name: "email", Required: true, Personal: true}}},
	},
}

func actionOf(a Action) *Action  { return &a }
func textOf(text string) *string { return &text }

func TestCheck(t *testing.T) {
	rules, problem := NewRules(&aPlan, 7)
	if problem != nil {
		t.Fatal(problem)
	}
	cases := []struct {
		eventType, object string
		action            Action
		found             []string
	}{
		{"Signed Up", `{"plan":"pro","code":"ABC"}`, Allow, nil},
		{"Signed Up", `{"plan":"pro","code":null,"seats":1.0,"trial":true,"any":[{}]}`, Allow, nil},
		{"Signed Up", `{"plan":"team","code":"x","seats":2.5}`, Allow, nil},
		{"Signed Up", `{"plan":"team","code":"x","seats":100}`, Allow, nil},
		{"Signed Up", `{"plan":"team","code":"x","seats":null,"trial":null}`, Allow, nil},
		{"Signed Up", `{"plan":"\u0070ro","code":"x"}`, Allow, nil},
		{"Signed Up", `{}`, Reject, []string{"MISSING_PROPERTY plan", "MISSING_PROPERTY code"}},
		{"Signed Up", `{"plan":null,"code":"x"}`, Reject, []string{"MISSING_PROPERTY plan"}},
		{"Signed Up", `{"plan":"free","code":"x"}`, Reject, []string{"NOT_ALLOWED plan"}},
		{"Signed Up", `{"plan":["pro"],"code":"x"}`, Reject, []string{"WRONG_KIND plan"}},
		{"Signed Up", `{"plan":"pro","code":"ABCD"}`, Reject, []string{"NO_MATCH code"}},
		{"Signed Up", `{"plan":"pro","code":"xABC"}`, Reject, []string{"NO_MATCH code"}},
		{"Signed Up", `{"plan":"pro","code":"x\n"}`, Reject, []string{"NO_MATCH code"}},
		{"Signed Up", `{"plan":"pro","code":"x","seats":3,"trial":false}`, Reject, []string{"NOT_ALLOWED seats", "NOT_ALLOWED trial"}},
		{"Signed Up", `{"plan":"pro","code":"x","seats":"1"}`, Reject, []string{"WRONG_KIND seats"}},
		{"Signed Up", `{"plan":"pro","code":"x","Plan":1}`, Reject, []string{"UNKNOWN_PROPERTY Plan"}},
		{"Open", `{"whatever":1}`, Allow, nil},
		{"Unchecked", `{"whatever":1}`, Allow, nil},
		{"Unheard", `{}`, Quarantine, []string{"UNKNOWN_EVENT_TYPE "}},
		{"$page", `{"name":"x"}`, Allow, nil},
		{"$mine", `{}`, Quarantine, []string{"UNKNOWN_EVENT_TYPE "}},
		{"$identify", `{}`, Report, []string{"MISSING_PROPERTY email"}},
	}
	for _, c := range cases {
		f := rules.Check(Subject{Type: c.eventType, Members: Shape([]byte(c.object)), Object: []byte(c.object)})
		var found []string
		for _, v := range f.Violations {
			found = append(found, string(v.Rule)+" "+v.Property)
			if v.Reason() == "" || !strings.HasSuffix(v.Reason(), ".") {
				t.Errorf("%s: the reason is %q", v.Rule, v.Reason())
			}
		}
		if f.Action != c.action || !slices.Equal(found, c.found) || f.PlanVersion() != 7 {
			t.Errorf("%s %s: %s %v, want %s %v", c.eventType, c.object, f.Action, found, c.action, c.found)
		}
	}
	if f := (*Rules)(nil).Check(Subject{Type: "E"}); f.Action != Allow || f.PlanVersion() != 0 {
		t.Errorf("without a plan: %+v", f)
	}
	if !rules.isPersonal("$identify", "email") || rules.isPersonal("Open", "email") || (*Rules)(nil).isPersonal("Open", "email") {
		t.Error("personal is what the plan says is")
	}
}

func TestOneEventHasBoundedFindings(t *testing.T) {
	rules, _ := NewRules(&Plan{OnViolation: Report, Events: []PlannedEvent{{Type: "E"}}}, 1)
	var members []Property
	for i := range 2_000 {
		members = append(members, Property{strings.Repeat("x", i), Text})
	}
	found := rules.Check(Subject{Type: "E", Members: members}).Violations
	if len(found) != maxFound {
		t.Errorf("%d violations", len(found))
	}
	if field := (Violation{Rule: UnknownProperty, Property: strings.Repeat("x", 300)}).Field("properties"); field != "properties" {
		t.Errorf("the field repeats a long name: %q", field)
	}
}

func TestPlansThatAreRefused(t *testing.T) {
	event := func(p ...PlannedProperty) Plan {
		return Plan{Events: []PlannedEvent{{Type: "E"}, {Type: "F", Properties: p}}}
	}
	many := make([]PlannedProperty, MaxProperties+1)
	for i := range many {
		many[i].Name = strings.Repeat("x", i%200) + string(rune('A'+i/200))
	}
	cases := map[string]struct {
		plan  Plan
		field string
	}{
		"no type":              {Plan{Events: []PlannedEvent{{}}}, "plan.events.0.type"},
		"a long type":          {Plan{Events: []PlannedEvent{{Type: strings.Repeat("x", 201)}}}, "plan.events.0.type"},
		"a type twice":         {Plan{Events: []PlannedEvent{{Type: "E"}, {Type: "E"}}}, "plan.events.1.type"},
		"too many types":       {Plan{Events: make([]PlannedEvent, MaxEventTypes+1)}, "plan.events"},
		"too many properties":  {event(many...), "plan.events.1.properties"},
		"a name twice":         {event(PlannedProperty{Name: "a"}, PlannedProperty{Name: "a"}), "plan.events.1.properties.1.name"},
		"no name":              {event(PlannedProperty{}), "plan.events.1.properties.0.name"},
		"NUL":                  {event(PlannedProperty{Name: "a\x00"}), "plan.events.1.properties.0.name"},
		"a long description":   {event(PlannedProperty{Name: "a", Description: textOf(strings.Repeat("x", 1_001))}), "plan.events.1.properties.0.description"},
		"a bad pattern":        {event(PlannedProperty{Name: "a", Pattern: textOf(`(`)}), "plan.events.1.properties.0.pattern"},
		"two halves":           {event(PlannedProperty{Name: "a", Pattern: textOf(`a)|(b`)}), "plan.events.1.properties.0.pattern"},
		"a large pattern":      {event(PlannedProperty{Name: "a", Pattern: textOf(`(.{100}){10}.{500}`)}), "plan.events.1.properties.0.pattern"},
		"a pattern of numbers": {event(PlannedProperty{Name: "a", Kinds: []Kind{Number}, Pattern: textOf(`1`)}), "plan.events.1.properties.0.pattern"},
		"a list of lists":      {event(PlannedProperty{Name: "a", Kinds: []Kind{List}, Allowed: []string{"x"}}), "plan.events.1.properties.0.allowed"},
		"a long value":         {event(PlannedProperty{Name: "a", Allowed: []string{strings.Repeat("x", 201)}}), "plan.events.1.properties.0.allowed"},
		"too many values":      {event(PlannedProperty{Name: "a", Allowed: make([]string, 501)}), "plan.events.1.properties.0.allowed"},
	}
	for name, c := range cases {
		_, problem := NewRules(&c.plan, 1)
		if problem == nil || problem.Field != c.field {
			t.Errorf("%s: %v, want the field %s", name, problem, c.field)
		}
	}
}

func TestChangeOf(t *testing.T) {
	cases := []struct {
		was  []Kind
		now  Kind
		want ChangeKind
		is   bool
	}{
		{nil, Text, NewProperty, true},
		{nil, Null, NewProperty, true},
		{[]Kind{Text}, Number, TypeChanged, true},
		{[]Kind{Text}, Null, "", false},
		{[]Kind{Null}, Text, "", false},
		{[]Kind{Null, Text}, Object, TypeChanged, true},
	}
	for _, c := range cases {
		if kind, is := changeOf(c.was, c.now); is != c.is || is && kind != c.want {
			t.Errorf("%v, then %s: %s %v", c.was, c.now, kind, is)
		}
	}
}

func TestSamples(t *testing.T) {
	for name, want := range map[string]bool{
		"email": true, "user_email": true, "Phone-Number": true, "name": true, "first_name": true, "ip": true,
		"plan": false, "filename": false, "eventName": false, "ship": false, "price": false,
	} {
		if got := soundsPersonal(name); got != want {
			t.Errorf("%s sounds personal: %v", name, got)
		}
	}
	at := Observation{Type: "E", Members: Shape([]byte(`{"a":"x","b":[1],"n":null,"email":"e"}`)), Object: []byte(`{"a":"x","b":[1],"n":null,"email":"e"}`)}
	again := at
	again.Object = []byte(`{"a":"y","b":[2],"n":null,"email":"f"}`)
	samples := map[string]string{}
	for _, p := range gather([]Observation{at, again})[0].properties {
		samples[p.Name] = p.sample
		if p.volume != 2 {
			t.Errorf("%s was seen %d times", p.Name, p.volume)
		}
	}
	if diff := cmp.Diff(map[string]string{"a": `"x"`, "b": "", "n": "", "email": ""}, samples); diff != "" {
		t.Error(diff)
	}
}
