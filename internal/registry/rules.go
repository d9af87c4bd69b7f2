package registry

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// The bounds of a plan.
const (
	maxPlanned     = 20_000 // properties of all types together
	maxAllowed     = 500    // values of one property
	maxText        = 200    // characters of a type, a name or a value
	maxDescription = 1_000  // characters
	maxPattern     = 200    // characters
	maxProgram     = 1_000  // instructions of a pattern, compiled
	maxPatterns    = 200    // of a plan
	maxMatched     = 1_000  // bytes of a text that is held against a pattern
)

// Rules is a plan made ready to check events by. A nil one has no rules.
type Rules struct {
	number   int
	unknown  Action
	events   map[string]*eventRules
	patterns int
	planned  int
}

type eventRules struct {
	action       Action
	allowUnknown bool
	required     []string
	properties   map[string]*propertyRules
	readsValues  bool // some rule needs more than a kind
}

type propertyRules struct {
	kinds    []Kind
	allowed  map[string]bool
	numbers  map[float64]bool // the allowed values that are numbers
	pattern  *regexp.Regexp
	required bool
	personal bool
}

func (r *Rules) version() int32 {
	if r == nil {
		return 0
	}
	return int32(r.number)
}

// isPersonal reports whether the plan calls a property personal.
func (r *Rules) isPersonal(eventType, name string) bool {
	if r == nil || r.events[eventType] == nil {
		return false
	}
	p := r.events[eventType].properties[name]
	return p != nil && p.personal
}

// NewRules makes a plan ready, or says what is wrong with it.
func NewRules(plan *Plan, number int) (*Rules, *fault.Error) {
	r := &Rules{number: number, unknown: plan.OnUnknownType, events: make(map[string]*eventRules, len(plan.Events))}
	if len(plan.Events) > MaxEventTypes {
		return nil, fault.Input("plan.events", "At most %d types are allowed.", MaxEventTypes)
	}
	for i := range plan.Events {
		e := &plan.Events[i]
		at := fmt.Sprintf("plan.events.%d", i)
		if r.events[e.Type] != nil {
			return nil, fault.Input(at+".type", "The type occurs twice.")
		}
		rules, problem := r.event(e, plan.OnViolation)
		if problem != nil {
			return nil, problem.In(at + "." + problem.Field)
		}
		r.events[e.Type] = rules
	}
	return r, nil
}

func (r *Rules) event(e *PlannedEvent, action Action) (*eventRules, *fault.Error) {
	if problem := checkPlanText("type", e.Type, 1, maxText); problem != nil {
		return nil, problem
	}
	if problem := checkPlanText("description", text(e.Description), 0, maxDescription); problem != nil {
		return nil, problem
	}
	if r.planned += len(e.Properties); len(e.Properties) > MaxProperties || r.planned > maxPlanned {
		return nil, fault.Input("properties", "At most %d properties are allowed, and %d in all types.", MaxProperties, maxPlanned)
	}
	rules := &eventRules{action: action, allowUnknown: e.AllowUnknownProperties, properties: make(map[string]*propertyRules, len(e.Properties))}
	if e.OnViolation != nil {
		rules.action = *e.OnViolation
	}
	for i := range e.Properties {
		p := &e.Properties[i]
		at := fmt.Sprintf("properties.%d.", i)
		if rules.properties[p.Name] != nil {
			return nil, fault.Input(at+"name", "The name occurs twice.")
		}
		compiled, problem := r.property(p)
		if problem != nil {
			return nil, problem.In(at + problem.Field)
		}
		rules.properties[p.Name] = compiled
		if p.Required {
			rules.required = append(rules.required, p.Name)
		}
		rules.readsValues = rules.readsValues || compiled.allowed != nil || compiled.pattern != nil
	}
	return rules, nil
}

func (r *Rules) property(p *PlannedProperty) (*propertyRules, *fault.Error) {
	if problem := checkPlanText("name", p.Name, 1, maxName); problem != nil {
		return nil, problem
	}
	if problem := checkPlanText("description", text(p.Description), 0, maxDescription); problem != nil {
		return nil, problem
	}
	rules := &propertyRules{kinds: p.Kinds, required: p.Required, personal: p.Personal}
	if problem := rules.allow(p); problem != nil {
		return nil, problem
	}
	if p.Pattern == nil {
		return rules, nil
	}
	if r.patterns++; r.patterns > maxPatterns {
		return nil, fault.Input("pattern", "At most %d patterns are allowed in a plan.", maxPatterns)
	}
	if len(p.Kinds) > 0 && !slices.Contains(p.Kinds, Text) {
		return nil, fault.Input("pattern", "A pattern is for values of the kind STRING.")
	}
	var problem *fault.Error
	rules.pattern, problem = compilePattern(*p.Pattern)
	return rules, problem
}

// allow takes the list of allowed values, which are given as text.
func (r *propertyRules) allow(p *PlannedProperty) *fault.Error {
	if len(p.Allowed) == 0 {
		return nil
	}
	if len(p.Allowed) > maxAllowed {
		return fault.Input("allowed", "At most %d values are allowed.", maxAllowed)
	}
	scalar := func(k Kind) bool { return k == Text || k == Number || k == Boolean }
	if len(p.Kinds) > 0 && !slices.ContainsFunc(p.Kinds, scalar) {
		return fault.Input("allowed", "Values can be listed for the kinds STRING, NUMBER and BOOLEAN.")
	}
	r.allowed, r.numbers = make(map[string]bool, len(p.Allowed)), map[float64]bool{}
	for _, value := range p.Allowed {
		if problem := checkPlanText("allowed", value, 0, maxText); problem != nil {
			return problem
		}
		r.allowed[value] = true
		if number, err := strconv.ParseFloat(value, 64); err == nil {
			r.numbers[number] = true
		}
	}
	return nil
}

// compilePattern takes RE2, which is never slow, as long as the program is small.
func compilePattern(pattern string) (*regexp.Regexp, *fault.Error) {
	if utf8.RuneCountInString(pattern) > maxPattern {
		return nil, fault.Input("pattern", "At most %d characters are allowed.", maxPattern)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, fault.Input("pattern", "This is no regular expression in the syntax of RE2.").Because(err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		return nil, fault.Input("pattern", "The pattern is too large once its repetitions are written out.").Because(err)
	}
	compiled, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return nil, fault.Input("pattern", "This is no regular expression in the syntax of RE2.").Because(err)
	}
	return compiled, nil
}

func text(t *string) string {
	if t == nil {
		return ""
	}
	return *t
}

// checkPlanText keeps out what PostgreSQL's text can't hold.
func checkPlanText(field, value string, least, most int) *fault.Error {
	if n := utf8.RuneCountInString(value); n < least || n > most {
		return fault.Input(field, "Between %d and %d characters are allowed.", least, most)
	}
	if !utf8.ValidString(value) || slices.Contains([]byte(value), 0) {
		return fault.Input(field, "The text has a character that cannot be kept.")
	}
	return nil
}
