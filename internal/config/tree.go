package config

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A kind is what a YAML value is. Kinds add up to the set of those that are accepted.
type kind uint8

const (
	isText kind = 1 << iota
	isInteger
	isNumber
	isBoolean
	isNull
	isMapping
	isList
)

// A node is a YAML value that knows where it stands. An input's value is a node as well, so that it can take the
// place of the file's.
type node struct {
	kind    kind
	text    string // of a scalar
	entries []entry
	items   []*node
	where   promotion.Where // of the value
	at      promotion.Where // of its key, where it has one

	bad     bool   // a fault was reported: it has no usable value
	checked *shape // what it was checked against, so that an alias's target is checked once
}

type entry struct {
	name  string
	where promotion.Where
	value *node
}

// get is the usable value of a mapping's key, nil if there is none.
func (n *node) get(name string) *node {
	if n == nil || n.kind != isMapping {
		return nil
	}
	for _, e := range n.entries {
		if e.name == name && !e.value.bad {
			return e.value
		}
	}
	return nil
}

// value is the text of a scalar, "" if there is none.
func (n *node) value() string {
	if n == nil || n.bad {
		return ""
	}
	return n.text
}

func textNode(text string, where promotion.Where) *node {
	return &node{kind: isText, text: text, where: where, at: where}
}

// A planter grows our tree from the parser's: aliases are followed, merge keys carried out, tags refused.
type planter struct {
	faults  *faults
	place   promotion.Where // the file or input
	anchors map[string]*node
}

func (p *planter) where(tk *token.Token) promotion.Where {
	w := p.place
	if tk != nil && tk.Position != nil {
		w.Line, w.Column = tk.Position.Line, tk.Position.Column
	}
	return w
}

func (p *planter) plant(n ast.Node) *node {
	if n == nil {
		return &node{kind: isNull, where: p.place, at: p.place}
	}
	w := p.where(n.GetToken())
	leaf := func(k kind, text string) *node { return &node{kind: k, text: text, where: w, at: w} }
	switch n := n.(type) {
	case *ast.StringNode:
		return leaf(isText, n.Value)
	case *ast.LiteralNode:
		return leaf(isText, n.Value.Value)
	case *ast.IntegerNode:
		return leaf(isInteger, n.Token.Value)
	case *ast.FloatNode:
		return leaf(isNumber, n.Token.Value)
	case *ast.BoolNode:
		return leaf(isBoolean, n.Token.Value)
	case *ast.InfinityNode, *ast.NanNode:
		return leaf(isNumber, n.GetToken().Value)
	case *ast.NullNode:
		return leaf(isNull, "")
	case *ast.MappingNode:
		return p.mapping(n, w)
	case *ast.MappingValueNode:
		return p.mapping(&ast.MappingNode{Values: []*ast.MappingValueNode{n}}, p.where(n.Key.GetToken()))
	case *ast.SequenceNode:
		list := leaf(isList, "")
		for _, item := range n.Values {
			list.items = append(list.items, p.plant(item))
		}
		return list
	case *ast.AnchorNode:
		target := p.plant(n.Value)
		p.anchors[n.Name.String()] = target
		return target
	case *ast.AliasNode:
		return p.alias(n, w)
	case *ast.TagNode:
		p.faults.add(promotion.Fault{Where: w, What: fmt.Sprintf("YAML tags such as %s are not supported", clip(n.Start.Value)),
			Hint: "leave the tag out, and put text in quotes"})
	case *ast.MappingKeyNode:
		return p.plant(n.Value)
	default:
		p.faults.add(promotion.Fault{Where: w, What: fmt.Sprintf("%s has no meaning here", quote(n.String())), Hint: "put text in quotes"})
	}
	return &node{kind: isNull, where: w, at: w, bad: true}
}

func (p *planter) alias(n *ast.AliasNode, w promotion.Where) *node {
	name := n.Value.String()
	target, known := p.anchors[name]
	if !known {
		p.faults.add(promotion.Fault{Where: w, What: fmt.Sprintf("the alias *%s has no anchor &%s before it", clip(name), clip(name)),
			Hint: "put text that begins with * in quotes"})
		return &node{kind: isNull, where: w, at: w, bad: true}
	}
	here := *target
	here.at = w
	return &here
}

func (p *planter) mapping(n *ast.MappingNode, w promotion.Where) *node {
	m := &node{kind: isMapping, where: w, at: w}
	if !n.IsFlowStyle && len(n.Values) > 0 {
		m.where = p.where(n.Values[0].Key.GetToken())
		m.at = m.where
	}
	var merged []entry
	for _, v := range n.Values {
		at := p.where(v.Key.GetToken())
		value := p.plant(v.Value)
		if _, merges := v.Key.(*ast.MergeKeyNode); merges {
			merged = append(merged, p.merge(value)...)
			continue
		}
		name, usable := p.key(v.Key)
		if !usable {
			continue
		}
		value.at = at
		if value.kind == isNull {
			value.where = at
		}
		m.entries = append(m.entries, entry{name: name, where: at, value: value})
	}
	for _, e := range merged {
		if !m.has(e.name) {
			m.entries = append(m.entries, e)
		}
	}
	return m
}

func (n *node) has(name string) bool {
	for _, e := range n.entries {
		if e.name == name {
			return true
		}
	}
	return false
}

// merge gives the entries that a merge key (<<) brings: those of one mapping, or of several in a list.
func (p *planter) merge(value *node) []entry {
	switch value.kind {
	case isMapping:
		return value.entries
	case isList:
		var all []entry
		for _, item := range value.items {
			all = append(all, p.merge(item)...)
		}
		return all
	}
	if !value.bad {
		p.faults.add(promotion.Fault{Where: value.where, What: "<< takes a mapping, or a list of mappings", Hint: "name an anchor, as in <<: *defaults"})
	}
	return nil
}

// key is a mapping's key as text. Numbers and booleans are names as they are written.
func (p *planter) key(key ast.MapKeyNode) (string, bool) {
	var n ast.Node = key
	if explicit, ok := n.(*ast.MappingKeyNode); ok {
		n = explicit.Value
	}
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value), true
	}
	p.faults.add(promotion.Fault{Where: p.where(key.GetToken()), What: "a key has to be plain text", Accepted: "a key such as checkout, or one in quotes"})
	return "", false
}
