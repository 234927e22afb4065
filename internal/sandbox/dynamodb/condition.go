package dynamodb

import "strings"

// A condition is a parsed condition, filter or key condition.
type condition interface {
	// holds evaluates the condition against an item; an absent item is an empty one.
	holds(it item) bool
}

// An operand is what a condition compares, or an update assigns: a path, a value or a function's result.
type operand interface {
	// in gives the operand's value for an item, and false where there is none.
	in(it item) (value, bool)
}

type (
	logical struct { // AND, OR
		word        string
		left, right condition
	}
	negation struct{ of condition }
	// A comparison is left operator right; BETWEEN and IN have more than one right operand, and so do
	// the functions that answer true or false, whose operator is their name.
	comparison struct {
		operator string
		operands []operand
	}
	// A literal is a :value; a size is size(operand).
	literal struct{ value }
	size    struct{ of operand }
	// A group is an operand in parentheses. It exists while parsing only, to refuse double ones.
	group struct{ operand }
)

func (l literal) in(item) (value, bool) { return l.value, true }

func (s size) in(it item) (value, bool) {
	v, ok := s.of.in(it)
	if !ok {
		return value{}, false
	}
	length := 0
	switch v.kind {
	case kindS:
		length = len([]rune(v.text))
	case kindB:
		length = len(v.text)
	case kindM:
		length = len(v.tree)
	case kindN, kindBool, kindNull:
		return value{}, false
	default:
		length = len(v.list)
	}
	return wholeNumber(length), true
}

func (l logical) holds(it item) bool {
	if l.word == "AND" {
		return l.left.holds(it) && l.right.holds(it)
	}
	return l.left.holds(it) || l.right.holds(it)
}

func (n negation) holds(it item) bool { return !n.of.holds(it) }

func (c comparison) holds(it item) bool {
	values := make([]value, len(c.operands))
	present := true
	for i, o := range c.operands {
		v, ok := o.in(it)
		values[i] = v
		present = present && ok
	}
	switch c.operator {
	case "attribute_exists":
		return present
	case "attribute_not_exists":
		return !present
	case "<>": // a missing operand is unequal to everything
		return !present || !values[0].equal(values[1])
	case "IN":
		_, ok := c.operands[0].in(it)
		for i, o := range c.operands[1:] {
			if _, there := o.in(it); ok && there && values[0].equal(values[i+1]) {
				return true
			}
		}
		return false
	}
	return present && compareValues(c.operator, values)
}

// compareValues evaluates an operator all of whose operands are there.
func compareValues(operator string, v []value) bool {
	switch operator {
	case "=":
		return v[0].equal(v[1])
	case "<":
		return v[0].ordered(v[1]) && v[0].compare(v[1]) < 0
	case "<=":
		return v[0].ordered(v[1]) && v[0].compare(v[1]) <= 0
	case ">":
		return v[0].ordered(v[1]) && v[0].compare(v[1]) > 0
	case ">=":
		return v[0].ordered(v[1]) && v[0].compare(v[1]) >= 0
	case "BETWEEN":
		return compareValues(">=", v[:2]) && compareValues("<=", []value{v[0], v[2]})
	case "attribute_type":
		return v[1].kind == kindS && v[0].kind == v[1].text
	case "begins_with":
		return v[0].kind == v[1].kind && (v[0].kind == kindS || v[0].kind == kindB) && strings.HasPrefix(v[0].text, v[1].text)
	case "contains":
		return contains(v[0], v[1])
	}
	return false
}

// contains looks for a part of a string or binary, for a member of a set, or for an element of a list.
func contains(whole, part value) bool {
	if whole.kind == kindS || whole.kind == kindB {
		return whole.kind == part.kind && strings.Contains(whole.text, part.text)
	}
	for _, member := range whole.list {
		if member.equal(part) {
			return true
		}
	}
	return false
}
