package journey

import "github.com/tidemarkhq/tidemark/internal/history"

// Matcher tells which events count as something: those of some types, and of these the ones that
// a test lets pass.
type Matcher struct {
	Types []uint16              // codes; nil: all
	Pass  func(row uint32) bool // nil: all
}

// matchers tell of an event, by a bit each, which of several it matches. Once made they are only
// read, by any number of workers.
type matchers struct {
	byType []uint16 // of each type, which it may match
	tested uint16   // those that have a test
	tests  [maxMatchers]func(row uint32) bool
}

// maxMatchers is how many can be told by the bits of a number.
const maxMatchers = 16

func newMatchers(types int, of []Matcher) *matchers {
	m := &matchers{byType: make([]uint16, types)}
	for i, one := range of {
		bit := uint16(1) << i
		if one.Types == nil {
			for t := range m.byType {
				m.byType[t] |= bit
			}
		}
		for _, t := range one.Types {
			m.byType[t] |= bit
		}
		if one.Pass != nil {
			m.tested |= bit
			m.tests[i] = one.Pass
		}
	}
	return m
}

// of gives the bits of the i-th event of a history.
func (m *matchers) of(h *history.History, i int) uint16 {
	bits := m.byType[h.Type[i]]
	if open := bits & m.tested; open != 0 {
		bits &^= m.failed(open, h.Row(i))
	}
	return bits
}

// failed gives those of some bits whose test an event does not pass.
func (m *matchers) failed(open uint16, row uint32) (bits uint16) {
	for i := 0; open != 0; i++ {
		if bit := uint16(1) << i; open&bit != 0 {
			open &^= bit
			if !m.tests[i](row) {
				bits |= bit
			}
		}
	}
	return bits
}
