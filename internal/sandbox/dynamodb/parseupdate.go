package dynamodb

// parseUpdate reads an UpdateExpression.
func parseUpdate(source string, s *scope) (update, error) {
	return parse("UpdateExpression", source, s, func(p *parser) update {
		var u update
		seen := map[string]bool{}
		for {
			section := p.peek().word
			switch section {
			case "SET", "REMOVE", "ADD", "DELETE":
			default:
				p.unexpected()
			}
			p.next()
			if seen[section] {
				p.object("The \"%s\" section can only be used once in an update expression;", section)
			}
			seen[section] = true
			for {
				u.actions = append(u.actions, p.action(section))
				if !p.take(",") {
					break
				}
			}
			if p.peek().kind == tokenEnd {
				break
			}
		}
		paths := make([]path, len(u.actions))
		for i, a := range u.actions {
			paths[i] = a.path
		}
		p.refuseOverlaps(paths)
		return u
	})
}

func (p *parser) action(section string) action {
	a := action{section: section, path: p.path()}
	switch section {
	case "SET":
		p.expect("=")
		a.operand = p.assigned()
	case "ADD", "DELETE":
		t := p.peek()
		p.expect(tokenValue)
		v := p.value(t.text)
		if !isSet(v.kind) && (section == "DELETE" || v.kind != kindN) {
			p.object("Incorrect operand type for operator or function; operator: %s, operand type: %s, typeSet: ALLOWED_FOR_%s_OPERAND",
				section, longKind(v.kind), section)
		}
		a.operand = literal{v}
	}
	return a
}

// longKind is a type's name in the one error text that spells it out.
func longKind(kind string) string {
	switch kind {
	case kindS:
		return "STRING"
	case kindN:
		return "NUMBER"
	case kindB:
		return "BINARY"
	case kindBool:
		return "BOOLEAN"
	case kindL:
		return "LIST"
	case kindM:
		return "MAP"
	}
	return kind
}

// assigned reads what a SET assigns: an operand, or two with + or - between them.
func (p *parser) assigned() operand {
	if p.take("(") {
		inner := p.assigned()
		p.expect(")")
		if _, double := inner.(group); double {
			panic(faultf("The expression has redundant parentheses;"))
		}
		if _, isSum := inner.(sum); isSum {
			return inner
		}
		return p.summed(group{inner})
	}
	return p.summed(p.updateOperand())
}

// summed reads the second half of a sum, when there is one.
func (p *parser) summed(left operand) operand {
	operator := p.peek().kind
	if operator != "+" && operator != "-" {
		return left
	}
	p.next()
	p.count()
	var right operand
	if p.take("(") {
		right = p.updateOperand()
		p.expect(")")
	} else {
		right = p.updateOperand()
	}
	s := sum{operator: operator, left: ungroup(left), right: right}
	for _, o := range []operand{s.left, s.right} {
		if _, ok := o.(listAppend); ok {
			panic(misused("list_append"))
		}
		if l, ok := o.(literal); ok && l.kind != kindN {
			p.object(wrongOperand, operator, l.kind)
		}
	}
	return s
}

// updateOperand reads a path, a value, if_not_exists(path, operand) or list_append(operand, operand).
func (p *parser) updateOperand() operand {
	t := p.peek()
	switch {
	case t.kind == tokenValue:
		p.next()
		return literal{p.value(t.text)}
	case t.kind == tokenName && p.tokens[p.at+1].kind == "(":
	default:
		return p.path()
	}
	p.next()
	p.next()
	p.count()
	operands := p.arguments(p.updateOperand)
	if _, ok := conditionFunctions[t.text]; ok {
		panic(faultf("The function is not allowed in an update expression; function: %s", t.text))
	}
	if t.text != "if_not_exists" && t.text != "list_append" {
		panic(faultf("Invalid function name; function: %s", t.text))
	}
	if len(operands) != 2 {
		panic(wrongCount(t.text, len(operands)))
	}
	if t.text == "if_not_exists" {
		where, ok := operands[0].(path)
		if !ok {
			panic(faultf("Operator or function requires a document path; operator or function: %s", t.text))
		}
		return ifNotExists{path: where, fallback: operands[1]}
	}
	for _, o := range operands {
		if l, ok := o.(literal); ok && l.kind != kindL {
			p.object(wrongOperand, t.text, l.kind)
		}
	}
	return listAppend{left: operands[0], right: operands[1]}
}
