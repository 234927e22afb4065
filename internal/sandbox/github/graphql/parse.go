package graphql

import (
	"fmt"
	"strconv"
)

type document struct {
	operations []*operation
	fragments  map[string]*fragment
}

type operation struct {
	kind, name string
	variables  []variable
	selections []selection
	at         Location
}

// title is how paths of errors call an operation.
func (o *operation) title() string {
	if o.name == "" {
		return o.kind
	}
	return o.kind + " " + o.name
}

type variable struct {
	name     string
	typ      typeRef
	fallback *literal
	at       Location
}

type fragment struct {
	name, on   string
	selections []selection
	at         Location
}

// A selection is a field, a fragment's spread, or an inline fragment.
type selection struct {
	alias, name string // a field
	arguments   []argument
	spread      string // a named fragment
	inline      bool
	on          string // an inline fragment's type, or ""
	directives  []directive
	selections  []selection
	at          Location
}

func (s selection) key() string {
	if s.alias != "" {
		return s.alias
	}
	return s.name
}

type argument struct {
	name  string
	value literal
	at    Location
}

type directive struct {
	name      string
	arguments []argument
	at        Location
}

// A literal is a value in a query: kind is int, float, string, bool, null, enum, list, object or variable.
type literal struct {
	kind, text string
	list       []literal
	members    []argument
}

// parser reads one lexeme ahead. The first error ends the parse, by panic within this file.
type parser struct {
	lexer
	tok   lexeme
	depth int
}

// maxDepth bounds how deep selections and values may lie in each other.
const maxDepth = 100

// enter goes one level down; the returned function comes back up.
func (p *parser) enter() (leave func()) {
	if p.depth++; p.depth > maxDepth {
		panic(parseError(p.tok.at, "Document is too deep"))
	}
	return func() { p.depth-- }
}

func newParser(text string) *parser {
	p := &parser{lexer: lexer{text: text, line: 1, column: 1}}
	p.advance()
	return p
}

// guard turns the parser's panics into an error.
func guard(err **Error) {
	switch e := recover().(type) {
	case nil:
	case *Error:
		*err = e
	default:
		panic(e)
	}
}

func parse(text string) (doc *document, err *Error) {
	defer guard(&err)
	p := newParser(text)
	doc = &document{fragments: map[string]*fragment{}}
	for p.tok.kind != "" {
		switch {
		case p.tok.kind == "{":
			doc.operations = append(doc.operations, &operation{kind: "query", at: p.tok.at, selections: p.selections()})
		case p.tok.text == "query" || p.tok.text == "mutation" || p.tok.text == "subscription":
			doc.operations = append(doc.operations, p.operation())
		case p.tok.text == "fragment":
			f := p.fragment()
			doc.fragments[f.name] = f
		default:
			p.fail()
		}
	}
	if len(doc.operations) == 0 {
		return nil, &Error{Message: "Unexpected end of document"}
	}
	return doc, nil
}

func (p *parser) advance() lexeme {
	old := p.tok
	tok, err := p.next()
	if err != nil {
		panic(err)
	}
	p.tok = tok
	return old
}

func (p *parser) fail() {
	if p.tok.kind == "" {
		panic(&Error{Message: "Unexpected end of document", Locations: []Location{p.tok.at}})
	}
	panic(parseError(p.tok.at, fmt.Sprintf("Parse error on %q (%s)", p.tok.text, p.tok.kind)))
}

func (p *parser) expect(kind string) lexeme {
	if p.tok.kind != kind {
		p.fail()
	}
	return p.advance()
}

// took consumes a mark if it is there.
func (p *parser) took(kind string) bool {
	if p.tok.kind != kind {
		return false
	}
	p.advance()
	return true
}

func (p *parser) operation() *operation {
	op := &operation{at: p.tok.at, kind: p.advance().text}
	if p.tok.kind == "name" {
		op.name = p.advance().text
	}
	if p.took("(") {
		for !p.took(")") {
			at := p.expect("$").at
			v := variable{name: p.expect("name").text, at: at}
			p.expect(":")
			v.typ = p.typeRef()
			if p.took("=") {
				value := p.value()
				v.fallback = &value
			}
			op.variables = append(op.variables, v)
		}
	}
	op.selections = p.selections()
	return op
}

func (p *parser) fragment() *fragment {
	at := p.advance().at
	f := &fragment{name: p.expect("name").text, at: at}
	if p.tok.text != "on" {
		p.fail()
	}
	p.advance()
	f.on = p.expect("name").text
	f.selections = p.selections()
	return f
}

func (p *parser) selections() []selection {
	defer p.enter()()
	p.expect("{")
	var list []selection
	for !p.took("}") {
		list = append(list, p.selection())
	}
	if len(list) == 0 {
		p.fail()
	}
	return list
}

func (p *parser) selection() selection {
	s := selection{at: p.tok.at}
	if p.took("...") {
		switch {
		case p.tok.text == "on":
			p.advance()
			s.inline, s.on = true, p.expect("name").text
		case p.tok.kind == "name":
			s.spread = p.advance().text
		default:
			s.inline = true
		}
		s.directives = p.directives()
		if s.inline {
			s.selections = p.selections()
		}
		return s
	}
	s.name = p.expect("name").text
	if p.took(":") {
		s.alias, s.name = s.name, p.expect("name").text
	}
	s.arguments = p.arguments()
	s.directives = p.directives()
	if p.tok.kind == "{" {
		s.selections = p.selections()
	}
	return s
}

func (p *parser) directives() []directive {
	var list []directive
	for p.tok.kind == "@" {
		at := p.advance().at
		list = append(list, directive{name: p.expect("name").text, at: at, arguments: p.arguments()})
	}
	return list
}

func (p *parser) arguments() []argument {
	var list []argument
	if p.took("(") {
		for !p.took(")") {
			a := argument{at: p.tok.at, name: p.expect("name").text}
			p.expect(":")
			a.value = p.value()
			list = append(list, a)
		}
	}
	return list
}

func (p *parser) value() literal {
	defer p.enter()()
	switch p.tok.kind {
	case "$":
		p.advance()
		return literal{kind: "variable", text: p.expect("name").text}
	case "int", "float", "string":
		t := p.advance()
		return literal{kind: t.kind, text: t.text}
	case "name":
		t := p.advance()
		switch t.text {
		case "true", "false":
			return literal{kind: "bool", text: t.text}
		case "null":
			return literal{kind: "null", text: t.text}
		}
		return literal{kind: "enum", text: t.text}
	case "[":
		p.advance()
		l := literal{kind: "list"}
		for !p.took("]") {
			l.list = append(l.list, p.value())
		}
		return l
	case "{":
		p.advance()
		l := literal{kind: "object"}
		for !p.took("}") {
			a := argument{at: p.tok.at, name: p.expect("name").text}
			p.expect(":")
			a.value = p.value()
			l.members = append(l.members, a)
		}
		return l
	}
	p.fail()
	return literal{}
}

// String writes a literal as errors show it.
func (l literal) String() string {
	switch l.kind {
	case "string":
		return strconv.Quote(l.text)
	case "variable":
		return "$" + l.text
	case "list":
		return fmt.Sprint(l.list)
	case "object":
		s := "{"
		for i, m := range l.members {
			if i > 0 {
				s += ", "
			}
			s += m.name + ": " + m.value.String()
		}
		return s + "}"
	}
	return l.text
}
