package importer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// maxCounted is of how many rows without an id it is counted which are equal. It bounds the
// memory that this takes.
const maxCounted = 1 << 20

// identity makes up ids for rows that have none: by what a row says, and the how-manieth of
// the rows it is that say the same. So a file has the same ids whenever it is read, equal
// rows of one file are different events, and a row that two files have is one. From
// maxCounted rows on, a row's line stands for its count: then a row that two files have is
// two events, and no event of one file is ever lost.
type identity struct {
	source  string
	unnamed int64 // rows so far
	equal   map[uint64]uint32
}

// canonical writes equal events equally, whatever the order of their members.
var canonical = []jsontext.Options{asFound, jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)}

func (i *identity) next(content object, line int64) (string, *fault.Error) {
	value := jsontext.Value(content)
	if err := value.Canonicalize(canonical...); err != nil {
		return "", badJSON(err)
	}
	digest := sha256.Sum256(append([]byte(i.source+"\x00"), value...))
	i.unnamed++
	way, number := byte('n'), uint64(line)
	if i.unnamed <= maxCounted {
		way, number = 'e', i.count(digest)
	} else {
		i.equal = nil
	}
	digest = sha256.Sum256(binary.BigEndian.AppendUint64(append(digest[:], way), number))
	return "import-" + hex.EncodeToString(digest[:16]), nil
}

func (i *identity) count(digest [32]byte) uint64 {
	if i.equal == nil {
		i.equal = map[uint64]uint32{}
	}
	key := binary.BigEndian.Uint64(digest[:])
	n := i.equal[key]
	i.equal[key] = n + 1
	return uint64(n)
}

// counts reports whether ids after so many rows depend on the rows before.
func counts(unnamed int64) bool { return unnamed > 0 && unnamed < maxCounted }
