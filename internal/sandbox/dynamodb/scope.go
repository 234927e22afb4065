package dynamodb

import (
	"maps"
	"slices"
	"strings"
)

// The most that one expression may hold.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxExpression = 4096
	maxOperators  = 300
	maxInOperands = 100
	maxPath       = 32
)

// A scope is what the expressions of one request share: the names and values that stand behind their
// placeholders, and which of them were used. One that stays unused is refused, as in AWS.
type scope struct {
	names      map[string]string
	values     item
	usedNames  map[string]bool
	usedValues map[string]bool
}

// newScope checks the two maps. given says whether the request holds an expression at all, and
// optional lists the expression parameters that could use values, for AWS's text when none is there.
func newScope(names map[string]string, values item, given bool, optional ...string) (*scope, error) {
	s := &scope{names: names, values: values, usedNames: map[string]bool{}, usedValues: map[string]bool{}}
	if names != nil && !given {
		return nil, validation("ExpressionAttributeNames can only be specified when using expressions")
	}
	if values != nil && !given {
		verb := " is null"
		if len(optional) > 1 {
			verb = " are null"
		}
		return nil, validation("ExpressionAttributeValues can only be specified when using expressions: %s", strings.Join(optional, " and ")+verb)
	}
	if names != nil && len(names) == 0 {
		return nil, validation("ExpressionAttributeNames must not be empty")
	}
	if values != nil && len(values) == 0 {
		return nil, validation("ExpressionAttributeValues must not be empty")
	}
	for _, key := range sortedKeys(names) {
		if !placeholder(key, '#') {
			return nil, validation("ExpressionAttributeNames contains invalid key: Syntax error; key: \"%s\"", key)
		}
		if names[key] == "" {
			return nil, validation("ExpressionAttributeNames contains invalid value: Empty attribute name for key %s", key)
		}
	}
	for _, key := range sortedKeys(values) {
		if !placeholder(key, ':') {
			return nil, validation("ExpressionAttributeValues contains invalid key: Syntax error; key: \"%s\"", key)
		}
		if f := values[key].fault; f != "" {
			return nil, validation("ExpressionAttributeValues contains invalid value: %s for key %s", f, key)
		}
	}
	return s, nil
}

func placeholder(key string, sign byte) bool {
	return len(key) > 1 && key[0] == sign && run(key, 1, wordByte) == len(key)
}

// done refuses what no expression has used.
func (s *scope) done() error {
	if unused := unusedOf(s.names, s.usedNames); unused != "" {
		return validation("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", unused)
	}
	if unused := unusedOf(s.values, s.usedValues); unused != "" {
		return validation("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", unused)
	}
	return nil
}

func unusedOf[V any, M ~map[string]V](given M, used map[string]bool) string {
	return strings.Join(slices.DeleteFunc(sortedKeys(given), func(key string) bool { return used[key] }), ", ")
}

func sortedKeys[V any, M ~map[string]V](m M) []string { return slices.Sorted(maps.Keys(m)) }
