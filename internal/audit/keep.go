package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// maxKept is how many bytes of JSON are kept of what was before, and of what was after.
const maxKept = 16_384

// Secret stands where a secret would have stood. None should have come so far: it tells of a
// mistake of whoever wrote the entry.
const Secret = "[secret]"

// keep writes a value as it is kept: compact, without what looks like a secret, and of a
// bounded size. Nothing gives nothing.
func keep(value any) ([]byte, error) {
	if value == nil {
		return nil, nil
	}
	document, err := marshal(value)
	if err != nil {
		return nil, err
	}
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber() // a large number stays what it is
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("read value: %w", err)
	}
	if tree == nil {
		return nil, nil
	}
	kept, err := marshal(conceal(tree))
	if err != nil || len(kept) <= maxKept {
		return kept, err
	}
	return marshal(map[string]any{"cut": true, "bytes": len(kept), "begin": begin(kept, maxKept/4)})
}

// begin gives the first bytes of a text, up to a whole character. It is short enough to stay
// within bounds where each of them is escaped.
func begin(text []byte, most int) string { return strings.ToValidUTF8(string(text[:most]), "") }

// marshal writes JSON without escaping what only HTML minds, as it is read back.
func marshal(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("write value: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// The names and the texts that secrets have. A hash that is none, of a document say, is
// better named by its kind: sha256.
var (
	secretName = regexp.MustCompile(`(?i)password|passphrase|token|secret|hash|credential|private.?key|api.?key|recovery.?codes?|^otp|totp`)
	// What is said about a secret: which it is, until when it holds.
	aboutSecret = regexp.MustCompile(`(Id|ID|Ids|IDs|At|Count|_id|_ids|_at|_count)$`)
	secretText  = regexp.MustCompile(`\btm[a-z]{1,3}_[A-Za-z0-9_-]{20,}|\beyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.|\$argon2|-----BEGIN [A-Z ]*PRIVATE KEY`)
)

// conceal puts [Secret] in the place of what looks like a secret, by its name or by itself.
// Whether there is one, as true, false or null, is none.
func conceal(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if secretName.MatchString(name) && !aboutSecret.MatchString(name) && tells(member) {
				v[name] = Secret
				continue
			}
			v[name] = conceal(member)
		}
	case []any:
		for i := range v {
			v[i] = conceal(v[i])
		}
	case string:
		if secretText.MatchString(v) {
			return Secret
		}
	}
	return value
}

func tells(value any) bool {
	_, whether := value.(bool)
	return value != nil && !whether
}
