package identity

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// history gathers the changes that are kept. What repeats the value before it is not, and so
// something late may part a value from its repeats: it is kept together with the value that
// holds since, as it was said last, by no message in particular. So the latest entry of a
// trait is always its value.
type history struct {
	dbsqlc.TraitChangeInsertParams
}

func (h *history) add(subject int64, at time.Time, name string, by uuid.UUID, value json.RawMessage) {
	h.SubjectIds = append(h.SubjectIds, subject)
	h.SaidAts = append(h.SaidAts, at)
	h.Names = append(h.Names, name)
	h.MessageKeys = append(h.MessageKeys, by)
	h.Values = append(h.Values, value)
}

// inOrder puts what one batch says in the order of time, so that its own order decides nothing.
func inOrder(sayings []Saying) []Saying {
	return slices.SortedStableFunc(slices.Values(sayings), func(a, b Saying) int {
		return cmp.Or(a.At.Compare(b.At), bytes.Compare(a.By[:], b.By[:]))
	})
}
