package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

func TestSQLStatesAreToldApart(t *testing.T) {
	cases := []struct {
		code                           string
		transient, rolledBack, refused bool
	}{
		{"08006", true, false, false}, // connection failure
		{"53100", true, false, false}, // disk full
		{"53300", true, false, false}, // too many connections
		{"57P01", true, false, false}, // admin shutdown
		{"57P03", true, false, false}, // cannot connect now
		{"40P01", true, true, false},  // deadlock
		{"40001", true, true, false},  // serialization failure
		{"22P05", false, false, true}, // untranslatable character
		{"23514", false, false, true}, // check violation
		{"42P01", false, false, false},
		{"57014", false, false, false}, // query canceled
	}
	for _, c := range cases {
		err := fmt.Errorf("store: %w", &pgconn.PgError{Code: c.code})
		if got := [3]bool{Transient(err), RolledBack(err), Refused(err)}; got != [3]bool{c.transient, c.rolledBack, c.refused} {
			t.Errorf("%s: transient, rolled back, refused = %v", c.code, got)
		}
	}
	if Transient(nil) || Refused(errors.New("x")) {
		t.Error("what is no SQLSTATE has a class")
	}
}

func TestWhatPassesByItselfIsSaid(t *testing.T) {
	cases := map[string]struct {
		err  error
		want fault.Code
	}{
		"a fault stays what it is":   {fmt.Errorf("x: %w", fault.New(fault.NotFound, "")), fault.NotFound},
		"a deadline":                 {fmt.Errorf("x: %w", context.DeadlineExceeded), fault.Timeout},
		"a broken connection":        {fmt.Errorf("x: %w", io.ErrUnexpectedEOF), fault.Unavailable},
		"a refused connection":       {&net.OpError{Op: "dial", Err: errors.New("refused")}, fault.Unavailable},
		"a server that shuts down":   {&pgconn.PgError{Code: "57P01"}, fault.Unavailable},
		"a full disk":                {&pgconn.PgError{Code: "53100"}, fault.Unavailable},
		"a mistake in the statement": {&pgconn.PgError{Code: "42601"}, fault.Internal},
		"anything else":              {errors.New("x"), fault.Internal},
	}
	for name, c := range cases {
		if f, _ := fault.Of(unavailable(c.err)); f.Code != c.want {
			t.Errorf("%s: %s, want %s", name, f.Code, c.want)
		}
	}
	if unavailable(nil) != nil {
		t.Error("nothing is an error")
	}
}
