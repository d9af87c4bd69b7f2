package tenant

import (
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

func TestAnIDIsReadAsItIsWritten(t *testing.T) {
	id, err := New()
	if err != nil || id == None {
		t.Fatalf("New() = %v, %v", id, err)
	}
	if got, err := Parse(id.String()); err != nil || got != id {
		t.Errorf("Parse(%s) = %v, %v", id, got, err)
	}
	for _, bad := range []string{"", "acme", id.String() + "0"} {
		if got, err := Parse(bad); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", bad, got)
		}
	}
}

func TestNewIDsFollowEachOther(t *testing.T) {
	last := ""
	for range 100 {
		id, err := New()
		if err != nil {
			t.Fatal(err)
		}
		if text := id.String(); text <= last {
			t.Fatalf("%s comes after %s", text, last)
		} else {
			last = text
		}
	}
}

func TestPostgreSQLKeepsAnID(t *testing.T) {
	id := ID{1, 2, 3}
	value, err := id.UUIDValue()
	if err != nil {
		t.Fatal(err)
	}
	var got ID
	if err := got.ScanUUID(value); err != nil || got != id {
		t.Errorf("scanned %v, %v, want %v", got, err, id)
	}
	if err := got.ScanUUID(pgtype.UUID{}); err == nil {
		t.Error("null became a tenant")
	}
}
