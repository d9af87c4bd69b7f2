// Package tenant names the tenant in a type of its own, so that a tenant and
// any other id cannot change places and still compile.
package tenant

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// ID identifies one tenant. It is a UUID (RFC 9562), stored as PostgreSQL's uuid.
type ID uuid.UUID

// None is the zero ID. No tenant has it.
var None ID

// New returns a fresh, time-ordered id (UUID version 7), so that the keys that
// begin with it are written side by side.
func New() (ID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return None, fmt.Errorf("make tenant id: %w", err)
	}
	return ID(id), nil
}

// Parse reads the canonical text form, such as
// "01890c5e-8f3a-7cc0-98c4-dc0c0c07398f".
func Parse(text string) (ID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return None, fmt.Errorf("parse tenant id: %w", err)
	}
	return ID(id), nil
}

// String returns the canonical text form.
func (id ID) String() string { return uuid.UUID(id).String() }

// ScanUUID implements [pgtype.UUIDScanner]: a tenant column is never null.
func (id *ID) ScanUUID(v pgtype.UUID) error {
	if !v.Valid {
		return fmt.Errorf("scan tenant id: null")
	}
	*id = v.Bytes
	return nil
}

// UUIDValue implements [pgtype.UUIDValuer].
func (id ID) UUIDValue() (pgtype.UUID, error) {
	return pgtype.UUID{Bytes: id, Valid: true}, nil
}
