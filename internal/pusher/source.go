package pusher

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/lexer"
	"github.com/vektah/gqlparser/v2/parser"
)

// source is a file of GraphQL, with the text of each of its definitions as it stands there.
type source struct {
	file  string
	doc   *ast.QueryDocument
	texts map[int]string // by where a definition begins
}

func parseSource(file, text string) (*source, error) {
	input := &ast.Source{Name: file, Input: strings.TrimPrefix(text, "\ufeff")}
	doc, err := parser.ParseQuery(input)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	texts, err := split(input)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &source{file, doc, texts}, nil
}

// split cuts a document that parses into its definitions. One ends with the brace that closes
// its selections; those within parentheses belong to values.
func split(input *ast.Source) (map[int]string, error) {
	runes, texts := []rune(input.Input), map[int]string{}
	tokens := lexer.New(input)
	start, braces, parens := -1, 0, 0
	for {
		token, err := tokens.ReadToken()
		if err != nil {
			return nil, err
		}
		if token.Kind == lexer.EOF {
			return texts, nil
		}
		if token.Kind == lexer.Comment {
			continue
		}
		if start < 0 {
			start = token.Pos.Start
		}
		switch token.Kind {
		case lexer.ParenL:
			parens++
		case lexer.ParenR:
			parens--
		case lexer.BraceL:
			braces++
		case lexer.BraceR:
			if braces--; braces == 0 && parens == 0 {
				texts[start] = string(runes[start:token.Pos.End])
				start = -1
			}
		}
	}
}

// fragments are those of all files: an operation may use one of another file.
type fragments map[string]fragment

type fragment struct {
	definition *ast.FragmentDefinition
	text       string
	file       string
}

// add takes the fragments of a file in. A name stands for one text.
func (f fragments) add(s *source) error {
	for _, definition := range s.doc.Fragments {
		text := s.texts[definition.Position.Start]
		if known, ok := f[definition.Name]; ok && known.text != text {
			return fmt.Errorf("%s: the fragment %s is another one in %s", s.file, definition.Name, known.file)
		}
		f[definition.Name] = fragment{definition, text, s.file}
	}
	return nil
}

// documents gives each operation of a file with the fragments that it uses, in the order in
// which it comes by them.
func (f fragments) documents(s *source) (list []Document, err error) {
	for _, operation := range s.doc.Operations {
		parts, seen := []string{s.texts[operation.Position.Start]}, map[string]bool{}
		if err := f.follow(operation.SelectionSet, seen, &parts); err != nil {
			return nil, fmt.Errorf("%s: %w", s.file, err)
		}
		list = append(list, Document{Name: operation.Name, Body: strings.Join(parts, "\n\n"), File: s.file})
	}
	return list, nil
}

func (f fragments) follow(selections ast.SelectionSet, seen map[string]bool, parts *[]string) error {
	for _, selection := range selections {
		switch s := selection.(type) {
		case *ast.Field:
			if err := f.follow(s.SelectionSet, seen, parts); err != nil {
				return err
			}
		case *ast.InlineFragment:
			if err := f.follow(s.SelectionSet, seen, parts); err != nil {
				return err
			}
		case *ast.FragmentSpread:
			if seen[s.Name] {
				continue
			}
			seen[s.Name] = true
			used, ok := f[s.Name]
			if !ok {
				return fmt.Errorf("the fragment %s is in none of the files", s.Name)
			}
			*parts = append(*parts, used.text)
			if err := f.follow(used.definition.SelectionSet, seen, parts); err != nil {
				return err
			}
		}
	}
	return nil
}
