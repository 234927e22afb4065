package dynamodb_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/sandbox/dynamodb"
)

// FuzzExpressions sends arbitrary expressions. Whatever they are, the answer is a success, a failed
// condition or a ValidationException; never another error, never a panic; and a refused request
// changes nothing.
func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{
		"n = :a", "(n) = (:a)", "((n = m))", "NOT NOT n = :a", "n IN (:a, :b)", "n BETWEEN :a AND :b", "size(s) < :a",
		"attribute_exists(m.k[3].#x)", "begins_with(s, :a) OR contains(l, :b)", "l[4294967296] = n", "n == m", "(", "))", "#", ":", "a..b", "a[", "é", "\x00",
		"SET n = n + :a", "SET l[9] = if_not_exists(l[0], list_append(l, :l))", "REMOVE l[0], m.k ADD ns :a DELETE ss :b", "SET n = (n - :a), m.k = (:b)", "SET SET", "ADD n :a, m :b",
		"id = :a AND sk > :b", "n, m.k, l[0]", "size(n", "SET n = ((n))", "n = n or", strings.Repeat("(", 200), strings.Repeat("NOT ", 200) + "n = :a",
	} {
		f.Add(seed)
	}
	s := dynamodb.New(dynamodb.Options{})
	if status, out := call(s, account, "eu-west-1", "CreateTable", createA); status != 200 {
		f.Fatal(out)
	}
	const item = `{"id":{"S":"u"},"n":{"N":"5"},"s":{"S":"abc"},"l":{"L":[{"N":"1"},{"S":"x"}]},"m":{"M":{"k":{"S":"v"}}},"ss":{"SS":["a","b"]},"ns":{"NS":["1"]}}`
	f.Fuzz(func(t *testing.T, expression string) {
		if status, out := call(s, account, "eu-west-1", "PutItem", `{"TableName":"tab","Item":`+item+`}`); status != 200 {
			t.Fatal(out)
		}
		placeholders := `"ExpressionAttributeNames":{`
		for alias, name := range map[string]string{"#x": "n", "#y": "m"} {
			if strings.Contains(expression, alias) {
				placeholders += `"` + alias + `":"` + name + `",`
			}
		}
		placeholders = strings.TrimSuffix(placeholders, ",") + `},"ExpressionAttributeValues":{`
		for alias, v := range map[string]string{":a": `{"N":"1"}`, ":b": `{"S":"b"}`, ":l": `{"L":[{"N":"1"}]}`} {
			if strings.Contains(expression, alias) {
				placeholders += `"` + alias + `":` + v + `,`
			}
		}
		placeholders = strings.TrimSuffix(placeholders, ",") + `}`
		placeholders = strings.ReplaceAll(strings.ReplaceAll(placeholders, `"ExpressionAttributeNames":{},`, ""), `"ExpressionAttributeValues":{}`, "")
		if placeholders = strings.TrimSuffix(placeholders, ","); placeholders != "" {
			placeholders = "," + placeholders
		}
		for operation, member := range map[string]string{"UpdateItem": "UpdateExpression", "DeleteItem": "ConditionExpression", "Scan": "FilterExpression", "Query": "KeyConditionExpression", "GetItem": "ProjectionExpression"} {
			key := `,"Key":{"id":{"S":"u"}}`
			if operation == "Scan" || operation == "Query" {
				key = ""
			}
			if operation == "GetItem" && strings.Contains(placeholders, "Values") {
				continue
			}
			_, before := call(s, account, "eu-west-1", "GetItem", `{"TableName":"tab","Key":{"id":{"S":"u"}}}`)
			status, out := call(s, account, "eu-west-1", operation, `{"TableName":"tab"`+key+`,"`+member+`":`+jsonOf(expression)+placeholders+`}`)
			code, _ := out["__type"].(string)
			if status != 200 && !strings.HasSuffix(code, "#ValidationException") && !strings.HasSuffix(code, "#ConditionalCheckFailedException") {
				t.Fatalf("%s %q: %d %v", operation, expression, status, out)
			}
			_, after := call(s, account, "eu-west-1", "GetItem", `{"TableName":"tab","Key":{"id":{"S":"u"}}}`)
			if status != 200 && jsonOf(before) != jsonOf(after) {
				t.Fatalf("%s %q was refused and changed the item", operation, expression)
			}
		}
	})
}

// jsonOf writes a value as JSON. In a string it replaces what is not UTF-8.
func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// FuzzNumbers holds the decimals to their laws, as a client sees them.
func FuzzNumbers(f *testing.F) {
	for _, seed := range [][2]string{{"1", "2"}, {"-0.5", "1E125"}, {"1E-130", "1"}, {"99999999999999999999999999999999999999", "1"}, {"x", "1"}, {"1e", "-"}, {"0E9", "+.5"}} {
		f.Add(seed[0], seed[1])
	}
	s := dynamodb.New(dynamodb.Options{})
	if status, out := call(s, account, "eu-west-1", "CreateTable", createA); status != 200 {
		f.Fatal(out)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		put := func(n string) int {
			status, _ := call(s, account, "eu-west-1", "PutItem", jsonOf(map[string]any{"TableName": "tab", "Item": map[string]any{"id": map[string]any{"S": "n"}, "n": map[string]any{"N": n}}}))
			return status
		}
		read := func() string {
			_, out := call(s, account, "eu-west-1", "GetItem", `{"TableName":"tab","Key":{"id":{"S":"n"}}}`)
			return out["Item"].(map[string]any)["n"].(map[string]any)["N"].(string)
		}
		add := func(sign, n string) int {
			status, _ := call(s, account, "eu-west-1", "UpdateItem", jsonOf(map[string]any{"TableName": "tab", "Key": map[string]any{"id": map[string]any{"S": "n"}},
				"UpdateExpression": "SET n = n " + sign + " :b", "ExpressionAttributeValues": map[string]any{":b": map[string]any{"N": n}}}))
			return status
		}
		if put(b) != 200 || put(a) != 200 {
			return
		}
		normal := read()
		if put(normal) != 200 || read() != normal {
			t.Fatalf("%q is not stable: %q, %q", a, normal, read())
		}
		if add("+", b) != 200 {
			return
		}
		if add("-", b) != 200 || read() != normal {
			t.Fatalf("%q + %q - %q gives %q", a, b, b, read())
		}
	})
}
