package access_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

var inEurope = access.Condition{Property: []string{"region"}, In: []any{"EU"}}

// However conditions are spelled, those that mean the same rows have one key, and reading
// the key gives them again.
func TestRowsOfOneMeaningHaveOneKey(t *testing.T) {
	tier := access.Condition{Property: []string{"plan", "tier"}, In: []any{2, true, "gold"}}
	one, err := access.NewRows(access.Conditions{Events: []access.Condition{tier, inEurope}})
	if err != nil {
		t.Fatal(err)
	}
	tier.In = []any{"gold", json.Number("2"), true, "gold", 2.0}
	other, err := access.NewRows(access.Conditions{Events: []access.Condition{inEurope, tier, inEurope}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"events":[{"property":["plan","tier"],"in":["gold",2,true]},{"property":["region"],"in":["EU"]}]}`
	for _, rows := range []*access.Rows{one, other} {
		if diff := cmp.Diff(want, rows.Key()); diff != "" {
			t.Error(diff)
		}
	}
	read, err := access.ParseRows([]byte(" " + one.Key() + "\n"))
	if err != nil || read.Key() != one.Key() {
		t.Errorf("read again: %q, %v", read.Key(), err)
	}
	if diff := cmp.Diff(one.Conditions(), read.Conditions()); diff != "" || len(read.Conditions().Events) != 2 {
		t.Error("conditions", diff)
	}
	none, err := access.ParseRows([]byte("null"))
	if err != nil || none != nil || none.Key() != "" {
		t.Errorf("no conditions: %v, %v", none, err)
	}
}

func TestRowsThatCannotBeAreRefused(t *testing.T) {
	long := strings.Repeat("x", 201)
	many := strings.TrimSuffix(strings.Repeat(`"x",`, 101), ",")
	for text, field := range map[string]string{
		`{}`:                           "rows",
		`[]`:                           "rows",
		`"region = EU"`:                "rows",
		`{"events":[]}`:                "rows",
		`{"devices":[]}`:               "rows",
		`{"events":[{"in":[1]}]} true`: "rows",
		`{"events":[{"in":["EU"]}]}`:   "rows.events[0]",
		`{"events":[{"trait":"region","in":["EU"]}]}`:                     "rows.events[0]",
		`{"people":[{"property":["region"],"in":["EU"]}]}`:                "rows.people[0]",
		`{"people":[{"group":"account","in":["a1"]}]}`:                    "rows.people[0]",
		`{"accounts":[{"property":["region"],"in":["EU"]}]}`:              "rows.accounts[0]",
		`{"accounts":[{"trait":"x","group":"account","in":["a1"]}]}`:      "rows.accounts[0]",
		`{"events":[{"property":[],"in":["EU"]}]}`:                        "rows.events[0].property",
		`{"events":[{"property":["` + long + `"],"in":["EU"]}]}`:          "rows.events[0]",
		`{"people":[{"trait":"a\u0000b","in":["EU"]}]}`:                   "rows.people[0]",
		`{"events":[{"property":["region"]}]}`:                            "rows.events[0].in",
		`{"events":[{"property":["region"],"in":[]}]}`:                    "rows.events[0].in",
		`{"events":[{"property":["region"],"in":[` + many + `]}]}`:        "rows.events[0].in",
		`{"events":[{"property":["region"],"in":["EU","` + long + `"]}]}`: "rows.events[0].in[1]",
		`{"events":[{"property":["region"],"in":[null]}]}`:                "rows.events[0].in[0]",
		`{"events":[{"property":["region"],"in":[["EU"]]}]}`:              "rows.events[0].in[0]",
		`{"events":[{"property":["region"],"in":[1e400]}]}`:               "rows.events[0].in[0]",
		`{"events":[{"group":"account","in":[1]}]}`:                       "rows.events[0].in[0]",
	} {
		rows, err := access.ParseRows([]byte(text))
		wantFault(t, err, fault.BadUserInput, field)
		if rows != nil {
			t.Errorf("%s: rows %s beside the error", text, rows.Key())
		}
	}
	var conditions access.Conditions
	for i := range 21 {
		conditions.Events = append(conditions.Events, access.Condition{Property: []string{fmt.Sprint(i)}, In: []any{i}})
	}
	_, err := access.NewRows(conditions)
	wantFault(t, err, fault.BadUserInput, "rows")
}

// Whoever sees other rows does not share answers, and whoever sees the same ones does.
func TestRowsArePartOfTheScope(t *testing.T) {
	rows := func(region string) *access.Rows {
		made, err := access.ParseRows([]byte(`{"events":[{"property":["region"],"in":["` + region + `"]}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	whole, eu, again, us := access.Principal{}, access.Principal{Rows: rows("EU")}, access.Principal{Rows: rows("EU")}, access.Principal{Rows: rows("US")}
	if eu.Scope() != again.Scope() || eu.Scope() == us.Scope() || eu.Scope() == whole.Scope() {
		t.Errorf("scopes %q, %q, %q, %q", whole.Scope(), eu.Scope(), again.Scope(), us.Scope())
	}
}

func TestRowsGoWithReadingAlone(t *testing.T) {
	if err := access.Conditionable(access.Of(access.ReadMetrics, access.Read, access.ReadPII, access.ReadRevenue)); err != nil {
		t.Error(err)
	}
	for _, p := range access.AllPermissions() {
		switch p {
		case access.ReadMetrics, access.Read, access.ReadPII, access.ReadRevenue:
		default:
			wantFault(t, access.Conditionable(access.Of(access.Read, p)), fault.BadUserInput, "rows")
		}
	}
}
