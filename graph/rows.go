package graph

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tidemarkhq/tidemark/graph/model"
	"github.com/tidemarkhq/tidemark/internal/access"
	"github.com/tidemarkhq/tidemark/internal/fault"
)

// rowsOf reads row conditions; nil is none.
func rowsOf(input *model.RowConditionsInput) (*access.Rows, error) {
	if input == nil {
		return nil, nil
	}
	var c access.Conditions
	for _, subject := range []struct {
		name string
		in   []model.RowConditionInput
		out  *[]access.Condition
	}{{"events", input.Events, &c.Events}, {"people", input.People, &c.People}, {"accounts", input.Accounts, &c.Accounts}} {
		for i, in := range subject.in {
			condition, err := conditionOf(in, fmt.Sprintf("rows.%s[%d]", subject.name, i))
			if err != nil {
				return nil, err
			}
			*subject.out = append(*subject.out, condition)
		}
	}
	return access.NewRows(c)
}

func conditionOf(in model.RowConditionInput, field string) (access.Condition, error) {
	c := access.Condition{Property: in.Property, Trait: orEmpty(in.Trait), Group: orEmpty(in.GroupType)}
	for i, text := range in.In {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var value any
		if err := d.Decode(&value); err != nil {
			return c, fault.Input(fmt.Sprintf("%s.in[%d]", field, i), "This is not a value.").Because(err)
		}
		c.In = append(c.In, value)
	}
	return c, nil
}
