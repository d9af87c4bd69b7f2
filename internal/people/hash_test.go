package people

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// cheap costs little, so that tests of what comes after a hash are quick.
var cheap = cost{memory: 64, passes: 1, threads: 1}

func TestAHashIsThatOfItsPasswordAlone(t *testing.T) {
	h := newHasher(cheap, 2)
	stored, err := h.hash(t.Context(), "Würzburg am Main")
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.hash(t.Context(), "Würzburg am Main")
	if err != nil || again == stored {
		t.Errorf("two hashes of a password are the same: %v", err)
	}
	for password, want := range map[string]bool{
		"Würzburg am Main": true, "Wu\u0308rzburg am Main": true, "würzburg am Main": false, "Würzburg am Main ": false, "": false,
	} {
		if right, stale, err := h.verify(t.Context(), password, stored); right != want || stale || err != nil {
			t.Errorf("%q: %v, stale %v, %v", password, right, stale, err)
		}
	}
	for _, password := range []string{"", "x", strings.Repeat("x", 128)} {
		if right, _, err := h.verify(t.Context(), password, ""); right || err != nil {
			t.Errorf("%q is the password of nobody: %v", password, err)
		}
	}
}

// A hash of other parameters is read, and known to be made anew.
func TestAHashOfOtherParametersIsStale(t *testing.T) {
	old, err := newHasher(cost{memory: 32, passes: 2, threads: 1}, 1).hash(t.Context(), "tulip granite ferry")
	if err != nil {
		t.Fatal(err)
	}
	if right, stale, err := newHasher(cheap, 1).verify(t.Context(), "tulip granite ferry", old); !right || !stale || err != nil {
		t.Errorf("%v, %v, %v", right, stale, err)
	}
}

// This is what Argon2's own reference program gives for these values.
func TestHashesAreArgon2id(t *testing.T) {
	h := newHasher(current, 1)
	stored, err := h.hash(t.Context(), "x")
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("%q, %v", stored, err)
	}
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if right, _, err := h.verify(t.Context(), "password", reference); !right || err != nil {
		t.Errorf("the reference is not verified: %v", err)
	}
}

func TestADamagedHashIsAnErrorAndTakesNoMemory(t *testing.T) {
	h := newHasher(cheap, 1)
	for _, stored := range []string{
		"x", "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=1,p=0$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFh", "$argon2id$v=19$m=64,t=1,p=1$*$*",
	} {
		if right, _, err := h.verify(t.Context(), "password", stored); right || err == nil {
			t.Errorf("%s: %v, %v", stored, right, err)
		}
	}
}

// Hashes take turns; who waits too long is told to come again, and nobody's turn is lost.
func TestHashesTakeTurns(t *testing.T) {
	h := newHasher(cheap, 1)
	h.turns <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, _, err := h.verify(ctx, "x", "")
	if f, ok := fault.Of(err); !ok || f.Code != fault.Unavailable {
		t.Errorf("while another one hashes: %v", err)
	}
	<-h.turns
	if _, _, err := h.verify(t.Context(), "x", ""); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
