package access

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// claimFault says what is wrong with a token. Whoever reads it has a token that was signed by
// somebody whom we know, so it tells them what to mend.
func claimFault(claim, message string) *fault.Error {
	return fault.New(fault.Unauthenticated, message).In(claim)
}

// check holds what a token says against the rules.
func (c embedClaims) check(now time.Time) error {
	if !c.forUs() {
		return claimFault("aud", "The token is not meant for "+embedAudience+".")
	}
	if err := c.checkTimes(now); err != nil {
		return err
	}
	if len(c.Metrics)+len(c.Reports) == 0 {
		return claimFault("metrics", "The token names no metric and no report.")
	}
	if len(c.Metrics) > maxNamed || len(c.Reports) > maxNamed {
		return claimFault("metrics", "The token names more metrics or reports than are allowed.")
	}
	if slices.ContainsFunc(slices.Concat(c.Metrics, c.Reports), func(name string) bool { return name == "" || !keepable(name) }) {
		return claimFault("metrics", "The token names something that can be no metric and no report.")
	}
	return nil
}

// forUs: the audience is ours and nobody else's; some libraries write a list of one.
func (c embedClaims) forUs() bool {
	var one string
	var list []string
	if json.Unmarshal(c.Audience, &one) == nil {
		return one == embedAudience
	}
	return json.Unmarshal(c.Audience, &list) == nil && len(list) == 1 && list[0] == embedAudience
}

func (c embedClaims) checkTimes(now time.Time) error {
	if c.Expires == nil || c.Issued == nil {
		return claimFault("exp", "The token must say when it was issued (iat) and when it expires (exp).")
	}
	at, expires := time.Unix(*c.Issued, 0), time.Unix(*c.Expires, 0)
	switch {
	case *c.Issued < 0 || *c.Expires > 1<<40 || *c.Expires <= *c.Issued || *c.Expires-*c.Issued > int64(embedLife/time.Second):
		return claimFault("exp", "A token expires after it was issued, and within an hour.")
	case at.After(now.Add(embedSkew)):
		return claimFault("iat", "The token was issued in the future. Set the signer's clock.")
	case c.NotBefore != nil && (*c.NotBefore > 1<<40 || time.Unix(*c.NotBefore, 0).After(now.Add(embedSkew))):
		return claimFault("nbf", "The token is not valid yet.")
	case !now.Before(expires):
		return claimFault("exp", "The token has expired. Ask for a fresh one.")
	}
	return nil
}

// defaultAccount is the type of an account whose senders know only one, as event.DefaultGroup.
const defaultAccount = "account"

// rows turns filters into conditions on events; none into none.
func (f *embedFilters) rows() (*Rows, error) {
	if f == nil {
		return nil, nil
	}
	var conditions []Condition
	if f.Account != nil {
		if f.Account.ID == "" {
			return nil, claimFault("filters.account", "An account is named by its type and its id.")
		}
		conditions = append(conditions, Condition{Group: cmp.Or(f.Account.Type, defaultAccount), In: []any{f.Account.ID}})
	}
	for name, value := range f.Properties {
		in, ok := oneOf(value)
		if !ok {
			return nil, claimFault("filters.properties", "A property is compared with a string, a number, true or false, or a list of them.")
		}
		conditions = append(conditions, Condition{Property: []string{name}, In: in})
	}
	rows, err := NewRows(Conditions{Events: conditions})
	if err != nil {
		// An empty filter as well: what it was meant to restrict, nobody knows.
		return nil, claimFault("filters", "These filters cannot be applied.").Because(err)
	}
	return rows, nil
}

// oneOf reads a value, or a list of values.
func oneOf(value jsontext.Value) (in []any, ok bool) {
	d := json.NewDecoder(strings.NewReader(string(value)))
	d.UseNumber()
	var read any
	if d.Decode(&read) != nil {
		return nil, false
	}
	list, many := read.([]any)
	if !many {
		list = []any{read}
	}
	return list, len(list) > 0
}
