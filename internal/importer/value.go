package importer

import (
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// exact is the largest whole number up to which a double, and so JavaScript, holds each one.
const exact = 1<<53 - 1

// typed writes a text of CSV as the JSON that it stands for: a number or a boolean where it
// is written as one, and otherwise a text. What would lose something as a number stays text:
// 007, +49 30, an id of 19 digits.
func typed(text string) (jsontext.Value, *fault.Error) {
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.EqualFold(trimmed, "true"):
		return jsontext.Value("true"), nil
	case strings.EqualFold(trimmed, "false"):
		return jsontext.Value("false"), nil
	case isNumber(trimmed):
		return jsontext.Value(trimmed), nil
	}
	return quote(text)
}

func isNumber(text string) bool {
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') || !jsontext.Value(text).IsValid() {
		return false
	}
	value, err := strconv.ParseFloat(text, 64)
	return err == nil && (math.Abs(value) <= exact || strings.ContainsAny(text, ".eE"))
}

var errUTF8 = fault.Input("row", "The text is not valid UTF-8.")

func quote(text string) (jsontext.Value, *fault.Error) {
	quoted, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return nil, errUTF8
	}
	return quoted, nil
}
