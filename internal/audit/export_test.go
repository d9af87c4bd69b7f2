package audit

import "github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"

// HashOf is what Go works out for a record.
func HashOf(r *dbsqlc.AuditEntry) []byte {
	hash := hashOf(r)
	return hash[:]
}

// ReadPage and MaxBreaks are bounds that tests go beyond.
const (
	ReadPage  = readPage
	MaxBreaks = maxBreaks
)
