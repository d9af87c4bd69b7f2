package secret

// What is sealed reads: version (1 byte), length of the key's id (1 byte), the id, the wrapped
// data key (60 bytes: nonce, key, tag), and the body (nonce, ciphertext, tag).
const (
	version     = 1
	dataKeySize = 32
	overhead    = 12 + 16 // bytes that AES-GCM adds: a nonce before, a tag behind
	wrappedSize = dataKeySize + overhead
)

type envelope struct {
	keyID   string
	wrapped []byte
	body    []byte
}

func (e envelope) bytes() []byte {
	b := make([]byte, 0, 2+len(e.keyID)+len(e.wrapped)+len(e.body))
	b = append(b, version, byte(len(e.keyID)))
	b = append(b, e.keyID...)
	b = append(b, e.wrapped...)
	return append(b, e.body...)
}

// parseEnvelope looks at the shape alone; what it returns shares the bytes of sealed.
func parseEnvelope(sealed []byte) (e envelope, ok bool) {
	if len(sealed) < 2 || sealed[0] != version {
		return e, false
	}
	idSize, rest := int(sealed[1]), sealed[2:]
	if len(rest) < idSize+wrappedSize+overhead {
		return e, false
	}
	e.keyID, rest = string(rest[:idSize]), rest[idSize:]
	e.wrapped, e.body = rest[:wrappedSize:wrappedSize], rest[wrappedSize:]
	return e, ids.MatchString(e.keyID)
}

// wrapData is what a wrapped data key is authenticated with: its length is told by the first
// byte, so that no id and context read like another pair.
func wrapData(keyID string, context []byte) []byte {
	data := append([]byte("tidemark data key "), version, byte(len(keyID)))
	return append(append(data, keyID...), context...)
}

// bodyData is what a body is authenticated with. It does not name the master key, so that
// rewrapping leaves the body as it is.
func bodyData(context []byte) []byte {
	return append(append([]byte("tidemark secret "), version), context...)
}
