// Package health tells how well accounts do. A tenant says what counts and how much; each score is
// the weighted mean of what is known, what each input adds is shown, and what they add comes to
// the score to the digit. Scores follow the data, and a change of band is kept as an event.
package health

import (
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/postgres"
)

// Tenths are a score from 0 to 100, or a part of one, in tenths: 725 is 72.5.
type Tenths int

// Float is the number as it is shown.
func (t Tenths) Float() float64 { return float64(t) / 10 }

// Band is what a score stands for.
type Band string

// The bands, as in the schema's enum HealthBand: of a score's nearest whole number, a half up.
const (
	AtRisk  Band = "AT_RISK" // 0 to 50
	Neutral Band = "NEUTRAL" // 51 to 75
	Healthy Band = "HEALTHY" // 76 to 100
)

// AllBands lists the bands in the order of the schema, the worst first.
func AllBands() []Band { return []Band{AtRisk, Neutral, Healthy} }

// Band is the band of a score; the generated column `band` says the same.
func (t Tenths) Band() Band {
	switch whole := (t + 5) / 10; {
	case whole <= 50:
		return AtRisk
	case whole <= 75:
		return Neutral
	}
	return Healthy
}

func bandOf(score *Tenths) *Band {
	if score == nil {
		return nil
	}
	band := score.Band()
	return &band
}

// Service keeps what counts, and tells of scores.
type Service struct{ app *postgres.App }

// NewService makes the service.
func NewService(app *postgres.App) *Service { return &Service{app} }

// State is how far the calculation of a tenant's scores is.
type State string

// The states, as in the schema's enum HealthCalculationState.
const (
	Waiting State = "WAITING" // to be begun, or tried again
	Running State = "RUNNING"
	Done    State = "DONE"
	Failed  State = "FAILED" // given up until something changes
)

// AllStates lists the states in the order of the schema.
func AllStates() []State { return []State{Waiting, Running, Done, Failed} }

// Saved is what a tenant has said of what counts, and how far its scores are.
type Saved struct {
	Inputs    []Input
	Version   int // from 1 on
	ChangedAt time.Time
	ChangedBy uuid.UUID // the key, or the login
	Calculation
}

// Calculation is how far the scores of a tenant are.
type Calculation struct {
	State        State
	Progress     float64 // of the one that runs, 0 to 1
	CalculatedAt *time.Time
	Accounts     *int    // that were scored
	Complete     *bool   // whether no window goes back to where raw events are in the archive alone
	Failure      *string // why the last attempt failed
}
