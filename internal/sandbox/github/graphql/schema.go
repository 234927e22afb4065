package graphql

import (
	"fmt"
	"slices"
)

// A Schema is a set of types, of which Query is the root.
type Schema struct{ types map[string]*typeDef }

type typeDef struct {
	kind, name string // kind: type, interface, union, input, enum, scalar
	fields     map[string]*fieldDef
	order      []string
	interfaces []string
	members    []string // of a union or an enum
}

type fieldDef struct {
	name string
	typ  typeRef
	args []argDef
}

type argDef struct {
	name string
	typ  typeRef
}

// A typeRef is a type where it is used: a name, or a list of another.
type typeRef struct {
	name    string
	of      *typeRef
	nonNull bool
}

func (t typeRef) String() string {
	s := t.name
	if t.of != nil {
		s = "[" + t.of.String() + "]"
	}
	if t.nonNull {
		s += "!"
	}
	return s
}

// bare is the name of the type without lists.
func (t typeRef) bare() string {
	for t.of != nil {
		t = *t.of
	}
	return t.name
}

func (p *parser) typeRef() typeRef {
	defer p.enter()()
	var t typeRef
	if p.took("[") {
		of := p.typeRef()
		p.expect("]")
		t.of = &of
	} else {
		t.name = p.expect("name").text
	}
	t.nonNull = p.took("!")
	return t
}

// Parse reads definitions: type, interface, union, input, enum and scalar. Every type that is used has
// to be defined; String, Int, Float, Boolean and ID are.
func Parse(text string) (schema *Schema, err error) {
	s := &Schema{types: map[string]*typeDef{}}
	for _, name := range []string{"String", "Int", "Float", "Boolean", "ID"} {
		s.types[name] = &typeDef{kind: "scalar", name: name}
	}
	if e := s.read(text); e != nil {
		return nil, fmt.Errorf("parse GraphQL schema: %w", e)
	}
	for _, t := range s.types {
		for _, f := range t.fields {
			if s.types[f.typ.bare()] == nil {
				return nil, fmt.Errorf("parse GraphQL schema: %s.%s has the unknown type %s", t.name, f.name, f.typ)
			}
			for _, a := range f.args {
				if s.types[a.typ.bare()] == nil {
					return nil, fmt.Errorf("parse GraphQL schema: %s.%s(%s) has the unknown type %s", t.name, f.name, a.name, a.typ)
				}
			}
		}
		for _, n := range t.interfaces {
			if s.types[n] == nil || s.types[n].kind != "interface" {
				return nil, fmt.Errorf("parse GraphQL schema: %s implements %s, which is no interface", t.name, n)
			}
		}
	}
	return s, nil
}

// MustParse is [Parse] for a schema that is part of a program; it panics where Parse has an error.
func MustParse(text string) *Schema {
	s, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return s
}

func (s *Schema) read(text string) (err *Error) {
	defer guard(&err)
	for p := newParser(text); p.tok.kind != ""; {
		t := &typeDef{kind: p.expect("name").text, fields: map[string]*fieldDef{}}
		t.name = p.expect("name").text
		s.types[t.name] = t
		if p.tok.text == "implements" {
			p.advance()
			for p.tok.kind == "name" || p.took("&") {
				t.interfaces = append(t.interfaces, p.expect("name").text)
			}
		}
		switch t.kind {
		case "scalar":
		case "union":
			p.expect("=")
			for t.members = append(t.members, p.expect("name").text); p.took("|"); {
				t.members = append(t.members, p.expect("name").text)
			}
		case "enum":
			for p.expect("{"); !p.took("}"); {
				t.members = append(t.members, p.expect("name").text)
			}
		case "type", "interface", "input":
			for p.expect("{"); !p.took("}"); {
				f := p.fieldDef()
				t.fields[f.name] = f
				t.order = append(t.order, f.name)
			}
		default:
			p.fail()
		}
	}
	return nil
}

func (p *parser) fieldDef() *fieldDef {
	f := &fieldDef{name: p.expect("name").text}
	if p.took("(") {
		for !p.took(")") {
			a := argDef{name: p.expect("name").text}
			p.expect(":")
			a.typ = p.typeRef()
			f.args = append(f.args, a)
		}
	}
	p.expect(":")
	f.typ = p.typeRef()
	return f
}

func (t *typeDef) composite() bool {
	return t.kind == "type" || t.kind == "interface" || t.kind == "union"
}

// overlaps tells whether a value of one type can be of the other.
func (s *Schema) overlaps(a, b *typeDef) bool {
	for _, t := range s.types {
		if t.kind == "type" && s.is(t.name, a) && s.is(t.name, b) {
			return true
		}
	}
	return false
}

// is tells whether objects of the named type belong to a type, an interface or a union.
func (s *Schema) is(name string, t *typeDef) bool {
	return name == t.name || slices.Contains(t.members, name) ||
		s.types[name] != nil && slices.Contains(s.types[name].interfaces, t.name)
}

var typename = &fieldDef{name: "__typename", typ: typeRef{name: "String", nonNull: true}}

func (t *typeDef) field(name string) *fieldDef {
	if name == "__typename" {
		return typename
	}
	return t.fields[name]
}
