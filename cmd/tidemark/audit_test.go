package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tidemarkhq/tidemark/internal/testkit"
)

// What the command line does is noted; the log is verified, against an earlier time as well.
func TestTheCommandLineIsAudited(t *testing.T) {
	url := testkit.Database(t)
	clean(t)
	t.Setenv("DATABASE_URL", url)
	say := func(want int, args ...string) (out, err string) {
		t.Helper()
		code, out, err := said(t, args...)
		if code != want {
			t.Fatalf("%v exits with %d and says %s %s", args, code, out, err)
		}
		return out, err
	}
	out, _ := say(0, "tenant", "create", "--name", "Acme")
	id := strings.TrimSpace(out)
	key, _ := say(0, "key", "create", "--tenant", id, "--kind", "read")
	say(0, "tenant", "retention", "--tenant", id, "--months", "3")
	say(0, "tenant", "suspend", "--tenant", id)
	say(0, "tenant", "resume", "--tenant", id)
	say(0, "key", "revoke", "--tenant", id, "--name", "default")
	anchors, _ := say(0, "audit", "verify")
	file := filepath.Join(t.TempDir(), "anchors")
	if err := os.WriteFile(file, []byte(anchors), 0o600); err != nil {
		t.Fatal(err)
	}
	log, _ := say(0, "audit", "export", "--tenant", id)
	for _, action := range []string{"TENANT_CREATED", "KEY_CREATED", "RETENTION_CHANGED", "TENANT_SUSPENDED", "TENANT_RESUMED", "KEY_REVOKED", "AUDIT_EXPORTED"} {
		if strings.Count(log, `"action":"`+action+`","actor":{"kind":"OPERATOR"`) != 1 {
			t.Errorf("%s does not stand in the log once:\n%s", action, log)
		}
	}
	if strings.Contains(log, strings.TrimSpace(key)[10:]) {
		t.Error("the key stands in the log")
	}
	say(0, "audit", "verify", "--tenant", id, "--expect", file)
	say(0, "audit", "verify", "--tenant", "system")
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range []string{`set session_replication_role = replica`, `delete from audit_entry where seq > 3`} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	say(0, "audit", "verify") // nothing within the chain tells
	if _, told := say(1, "audit", "verify", "--expect", file); !strings.Contains(told, id+" 6 cut: The chain ends at entry 3, and the anchor names entry 6.") {
		t.Errorf("it says %s", told)
	}
	if _, err := conn.Exec(t.Context(), `delete from audit_entry`); err != nil {
		t.Fatal(err)
	}
	if _, told := say(1, "audit", "verify", "--expect", file); !strings.Contains(told, " 6 cut: The chain ends at entry 0") {
		t.Errorf("it says %s", told)
	}
}
