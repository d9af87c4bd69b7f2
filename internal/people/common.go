package people

import (
	_ "embed"
	"strings"
	"unicode"
	"unicode/utf8"
)

// commonText holds what the most frequent passwords are made of: words, names and walks over
// the keyboard, as lists of stolen passwords show them. It is written by hand, and no such
// list itself: of those, the frequent ones of twelve characters and more are nearly all a
// word of this kind with figures, a word twice, or a few such words; so it is the forms that
// are recognised, which covers far more than the 3,000 that ASVS 5.0 (6.2.4) asks for.
//
//go:embed common.txt
var commonText string

var common = func() map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.Fields(commonText) {
		words[w] = true
	}
	return words
}()

// longestCommon bounds the search for words in a password.
var longestCommon = func() (most int) {
	for w := range common {
		most = max(most, len(w))
	}
	return most
}()

// isCommon finds passwords that are tried first: few different characters, sequences, walks
// over the keyboard, and common words with figures or twice, whatever their capitals and
// however figures stand for letters.
func isCommon(password string) bool {
	lower := strings.ToLower(normal(password))
	for _, text := range []string{lower, plain(password), plain(stripEnds(lower))} {
		if fewCharacters(text) || repeated(text) || sequence(text) || madeOfCommon(text) || madeOfCommon(stripEnds(text)) {
			return true
		}
	}
	return false
}

// plain writes a password in small letters, and letters for the figures and signs that
// commonly stand for them.
func plain(password string) string {
	return leet.Replace(strings.ToLower(normal(password)))
}

var leet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "8", "b", "@", "a", "$", "s", "!", "i", "|", "l")

// stripEnds takes off what stands around a word: figures and signs.
func stripEnds(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
}

func fewCharacters(text string) bool {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	return len(seen) < 5
}

// repeated finds a short part that is the whole again and again, but for a rest.
func repeated(text string) bool {
	runes := []rune(text)
	for size := 1; size <= 6 && size*2 <= len(runes); size++ {
		same := true
		for i := size; i < len(runes); i++ {
			same = same && runes[i] == runes[i-size]
		}
		if same {
			return true
		}
	}
	return false
}

// sequence finds passwords whose characters mostly follow each other, in the alphabet, on the
// keyboard, or down it.
func sequence(text string) bool {
	runes := []rune(text)
	follows := 0
	for i := 1; i < len(runes); i++ {
		step := runes[i] - runes[i-1]
		if step == 1 || step == -1 || step == 0 || beside(runes[i-1], runes[i]) {
			follows++
		}
	}
	return follows*4 >= (len(runes)-1)*3
}

// rows are those of keyboards, and the columns that people walk down.
var rows = []string{
	"1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn",
	"1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "zaq1", "xsw2", "cde3", "vfr4",
}

func beside(a, b rune) bool {
	pair := string([]rune{a, b})
	for _, row := range rows {
		if strings.Contains(row, pair) {
			return true
		}
	}
	return false
}

// madeOfCommon reports whether a text is two common words at the most, with at most four
// figures or signs around and between: of three that were drawn by chance nobody guesses the
// whole so soon.
func madeOfCommon(text string) bool {
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	joined := strings.Join(words, "")
	if joined == "" {
		return false
	}
	return splits(joined, 2) && (len(joined) >= minPassword || utf8.RuneCountInString(text)-utf8.RuneCountInString(joined) <= maxDecoration)
}

// maxDecoration is how many figures and signs around a word don't make it a password.
const maxDecoration = 8

// splits reports whether a text is at most so many common words, or one of them again and
// again.
func splits(text string, most int) bool {
	if text == "" {
		return true
	}
	if most == 0 {
		return false
	}
	for size := min(len(text), longestCommon); size >= 3; size-- {
		word := text[:size]
		if common[word] && (strings.ReplaceAll(text, word, "") == "" || splits(text[size:], most-1)) {
			return true
		}
	}
	return false
}
