package demo

import (
	"encoding/json"
	"strings"
	"testing"
)

// A user says once who they are, on the first of their events, and always belongs to the same account.
func TestUsersSayOnceWhoTheyAre(t *testing.T) {
	for _, c := range Companies() {
		introduced, account := map[string]bool{}, map[string]string{}
		for e := range (Plan{Seed: 3, Events: 20_000, Until: november}).Generate(c) {
			if e.UserID == "" {
				if e.Traits != nil || e.AccountID != "" {
					t.Fatalf("nobody has the traits %s and the account %q", e.Traits, e.AccountID)
				}
				continue
			}
			if (e.Traits != nil) == introduced[e.UserID] {
				t.Fatalf("%s: introduced before: %v; traits %s", e.UserID, introduced[e.UserID], e.Traits)
			}
			if other, known := account[e.UserID]; known && other != e.AccountID {
				t.Fatalf("%s is of %s and of %s", e.UserID, other, e.AccountID)
			}
			introduced[e.UserID], account[e.UserID] = true, e.AccountID
			if e.Traits != nil {
				wantTraits(t, e)
			}
			if e.AccountID != "" && !strings.Contains(string(e.Context), `"groupId":"`+e.AccountID+`"`) {
				t.Fatalf("the context %s does not name the account %s", e.Context, e.AccountID)
			}
		}
		if len(introduced) < 100 {
			t.Errorf("%s has %d users", c.Name, len(introduced))
		}
	}
}

func wantTraits(t *testing.T, e Event) {
	t.Helper()
	var traits struct {
		Name, Email, Country string
		CreatedAt            int64
	}
	if err := json.Unmarshal(e.Traits, &traits); err != nil {
		t.Fatalf("%s: %v", e.Traits, err)
	}
	if !strings.Contains(traits.Name, " ") || !strings.HasSuffix(traits.Email, ".example") || traits.Country == "" || traits.CreatedAt > e.At.Unix() {
		t.Fatalf("%s at %v: %s", e.UserID, e.At, e.Traits)
	}
}
