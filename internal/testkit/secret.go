package testkit

import (
	"sync"
	"testing"

	"github.com/tidemarkhq/tidemark/internal/secret"
)

var secretKey = sync.OnceValues(secret.Generate)

// SecretKeys are the secret keys of all kits of a test's process, as TIDEMARK_SECRET_KEYS has
// them: servers on one database need the same.
func SecretKeys(t testing.TB) string {
	t.Helper()
	key, err := secretKey()
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	return key.Text()
}
