package scalar

import (
	"fmt"
	"io"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/health"
)

// MarshalTenths writes a score with one decimal.
func MarshalTenths(t health.Tenths) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = fmt.Fprint(w, t.Float()) })
}

// UnmarshalTenths refuses: scores that are given are numbers, and checked as such.
func UnmarshalTenths(any) (health.Tenths, error) {
	return 0, fault.New(fault.BadUserInput, "A score is given as a number.")
}
