package graphql

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checker finds everything that is wrong with a document before any of it is executed.
type checker struct {
	schema *Schema
	doc    *document
	errors []*Error
	// used are the variables that the operation under inspection uses, with the places.
	used    map[string]Location
	entered []string // fragments on the way, to find cycles
	spread  map[string]bool
	op      *operation
}

func (c *checker) add(at Location, path []any, code string, more map[string]any, format string, args ...any) {
	extensions := map[string]any{"code": code}
	maps.Copy(extensions, more)
	c.errors = append(c.errors, &Error{Message: fmt.Sprintf(format, args...), Locations: []Location{at},
		Path: slices.Clone(path), Extensions: extensions})
}

func (c *checker) check() []*Error {
	c.spread = map[string]bool{}
	for _, op := range c.doc.operations {
		c.op, c.used = op, map[string]Location{}
		c.selections(c.schema.types["Query"], op.selections, []any{op.title()})
		declared := map[string]bool{}
		title := strings.TrimSpace(op.name)
		if title == "" {
			title = "anonymous query"
		}
		for _, v := range op.variables {
			declared[v.name] = true
			if t := c.schema.types[v.typ.bare()]; t == nil || t.composite() {
				c.add(v.at, []any{op.title()}, "variableRequiresValidType", map[string]any{"typeName": v.typ.bare(), "variableName": v.name},
					"%s isn't a defined input type (on $%s)", v.typ.bare(), v.name)
			}
			if _, used := c.used[v.name]; !used {
				c.add(v.at, []any{op.title()}, "variableNotUsed", map[string]any{"variableName": v.name},
					"Variable $%s is declared by %s but not used", v.name, title)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(c.used)) {
			if !declared[name] {
				c.add(c.used[name], []any{op.title()}, "variableNotDefined", map[string]any{"variableName": name},
					"Variable $%s is used by %s but not declared", name, title)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.doc.fragments)) {
		if f := c.doc.fragments[name]; !c.spread[name] {
			c.add(f.at, []any{"fragment " + name}, "useAndDefineFragment", map[string]any{"fragmentName": name},
				"Fragment %s was defined, but not used", name)
		}
	}
	return c.errors
}

func (c *checker) selections(t *typeDef, list []selection, path []any) {
	seen := map[string]selection{}
	for _, s := range list {
		c.directives(s, path)
		switch {
		case s.inline:
			c.inline(t, s, path)
		case s.spread != "":
			c.fragment(t, s, path)
		default:
			if old, ok := seen[s.key()]; ok && (old.name != s.name || fmt.Sprint(old.arguments0()) != fmt.Sprint(s.arguments0())) {
				c.add(s.at, path, "fieldConflict", map[string]any{"fieldName": s.key(), "conflicts": old.name + " or " + s.name},
					"Field '%s' has a field conflict: %s%v or %s%v?", s.key(), old.name, old.arguments0(), s.name, s.arguments0())
			}
			seen[s.key()] = s
			c.field(t, s, path)
		}
	}
}

// arguments0 are the arguments without their places.
func (s selection) arguments0() []string {
	var list []string
	for _, a := range s.arguments {
		list = append(list, a.name+": "+a.value.String())
	}
	return list
}

func (c *checker) inline(t *typeDef, s selection, path []any) {
	on := t
	if s.on != "" {
		on = c.condition(t, s.on, s.at, path, "inline fragment")
	}
	if on != nil {
		c.selections(on, s.selections, append(path, "... on "+on.name))
	}
}

// condition finds the type of a fragment and checks that it can apply.
func (c *checker) condition(t *typeDef, name string, at Location, path []any, what string) *typeDef {
	on := c.schema.types[name]
	switch {
	case on == nil:
		c.add(at, path, "undefinedType", map[string]any{"typeName": name}, "No such type %s, so it can't be a fragment condition", name)
		return nil
	case !on.composite():
		c.add(at, path, "fragmentOnNonCompositeType", map[string]any{"typeName": name},
			"Invalid fragment on type %s (must be Union, Interface or Object)", name)
		return nil
	case !c.schema.overlaps(t, on):
		c.add(at, path, "cannotSpreadFragment", map[string]any{"typeName": on.name, "fragmentName": what, "parentName": t.name},
			"Fragment on %s can't be spread inside %s", on.name, t.name)
		return nil
	}
	return on
}

func (c *checker) fragment(t *typeDef, s selection, path []any) {
	f := c.doc.fragments[s.spread]
	switch {
	case f == nil:
		c.add(s.at, path, "useAndDefineFragment", map[string]any{"fragmentName": s.spread},
			"Fragment %s was used, but not defined", s.spread)
		return
	case slices.Contains(c.entered, s.spread):
		c.add(s.at, path, "infiniteLoop", map[string]any{"fragmentName": s.spread}, "Fragment %s contains an infinite loop", s.spread)
		return
	}
	c.spread[s.spread] = true
	if on := c.condition(t, f.on, f.at, path, s.spread); on != nil {
		c.entered = append(c.entered, s.spread)
		c.selections(on, f.selections, []any{"fragment " + f.name})
		c.entered = c.entered[:len(c.entered)-1]
	}
}

func (c *checker) field(t *typeDef, s selection, path []any) {
	path = append(slices.Clone(path), s.key())
	f := t.field(s.name)
	if f == nil {
		c.add(s.at, path, "undefinedField", map[string]any{"typeName": t.name, "fieldName": s.name},
			"Field '%s' doesn't exist on type '%s'", s.name, t.name)
		return
	}
	c.arguments("Field", s.name, f.args, s.arguments, s.at, path)
	of := c.schema.types[f.typ.bare()]
	switch {
	case of.composite() && len(s.selections) == 0:
		c.add(s.at, path, "selectionMismatch", map[string]any{"nodeName": "field '" + s.name + "'", "typeName": of.name},
			"Field must have selections (field '%s' returns %s but has no selections. Did you mean '%s { ... }'?)", s.name, of.name, s.name)
	case !of.composite() && len(s.selections) > 0:
		var names []string
		for _, x := range s.selections {
			names = append(names, fmt.Sprintf("%q", x.name))
		}
		c.add(s.at, path, "selectionMismatch", map[string]any{"nodeName": "field '" + s.name + "'", "typeName": of.name},
			"Selections can't be made on scalars (field '%s' returns %s but has selections [%s])", s.name, of.name, strings.Join(names, ", "))
	case of.composite():
		c.selections(of, s.selections, path)
	}
}

var condition = []argDef{{name: "if", typ: typeRef{name: "Boolean", nonNull: true}}}

func (c *checker) directives(s selection, path []any) {
	for _, d := range s.directives {
		if d.name != "include" && d.name != "skip" {
			c.add(d.at, path, "undefinedDirective", map[string]any{"directiveName": d.name}, "Directive @%s is not defined", d.name)
			continue
		}
		c.arguments("Directive", d.name, condition, d.arguments, d.at, path)
	}
}

func (c *checker) arguments(kind, name string, defs []argDef, given []argument, at Location, path []any) {
	for _, a := range given {
		i := slices.IndexFunc(defs, func(d argDef) bool { return d.name == a.name })
		if i < 0 {
			c.add(a.at, append(path, a.name), "argumentNotAccepted", map[string]any{"name": name, "typeName": kind, "argumentName": a.name},
				"%s '%s' doesn't accept argument '%s'", kind, name, a.name)
			c.mark(a.value, a.at)
			continue
		}
		c.argument(kind, name, defs[i], a, path)
	}
	var missing []string
	for _, d := range defs {
		if d.typ.nonNull && !slices.ContainsFunc(given, func(a argument) bool { return a.name == d.name }) {
			missing = append(missing, d.name)
		}
	}
	if len(missing) > 0 {
		c.add(at, path, "missingRequiredArguments", map[string]any{"className": kind, "name": name, "arguments": strings.Join(missing, ", ")},
			"%s '%s' is missing required arguments: %s", kind, name, strings.Join(missing, ", "))
	}
}

func (c *checker) argument(kind, name string, def argDef, a argument, path []any) {
	c.mark(a.value, a.at)
	if a.value.kind == "variable" {
		for _, v := range c.op.variables {
			if v.name == a.value.text && !fits(v, def.typ) {
				c.add(a.at, append(path, a.name), "variableMismatch", map[string]any{"variableName": v.name, "typeName": v.typ.String(), "argumentName": a.name, "errorMessage": "Type mismatch"},
					"Type mismatch on variable $%s and argument %s (%s / %s)", v.name, a.name, v.typ, def.typ)
			}
		}
		return
	}
	if !c.schema.accepts(def.typ, a.value) {
		c.add(a.at, append(path, a.name), "argumentLiteralsIncompatible", map[string]any{"typeName": kind, "argumentName": a.name},
			"Argument '%s' on %s '%s' has an invalid value (%s). Expected type '%s'.", a.name, kind, name, a.value, def.typ)
	}
}

// mark notes the variables that a value uses.
func (c *checker) mark(l literal, at Location) {
	if l.kind == "variable" {
		c.used[l.text] = at
	}
	for _, x := range l.list {
		c.mark(x, at)
	}
	for _, m := range l.members {
		c.mark(m.value, m.at)
	}
}

// fits tells whether a variable may stand where a type is wanted.
func fits(v variable, want typeRef) bool {
	have := v.typ
	if v.fallback != nil && v.fallback.kind != "null" {
		have.nonNull = true
	}
	for {
		if want.nonNull && !have.nonNull {
			return false
		}
		if want.of == nil || have.of == nil {
			return want.of == nil && have.of == nil && want.name == have.name || want.of != nil && want.of.name == have.name
		}
		want, have = *want.of, *have.of
	}
}

// accepts judges a literal.
func (s *Schema) accepts(t typeRef, l literal) bool {
	switch {
	case l.kind == "variable":
		return true
	case l.kind == "null":
		return !t.nonNull
	case t.of != nil && l.kind == "list":
		return !slices.ContainsFunc(l.list, func(x literal) bool { return !s.accepts(*t.of, x) })
	case t.of != nil:
		return s.accepts(*t.of, l)
	}
	def := s.types[t.name]
	switch {
	case def.kind == "enum":
		return l.kind == "enum" && slices.Contains(def.members, l.text)
	case def.kind == "input":
		return l.kind == "object" && s.acceptsMembers(def, l)
	case t.name == "Int":
		return l.kind == "int"
	case t.name == "Float":
		return l.kind == "int" || l.kind == "float"
	case t.name == "Boolean":
		return l.kind == "bool"
	case t.name == "ID":
		return l.kind == "string" || l.kind == "int"
	default:
		return l.kind == "string"
	}
}

func (s *Schema) acceptsMembers(def *typeDef, l literal) bool {
	given := map[string]bool{}
	for _, m := range l.members {
		f := def.fields[m.name]
		if f == nil || !s.accepts(f.typ, m.value) {
			return false
		}
		given[m.name] = true
	}
	for _, name := range def.order {
		if def.fields[name].typ.nonNull && !given[name] {
			return false
		}
	}
	return true
}
