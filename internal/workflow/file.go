package workflow

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Largest is how many bytes of a workflow file are read. Those that people write have some ten thousand.
const Largest = 128 << 10

// Bounds that no workflow of a person comes near. The parser needs time by the square of a mapping's entries and a stack
// by its depth.
const (
	mostTokens   = 20_000
	mostBrackets = 1_000
	deepest      = 64
	farthestDash = 200 // the column of a list's dash: "- - - - x" nests without indentation
	longestAlias = 8   // an alias of an alias
)

// A file is a workflow file as it is written. Aliases are followed where something is looked for, and never copied, so
// that a few lines cannot become a million.
type file struct {
	path    string
	root    ast.Node
	anchors map[string]ast.Node // nil for a name that is given twice
}

// A position is a place in a file; line and column count from 1.
type position struct {
	path         string
	line, column int
}

var errNotRead = errors.New("not a workflow file that can be read")

func parse(path string, data []byte) (f *file, err error) {
	defer func() {
		if recover() != nil { // the parser's, over text that it did not expect
			f, err = nil, errNotRead
		}
	}()
	if len(data) > Largest || !utf8.Valid(data) {
		return nil, errNotRead
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	if hostile(text) {
		return nil, errNotRead
	}
	parsed, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil || len(parsed.Docs) != 1 || parsed.Docs[0].Body == nil {
		return nil, errNotRead
	}
	f = &file{path: path, root: parsed.Docs[0].Body, anchors: map[string]ast.Node{}}
	ast.Walk(f, f.root)
	return f, nil
}

// Visit gathers the anchors; it is for [ast.Walk].
func (f *file) Visit(n ast.Node) ast.Visitor {
	if a, is := n.(*ast.AnchorNode); is {
		name := a.Name.String()
		if _, twice := f.anchors[name]; twice {
			f.anchors[name] = nil
		} else {
			f.anchors[name] = a.Value
		}
	}
	return f
}

// hostile tells text that would take the parser too long, or too deep. Brackets are counted before anything else
// reads the text.
func hostile(text string) bool {
	open := 0
	for _, r := range text {
		switch r {
		case '[', '{':
			if open++; open > mostBrackets {
				return true
			}
		case ']', '}':
			open--
		}
	}
	tokens := lexer.Tokenize(text)
	if len(tokens) > mostTokens {
		return true
	}
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType:
			if t.Position.Column > farthestDash {
				return true
			}
		}
		if depth > deepest {
			return true
		}
	}
	return false
}

// is gives what a node stands for: an anchor's value, an alias's target. It is nil where that is not known.
func (f *file) is(n ast.Node) ast.Node {
	for range longestAlias {
		switch here := n.(type) {
		case *ast.AnchorNode:
			n = here.Value
		case *ast.AliasNode:
			n = f.anchors[here.Value.String()]
		default:
			return n
		}
	}
	return nil
}

// entries are those of a mapping; the second result tells whether the node is one.
func (f *file) entries(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := f.is(n).(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// scalar is the text of a value that is neither a mapping nor a list. That of null is "".
func (f *file) scalar(n ast.Node) (string, bool) {
	switch n := f.is(n).(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value), true
	case *ast.NullNode:
		return "", true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func (f *file) at(n ast.Node) position {
	p := position{path: f.path}
	if t := n.GetToken(); t != nil && t.Position != nil {
		p.line, p.column = t.Position.Line, t.Position.Column
	}
	return p
}
