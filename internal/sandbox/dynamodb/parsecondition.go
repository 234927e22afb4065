package dynamodb

import "strings"

// parseCondition reads a ConditionExpression, FilterExpression or KeyConditionExpression.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
func parseCondition(parameter, source string, s *scope) (condition, error) {
	return parse(parameter, source, s, func(p *parser) condition { return p.condition(p.disjunction()) })
}

// condition takes the result of a production that may have read an operand alone, such as (a), and
// insists on a condition.
func (p *parser) condition(node any) condition {
	c, ok := node.(condition)
	if !ok {
		p.unexpected()
	}
	return c
}

func (p *parser) disjunction() any {
	left := p.conjunction()
	for p.peek().word == "OR" {
		l := p.condition(left)
		p.next()
		p.count()
		left = logical{word: "OR", left: l, right: p.condition(p.conjunction())}
	}
	return left
}

func (p *parser) conjunction() any {
	left := p.inversion()
	for p.peek().word == "AND" {
		l := p.condition(left)
		p.next()
		p.count()
		left = logical{word: "AND", left: l, right: p.condition(p.inversion())}
	}
	return left
}

func (p *parser) inversion() any {
	if p.takeWord("NOT") {
		p.count()
		return negation{p.condition(p.inversion())}
	}
	return p.predicate()
}

// A grouped is a condition in parentheses. It exists while parsing only, to refuse double ones.
type grouped struct{ condition }

// predicate reads a comparison, a function that answers true or false, or what stands in parentheses.
// Inside parentheses an operand alone is let through, for "(a) = (b)".
func (p *parser) predicate() any {
	var left operand
	if p.peek().kind == "(" {
		switch inner := p.parentheses().(type) {
		case operand:
			left = group{inner}
		default:
			return inner
		}
	} else {
		name := p.peek().text
		node := p.term()
		if test, ok := node.(comparison); ok {
			if p.comparator() != "" {
				panic(misused(name))
			}
			return test
		}
		left = node.(operand)
	}
	switch operator := p.comparator(); operator {
	case "":
		if p.peek().kind == ")" && p.grouping() {
			return left
		}
		if _, ok := left.(size); ok {
			panic(misused("size"))
		}
		p.unexpected()
		return nil
	case "BETWEEN":
		p.next()
		low := p.operand()
		if !p.takeWord("AND") {
			p.unexpected()
		}
		return p.check(operator, left, low, p.operand())
	case "IN":
		p.next()
		p.expect("(")
		operands := []operand{left}
		for {
			operands = append(operands, p.operand())
			if !p.take(",") {
				break
			}
		}
		p.expect(")")
		if n := len(operands) - 1; n > maxInOperands {
			p.object("The IN operator is provided with too many operands; number of operands: %d", n)
		}
		return p.check(operator, operands...)
	default:
		p.next()
		return p.check(operator, left, p.operand())
	}
}

func misused(function string) fault {
	return faultf("The function is not allowed to be used this way in an expression; function: %s", function)
}

// grouping says whether the parser stands within parentheses that its caller will close.
func (p *parser) grouping() bool {
	open := 0
	for _, t := range p.tokens[:p.at] {
		switch t.kind {
		case "(":
			open++
		case ")":
			open--
		}
	}
	return open > 0
}

// parentheses reads "(" condition-or-operand ")" and refuses another pair directly within.
func (p *parser) parentheses() any {
	p.expect("(")
	inner := p.disjunction()
	p.expect(")")
	switch node := inner.(type) {
	case group, grouped:
		panic(faultf("The expression has redundant parentheses;"))
	case operand:
		return node
	case condition:
		return grouped{node}
	}
	return inner
}

// comparator is the operator that comes next, or "".
func (p *parser) comparator() string {
	switch t := p.peek(); t.kind {
	case "=", "<>", "<", "<=", ">", ">=":
		return t.kind
	case tokenKeyword:
		if t.word == "BETWEEN" || t.word == "IN" {
			return t.word
		}
	}
	return ""
}

// operand reads a path, a value, size(...) or one of these in parentheses.
func (p *parser) operand() operand {
	if p.take("(") {
		inner := p.operand()
		p.expect(")")
		if _, double := inner.(group); double {
			panic(faultf("The expression has redundant parentheses;"))
		}
		return group{inner}
	}
	name := p.peek().text
	o, ok := p.term().(operand)
	if !ok {
		panic(misused(name))
	}
	return o
}

