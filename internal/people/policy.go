package people

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// The lengths of passwords, in characters. ASVS 5.0 wants 8 at the least and recommends 15
// (6.2.1), and that 64 are allowed (6.2.9); the longest is bounded since it has to be hashed.
// Which characters, is nobody's business (6.2.5).
const (
	minPassword = 12
	maxPassword = 128
)

// policy says which passwords are taken.
type policy struct{ breached *Breached }

// check says why a password is not taken for somebody, whose words, such as their name and
// address, it may not be made of (ASVS 5.0, 6.2.4, 6.2.11 and 6.2.12).
func (p policy) check(field, password string, words ...string) error {
	if !utf8.ValidString(password) {
		return fault.Input(field, "The password has a character that cannot be typed.")
	}
	n := utf8.RuneCountInString(normal(password))
	switch {
	case n < minPassword:
		return fault.Input(field, "A password has at least %d characters. A few words will do.", minPassword)
	case n > maxPassword:
		return fault.Input(field, "A password has at most %d characters.", maxPassword)
	case isCommon(password):
		return fault.Input(field, "This password is one that everybody tries first. Choose another.")
	case isMadeOf(password, words):
		return fault.Input(field, "This password is made of what is known about you. Choose another.")
	}
	known, err := p.breached.contains(normal(password))
	if err != nil {
		return err
	}
	if known {
		return fault.Input(field, "This password is known to have been stolen somewhere. Choose another.")
	}
	return nil
}

// product are the words that everybody knows of this place.
var product = []string{"tidemark", "analytics", "dashboard"}

// isMadeOf finds passwords of which little is left without the words that go with somebody,
// with figures for letters or without.
func isMadeOf(password string, words []string) bool {
	lower := strings.ToLower(normal(password))
	return littleLeft(lower, words, strings.ToLower) || littleLeft(plain(password), words, plain)
}

func littleLeft(text string, words []string, spell func(string) string) bool {
	for _, w := range words {
		for _, part := range strings.FieldsFunc(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if len(part) >= 3 {
				text = strings.ReplaceAll(text, spell(part), "")
			}
		}
	}
	for _, w := range product {
		text = strings.ReplaceAll(text, w, "")
	}
	return utf8.RuneCountInString(stripEnds(text)) < 4
}
