package dynamodb_test

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// document is the item that expressions are tried on.
func document() attrs {
	return attrs{
		"id": S("u"), "n": N("5"), "s": S("abc"), "b": B("abc"), "bo": Bool(true), "nu": Null(),
		"l": L(N("1"), S("x")), "m": M(attrs{"k": S("v"), "n": N("3")}), "ss": SS("a", "b"), "ns": NS("1", "2"),
	}
}

const (
	holds = "" // the write goes through
	fails = "ConditionalCheckFailedException: The conditional request failed"
	badC  = invalid + "Invalid ConditionExpression: "
)

func conditionCases() []suiteCase {
	many := func(n int) (string, attrs) {
		values, list := attrs{}, make([]string, n)
		for i := range n {
			list[i] = fmt.Sprintf(":a%d", i)
			values[list[i]] = N(fmt.Sprint(i))
		}
		return "n IN (" + strings.Join(list, ",") + ")", values
	}
	in100, values100 := many(100)
	in101, values101 := many(101)
	table := []struct {
		expression string
		values     attrs
		want       string
	}{
		// Comparators.
		{"n = :a", attrs{":a": N("5")}, holds},
		{"n = :a", attrs{":a": N("5.0")}, holds},
		{"n = :a", attrs{":a": N("5E0")}, holds},
		{"n = :a", attrs{":a": S("5")}, fails},
		{"n <> :a", attrs{":a": S("5")}, holds},
		{"n < :a", attrs{":a": N("10")}, holds},
		{"s < :a", attrs{":a": S("abcd")}, holds},
		{"s < :a", attrs{":a": S("B")}, fails},
		{"b >= :a", attrs{":a": B("abc")}, holds},
		{"n < :a", attrs{":a": S("z")}, fails},
		{"ss = :a", attrs{":a": SS("b", "a")}, holds},
		{"m = :a", attrs{":a": M(attrs{"n": N("3.0"), "k": S("v")})}, holds},
		{"l = :a", attrs{":a": L(S("x"), N("1"))}, fails},
		{"bo = :a", attrs{":a": Bool(true)}, holds},
		{"nu = :a", attrs{":a": Null()}, holds},
		{"zz = :a", attrs{":a": S("z")}, fails},
		{"zz <> :a", attrs{":a": S("z")}, holds},
		{"zz = yy", nil, fails},
		{"zz <> yy", nil, holds},
		{"NOT zz = yy", nil, holds},
		{"m.n < n", nil, holds},
		{"l[0] < n", nil, holds},
		{"l[9] < n", nil, fails},
		{"n[0] = s", nil, fails},
		{"n BETWEEN :a AND :b", attrs{":a": N("5"), ":b": N("9")}, holds},
		{"n BETWEEN m.n AND :b", attrs{":b": N("4")}, fails},
		{"n IN (:a, :b)", attrs{":a": N("1"), ":b": N("5")}, holds},
		{"n IN (:a, :b)", attrs{":a": N("1"), ":b": S("5")}, fails},
		{in100, values100, holds},
		{in101, values101, badC + "The IN operator is provided with too many operands; number of operands: 101"},
		// Logic and precedence.
		{"n = :a AND s = :b OR n = :c", attrs{":a": N("9"), ":b": S("no"), ":c": N("5")}, holds},
		{"n = :c OR n = :a AND s = :b", attrs{":a": N("9"), ":b": S("no"), ":c": N("5")}, holds},
		{"(n = :c OR n = :a) AND s = :b", attrs{":a": N("9"), ":b": S("no"), ":c": N("5")}, fails},
		{"NOT n = :a AND s = :b", attrs{":a": N("9"), ":b": S("abc")}, holds},
		{"NOT (n = :a AND s = :b)", attrs{":a": N("5"), ":b": S("abc")}, fails},
		{"NOT NOT n = :a", attrs{":a": N("5")}, holds},
		{"not n = m or n = s", nil, holds},
		{"(n) = (:a)", attrs{":a": N("5")}, holds},
		{"n\t=\n:a", attrs{":a": N("5")}, holds},
		// Functions.
		{"attribute_exists(n)", nil, holds},
		{"attribute_exists(m.k)", nil, holds},
		{"attribute_exists(m.k.z)", nil, fails},
		{"attribute_exists(l[5])", nil, fails},
		{"attribute_not_exists (zz)", nil, holds},
		{"attribute_not_exists(id)", nil, fails},
		{"attribute_type(n, :a)", attrs{":a": S("N")}, holds},
		{"attribute_type(l, :a)", attrs{":a": S("L")}, holds},
		{"attribute_type(n, :a)", attrs{":a": S("S")}, fails},
		{"begins_with(s, :a)", attrs{":a": S("ab")}, holds},
		{"begins_with(s, :a)", attrs{":a": S("b")}, fails},
		{"begins_with(n, s)", nil, fails},
		{"begins_with(:a, s)", attrs{":a": S("abcd")}, holds},
		{"contains(s, :a)", attrs{":a": S("bc")}, holds},
		{"contains(ss, :a)", attrs{":a": S("a")}, holds},
		{"contains(ss, :a)", attrs{":a": SS("a")}, fails},
		{"contains(ns, :a)", attrs{":a": N("2.0")}, holds},
		{"contains(l, :a)", attrs{":a": N("1")}, holds},
		{"contains(m, :a)", attrs{":a": S("k")}, fails},
		{"contains(s, :a)", attrs{":a": N("5")}, fails},
		{"size(s) = :a", attrs{":a": N("3")}, holds},
		{"size(l) = size(ss)", nil, holds},
		{"size(m) < n", nil, holds},
		{"size(n) > :a", attrs{":a": N("0")}, fails},
		{"size(:a) = n", attrs{":a": S("abcde")}, holds},
		{"size(:a) = :b", attrs{":a": S("äöü€"), ":b": N("4")}, holds},
		// What is not understood.
		{"n", nil, badC + `Syntax error; token: "<EOF>", near: "n"`},
		{"n =", nil, badC + `Syntax error; token: "<EOF>", near: "="`},
		{"  ", nil, badC + `Syntax error; token: "<EOF>", near: "  "`},
		{"= n", nil, badC + `Syntax error; token: "=", near: "= n"`},
		{"n == m", nil, badC + `Syntax error; token: "=", near: "== m"`},
		{"n != m", nil, badC + `Syntax error; token: "!", near: "n !="`},
		{"n = m)", nil, badC + `Syntax error; token: ")", near: "m)"`},
		{"(n = m", nil, badC + `Syntax error; token: "<EOF>", near: "m"`},
		{"n AND s", nil, badC + `Syntax error; token: "AND", near: "n AND s"`},
		{"n = m AND", nil, badC + `Syntax error; token: "<EOF>", near: "AND"`},
		{"n IN ()", nil, badC + `Syntax error; token: ")", near: "()"`},
		{"n IN m", nil, badC + `Syntax error; token: "m", near: "IN m"`},
		{"n BETWEEN m", nil, badC + `Syntax error; token: "<EOF>", near: "m"`},
		{"between = n", nil, badC + `Syntax error; token: "between", near: "between ="`},
		{"l[-1] = n", nil, badC + `Syntax error; token: "-", near: "[-1"`},
		{"l[a] = n", nil, badC + `Syntax error; token: "a", near: "[a]"`},
		{"l[99999999999] = n", nil, badC + "List index is not within the allowable range; index: [99999999999]"},
		{"5 = n", nil, badC + `Syntax error; token: "5", near: "5 ="`},
		{"'x' = n", nil, badC + `Syntax error; token: "'", near: "'x"`},
		{"_a = n", nil, badC + `Syntax error; token: "_", near: "_a"`},
		{"a-b = n", nil, badC + `Syntax error; token: "-", near: "a-b"`},
		{"é = n", nil, badC + `Syntax error; token: "é", near: "é ="`},
		{"n = m;", nil, badC + `Syntax error; token: ";", near: "m;"`},
		{"remove = n", nil, badC + `Syntax error; token: "remove", near: "remove ="`},
		{"((n = m))", nil, badC + "The expression has redundant parentheses;"},
		{"name = n", nil, badC + "Attribute name is a reserved keyword; reserved keyword: name"},
		{"m.Status = n", nil, badC + "Attribute name is a reserved keyword; reserved keyword: Status"},
		{"n = n", nil, badC + "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [n]"},
		{"n IN (s, n)", nil, badC + "The first operand must be distinct from the remaining operands for this operator or function; operator: IN, first operand: [n]"},
		{"contains(m.k, m.k)", nil, badC + "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [m, k]"},
		{"foo(n)", nil, badC + "Invalid function name; function: foo"},
		{"Attribute_exists(n)", nil, badC + "Invalid function name; function: Attribute_exists"},
		{"size(n)", nil, badC + "The function is not allowed to be used this way in an expression; function: size"},
		{"attribute_exists(n) = n", nil, badC + "The function is not allowed to be used this way in an expression; function: attribute_exists"},
		{"if_not_exists(n, m) = n", nil, badC + "The function is not allowed in a condition expression; function: if_not_exists"},
		{"attribute_exists(n, m)", nil, badC + "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2"},
		{"attribute_exists(:a)", attrs{":a": S("x")}, badC + "Operator or function requires a document path; operator or function: attribute_exists"},
		{"begins_with(s, :a)", attrs{":a": N("1")}, badC + "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"},
		{"n < :a", attrs{":a": SS("a")}, badC + "Incorrect operand type for operator or function; operator or function: <, operand type: SS"},
		{"n < :a", attrs{":a": Bool(true)}, badC + "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL"},
		{"size(size(s)) = n", nil, badC + "Incorrect operand type for operator or function; operator or function: size, operand type: N"},
		{"attribute_type(n, :a)", attrs{":a": S("X")}, badC + "Invalid attribute type name found; type: X…"},
		{"n BETWEEN :a AND :b", attrs{":a": N("5"), ":b": N("1")}, badC + "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {N:1}"},
		{"n BETWEEN :a AND :b", attrs{":a": N("5"), ":b": S("x")}, badC + "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {S:x}"},
		// Placeholders and limits.
		{"n = :a", nil, badC + "An expression attribute value used in expression is not defined; attribute value: :a"},
		{"#x = :a", attrs{":a": N("1")}, badC + "An expression attribute name used in the document path is not defined; attribute name: #x"},
		{"n = :a", attrs{":a": N("1"), ":b": N("2")}, invalid + "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}"},
		{"n = :a", attrs{":a": N("1"), "b": N("2")}, invalid + `ExpressionAttributeValues contains invalid key: Syntax error; key: "b"`},
		{"n = :a" + strings.Repeat(" ", 4096), attrs{":a": N("1")}, badC + "Expression size has exceeded the maximum allowed size; expression size: 4102"},
		{"n=:a" + strings.Repeat(" or n=:a", 300), attrs{":a": N("1")}, badC + "The expression contains too many operators; operator count: 301"},
		{strings.Repeat("a.", 32) + "a = :a", attrs{":a": N("1")}, badC + "The document path has too many nesting levels; nesting levels: 33"},
		{strings.Repeat("a.", 31) + "a = :a", attrs{":a": N("1")}, fails},
	}
	var cases []suiteCase
	for _, c := range table {
		cases = append(cases, suiteCase{short(c.expression), func(f *fixture) {
			table := f.hashTable()
			f.put(table, document())
			_, err := f.client.DeleteItem(f.ctx(), &dynamodb.DeleteItemInput{
				TableName: &table, Key: key("u"), ConditionExpression: &c.expression, ExpressionAttributeValues: c.values,
			})
			f.wantError(err, c.want)
			if there := f.get(table, key("u")) != nil; there != (c.want != holds) {
				f.Errorf("after the conditional delete the item is there: %t", there)
			}
		}})
	}
	for alias, want := range map[string]string{
		"#x":   "",
		"x":    invalid + `ExpressionAttributeNames contains invalid key: Syntax error; key: "x"`,
		"#":    invalid + `ExpressionAttributeNames contains invalid key: Syntax error; key: "#"`,
		"#x-y": invalid + `ExpressionAttributeNames contains invalid key: Syntax error; key: "#x-y"`,
		"#y":   badC + "An expression attribute name used in the document path is not defined; attribute name: #x",
	} {
		cases = append(cases, suiteCase{"name placeholder " + alias, func(f *fixture) {
			table := f.hashTable()
			f.put(table, attrs{"id": S("u"), "name": S("x")})
			condition := "#x = :a"
			_, err := f.client.DeleteItem(f.ctx(), &dynamodb.DeleteItemInput{
				TableName: &table, Key: key("u"), ConditionExpression: &condition,
				ExpressionAttributeValues: attrs{":a": S("x")}, ExpressionAttributeNames: names{alias: "name"},
			})
			f.wantError(err, want)
		}})
	}
	return cases
}

// short is an expression as a test's name.
func short(expression string) string {
	if len(expression) > 60 {
		expression = expression[:60] + "…"
	}
	return expression
}
