package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/postgres/dbsqlc"
)

// Record is an entry as it stands in the database.
type Record = dbsqlc.AuditEntry

// version names the form that is hashed.
const version = "tidemark-audit-1"

// hashOf is SHA-256 over an entry's fields, each with its length before it, and the hash of
// the entry before; as audit_hash in the database works it out.
func hashOf(r *Record) [sha256.Size]byte {
	var form bytes.Buffer
	for _, field := range [][]byte{
		[]byte(version), hexOf(r.Previous), []byte(r.TenantID.String()),
		number(r.Seq), number(r.At.UnixMicro()), []byte(r.Action), []byte(r.ActorKind),
		idOf(r.ActorID), bytesOf(r.ActorName), idOf(r.Impersonator), []byte(r.TargetType), []byte(r.TargetID),
		r.Before, r.After, bytesOf(r.Address), bytesOf(r.UserAgent), bytesOf(r.Request),
	} {
		if field == nil {
			form.WriteString("-:")
			continue
		}
		form.WriteString(strconv.Itoa(len(field)))
		form.WriteByte(':')
		form.Write(field)
	}
	return sha256.Sum256(form.Bytes())
}

func hexOf(b []byte) []byte { return []byte(hex.EncodeToString(b)) }

func number(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

// bytesOf gives nil for what there is not, and no bytes for what is empty.
func bytesOf(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

func idOf(id uuid.NullUUID) []byte {
	if !id.Valid {
		return nil
	}
	return []byte(id.UUID.String())
}
