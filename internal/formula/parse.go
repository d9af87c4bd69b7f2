package formula

import (
	"strconv"
	"strings"

	"github.com/tidemarkhq/tidemark/internal/fault"
)

// Parse reads a formula: numbers, names, + - * /, parentheses and the functions min, max and
// abs. What is wrong with it is told as a fault of the field formula, with the place.
func Parse(text string) (*Formula, error) {
	if len(text) > maxLength {
		return nil, fault.Input("formula", "A formula has at most %d characters.", maxLength)
	}
	p := &parser{text: text}
	p.next()
	root, err := p.sum(0)
	if err != nil {
		return nil, err
	}
	if p.token != "" {
		return nil, p.unexpected("an operator or the end")
	}
	f := &Formula{root: root}
	f.compile(root)
	return f, nil
}

// parser reads by recursive descent, no deeper than maxDepth.
type parser struct {
	text  string
	at    int    // where the token begins
	end   int    // and ends
	token string // empty: the end of the text
	terms int
}

// next goes on to the next token. What is none is given as a single byte, for the message.
func (p *parser) next() {
	for p.end < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.end]) >= 0 {
		p.end++
	}
	p.at = p.end
	switch {
	case p.at == len(p.text):
		p.token = ""
		return
	case isDigit(p.text[p.at]):
		p.skip(func(c byte) bool { return isDigit(c) || c == '.' })
	case isLetter(p.text[p.at]):
		p.skip(func(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' })
	default:
		p.end++
	}
	p.token = p.text[p.at:p.end]
}

func (p *parser) skip(while func(byte) bool) {
	for p.end < len(p.text) && while(p.text[p.end]) {
		p.end++
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }

// wrong is a fault at the token. Places are counted from 1.
func (p *parser) wrong(format string, args ...any) error {
	return fault.Input("formula", "At character %d: "+format, append([]any{p.at + 1}, args...)...)
}

func (p *parser) unexpected(wanted string) error {
	switch {
	case p.token == "":
		return p.wrong("The formula ends where %s is expected.", wanted)
	case len(p.token) == 1 && (p.token[0] < ' ' || p.token[0] > '~'):
		return p.wrong("This is nothing that a formula has. Names are of small letters, digits and _.")
	}
	return p.wrong("%.40q stands where %s is expected.", p.token, wanted)
}

// made counts the parts, and refuses what has too many.
func (p *parser) made(n *node) (*node, error) {
	if p.terms++; p.terms > maxTerms {
		return nil, fault.Input("formula", "A formula has at most %d numbers, names and operators.", maxTerms)
	}
	return n, nil
}

var (
	sums     = map[string]kind{"+": add, "-": subtract}
	products = map[string]kind{"*": multiply, "/": divide}
)

func (p *parser) sum(depth int) (*node, error) { return p.chain(depth, sums, p.product) }

func (p *parser) product(depth int) (*node, error) { return p.chain(depth, products, p.factor) }

// chain reads parts with operators of one rank between them, from the left.
func (p *parser) chain(depth int, operators map[string]kind, part func(int) (*node, error)) (*node, error) {
	left, err := part(depth)
	for err == nil {
		k, is := operators[p.token]
		if !is {
			return left, nil
		}
		p.next()
		var right *node
		if right, err = part(depth); err == nil {
			left, err = p.made(&node{kind: k, of: []*node{left, right}})
		}
	}
	return nil, err
}

func (p *parser) factor(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fault.Input("formula", "A formula is at most %d levels deep.", maxDepth)
	}
	switch {
	case p.token == "-":
		p.next()
		part, err := p.factor(depth + 1)
		if err != nil {
			return nil, err
		}
		return p.made(&node{kind: negate, of: []*node{part}})
	case p.token == "(":
		p.next()
		part, err := p.sum(depth + 1)
		if err != nil {
			return nil, err
		}
		return part, p.close()
	case p.token != "" && isDigit(p.token[0]):
		return p.number()
	case p.token != "" && isLetter(p.token[0]):
		return p.name(depth)
	}
	return nil, p.unexpected("a number, a name or a parenthesis")
}

func (p *parser) close() error {
	if p.token != ")" {
		return p.unexpected("a closing parenthesis")
	}
	p.next()
	return nil
}

func (p *parser) number() (*node, error) {
	whole, fraction, dotted := strings.Cut(p.token, ".")
	if len(p.token) > 20 || strings.Contains(fraction, ".") || dotted && fraction == "" || whole == "" {
		return nil, p.wrong("%.40q is not a number. Numbers are such as 100 and 0.5, with at most 20 characters.", p.token)
	}
	v, err := strconv.ParseFloat(p.token, 64)
	if err != nil || v > maxNumber {
		return nil, p.wrong("A number is at most %d.", int64(maxNumber))
	}
	p.next()
	return p.made(&node{kind: number, value: v})
}

func (p *parser) name(depth int) (*node, error) {
	word, at := p.token, p.at
	p.next()
	function, is := functions[word]
	if p.token != "(" {
		if is {
			return nil, p.unexpected("the parenthesis of " + word)
		}
		return p.made(&node{kind: name, name: word})
	}
	if !is {
		p.at = at
		return nil, p.wrong("There is no function %.40q. There are min, max and abs.", word)
	}
	p.next()
	n := &node{kind: function.kind}
	for {
		part, err := p.sum(depth + 1)
		if err != nil {
			return nil, err
		}
		if n.of = append(n.of, part); p.token != "," || function.one {
			break
		}
		p.next()
	}
	if err := p.close(); err != nil {
		return nil, err
	}
	return p.made(n)
}
