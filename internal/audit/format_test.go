package audit

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tidemarkhq/tidemark/internal/tenant"
)

func TestNoCellIsAFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "plain": "plain", "a=1": "a=1", `{"a":"=1"}`: `{"a":"=1"}`,
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@sum": "'@sum", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1", "＝1": "'＝1",
	} {
		if got := inert(cell); got != want {
			t.Errorf("%q reads %q, want %q", cell, got, want)
		}
	}
}

// Whoever has the lines of an export can work out the hashes from what docs/security-audit.md
// says, and from nothing else.
func TestAnExportedLineHasAllThatIsHashed(t *testing.T) {
	name := `"Ann" <ü>`
	r := Record{
		TenantID: tenant.ID{1}, Seq: 7, At: time.Date(2026, 5, 1, 12, 0, 0, 1000, time.UTC), Action: "DENIED", ActorKind: "KEY",
		ActorID: uuid.NullUUID{UUID: uuid.Max, Valid: true}, ActorName: &name, TargetType: "x", Before: []byte(`{"a":"<\u2028>"}`), Previous: zeros,
	}
	hash := hashOf(&r)
	r.Hash = hash[:]
	var out bytes.Buffer
	if err := NDJSON.Encoder(&out)([]Record{r}); err != nil {
		t.Fatal(err)
	}
	var l line
	if err := json.Unmarshal(out.Bytes(), &l); err != nil {
		t.Fatal(err)
	}
	previous, _ := hex.DecodeString(l.Previous)
	again := Record{
		TenantID: tenant.ID{1}, Seq: l.Seq, At: l.At, Action: l.Action, ActorKind: l.Actor.Kind, ActorID: uuid.NullUUID{UUID: uuid.MustParse(*l.Actor.ID), Valid: true},
		ActorName: l.Actor.Name, TargetType: l.Target.Type, TargetID: l.Target.ID, Before: l.Before, After: l.After,
		Address: l.Address, UserAgent: l.UserAgent, Request: l.Request, Previous: previous,
	}
	if got := hashOf(&again); hex.EncodeToString(got[:]) != l.Hash {
		t.Errorf("the line's hash is another one: %s", out.String())
	}
}

func TestATableHasAColumnForEachCell(t *testing.T) {
	var out bytes.Buffer
	encode := CSV.Encoder(&out)
	for _, page := range [][]Record{{}, {{Seq: 1}}, {{Seq: 2}}} {
		if err := encode(page); err != nil {
			t.Fatal(err)
		}
	}
	table, err := csv.NewReader(&out).ReadAll() // refuses rows of unequal length
	if err != nil || len(table) != 3 || table[2][1] != "2" {
		t.Errorf("%v, %v", table, err)
	}
}
