package secret

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func generate(t *testing.T) Key {
	t.Helper()
	k, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestGeneratedKeysAreReadBack(t *testing.T) {
	a, b := generate(t), generate(t)
	if a.ID == b.ID || a.Secret == b.Secret {
		t.Fatal("two keys are the same")
	}
	for _, text := range []string{
		a.Text() + "," + b.Text(),
		" " + a.Text() + " ,\t" + b.Text() + ",",
		a.Text() + "\n" + b.Text() + "\n",
		"# current\r\n" + a.Text() + "\r\n\r\n  # retired, in: 2026\r\n" + b.Text(),
		strings.ReplaceAll(a.Text()+","+b.Text(), "=", ""),
	} {
		keys, err := Parse(text)
		if err != nil || len(keys) != 2 || keys[0] != a || keys[1] != b {
			t.Errorf("Parse gives %v, %v", keys, err)
		}
	}
}

func TestParseNamesEveryProblemAndNoSecret(t *testing.T) {
	good, same := generate(t).Text(), generate(t)
	short := base64.StdEncoding.EncodeToString([]byte("sixteen bytes or so"))
	twin := Key{ID: "twin", Secret: same.Secret}
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing":     {"", []string{"there is no key"}},
		"only space":  {" ,\n, # \n", []string{"key 1 is not of the form"}},
		"comments":    {"# nothing\n\n", []string{"there is no key"}},
		"no id":       {good[strings.Index(good, ":")+1:], []string{"key 1 is not of the form id:secret"}},
		"empty id":    {":" + good, []string{"key 1 has an id"}},
		"long id":     {strings.Repeat("x", 33) + good, []string{"key 1 has an id"}},
		"odd id":      {"a/b:" + short, []string{"key 1 has an id"}},
		"not base64":  {"a:*secret*secret*", []string{"key 1 has a secret that is not base64"}},
		"loose bits":  {"a:" + strings.Repeat("A", 42) + "B=", []string{"not base64"}},
		"short":       {"a:" + short, []string{"key 1 has a secret of 19 bytes, not of 32"}},
		"empty":       {"a:", []string{"key 1 has a secret of 0 bytes"}},
		"zeros":       {"a:" + strings.Repeat("A", 43) + "=", []string{"one byte repeated"}},
		"same id":     {"a:" + good[strings.Index(good, ":")+1:] + ",a:" + same.Text()[strings.Index(same.Text(), ":")+1:], []string{"keys 1 and 2 have the same id"}},
		"same secret": {same.Text() + "," + good + "," + twin.Text(), []string{"keys 1 and 3 have the same secret"}},
		"several":     {good + ",a:*,b:" + short + ",c", []string{"key 2 has a secret that is not base64", "key 3 has a secret of 19", "key 4 is not of"}},
		"too many":    {many(t, 17), []string{"there are 17 keys"}},
	} {
		keys, err := Parse(c.text)
		if err == nil || keys != nil {
			t.Errorf("%s: Parse gives %v, %v", name, keys, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", name, err, want)
			}
		}
		for _, secret := range append(strings.FieldsFunc(c.text, func(r rune) bool { return strings.ContainsRune(":,\n ", r) }), short) {
			if len(secret) > 8 && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error repeats %q", name, secret)
			}
		}
	}
}

func many(t *testing.T, n int) string {
	var texts []string
	for range n {
		texts = append(texts, generate(t).Text())
	}
	return strings.Join(texts, ",")
}

func TestKeysDoNotPrint(t *testing.T) {
	k := generate(t)
	v, err := New([]Key{k})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("keys", "key", k, "keys", []Key{k}, "derived", v.Derive("x"), "vault", v)
	slog.New(slog.NewTextHandler(&log, nil)).Info("keys", "key", k, "keys", []Key{k}, "derived", v.Derive("x"), "vault", v)
	encoded, err := json.Marshal(map[string]any{"key": k, "derived": v.Derive("x"), "vault": v})
	if err != nil {
		t.Fatal(err)
	}
	text := log.String() + string(encoded)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		text += fmt.Sprintf(verb, k) + fmt.Sprintf(verb, []Key{k}) + fmt.Sprintf(verb, v) + fmt.Sprintf(verb, v.Derive("x")) + fmt.Sprintf(verb, struct{ V *Vault }{v})
	}
	for _, secret := range [][32]byte{k.Secret, v.Derive("x")[0].Key} {
		for _, form := range []string{
			base64.StdEncoding.EncodeToString(secret[:]), fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret),
			fmt.Sprintf("%d", secret), fmt.Sprintf("%#v", secret), string(secret[:]), fmt.Sprintf("%d,%d,%d", secret[0], secret[1], secret[2]),
		} {
			if strings.Contains(text, form) {
				t.Errorf("a secret is printed: %q", form)
			}
		}
	}
}
