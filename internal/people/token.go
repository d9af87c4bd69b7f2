package people

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Opaque tokens are a prefix, which says what one is for, and the base64 of an id and of 256
// random bits. The id says in whose transaction the token is looked for, and nothing else: a
// token is known by its hash. So no slow hash is needed, and a prefix lets scanners for
// secrets find what was left lying about.
const (
	refreshPrefix    = "tmf_" // id: the tenant
	invitationPrefix = "tmi_" // id: the tenant
	codePrefix       = "tmc_" // id: the tenant
	resetPrefix      = "tms_" // id: the login
)

const randomBytes = 32

// newToken makes a token, and the hash to store.
func newToken(prefix string, id uuid.UUID) (token string, hash []byte, err error) {
	raw := make([]byte, len(id)+randomBytes)
	copy(raw, id[:])
	if _, err := rand.Read(raw[len(id):]); err != nil {
		return "", nil, fmt.Errorf("make token: %w", err)
	}
	token = prefix + base64.RawURLEncoding.EncodeToString(raw)
	return token, hashOf(token), nil
}

// parseToken reads the id of a token, and its hash; false if it is none of this kind.
func parseToken(prefix, token string) (id uuid.UUID, hash []byte, ok bool) {
	text, ok := strings.CutPrefix(token, prefix)
	if !ok || len(text) != base64.RawURLEncoding.EncodedLen(len(id)+randomBytes) {
		return id, nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return id, nil, false
	}
	copy(id[:], raw)
	return id, hashOf(token), true
}

func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
