package dynamodb

// A keyRange is a parsed KeyConditionExpression: one hash key and, perhaps, a condition on the range key.
type keyRange struct {
	hash     value
	operator string // "" without a condition on the range key
	bounds   []value
}

// parseKeyCondition reads the expression by the grammar of conditions and then refuses what a key
// condition cannot hold.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
func parseKeyCondition(source string, s *scope, key keySchema) (*keyRange, error) {
	c, err := parseCondition("KeyConditionExpression", source, s)
	if err != nil {
		return nil, err
	}
	byName := map[string]comparison{}
	terms, err := terms(c)
	if err != nil {
		return nil, err
	}
	for _, term := range terms {
		name, normal, err := normalTerm(term)
		if err != nil {
			return nil, err
		}
		if _, twice := byName[name]; twice {
			return nil, validation("KeyConditionExpressions must only contain one condition per key")
		}
		byName[name] = normal
	}
	if len(byName) > 2 {
		return nil, validation("Conditions can be of length 1 or 2 only")
	}
	hash, ok := byName[key.hash.name]
	if !ok {
		return nil, validation("Query condition missed key schema element: %s", key.hash.name)
	}
	if hash.operator != "=" {
		return nil, validation("Query key condition not supported")
	}
	r := &keyRange{hash: literalOf(hash.operands[1])}
	if err := checkBound(r.hash, key.hash); err != nil {
		return nil, err
	}
	if len(byName) == 1 {
		return r, nil
	}
	sort, ok := byName[key.sort.name]
	if !ok {
		missed := key.sort.name
		if missed == "" {
			return nil, validation("Query key condition not supported")
		}
		return nil, validation("Query condition missed key schema element: %s", missed)
	}
	r.operator = sort.operator
	for _, o := range sort.operands[1:] {
		bound := literalOf(o)
		if err := checkBound(bound, key.sort); err != nil {
			return nil, err
		}
		r.bounds = append(r.bounds, bound)
	}
	return r, nil
}

func literalOf(o operand) value {
	l, _ := o.(literal)
	return l.value
}

// terms flattens the ANDs.
func terms(c condition) ([]comparison, error) {
	switch c := c.(type) {
	case grouped:
		return terms(c.condition)
	case comparison:
		return []comparison{c}, nil
	case logical:
		if c.word == "OR" {
			return nil, validation("Invalid operator used in KeyConditionExpression: OR")
		}
		left, err := terms(c.left)
		if err != nil {
			return nil, err
		}
		right, err := terms(c.right)
		return append(left, right...), err
	}
	return nil, validation("Invalid operator used in KeyConditionExpression: NOT")
}

// normalTerm gives the attribute of one comparison, with the attribute on the left.
func normalTerm(c comparison) (string, comparison, error) {
	switch c.operator {
	case "=", "<", "<=", ">", ">=", "BETWEEN", "begins_with":
	default:
		return "", c, validation("Invalid operator used in KeyConditionExpression: %s", c.operator)
	}
	if _, flipped := c.operands[0].(literal); flipped && c.operator != "BETWEEN" && c.operator != "begins_with" {
		mirror := map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
		c = comparison{operator: mirror[c.operator], operands: []operand{c.operands[1], c.operands[0]}}
	}
	attribute, ok := c.operands[0].(path)
	if !ok {
		if _, nested := c.operands[0].(size); nested {
			return "", c, validation("KeyConditionExpressions cannot contain nested operations")
		}
		return "", c, validation("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	for _, o := range c.operands[1:] {
		switch o.(type) {
		case literal:
		case size:
			return "", c, validation("KeyConditionExpressions cannot contain nested operations")
		default:
			return "", c, validation("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
		}
	}
	if len(attribute) > 1 {
		return "", c, validation("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: %s", attribute[0].name)
	}
	return attribute[0].name, c, nil
}

func checkBound(v value, a keyAttribute) error {
	if v.kind != a.kind {
		return validation(invalid + "Condition parameter type does not match schema type")
	}
	if v.kind != kindN && v.text == "" {
		return validation("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", emptyKind(v.kind), a.name)
	}
	return nil
}

// includes says whether a range key lies in the range.
func (r *keyRange) includes(sort value) bool {
	return r.operator == "" || compareValues(r.operator, append([]value{sort}, r.bounds...))
}
