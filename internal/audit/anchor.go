package audit

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/fault"
	"github.com/tidemarkhq/tidemark/internal/tenant"
)

// Anchor is how far a chain went at some time, and the hash of its last entry. Kept where
// the database's owner can't write, it finds what the chain alone can't: that its end was
// cut off, or all of it written anew.
type Anchor struct {
	Tenant tenant.ID
	Seq    int64
	Hash   []byte
}

// String is a line of a file of anchors: tenant, place and hash with blanks between.
func (a Anchor) String() string {
	return fmt.Sprintf("%s %d %s", a.Tenant, a.Seq, hex.EncodeToString(a.Hash))
}

// ParseAnchor reads what String wrote.
func ParseAnchor(line string) (a Anchor, err error) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return a, errNoAnchor
	}
	if a.Tenant, err = tenant.Parse(fields[0]); err != nil {
		return a, errNoAnchor.Because(err)
	}
	if a.Seq, err = strconv.ParseInt(fields[1], 10, 64); err != nil || a.Seq < 1 {
		return a, errNoAnchor
	}
	if a.Hash, err = hex.DecodeString(fields[2]); err != nil || len(a.Hash) != len(zeros) {
		return a, errNoAnchor
	}
	return a, nil
}

var errNoAnchor = fault.Input("expect", "An anchor is a line of a tenant's id, a place and a hash, as audit verify prints it.")

// ReadAnchors reads a file of anchors, a line each. Empty lines are passed over.
func ReadAnchors(in io.Reader) (anchors []Anchor, err error) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		a, err := ParseAnchor(lines.Text())
		if err != nil {
			return nil, err
		}
		anchors = append(anchors, a)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read anchors: %w", err)
	}
	return anchors, nil
}

// zeros are before the first entry of a chain.
var zeros = bytes.Repeat([]byte{0}, 32)
