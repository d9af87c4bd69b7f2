package formula

import (
	"strconv"
	"strings"
)

// The ranks of operators: what binds closer has the higher one.
const (
	ofSum = iota
	ofProduct
	ofSign
	ofWhole
)

var signs = map[kind]string{add: " + ", subtract: " - ", multiply: " * ", divide: " / "}

func (n *node) rank() int {
	switch n.kind {
	case add, subtract:
		return ofSum
	case multiply, divide:
		return ofProduct
	case negate:
		return ofSign
	}
	return ofWhole
}

// text writes a part with no more parentheses than it needs.
func (n *node) text() string {
	switch n.kind {
	case number:
		return strconv.FormatFloat(n.value, 'f', -1, 64)
	case name:
		return n.name
	case negate:
		return "-" + n.of[0].within(ofSign)
	case smaller, larger, absolute:
		return n.call()
	}
	// From the left: what is right of an operator needs parentheses at the same rank as well.
	return n.of[0].within(n.rank()) + signs[n.kind] + n.of[1].within(n.rank()+1)
}

func (n *node) within(rank int) string {
	if n.rank() < rank {
		return "(" + n.text() + ")"
	}
	return n.text()
}

func (n *node) call() string {
	word := ""
	for called, f := range functions {
		if f.kind == n.kind {
			word = called
		}
	}
	parts := make([]string, len(n.of))
	for i, part := range n.of {
		parts[i] = part.text()
	}
	return word + "(" + strings.Join(parts, ", ") + ")"
}
