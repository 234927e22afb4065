package graphql

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// variables checks the values that came with a query against what the operation declares.
func (s *Schema) variables(op *operation, given map[string]any) (map[string]any, []*Error) {
	values := map[string]any{}
	var errs []*Error
	for _, v := range op.variables {
		value, ok := given[v.name]
		if !ok && v.fallback != nil {
			values[v.name] = constant(*v.fallback, nil)
			continue
		}
		if !ok && !v.typ.nonNull {
			continue
		}
		if problem := s.coerce(v.typ, value); problem != "" {
			errs = append(errs, &Error{
				Message:   fmt.Sprintf("Variable $%s of type %s was provided invalid value", v.name, v.typ),
				Locations: []Location{v.at},
				Extensions: map[string]any{"value": value, "problems": []any{
					map[string]any{"path": []any{}, "explanation": problem}}},
			})
			continue
		}
		values[v.name] = value
	}
	return values, errs
}

// coerce says what is wrong with a JSON value for a type, or "".
func (s *Schema) coerce(t typeRef, v any) string {
	if v == nil {
		if t.nonNull {
			return "Expected value to not be null"
		}
		return ""
	}
	if t.of != nil {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, x := range list {
			if problem := s.coerce(*t.of, x); problem != "" {
				return problem
			}
		}
		return ""
	}
	wrong := fmt.Sprintf("Could not coerce value %v to %s", v, t.name)
	text, isText := v.(string)
	number, isNumber := v.(float64)
	if isText {
		wrong = fmt.Sprintf("Could not coerce value %q to %s", text, t.name)
	}
	good := false
	switch def := s.types[t.name]; {
	case def.kind == "enum":
		if !isText || !slices.Contains(def.members, text) {
			return fmt.Sprintf("Expected %q to be one of: %v", fmt.Sprint(v), def.members)
		}
		good = true
	case def.kind == "input":
		members, ok := v.(map[string]any)
		for name, x := range members {
			if f := def.fields[name]; f == nil || s.coerce(f.typ, x) != "" {
				return "Field is not defined on " + def.name
			}
		}
		good = ok
	case t.name == "Int":
		good = isNumber && number == math.Trunc(number)
	case t.name == "Float":
		good = isNumber
	case t.name == "Boolean":
		_, good = v.(bool)
	case t.name == "ID":
		good = isText || isNumber
	default:
		good = isText
	}
	if !good {
		return wrong
	}
	return ""
}

// constant is the Go value of a literal; integers are int.
func constant(l literal, variables map[string]any) any {
	switch l.kind {
	case "variable":
		return variables[l.text]
	case "int":
		n, _ := strconv.Atoi(l.text) // the lexer has seen to the digits
		return n
	case "float":
		f, _ := strconv.ParseFloat(l.text, 64)
		return f
	case "bool":
		return l.text == "true"
	case "null":
		return nil
	case "list":
		list := []any{}
		for _, x := range l.list {
			list = append(list, constant(x, variables))
		}
		return list
	case "object":
		m := map[string]any{}
		for _, a := range l.members {
			m[a.name] = constant(a.value, variables)
		}
		return m
	default:
		return l.text
	}
}

type executor struct {
	schema    *Schema
	doc       *document
	variables map[string]any
	errors    []*Error
}

func (x *executor) arguments(given []argument) map[string]any {
	args := map[string]any{}
	for _, a := range given {
		if a.value.kind == "variable" {
			if _, ok := x.variables[a.value.text]; !ok {
				continue
			}
		}
		v := constant(a.value, x.variables)
		if f, ok := v.(float64); ok && f == math.Trunc(f) {
			v = int(f)
		}
		args[a.name] = v
	}
	return args
}

// collect flattens fragments into the fields that apply to an object, in order, same keys together.
func (x *executor) collect(typ string, list []selection, into *[]selection) {
	for _, s := range list {
		if !x.included(s) {
			continue
		}
		switch {
		case s.inline:
			if s.on == "" || x.schema.is(typ, x.schema.types[s.on]) {
				x.collect(typ, s.selections, into)
			}
		case s.spread != "":
			if f := x.doc.fragments[s.spread]; x.schema.is(typ, x.schema.types[f.on]) {
				x.collect(typ, f.selections, into)
			}
		default:
			if i := slices.IndexFunc(*into, func(o selection) bool { return o.key() == s.key() }); i >= 0 {
				(*into)[i].selections = append(slices.Clone((*into)[i].selections), s.selections...)
				continue
			}
			*into = append(*into, s)
		}
	}
}

func (x *executor) included(s selection) bool {
	for _, d := range s.directives {
		on, _ := x.arguments(d.arguments)["if"].(bool)
		if on == (d.name == "skip") {
			return false
		}
	}
	return true
}

// object executes selections on an object. It is false when a field that cannot be null is.
func (x *executor) object(t *typeDef, v Value, list []selection, path []any) (any, bool) {
	if name, ok := v["__typename"].(string); ok && x.schema.types[name] != nil {
		t = x.schema.types[name]
	}
	var fields []selection
	x.collect(t.name, list, &fields)
	out := map[string]any{}
	for _, s := range fields {
		at := append(slices.Clone(path), s.key())
		f := t.field(s.name)
		if s.name == "__typename" {
			out[s.key()] = t.name
			continue
		}
		value, err := x.resolve(v, s)
		if err != nil {
			var known *Error
			if !errors.As(err, &known) {
				known = &Error{Message: err.Error()}
			}
			e := *known
			e.Path, e.Locations = at, []Location{s.at}
			x.errors = append(x.errors, &e)
		}
		done, ok := x.complete(f.typ, value, s.selections, at)
		if !ok {
			return nil, false
		}
		out[s.key()] = done
	}
	return out, true
}

func (x *executor) resolve(v Value, s selection) (any, error) {
	value, ok := v[s.name]
	if !ok {
		return nil, fmt.Errorf("the sandbox has no value for %s.%s", v["__typename"], s.name)
	}
	if r, ok := value.(Resolver); ok {
		return r(x.arguments(s.arguments))
	}
	return value, nil
}

// complete fits a value to its type; false is a null that may not be.
func (x *executor) complete(t typeRef, value any, list []selection, path []any) (any, bool) {
	if value == nil {
		return nil, !t.nonNull
	}
	if t.of != nil {
		items, _ := value.([]any)
		out := make([]any, 0, len(items))
		for i, item := range items {
			done, ok := x.complete(*t.of, item, list, append(slices.Clone(path), i))
			if !ok {
				return nil, !t.nonNull
			}
			out = append(out, done)
		}
		return out, true
	}
	if v, ok := value.(Value); ok && x.schema.types[t.name].composite() {
		done, ok := x.object(x.schema.types[t.name], v, list, path)
		return done, ok || !t.nonNull
	}
	return value, true
}
