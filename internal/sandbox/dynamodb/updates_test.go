package dynamodb_test

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	badU     = invalid + "Invalid UpdateExpression: "
	missing  = invalid + "The provided expression refers to an attribute that does not exist in the item"
	badPath  = invalid + "The document path provided in the update expression is invalid for update"
	badType  = invalid + "An operand in the update expression has an incorrect data type"
	keyTouch = invalid + "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key"
)

func updateCases() []suiteCase {
	table := []struct {
		expression string
		values     attrs
		want       string // the attributes that differ afterwards, as show writes them, or an outcome
	}{
		{"SET n = :a", attrs{":a": N("1")}, "{n: 1}"},
		{"SET n = m", nil, `{n: {k: "v", n: 3}}`},
		{"SET n = n + :a", attrs{":a": N("1")}, "{n: 6}"},
		{"SET n = n-:a", attrs{":a": N("7.5")}, "{n: -2.5}"},
		{"SET n = :a + n", attrs{":a": N("0.1")}, "{n: 5.1}"},
		{"SET n = (n + n)", nil, "{n: 10}"},
		{"SET n = m.n", nil, "{n: 3}"},
		{"SET n = s, s = n", nil, `{n: "abc", s: 5}`},
		{"SET zz = if_not_exists(zz, :a)", attrs{":a": N("1")}, "{zz: 1}"},
		{"SET n = if_not_exists(n, :a) + :b", attrs{":a": N("0"), ":b": N("1")}, "{n: 6}"},
		{"SET zz = if_not_exists(zz, :a) + :b", attrs{":a": N("0"), ":b": N("1")}, "{zz: 1}"},
		{"SET n = if_not_exists(zz, if_not_exists(m.k, s))", nil, `{n: "v"}`},
		{"SET l = list_append(l, :a)", attrs{":a": L(N("7"))}, `{l: [1, "x", 7]}`},
		{"SET l = list_append(:a, l)", attrs{":a": L(N("7"))}, `{l: [7, 1, "x"]}`},
		{"SET zz = list_append(if_not_exists(zz, :e), :a)", attrs{":e": L(), ":a": L(N("7"))}, "{zz: [7]}"},
		{"SET m.k = n, m.q = s", nil, `{m: {k: 5, n: 3, q: "abc"}}`},
		{"SET l[1] = n", nil, "{l: [1, 5]}"},
		{"SET l[9] = s, l[7] = n, l[0] = m.k", nil, `{l: ["v", "x", 5, "abc"]}`},
		{"SET l[0] = :a REMOVE l[1]", attrs{":a": N("9")}, "{l: [9]}"},
		{"REMOVE l[0] SET l[5] = :a", attrs{":a": N("9")}, `{l: ["x", 9]}`},
		{"REMOVE n, s", nil, "{n: -, s: -}"},
		{"REMOVE l[0], l[1]", nil, "{l: []}"},
		{"REMOVE l[9], zz, m.zz", nil, "{}"},
		{"REMOVE m.k", nil, "{m: {n: 3}}"},
		{"set n = :a remove s", attrs{":a": N("1")}, "{n: 1, s: -}"},
		{"ADD n :a", attrs{":a": N("1")}, "{n: 6}"},
		{"ADD zz :a", attrs{":a": N("1")}, "{zz: 1}"},
		{"ADD m.q :a", attrs{":a": N("1")}, `{m: {k: "v", n: 3, q: 1}}`},
		{"ADD ss :a", attrs{":a": SS("c", "a")}, "{ss: <a b c>}"},
		{"ADD ns :a", attrs{":a": NS("2.0", "3")}, "{ns: #<1 2 3>}"},
		{"ADD n :a, ss :b", attrs{":a": N("-1"), ":b": SS("z")}, "{n: 4, ss: <a b z>}"},
		{"DELETE ss :a", attrs{":a": SS("a", "q")}, "{ss: <b>}"},
		{"DELETE ss :a", attrs{":a": SS("a", "b")}, "{ss: -}"},
		{"DELETE zz :a", attrs{":a": SS("a")}, "{}"},
		{"SET n = :a REMOVE s ADD ns :b DELETE ss :c", attrs{":a": N("1"), ":b": NS("9"), ":c": SS("a")}, "{n: 1, ns: #<1 2 9>, s: -, ss: <b>}"},
		{"SET n = n + :a", attrs{":a": N("1234567890123456789012345678901234567.8")}, "{n: 1234567890123456789012345678901234572.8}"},
		// What the item does not allow.
		{"SET n = zz", nil, missing},
		{"SET zz = zz + :a", attrs{":a": N("1")}, missing},
		{"SET n = list_append(zz, l)", nil, missing},
		{"SET n = n + s", nil, badType},
		{"SET n = list_append(l, s)", nil, badType},
		{"ADD s :a", attrs{":a": N("1")}, badType},
		{"ADD ss :a", attrs{":a": NS("1")}, badType},
		{"DELETE n :a", attrs{":a": SS("a")}, badType},
		{"SET zz.k = n", nil, badPath},
		{"SET s.k = n", nil, badPath},
		{"SET m[0] = n", nil, badPath},
		{"SET l.k = n", nil, badPath},
		{"REMOVE zz.k", nil, badPath},
		{"ADD zz.q :a", attrs{":a": N("1")}, badPath},
		{"SET id = n", nil, keyTouch},
		{"REMOVE id", nil, keyTouch},
		{"ADD id :a", attrs{":a": N("1")}, keyTouch},
		// What is not understood.
		{"SET", nil, badU + `Syntax error; token: "<EOF>", near: "SET"`},
		{"SET n", nil, badU + `Syntax error; token: "<EOF>", near: "n"`},
		{"SET n == m", nil, badU + `Syntax error; token: "=", near: "== m"`},
		{"SET n = n + n + n", nil, badU + `Syntax error; token: "+", near: "n + n"`},
		{"SET n = n * n", nil, badU + `Syntax error; token: "*", near: "n * n"`},
		{"SET n = m,", nil, badU + `Syntax error; token: "<EOF>", near: ","`},
		{"SET n = m s = n", nil, badU + `Syntax error; token: "s", near: "m s ="`},
		{"SET n = n AND s", nil, badU + `Syntax error; token: "AND", near: "n AND s"`},
		{"SET SET n = m", nil, badU + `Syntax error; token: "SET", near: "SET SET n"`},
		{"SET :a = n", attrs{":a": N("1")}, badU + `Syntax error; token: ":a", near: "SET :a ="`},
		{"n = m", nil, badU + `Syntax error; token: "n", near: "n ="`},
		{"ADD n n", nil, badU + `Syntax error; token: "n", near: "n n"`},
		{"REMOVE size(n)", nil, badU + `Syntax error; token: "(", near: "size(n"`},
		{"SET n = m SET s = n", nil, badU + `The "SET" section can only be used once in an update expression;`},
		{"SET n = :a, n = :b", attrs{":a": N("1"), ":b": N("2")}, badU + "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], path two: [n]"},
		{"SET m.k = n, m = s", nil, badU + "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m, k], path two: [m]"},
		{"REMOVE l[0], l", nil, badU + "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [l, [0]], path two: [l]"},
		{"SET m.k = n REMOVE m[0]", nil, badU + "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [m, k], path two: [m, [0]]"},
		{"SET n = if_not_exists(n)", nil, badU + "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1"},
		{"SET n = if_not_exists(:a, n)", attrs{":a": N("1")}, badU + "Operator or function requires a document path; operator or function: if_not_exists"},
		{"SET n = foo(l)", nil, badU + "Invalid function name; function: foo"},
		{"SET n = size(l)", nil, badU + "The function is not allowed in an update expression; function: size"},
		{"SET l = list_append(l, :a)", attrs{":a": N("7")}, badU + "Incorrect operand type for operator or function; operator or function: list_append, operand type: N"},
		{"SET l = list_append(l, :a) + :a", attrs{":a": L()}, badU + "The function is not allowed to be used this way in an expression; function: list_append"},
		{"SET n = n + :a", attrs{":a": S("x")}, badU + "Incorrect operand type for operator or function; operator or function: +, operand type: S"},
		{"ADD n :a", attrs{":a": S("x")}, badU + "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"DELETE l :a", attrs{":a": L()}, badU + "Incorrect operand type for operator or function; operator: DELETE, operand type: LIST, typeSet: ALLOWED_FOR_DELETE_OPERAND"},
		{"SET status = n", nil, badU + "Attribute name is a reserved keyword; reserved keyword: status"},
		{"SET n = :zz", attrs{":a": N("1")}, badU + "An expression attribute value used in expression is not defined; attribute value: :zz"},
		{"SET n = :a", attrs{":a": N("1"), ":b": N("1")}, invalid + "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}"},
	}
	var cases []suiteCase
	for _, c := range table {
		cases = append(cases, suiteCase{short(c.expression), func(f *fixture) {
			table := f.hashTable()
			f.put(table, document())
			_, err := f.client.UpdateItem(f.ctx(), &dynamodb.UpdateItemInput{
				TableName: &table, Key: key("u"), UpdateExpression: &c.expression, ExpressionAttributeValues: c.values,
			})
			if err != nil {
				f.wantError(err, c.want)
				f.want("the item after a refused update", show(f.get(table, key("u"))), show(document()))
				return
			}
			f.want("changed attributes", show(difference(document(), f.get(table, key("u")))), c.want)
		}})
	}
	return append(cases, returnValueCases()...)
}

// gone stands for an attribute that was removed.
type gone struct{ types.AttributeValue }

// difference is what changed: new values by name, and "-" (an empty set) for what is gone.
func difference(before, after attrs) attrs {
	changed := attrs{}
	for name, v := range after {
		if old, ok := before[name]; !ok || showValue(old) != showValue(v) {
			changed[name] = v
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			changed[name] = gone{}
		}
	}
	return changed
}

func returnValueCases() []suiteCase {
	nested := "AWS returns only what the paths lead to (https://github.com/scylladb/scylladb test_returnvalues.py, which is run against AWS); DynamoDB Local returns the whole top-level attribute"
	table := []struct {
		name, expression string
		returns          types.ReturnValue
		want             func(f *fixture) string
	}{
		{"NONE returns nothing", "SET n = :a", types.ReturnValueNone, text("{}")},
		{"ALL_OLD returns the old item", "SET n = :a", types.ReturnValueAllOld, text(show(document()))},
		{"UPDATED_OLD returns what was overwritten", "SET n = :a, zz = :a", types.ReturnValueUpdatedOld, text("{n: 5}")},
		{"UPDATED_OLD returns what was removed", "REMOVE n SET zz = :a", types.ReturnValueUpdatedOld, text("{n: 5}")},
		{"UPDATED_OLD returns nothing for a new attribute", "SET zz = :a", types.ReturnValueUpdatedOld, text("{}")},
		{"UPDATED_NEW returns what was set", "SET n = :a, zz = :a REMOVE s", types.ReturnValueUpdatedNew, text("{n: 1, zz: 1}")},
		{"UPDATED_NEW returns only the nested part", "SET m.k = :a, l[1] = :a", types.ReturnValueUpdatedNew, func(f *fixture) string {
			return f.onLocal("{l: [1], m: {k: 1}}", "{l: [1, 1], m: {k: 1, n: 3}}", nested)
		}},
		{"UPDATED_OLD returns only the nested part", "SET m.k = :a, l[1] = :a", types.ReturnValueUpdatedOld, func(f *fixture) string {
			return f.onLocal(`{l: ["x"], m: {k: "v"}}`, `{l: [1, "x"], m: {k: "v", n: 3}}`, nested)
		}},
	}
	var cases []suiteCase
	for _, c := range table {
		cases = append(cases, suiteCase{c.name, func(f *fixture) {
			table := f.hashTable()
			f.put(table, document())
			out, err := f.client.UpdateItem(f.ctx(), &dynamodb.UpdateItemInput{
				TableName: &table, Key: key("u"), UpdateExpression: &c.expression, ReturnValues: c.returns,
				ExpressionAttributeValues: attrs{":a": N("1")},
			})
			if err != nil {
				f.Fatal(err)
			}
			f.want("Attributes", show(out.Attributes), c.want(f))
		}})
	}
	return append(cases,
		suiteCase{"an update creates the item with its key", func(f *fixture) {
			table := f.hashTable()
			out, err := f.client.UpdateItem(f.ctx(), &dynamodb.UpdateItemInput{
				TableName: &table, Key: key("new"), UpdateExpression: ptr("SET n = :a"), ReturnValues: types.ReturnValueAllNew,
				ExpressionAttributeValues: attrs{":a": N("1")},
			})
			if err != nil {
				f.Fatal(err)
			}
			f.want("Attributes", show(out.Attributes), `{id: "new", n: 1}`)
		}},
		suiteCase{"an update without an expression creates the item", func(f *fixture) {
			table := f.hashTable()
			if _, err := f.client.UpdateItem(f.ctx(), &dynamodb.UpdateItemInput{TableName: &table, Key: key("new")}); err != nil {
				f.Fatal(err)
			}
			f.want("item", show(f.get(table, key("new"))), `{id: "new"}`)
		}},
		suiteCase{"an update that only removes creates nothing", func(f *fixture) {
			table := f.hashTable()
			if _, err := f.client.UpdateItem(f.ctx(), &dynamodb.UpdateItemInput{TableName: &table, Key: key("new"), UpdateExpression: ptr("REMOVE n")}); err != nil {
				f.Fatal(err)
			}
			f.want("item", show(f.get(table, key("new"))), f.onLocal("{}", `{id: "new"}`,
				"AWS does not create an item for a REMOVE alone (https://github.com/scylladb/scylladb test_returnvalues.py, which is run against AWS)"))
		}},
		suiteCase{"an update of a missing item sees no attributes", func(f *fixture) {
			table := f.hashTable()
			_, err := f.client.UpdateItem(f.ctx(), &dynamodb.UpdateItemInput{TableName: &table, Key: key("new"), UpdateExpression: ptr("SET n = m")})
			f.wantError(err, missing)
		}},
		suiteCase{"a sum of more than 38 digits is refused", func(f *fixture) {
			table := f.hashTable()
			f.put(table, attrs{"id": S("a"), "n": N("99999999999999999999999999999999999999")})
			_, err := f.client.UpdateItem(f.ctx(), &dynamodb.UpdateItemInput{TableName: &table, Key: key("a"), UpdateExpression: ptr("ADD n :a"), ExpressionAttributeValues: attrs{":a": N("0.1")}})
			f.wantError(err, invalid+f.onLocal("Attempting to store more than 38 significant digits in a Number", "DynamoDB only supports precision up to 38 digits", "DynamoDB Local has a text of its own"))
		}},
	)
}

func text(s string) func(*fixture) string { return func(*fixture) string { return s } }

func ptr[T any](v T) *T { return &v }
