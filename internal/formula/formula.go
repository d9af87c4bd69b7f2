// Package formula reads and works out formulas such as `signups / visits`. A formula is read
// once and bounded in all directions; working it out takes no memory and a time that its length
// bounds. What has no value makes no value: there is no error in working out.
package formula

import (
	"math"
	"slices"
)

// The bounds of a formula.
const (
	maxLength = 1_000 // bytes
	maxDepth  = 32    // of parentheses, signs and functions in each other
	maxTerms  = 200   // numbers, names and operators
	maxNumber = 1e15  // up to which every integer is exact
	// maxHeight is how many values wait at most: on each level one of a function, one of a sum
	// and one of a product.
	maxHeight = 3*maxDepth + 3
)

// Formula is a formula that was read.
type Formula struct {
	root  *node
	names []string
	code  []instruction
}

// Names are what it is worked out of, in the order in which they first come, each once.
func (f *Formula) Names() []string { return slices.Clone(f.names) }

// String writes the formula in the one way that equal ones are written in.
func (f *Formula) String() string { return f.root.text() }

// Adds reports whether the formula of sums is the sum of the formulas: it is made of names by
// adding, and by multiplying and dividing with numbers.
func (f *Formula) Adds() bool { return f.root.shape() == linear }

// kind is what a node, or an instruction, does.
type kind byte

const (
	number kind = iota
	name
	add
	subtract
	multiply
	divide
	negate
	smaller
	larger
	absolute
)

// functions are those that may be called, and how many values they take: at least so many.
var functions = map[string]struct {
	kind kind
	one  bool // exactly one
}{"min": {smaller, false}, "max": {larger, false}, "abs": {absolute, true}}

// IsFunction reports whether a name is that of a function, and so of nothing else.
func IsFunction(name string) bool {
	_, is := functions[name]
	return is
}

// node is a part of a formula.
type node struct {
	kind  kind
	value float64 // of a number
	name  string
	of    []*node
}

// instruction is a step of working out: it takes values from a stack and puts one there.
type instruction struct {
	kind  kind
	value float64
	index int // of the name
}

// compile writes the steps, the parts of each before itself. Of a function of many values the
// result of two is joined with the next, so that only one of them waits.
func (f *Formula) compile(n *node) {
	for i, part := range n.of {
		f.compile(part)
		if i > 0 {
			f.code = append(f.code, instruction{kind: n.kind})
		}
	}
	switch {
	case n.kind == number:
		f.code = append(f.code, instruction{kind: number, value: n.value})
	case n.kind == name:
		f.code = append(f.code, instruction{kind: name, index: f.index(n.name)})
	case len(n.of) == 1 && n.kind != smaller && n.kind != larger:
		f.code = append(f.code, instruction{kind: n.kind})
	}
}

func (f *Formula) index(of string) int {
	if i := slices.Index(f.names, of); i >= 0 {
		return i
	}
	f.names = append(f.names, of)
	return len(f.names) - 1
}

// Eval works the formula out of the values of its names, in their order. It is NaN where a
// value is, where something is divided by 0, and where a number becomes too large.
func (f *Formula) Eval(values []float64) float64 {
	var stack [maxHeight]float64
	top := -1
	for _, step := range f.code {
		switch step.kind {
		case number:
			top++
			stack[top] = step.value
		case name:
			top++
			stack[top] = finite(values[step.index])
		case negate, absolute:
			stack[top] = one(step.kind, stack[top])
		default:
			top--
			stack[top] = two(step.kind, stack[top], stack[top+1])
		}
	}
	return stack[0] + 0 // minus nothing is nothing
}

func one(k kind, a float64) float64 {
	if k == negate {
		return -a
	}
	return math.Abs(a)
}

func two(k kind, a, b float64) float64 {
	switch k {
	case add:
		return finite(a + b)
	case subtract:
		return finite(a - b)
	case multiply:
		return finite(a * b)
	case smaller:
		return min(a, b)
	case larger:
		return max(a, b)
	}
	if b == 0 {
		return math.NaN()
	}
	return finite(a / b)
}

// finite gives no value for what is beyond all numbers: it would turn up again as a wrong one.
func finite(v float64) float64 {
	if math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

// shape is how a part depends on its names.
type shape byte

const (
	constant shape = iota // not at all
	linear                // twice as much of all of them is twice as much of it
	curved                // some other way
)

func (n *node) shape() shape {
	switch n.kind {
	case number:
		return constant
	case name:
		return linear
	}
	shapes := make([]shape, len(n.of))
	for i, part := range n.of {
		shapes[i] = part.shape()
	}
	switch {
	case !slices.ContainsFunc(shapes, func(s shape) bool { return s != constant }):
		return constant
	case n.kind == negate:
		return shapes[0]
	case n.kind == add || n.kind == subtract:
		if shapes[0] == linear && shapes[1] == linear {
			return linear
		}
	case n.kind == multiply && shapes[0] == constant:
		return shapes[1]
	case (n.kind == multiply || n.kind == divide) && shapes[1] == constant:
		return shapes[0]
	}
	return curved
}
