package event

import (
	"github.com/go-json-experiment/json/jsontext"
)

// AppendJSON writes the verdict as JSON. Every event's answer passes here, most of them with
// no more than an id and a status.
func (v Verdict) AppendJSON(b []byte) []byte {
	b = append(b, `{"messageId":`...)
	b = appendQuoted(b, v.MessageID)
	b = append(append(append(b, `,"status":"`...), v.Status...), '"')
	if v.Field != "" {
		b = appendQuoted(append(b, `,"field":`...), v.Field)
	}
	if v.Reason != "" {
		b = appendQuoted(append(b, `,"reason":`...), v.Reason)
	}
	for i, w := range v.Warnings {
		if i == 0 {
			b = append(b, `,"warnings":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendQuoted(append(b, `{"field":`...), w.Field)
		b = append(appendQuoted(append(b, `,"reason":`...), w.Reason), '}')
	}
	if len(v.Warnings) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendQuoted(b []byte, text string) []byte {
	if isPlain([]byte(text)) {
		return append(append(append(b, '"'), text...), '"')
	}
	quoted, err := jsontext.AppendQuote(b, text)
	if err != nil { // not UTF-8: what can be said of it is said
		return append(b, `""`...)
	}
	return quoted
}
