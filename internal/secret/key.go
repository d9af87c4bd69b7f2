package secret

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

// maxKeys bounds the master keys of a vault: the current one, and those that it follows.
const maxKeys = 16

// ids are what a key may be called: an id is written into what is sealed and into the head of
// signed tokens, so it is short and plain.
var ids = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)

// Key is a master key. It prints as its id alone.
type Key struct {
	ID     string // 1 to 32 letters, digits, dots, dashes and underscores; unique in a vault
	Secret [32]byte
}

// Generate makes a key with a random secret and a random id.
func Generate() (Key, error) {
	var k Key
	if _, err := rand.Read(k.Secret[:]); err != nil {
		return Key{}, fmt.Errorf("generate key: %w", err)
	}
	k.ID = "k" + strings.ToLower(rand.Text()[:8])
	return k, nil
}

// Text gives the key as Parse reads it: id, colon, the secret in base64. It is as secret as the
// key.
func (k Key) Text() string { return k.ID + ":" + base64.StdEncoding.EncodeToString(k.Secret[:]) }

// Format keeps the secret out of everything that is printed, whatever the verb.
func (k Key) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "key %s", k.ID) }

// LogValue keeps the secret out of logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.ID) }

// MarshalText keeps the secret out of JSON.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.ID), nil }

// Parse reads master keys, the current one first: `id:secret in base64`, with commas or line
// ends between them. Empty lines, and lines that begin with #, are passed over. It reports
// every problem at once, by the number of the entry: nothing of an entry is repeated, since
// any part of it may be a secret in the wrong place.
func Parse(text string) ([]Key, error) {
	var keys []Key
	var problems []error
	for n, entry := range entries(text) {
		k, err := parseKey(entry)
		if err != nil {
			problems = append(problems, fmt.Errorf("key %d %w", n+1, err))
		}
		keys = append(keys, k)
	}
	if len(problems) == 0 {
		problems = append(problems, check(keys))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return keys, nil
}

func entries(text string) (found []string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for entry := range strings.SplitSeq(line, ",") {
			if entry = strings.TrimSpace(entry); entry != "" {
				found = append(found, entry)
			}
		}
	}
	return found
}

func parseKey(entry string) (Key, error) {
	id, text, found := strings.Cut(entry, ":")
	if !found {
		return Key{}, errors.New("is not of the form id:secret")
	}
	if !ids.MatchString(id) {
		return Key{}, errors.New("has an id that is not 1 to 32 letters, digits, dots, dashes and underscores")
	}
	secret, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return Key{}, errors.New("has a secret that is not base64")
	}
	if len(secret) != len(Key{}.Secret) {
		return Key{}, fmt.Errorf("has a secret of %d bytes, not of %d", len(secret), len(Key{}.Secret))
	}
	return Key{ID: id, Secret: [32]byte(secret)}, nil
}

// check holds keys against each other.
func check(keys []Key) error {
	if len(keys) == 0 {
		return errors.New("there is no key")
	}
	if len(keys) > maxKeys {
		return fmt.Errorf("there are %d keys, more than %d", len(keys), maxKeys)
	}
	var problems []error
	byID, bySecret := map[string]int{}, map[[32]byte]int{}
	for n, k := range keys {
		n++
		if !ids.MatchString(k.ID) {
			problems = append(problems, fmt.Errorf("key %d has no proper id", n))
		}
		if first := byID[k.ID]; first > 0 {
			problems = append(problems, fmt.Errorf("keys %d and %d have the same id", first, n))
		}
		if first := bySecret[k.Secret]; first > 0 {
			problems = append(problems, fmt.Errorf("keys %d and %d have the same secret", first, n))
		}
		if isUniform(k.Secret) {
			problems = append(problems, fmt.Errorf("key %d has a secret that is one byte repeated: make one with tidemark secret generate", n))
		}
		byID[k.ID], bySecret[k.Secret] = n, n
	}
	return errors.Join(problems...)
}

// isUniform finds what was never random: zeros left in place of a secret.
func isUniform(secret [32]byte) bool {
	for _, b := range secret {
		if b != secret[0] {
			return false
		}
	}
	return true
}
