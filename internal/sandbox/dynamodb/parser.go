package dynamodb

import (
	"strconv"
	"strings"
)

// A parser reads one expression by recursive descent. A fault of syntax travels as a panic of type
// fault; parse turns it into an error at the border. A fault of meaning, such as a reserved word, is kept
// while the parser reads on, because AWS names a fault of syntax first, wherever it is.
type parser struct {
	source    string
	tokens    []token
	at        int
	scope     *scope
	operators int
	objection *fault
}

// parse runs one production over a whole expression. parameter is the name of the request's member:
// ConditionExpression, UpdateExpression, ...
func parse[T any](parameter, source string, s *scope, production func(*parser) T) (result T, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(fault)
			if !ok {
				panic(r)
			}
			err = validation("Invalid %s: %s", parameter, f.text)
		}
	}()
	if source == "" {
		panic(faultf("The expression can not be empty;"))
	}
	if len(source) > maxExpression {
		panic(faultf("Expression size has exceeded the maximum allowed size; expression size: %d", len(source)))
	}
	p := &parser{source: source, tokens: lex(source), scope: s}
	result = production(p)
	if p.peek().kind != tokenEnd {
		p.unexpected()
	}
	if p.objection != nil {
		panic(*p.objection)
	}
	return result, nil
}

// object keeps the first fault of meaning.
func (p *parser) object(format string, args ...any) {
	if p.objection == nil {
		f := faultf(format, args...)
		p.objection = &f
	}
}

// name resolves a #placeholder.
func (p *parser) name(alias string) string {
	name, ok := p.scope.names[alias]
	if !ok {
		p.object("An expression attribute name used in the document path is not defined; attribute name: %s", alias)
		return alias
	}
	p.scope.usedNames[alias] = true
	return name
}

// value resolves a :placeholder.
func (p *parser) value(alias string) value {
	v, ok := p.scope.values[alias]
	if !ok {
		p.object("An expression attribute value used in expression is not defined; attribute value: %s", alias)
	}
	p.scope.usedValues[alias] = true
	return v
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// take consumes the token when it is of this kind.
func (p *parser) take(kind string) bool {
	if p.peek().kind == kind {
		p.next()
		return true
	}
	return false
}

// takeWord consumes the keyword when it comes next.
func (p *parser) takeWord(word string) bool {
	if p.peek().word == word {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(kind string) {
	if !p.take(kind) {
		p.unexpected()
	}
}

func (p *parser) unexpected() { panic(syntaxFault(p.source, p.tokens, p.at)) }

// count holds an expression to the number of operators and functions that AWS evaluates.
func (p *parser) count() {
	if p.operators++; p.operators > maxOperators {
		p.object("The expression contains too many operators; operator count: %d", p.operators)
	}
}

// An element is one step of a document path: a name, or a list index when name is "".
type element struct {
	name  string
	index int
}

// A path leads to an attribute: a.b[3]. The first element is a name.
type path []element

// String is the path as AWS shows it in error texts: [a, b, [3]].
func (p path) String() string {
	parts := make([]string, len(p))
	for i, e := range p {
		if parts[i] = e.name; e.name == "" {
			parts[i] = "[" + strconv.Itoa(e.index) + "]"
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// in finds the value that the path leads to.
func (p path) in(it item) (value, bool) {
	v, ok := it[p[0].name]
	for _, e := range p[1:] {
		if !ok {
			break
		}
		switch {
		case e.name != "" && v.kind == kindM:
			v, ok = v.tree[e.name]
		case e.name == "" && v.kind == kindL && e.index < len(v.list):
			v = v.list[e.index]
		default:
			ok = false
		}
	}
	return v, ok
}

// path reads name ( "." name | "[" digits "]" )*.
func (p *parser) path() path {
	result := path{{name: p.pathName()}}
	for {
		switch {
		case p.take("."):
			result = append(result, element{name: p.pathName()})
		case p.take("["):
			t := p.peek()
			p.expect(tokenDigits)
			index, err := strconv.ParseInt(t.text, 10, 32)
			if err != nil {
				p.object("List index is not within the allowable range; index: [%s]", t.text)
			}
			p.expect("]")
			result = append(result, element{index: int(index)})
		default:
			if len(result) > maxPath {
				p.object("The document path has too many nesting levels; nesting levels: %d", len(result))
			}
			return result
		}
	}
}

func (p *parser) pathName() string {
	switch t := p.peek(); t.kind {
	case tokenName:
		p.next()
		if isReserved(t.text) {
			p.object("Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		return t.text
	case tokenAlias:
		p.next()
		return p.name(t.text)
	}
	p.unexpected()
	return ""
}

// paths reads a list of document paths and refuses two that touch the same place.
func (p *parser) paths() []path {
	var all []path
	for {
		all = append(all, p.path())
		if !p.take(",") {
			return all
		}
	}
}

// projection reads a ProjectionExpression.
func projection(p *parser) []path {
	all := p.paths()
	p.refuseOverlaps(all)
	return all
}

// refuseOverlaps holds the paths of an update or a projection apart: none may be another or lie within
// another, and none may take for a list what another takes for a map.
func (p *parser) refuseOverlaps(all []path) {
	for i, a := range all {
		for _, b := range all[:i] {
			shared := 0
			for shared < min(len(a), len(b)) && a[shared] == b[shared] {
				shared++
			}
			switch {
			case shared == min(len(a), len(b)):
				p.object("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", b, a)
			case (a[shared].name == "") != (b[shared].name == ""):
				p.object("Two document paths conflict with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", b, a)
			}
		}
	}
}
