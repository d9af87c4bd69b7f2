package registry

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Shape lists the members of an object that was checked before.
func Shape(object []byte) (members []Property) {
	eachMember(object, func(name string, kind Kind, _ func() jsontext.Value) {
		members = append(members, Property{name, kind})
	})
	return members
}

// eachMember reads the members of an object that was checked before; one that is no object
// has none. A value that is not asked for is passed over.
func eachMember(object []byte, do func(name string, kind Kind, value func() jsontext.Value)) {
	d := jsontext.NewDecoder(bytes.NewBuffer(object), jsontext.AllowDuplicateNames(true))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return
	}
	for d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err != nil {
			return
		}
		name, taken := token.String(), false
		do(name, KindOf(byte(d.PeekKind())), func() jsontext.Value {
			taken = true
			value, _ := d.ReadValue() // it was read before
			return value
		})
		if !taken && d.SkipValue() != nil {
			return
		}
	}
}

// private are words in the names of properties of which no sample is taken, plan or no plan.
var private = []string{
	"address", "birth", "card", "email", "iban", "lastname", "firstname", "fullname", "password", "phone",
	"secret", "ssn", "surname", "token", "username",
}

// soundsPersonal guesses from a name that its values are about somebody. A plan knows better,
// and this is for those who have none.
func soundsPersonal(name string) bool {
	name = strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(name), "_", ""), "-", "")
	for _, word := range private {
		if strings.Contains(name, word) {
			return true
		}
	}
	return name == "name" || name == "ip"
}

// sampleOf cuts a value to a sample.
func sampleOf(value jsontext.Value) string {
	if utf8.RuneCount(value) <= maxSample {
		return string(value)
	}
	runes := []rune(string(value[:min(len(value), maxSample*utf8.UTFMax)]))
	return string(runes[:maxSample-1]) + "…"
}
