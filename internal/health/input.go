package health

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/tidemarkhq/tidemark/internal/customer"
	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/metric"
)

// Kind is what an input measures of an account.
type Kind string

// The kinds, as in the schema's enum HealthInputKind. Windows are days of the tenant's zone: the
// running one and those before it; of EventsChange, those before it alone.
const (
	Events       Kind = "EVENTS"        // events in the window
	EventsChange Kind = "EVENTS_CHANGE" // by how many percent they are more than in as many days before; none if there were none then
	ActivePeople Kind = "ACTIVE_PEOPLE" // persons who did something in the window
	Features     Kind = "FEATURES"      // how many of the types were used in the window
	LastSeen     Kind = "LAST_SEEN"     // days since somebody did something for it, or was said to belong to it; none if nobody ever was
	MRRChange    Kind = "MRR_CHANGE"    // by how many percent MRR is more than before the window; none if there was none
	Overdue      Kind = "OVERDUE"       // days since the oldest open invoice was due, 0 if none is; none without any invoice
	OpenTickets  Kind = "OPEN_TICKETS"  // tickets that are neither solved nor closed
	TicketRating Kind = "TICKET_RATING" // percent of the tickets rated in the window that were rated good; none if none was
	Trait        Kind = "TRAIT"         // a number that was said of the account
)

// AllKinds lists the kinds in the order of the schema.
func AllKinds() []Kind {
	return []Kind{Events, EventsChange, ActivePeople, Features, LastSeen, MRRChange, Overdue, OpenTickets, TicketRating, Trait}
}

// Input is one thing that counts. Its score is 0 at Worst and 100 at Best, in proportion between,
// and no less and no more beyond; less is better where Best is the smaller one.
type Input struct {
	Key        string   `json:"key"`
	Name       string   `json:"name"`
	Kind       Kind     `json:"kind"`
	Weight     float64  `json:"weight"`
	Worst      float64  `json:"worst"`
	Best       float64  `json:"best"`
	Days       int      `json:"days,omitempty"`       // of the window
	Types      []string `json:"types,omitempty"`      // of events; nil: all activity
	Trait      string   `json:"trait,omitempty"`      // a dot leads into an object
	StaleAfter int      `json:"staleAfter,omitempty"` // days after which what was said is dropped; 0: never
}

// The bounds of inputs.
const (
	maxInputs = 20
	maxName   = 100 // characters
	maxTrait  = 200 // bytes
	maxDays   = 90
	maxStale  = 3_650
	maxTypes  = 50
	maxWeight = 1_000
	maxNumber = 1e12
)

var keyForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// windowed reports whether a kind looks at a window.
func (k Kind) windowed() bool {
	return k == Events || k == EventsChange || k == ActivePeople || k == Features || k == MRRChange || k == TicketRating
}

// counts reports whether a kind counts events.
func (k Kind) counts() bool { return k.windowed() && k != MRRChange && k != TicketRating }

// Monetary reports whether a kind tells of what is paid.
func (k Kind) Monetary() bool { return k == MRRChange || k == Overdue }

// CheckInputs refuses inputs that cannot be worked with; field is where they stand.
func CheckInputs(field string, inputs []Input) error {
	if len(inputs) < 1 || len(inputs) > maxInputs {
		return fault.Input(field, "Between 1 and %d inputs are needed.", maxInputs)
	}
	known := map[string]bool{}
	for i := range inputs {
		at := fmt.Sprintf("%s[%d]", field, i)
		if err := inputs[i].check(at); err != nil {
			return err
		}
		if known[inputs[i].Key] {
			return fault.Input(at+".key", "Another input has this key.")
		}
		known[inputs[i].Key] = true
	}
	return nil
}

func (in *Input) check(field string) error {
	switch n := utf8.RuneCountInString(in.Name); {
	case !keyForm.MatchString(in.Key):
		return fault.Input(field+".key", "A key is a lower-case letter, then up to 39 of those, digits and underscores.")
	case n < 1 || n > maxName || !customer.Sendable(in.Name):
		return fault.Input(field+".name", "A name of 1 to %d characters is needed.", maxName)
	case !slices.Contains(AllKinds(), in.Kind):
		return fault.Input(field+".kind", "There is no such kind.")
	case !(in.Weight > 0 && in.Weight <= maxWeight): // which NaN is not either
		return fault.Input(field+".weight", "A weight is above 0, and at most %d.", maxWeight)
	case !(math.Abs(in.Worst) <= maxNumber):
		return fault.Input(field+".worst", "A limit is a number of at most a million millions.")
	case !(math.Abs(in.Best) <= maxNumber) || in.Best == in.Worst:
		return fault.Input(field+".best", "A limit is a number of at most a million millions, and another one than the worst.")
	}
	return in.checkOfKind(field)
}

// checkOfKind holds what is set against what the kind takes.
func (in *Input) checkOfKind(field string) error {
	switch {
	case in.Kind.windowed() && (in.Days < 1 || in.Days > maxDays):
		return fault.Input(field+".days", "Between 1 and %d days are needed.", maxDays)
	case !in.Kind.windowed() && in.Days != 0:
		return fault.Input(field+".days", "%s looks at no window.", in.Kind)
	case in.Types != nil && !in.Kind.counts():
		return fault.Input(field+".types", "%s counts no events.", in.Kind)
	case in.Kind == Features && len(in.Types) == 0:
		return fault.Input(field+".types", "FEATURES needs the types of events that tell of features.")
	case in.Types != nil && len(in.Types) == 0 || len(in.Types) > maxTypes:
		return fault.Input(field+".types", "Between 1 and %d types are allowed.", maxTypes)
	case in.Kind != Trait && in.Trait != "":
		return fault.Input(field+".trait", "%s reads no trait.", in.Kind)
	case in.Kind != Trait && in.StaleAfter != 0:
		return fault.Input(field+".staleAfterDays", "%s is always of now.", in.Kind)
	case in.StaleAfter < 0 || in.StaleAfter > maxStale:
		return fault.Input(field+".staleAfterDays", "Between 1 and %d days are allowed.", maxStale)
	}
	for i, t := range in.Types {
		if t == "" || !customer.Sendable(t) || slices.Contains(in.Types[:i], t) {
			return fault.Input(fmt.Sprintf("%s.types[%d]", field, i), "This is no type of an event, or stands here twice.")
		}
	}
	if in.Kind == Trait && (in.Trait == "" || len(in.Trait) > maxTrait || !customer.Sendable(in.Trait)) {
		return fault.Input(field+".trait", "Which one? A name has at most %d bytes.", maxTrait)
	}
	return nil
}

// trait is what an input reads of an account.
func (in *Input) trait() metric.Dimension {
	return metric.Dimension{Kind: metric.ByAccountTrait, Name: in.Trait}
}
