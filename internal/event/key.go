package event

import "bytes"

// keyNames are where senders that can set no header put their key: Segment's clients, and
// PostHog's.
var keyNames = []string{"writeKey", "api_key", "token"}

// WriteKey finds the key that some senders put into the body, beside the events or in the
// first of them; "" if there is none, or the body cannot be read.
func WriteKey(body []byte) string {
	body = bytes.TrimSpace(body)
	for _, object := range [][]byte{body, firstOf(memberOf(body, "batch")), firstOf(body)} {
		if key := keyOf(object); key != "" {
			return key
		}
	}
	return ""
}

// keyOf looks for the key in an object, and in its properties, where browsers have it.
func keyOf(object []byte) string {
	for _, name := range keyNames {
		if key, problem := readText(memberOf(object, name)); problem == nil && key != "" {
			return key
		}
	}
	if key, problem := readText(memberOf(memberOf(object, "properties"), "token")); problem == nil {
		return key
	}
	return ""
}

// firstOf is the first element of a list; nil if there is none.
func firstOf(list []byte) []byte {
	if len(list) == 0 || list[0] != '[' {
		return nil
	}
	return (&scanner{data: list, at: 1}).value()
}