// term reads a path, a value or a function with its operands: an operand, or a comparison for the
// functions that answer true or false.
func (p *parser) term() any {
	t := p.peek()
	switch {
	case t.kind == tokenValue:
		p.next()
		return literal{p.value(t.text)}
	case t.kind == tokenName && p.tokens[p.at+1].kind == "(":
		return p.function()
	default:
		return p.path()
	}
}

// The functions of conditions and how many operands they take. size is the one that gives a value.
var conditionFunctions = map[string]int{
	"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
}

func (p *parser) function() any {
	name := p.next().text
	p.next()
	operands := p.arguments(p.operand)
	arity, known := conditionFunctions[name]
	if !known {
		if name == "if_not_exists" || name == "list_append" {
			panic(faultf("The function is not allowed in a condition expression; function: %s", name))
		}
		panic(faultf("Invalid function name; function: %s", name))
	}
	if len(operands) != arity {
		panic(wrongCount(name, len(operands)))
	}
	if name == "size" {
		p.count()
		of := ungroup(operands[0])
		if kind := staticKind(of); kind == kindN || kind == kindBool || kind == kindNull {
			p.object(wrongOperand, name, kind)
		}
		return size{of}
	}
	return p.check(name, operands...)
}

func wrongCount(function string, n int) fault {
	return faultf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", function, n)
}

// arguments reads operands up to the closing parenthesis.
func (p *parser) arguments(read func() operand) []operand {
	var all []operand
	for {
		all = append(all, read())
		if !p.take(",") {
			break
		}
	}
	p.expect(")")
	return all
}

const wrongOperand = "Incorrect operand type for operator or function; operator or function: %s, operand type: %s"

func ungroup(o operand) operand {
	if g, ok := o.(group); ok {
		return g.operand
	}
	return o
}

// staticKind is the type of an operand where it is known before an item is seen, or "".
func staticKind(o operand) string {
	switch o := o.(type) {
	case literal:
		return o.kind
	case size:
		return kindN
	}
	return ""
}

// check holds a comparison to the rules that do not depend on an item.
func (p *parser) check(operator string, operands ...operand) comparison {
	p.count()
	for i := range operands {
		operands[i] = ungroup(operands[i])
	}
	if first, ok := operands[0].(path); ok {
		for _, other := range operands[1:] {
			if same, ok := other.(path); ok && same.String() == first.String() {
				p.object("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", operator, first)
			}
		}
	}
	switch operator {
	case "attribute_exists", "attribute_not_exists":
		if _, ok := operands[0].(path); !ok {
			p.object("Operator or function requires a document path; operator or function: %s", operator)
		}
	case "attribute_type":
		p.checkTypeName(operands[1])
	case "<", "<=", ">", ">=", "BETWEEN":
		for _, o := range operands {
			if kind := staticKind(o); kind != "" && !scalarKey(kind) {
				p.object(wrongOperand, operator, kind)
			}
		}
	case "begins_with":
		for _, o := range operands {
			if kind := staticKind(o); kind != "" && kind != kindS && kind != kindB {
				p.object(wrongOperand, operator, kind)
			}
		}
	}
	if operator == "BETWEEN" {
		p.checkBounds(operands[1], operands[2])
	}
	return comparison{operator: operator, operands: operands}
}

func (p *parser) checkTypeName(o operand) {
	const names = "N,BS,L,B,NULL,M,S,SS,NS,BOOL"
	l, ok := o.(literal)
	switch {
	case !ok:
		p.object(wrongOperand, "attribute_type", "{"+names+"}")
	case l.kind != kindS:
		p.object(wrongOperand, "attribute_type", l.kind)
	case strings.Contains(l.text, ",") || !strings.Contains(","+names+",", ","+l.text+","):
		p.object("Invalid attribute type name found; type: %s, valid types: {%s}", l.text, names)
	}
}

func (p *parser) checkBounds(low, high operand) {
	l, ok1 := low.(literal)
	h, ok2 := high.(literal)
	if !ok1 || !ok2 {
		return
	}
	rule := ""
	switch {
	case l.kind != h.kind:
		rule = "same data type for lower and upper bounds"
	case l.compare(h.value) > 0:
		rule = "upper bound to be greater than or equal to lower bound"
	default:
		return
	}
	p.object("The BETWEEN operator requires %s; lower bound operand: %s, upper bound operand: %s", rule, l, h)
}
