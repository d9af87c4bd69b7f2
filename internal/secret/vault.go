// Package secret seals what must be stored and read again, such as the seeds of one-time
// passwords: each under a data key of its own, which a master key wraps (envelope
// encryption). What is sealed opens only with a master key of the vault, under the context
// that it was sealed for, and unaltered.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
)

// maxPlain bounds what is sealed: secrets, not documents.
const maxPlain = 64 << 10

// ErrDamaged is the error of what does not open: altered, cut, or sealed for another context.
// Which of these it was, nobody can tell.
var ErrDamaged = errors.New("what was sealed is damaged, or was sealed for another place")

// ErrUnknownKey is the error of what was sealed under a master key that the vault has not got.
var ErrUnknownKey = errors.New("the master key that this was sealed under is not configured")

// Vault seals and opens. It may be used by many at once.
type Vault struct {
	masters []master // the current one first
}

type master struct {
	Key
	wrap cipher.AEAD
}

// New makes a vault of master keys. The first is the current one, which seals; the others
// open what they have sealed before.
func New(keys []Key) (*Vault, error) {
	if err := check(keys); err != nil {
		return nil, fmt.Errorf("secret keys: %w", err)
	}
	v := &Vault{}
	for _, k := range keys {
		// A master key is never used as it is, so that what wraps and what signs never share one.
		wrapping := derive(k.Secret, "tidemark/wrap/1")
		aead, err := newAEAD(wrapping[:])
		if err != nil {
			return nil, err
		}
		v.masters = append(v.masters, master{k, aead})
	}
	return v, nil
}

// newAEAD makes AES-256-GCM (NIST SP 800-38D), with a random nonce of 96 bits before each
// ciphertext. A master key wraps fewer than the 2^32 data keys that this allows.
func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return aead, nil
}

// Current is the id of the key that seals.
func (v *Vault) Current() string { return v.masters[0].ID }

// Seal encrypts plain, of at most 64 KiB, under a new data key. The context, such as
// "totp/" and a row's id, is not stored: Open needs the same again, so that sealed bytes are
// of no use in another row.
func (v *Vault) Seal(plain, context []byte) ([]byte, error) {
	if len(plain) > maxPlain {
		return nil, fmt.Errorf("seal: %d bytes are more than %d", len(plain), maxPlain)
	}
	if len(context) == 0 {
		return nil, errors.New("seal: no context is given")
	}
	var dataKey [dataKeySize]byte
	if _, err := rand.Read(dataKey[:]); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	aead, err := newAEAD(dataKey[:])
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	e := v.masters[0].envelope(dataKey[:], context)
	e.body = aead.Seal(nil, nil, plain, bodyData(context))
	return e.bytes(), nil
}

// Open gives back what was sealed for the context. Its error is ErrDamaged or ErrUnknownKey.
func (v *Vault) Open(sealed, context []byte) ([]byte, error) {
	e, dataKey, err := v.unwrap(sealed, context)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	aead, err := newAEAD(dataKey)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	plain, err := aead.Open([]byte{}, nil, e.body, bodyData(context))
	if err != nil {
		return nil, fmt.Errorf("open: %w", ErrDamaged)
	}
	return plain, nil
}

// Rewrap wraps the data key anew under the current master key, if another wraps it: the
// secret itself stays encrypted and is not looked at. What is not changed is returned as it
// was, after its data key was seen to unwrap. Its errors are those of Open.
func (v *Vault) Rewrap(sealed, context []byte) (_ []byte, changed bool, err error) {
	e, dataKey, err := v.unwrap(sealed, context)
	if err != nil {
		return nil, false, fmt.Errorf("rewrap: %w", err)
	}
	if e.keyID == v.Current() {
		return sealed, false, nil
	}
	renewed := v.masters[0].envelope(dataKey, context)
	renewed.body = e.body
	return renewed.bytes(), true, nil
}

// unwrap takes an envelope apart, and the data key out of it.
func (v *Vault) unwrap(sealed, context []byte) (envelope, []byte, error) {
	e, ok := parseEnvelope(sealed)
	if !ok {
		return e, nil, ErrDamaged
	}
	for _, m := range v.masters {
		if m.ID != e.keyID {
			continue
		}
		dataKey, err := m.wrap.Open(nil, nil, e.wrapped, wrapData(e.keyID, context))
		if err != nil || len(dataKey) != dataKeySize {
			return e, nil, ErrDamaged
		}
		return e, dataKey, nil
	}
	return e, nil, fmt.Errorf("%w: %s", ErrUnknownKey, e.keyID)
}

// envelope wraps a data key. Its body is empty.
func (m master) envelope(dataKey, context []byte) envelope {
	return envelope{keyID: m.ID, wrapped: m.wrap.Seal(nil, nil, dataKey, wrapData(m.ID, context))}
}

// Derived is a key made from a master key for one purpose. It prints as its id alone.
type Derived struct {
	ID  string // of the master key
	Key [32]byte
}

// Format keeps the key out of everything that is printed, whatever the verb.
func (d Derived) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "derived key %s", d.ID) }

// LogValue keeps the key out of logs.
func (d Derived) LogValue() slog.Value { return slog.StringValue(d.ID) }

// MarshalText keeps the key out of JSON.
func (d Derived) MarshalText() ([]byte, error) { return []byte(d.ID), nil }

// Derive makes a key for the purpose from each master key, the current one first, with
// HKDF-SHA256 (RFC 5869). Sign with the first; verify with that whose id was signed with, so
// that what was signed before a rotation stays good as long as the retired key is configured.
func (v *Vault) Derive(purpose string) []Derived {
	derived := make([]Derived, len(v.masters))
	for i, m := range v.masters {
		derived[i] = Derived{m.ID, derive(m.Secret, "tidemark/derive/1/"+purpose)}
	}
	return derived
}

// derive expands a master key. No salt is used: the key is random (RFC 5869, section 3.1).
func derive(secret [32]byte, info string) [32]byte {
	key, err := hkdf.Key(sha256.New, secret[:], nil, info, len(secret))
	if err != nil {
		panic("secret: HKDF refuses 32 bytes: " + err.Error()) // it refuses only more than 8,160
	}
	return [32]byte(key)
}

// Format keeps the keys out of everything that is printed, whatever the verb.
func (v *Vault) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "vault under %s", v.Current()) }
