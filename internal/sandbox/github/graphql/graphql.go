// Package graphql answers GraphQL queries over plain Go values: the part of the language that clients
// of GitHub use (one or more named operations, fields, arguments, aliases, variables, fragments,
// include and skip), checked strictly against a schema, with refusals worded as graphql-ruby words
// them, which is what GitHub runs.
//
// A schema is written in GraphQL's own definition language. A value of an object type is a [Value]: a
// map from field to value, where a [Resolver] stands for a value that is computed when it is asked for.
package graphql

import (
	"fmt"
)

// A Value is an object: its fields by name, and under "__typename" the name of its type.
type Value = map[string]any

// A Resolver computes the value of a field from its arguments. Arguments that were not given are absent.
// An [*Error] as error keeps its type and message.
type Resolver func(args map[string]any) (any, error)

// A Location is a place in the query's text; both count from 1.
type Location struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// An Error is one entry of an answer's list of errors.
type Error struct {
	Type       string         `json:"type,omitempty"`
	Path       []any          `json:"path,omitempty"`
	Extensions map[string]any `json:"extensions,omitempty"`
	Locations  []Location     `json:"locations,omitempty"`
	Message    string         `json:"message"`
}

func (e *Error) Error() string { return e.Message }

// An Answer is what a query gives. Data is absent when nothing was executed.
type Answer struct {
	Data   any      `json:"data,omitempty"`
	Errors []*Error `json:"errors,omitempty"`
}

// Do checks and executes the operation of a query. Operation may be empty when there is only one.
func (s *Schema) Do(query, operation string, variables map[string]any, root Value) Answer {
	doc, err := parse(query)
	if err != nil {
		return Answer{Errors: []*Error{err}}
	}
	op, err := doc.choose(operation)
	if err != nil {
		return Answer{Errors: []*Error{err}}
	}
	if op.kind != "query" {
		return Answer{Errors: []*Error{{Message: fmt.Sprintf("Schema is not configured for %ss", op.kind),
			Locations: []Location{op.at}, Path: []any{op.title()}, Extensions: map[string]any{"code": "missing" + op.kind + "Configuration"}}}}
	}
	c := &checker{schema: s, doc: doc}
	if errs := c.check(); len(errs) > 0 {
		return Answer{Errors: errs}
	}
	values, errs := s.variables(op, variables)
	if len(errs) > 0 {
		return Answer{Errors: errs}
	}
	x := &executor{schema: s, doc: doc, variables: values}
	data, ok := x.object(s.types["Query"], root, op.selections, nil)
	if !ok {
		data = nil
	}
	return Answer{Data: data, Errors: x.errors}
}

func (d *document) choose(name string) (*operation, *Error) {
	if name == "" && len(d.operations) == 1 {
		return d.operations[0], nil
	}
	if name == "" {
		return nil, &Error{Message: "An operation name is required"}
	}
	for _, op := range d.operations {
		if op.name == name {
			return op, nil
		}
	}
	return nil, &Error{Message: fmt.Sprintf("No operation named %q", name)}
}
