package secret

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"testing"
)

func vault(t *testing.T, keys ...Key) *Vault {
	t.Helper()
	v, err := New(keys)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func seal(t *testing.T, v *Vault, plain, context []byte) []byte {
	t.Helper()
	sealed, err := v.Seal(plain, context)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// random gives bytes of any length below n.
func random(random *rand.Rand, n int) []byte {
	b := make([]byte, random.IntN(n))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

// TestWhatIsSealedOpens: whatever was sealed, by whichever key, opens with every vault that
// has the key, before and after it was rewrapped, and shows nothing of itself meanwhile.
func TestWhatIsSealedOpens(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 2))
	older, newer := generate(t), generate(t)
	before, after, done := vault(t, older), vault(t, newer, older), vault(t, newer)
	for range 300 {
		plain, context := random(source, 500), append(random(source, 40), 'c')
		sealed := seal(t, before, plain, context)
		if len(plain) > 8 && bytes.Contains(sealed, plain) {
			t.Fatal("the plain text shows")
		}
		rewrapped, changed, err := after.Rewrap(sealed, context)
		if err != nil || !changed {
			t.Fatalf("Rewrap: changed %v, %v", changed, err)
		}
		for name, c := range map[string]struct {
			v      *Vault
			sealed []byte
		}{"before": {before, sealed}, "between": {after, sealed}, "after": {after, rewrapped}, "done": {done, rewrapped}} {
			opened, err := c.v.Open(c.sealed, context)
			if err != nil || !bytes.Equal(opened, plain) {
				t.Fatalf("%s: Open gives %q, %v, not %q", name, opened, err, plain)
			}
		}
		if again, changed, err := after.Rewrap(rewrapped, context); err != nil || changed || !bytes.Equal(again, rewrapped) {
			t.Fatalf("what is current was rewrapped: %v, %v", changed, err)
		}
		if _, err := before.Open(rewrapped, context); !errors.Is(err, ErrUnknownKey) {
			t.Fatalf("a vault without the key says %v", err)
		}
		if _, _, err := done.Rewrap(sealed, context); !errors.Is(err, ErrUnknownKey) {
			t.Fatalf("a vault without the key says %v", err)
		}
	}
}

// TestRewrapLeavesTheSecretAsItIs: only the data key is wrapped anew.
func TestRewrapLeavesTheSecretAsItIs(t *testing.T) {
	older, newer := generate(t), generate(t)
	sealed := seal(t, vault(t, older), []byte("a secret"), []byte("here"))
	rewrapped, _, err := vault(t, newer, older).Rewrap(sealed, []byte("here"))
	if err != nil {
		t.Fatal(err)
	}
	was, _ := parseEnvelope(sealed)
	is, _ := parseEnvelope(rewrapped)
	if !bytes.Equal(was.body, is.body) || bytes.Equal(was.wrapped, is.wrapped) || is.keyID != newer.ID {
		t.Fatal("rewrapping touched more, or less, than the data key")
	}
}

// TestEachSecretHasItsOwnDataKey: the same, sealed twice, has nothing in common.
func TestEachSecretHasItsOwnDataKey(t *testing.T) {
	v := vault(t, generate(t))
	context := []byte("here")
	a, b := seal(t, v, []byte("a secret"), context), seal(t, v, []byte("a secret"), context)
	_, keyA, errA := v.unwrap(a, context)
	_, keyB, errB := v.unwrap(b, context)
	if errA != nil || errB != nil || bytes.Equal(keyA, keyB) {
		t.Fatalf("two secrets share a data key, or do not unwrap: %v, %v", errA, errB)
	}
	x, _ := parseEnvelope(a)
	y, _ := parseEnvelope(b)
	if bytes.Equal(x.body, y.body) || bytes.Equal(x.wrapped, y.wrapped) {
		t.Fatal("two envelopes have parts in common")
	}
}

// TestAlteredIsRefused flips every bit, cuts at every byte, and adds one.
func TestAlteredIsRefused(t *testing.T) {
	v, context := vault(t, generate(t), generate(t)), []byte("totp/1")
	sealed := seal(t, v, []byte("a secret"), context)
	refuse := func(what string, at int, altered []byte) {
		t.Helper()
		plain, err := v.Open(altered, context)
		if plain != nil || (!errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnknownKey)) {
			t.Errorf("%s at %d: Open gives %q, %v", what, at, plain, err)
		}
	}
	for at := range sealed {
		for bit := range 8 {
			altered := bytes.Clone(sealed)
			altered[at] ^= 1 << bit
			refuse("a flipped bit", at, altered)
		}
		refuse("a cut", at, sealed[:at])
		refuse("a cut before", at+1, sealed[at+1:])
	}
	refuse("a byte more", len(sealed), append(bytes.Clone(sealed), 0))
	refuse("nothing", 0, nil)
}

