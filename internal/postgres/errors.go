package postgres

import (
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// The classes of SQLSTATE (PostgreSQL documentation, appendix A) that this package
// tells apart.
const (
	classConnection = "08"  // connection exception
	classData       = "22"  // data exception: a value that the server can't take
	classIntegrity  = "23"  // integrity constraint violation
	classResources  = "53"  // insufficient resources: disk full, too many connections
	classOperator   = "57P" // operator intervention: shutdown, crash, start-up
	classRollback   = "40"  // transaction rollback: deadlock, serialization
	uniqueViolation = "23505"

	insufficientPrivilege = "42501"
)

// Transient reports whether the same transaction may succeed later.
func Transient(err error) bool {
	return hasClass(err, classConnection, classResources, classOperator, classRollback)
}

// RolledBack reports whether the server undid the transaction for the sake of another
// one, so that running it again at once is safe and sensible: the other one's rows will be
// found, where a key was taken in between.
func RolledBack(err error) bool { return hasClass(err, classRollback, uniqueViolation) }

// Refused reports whether the server refused a value, so that trying again is vain.
func Refused(err error) bool { return hasClass(err, classData, classIntegrity) }

func hasClass(err error, classes ...string) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	for _, class := range classes {
		if strings.HasPrefix(pgErr.Code, class) {
			return true
		}
	}
	return false
}

// NoPartition reports whether a row of the table found no partition to go to.
func NoPartition(err error, table string) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == "23514" && pgErr.TableName == table && pgErr.ConstraintName == ""
}

// isNetwork finds a connection that broke while in use.
func isNetwork(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}
