// Package migrations holds the numbered steps that make and change the database.
package migrations

import "embed"

// FS holds the steps as goose reads them.
//
//go:embed *.sql
var FS embed.FS
