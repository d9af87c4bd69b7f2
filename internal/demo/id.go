package demo

import "strconv"

// Keys tell people apart within a company: users have the small ones, visitors
// those from 2^40 on, and whoever first comes during a live stream those from
// 2^41 on.
const (
	firstVisitor  = 1 << 40
	firstNewcomer = 1 << 41
)

// visitorNumber carries the visitor's source in its lowest bits.
func visitorNumber(n uint32, source uint8) uint32 { return n<<5 | uint32(source) }

// visitorKey is a visitor's key: a live stream's are none of the history's.
func (r *renderer) visitorKey(number uint32) uint64 {
	if r.started != 0 {
		return firstNewcomer | firstVisitor | uint64(number)
	}
	return firstVisitor | uint64(number)
}

// appendID writes an id that shows nothing of the order of the keys: times an odd
// number, modulo a power of two, is a permutation. A newcomer's bears the start of
// the stream, because its key is unique only there.
func (r *renderer) appendID(b []byte, prefix string, key, odd uint64) []byte {
	b = append(b, prefix...)
	if key < firstNewcomer {
		return strconv.AppendUint(b, (key*odd+r.salt)%firstNewcomer, 36)
	}
	b = append(strconv.AppendInt(b, r.started, 36), '-')
	return strconv.AppendUint(b, key-firstNewcomer, 36)
}