// TestPartsDoNotMix: a body under another's data key, and a wrapped key under another's id.
func TestPartsDoNotMix(t *testing.T) {
	older, newer := generate(t), generate(t)
	v, context := vault(t, newer, older), []byte("totp/1")
	a, _ := parseEnvelope(seal(t, v, []byte("one"), context))
	b, _ := parseEnvelope(seal(t, v, []byte("two"), context))
	elsewhere, _ := parseEnvelope(seal(t, v, []byte("elsewhere"), []byte("totp/2")))
	_, dataKey, err := v.unwrap(elsewhere.bytes(), []byte("totp/2"))
	if err != nil {
		t.Fatal(err)
	}
	moved := v.masters[0].envelope(dataKey, context) // by someone who can wrap, but not see
	moved.body = elsewhere.body
	for name, e := range map[string]envelope{
		"a body of another place": moved,
		"another's body":          {a.keyID, a.wrapped, b.body},
		"another's key":           {a.keyID, b.wrapped, a.body},
		"another's id":            {older.ID, a.wrapped, a.body},
	} {
		if plain, err := v.Open(e.bytes(), context); plain != nil || !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: Open gives %q, %v", name, plain, err)
		}
	}
}

func TestAnotherContextIsRefused(t *testing.T) {
	older, newer := generate(t), generate(t)
	v, context := vault(t, older), []byte("totp/1")
	sealed := seal(t, v, []byte("a secret"), context)
	for _, other := range []string{"", "totp/2", "totp/1 ", "totp/11", "otp/1", "\x00totp/1"} {
		if plain, err := v.Open(sealed, []byte(other)); plain != nil || !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: Open gives %q, %v", other, plain, err)
		}
		if got, changed, err := vault(t, newer, older).Rewrap(sealed, []byte(other)); got != nil || changed || !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: Rewrap gives %v, %v", other, changed, err)
		}
	}
}

func TestSealHasBounds(t *testing.T) {
	v := vault(t, generate(t))
	if _, err := v.Seal([]byte("x"), nil); err == nil {
		t.Error("no context was taken")
	}
	if _, err := v.Seal(make([]byte, maxPlain+1), []byte("c")); err == nil {
		t.Error("too much was taken")
	}
	largest := bytes.Repeat([]byte("x"), maxPlain)
	if opened, err := v.Open(seal(t, v, largest, []byte("c")), []byte("c")); err != nil || !bytes.Equal(opened, largest) {
		t.Errorf("the largest does not open: %v", err)
	}
}

func TestVaultsNeedKeys(t *testing.T) {
	a := generate(t)
	for name, keys := range map[string][]Key{
		"none": nil, "twice": {a, a}, "no id": {{Secret: a.Secret}}, "zeros": {{ID: "a"}},
	} {
		if v, err := New(keys); err == nil || v != nil {
			t.Errorf("%s: New gives a vault", name)
		}
	}
}

// hkdfSHA256 is RFC 5869 written out for one block: extract, then expand.
func hkdfSHA256(secret, salt, info []byte) []byte {
	extract := hmac.New(sha256.New, salt)
	extract.Write(secret)
	expand := hmac.New(sha256.New, extract.Sum(nil))
	expand.Write(info)
	expand.Write([]byte{1})
	return expand.Sum(nil)
}

// TestRecountIsRFC5869 holds the recount against the RFC's first and third test case
// (appendix A), of which a block is 32 bytes.
func TestRecountIsRFC5869(t *testing.T) {
	secret := bytes.Repeat([]byte{0x0b}, 22)
	unhex := func(s string) []byte { b, _ := hex.DecodeString(s); return b }
	for want, got := range map[string][]byte{
		"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf": hkdfSHA256(secret, unhex("000102030405060708090a0b0c"), unhex("f0f1f2f3f4f5f6f7f8f9")),
		"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d": hkdfSHA256(secret, nil, nil),
	} {
		if hex.EncodeToString(got) != want {
			t.Errorf("%x is not %s", got, want)
		}
	}
}

func TestDerivedKeys(t *testing.T) {
	older, newer := generate(t), generate(t)
	v := vault(t, newer, older)
	tokens, links := v.Derive("tokens"), v.Derive("links")
	if len(tokens) != 2 || tokens[0].ID != newer.ID || tokens[1].ID != older.ID || v.Current() != newer.ID {
		t.Fatalf("Derive gives %v", tokens)
	}
	seen := map[[32]byte]bool{older.Secret: true, newer.Secret: true}
	for _, d := range append(tokens, links...) {
		if seen[d.Key] {
			t.Error("two purposes, or two masters, share a key")
		}
		seen[d.Key] = true
	}
	for i, k := range []Key{newer, older} {
		if want := hkdfSHA256(k.Secret[:], nil, []byte("tidemark/derive/1/tokens")); !bytes.Equal(tokens[i].Key[:], want) {
			t.Errorf("%s: the key is not HKDF-SHA256 of its master", k.ID)
		}
	}
	if retired := vault(t, older).Derive("tokens"); retired[0] != tokens[1] {
		t.Error("a retired key derives another key than when it was current")
	}
}

func TestAPlaceIsItsContext(t *testing.T) {
	p := Place{Table: "thing", Column: "sealed_x", Key: []string{"owner_id", "n"}, Prefix: "thing/"}
	if got := string(p.Context("a", "1")); got != "thing/a/1" {
		t.Errorf("the context is %q", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a key without its second part was taken")
		}
	}()
	p.Context("a")
}
