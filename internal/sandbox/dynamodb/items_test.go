package dynamodb_test

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const ownText = "DynamoDB Local has a text of its own; the one for AWS is what its service returns"

var itemCases = []suiteCase{
	{"what is put is read back", func(f *fixture) {
		table := f.hashTable()
		f.put(table, document())
		f.want("item", show(f.get(table, key("u"))), show(document()))
	}},
	{"a missing item is no item", func(f *fixture) {
		table := f.hashTable()
		if got := f.get(table, key("none")); got != nil {
			f.Errorf("got %s", show(got))
		}
	}},
	{"put replaces the whole item and returns the old one when asked", func(f *fixture) {
		table := f.hashTable()
		f.put(table, attrs{"id": S("a"), "x": N("1")})
		out, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: attrs{"id": S("a"), "y": N("2")}, ReturnValues: types.ReturnValueAllOld})
		if err != nil {
			f.Fatal(err)
		}
		f.want("Attributes", show(out.Attributes), `{id: "a", x: 1}`)
		f.want("item", show(f.get(table, key("a"))), `{id: "a", y: 2}`)
	}},
	{"put of a new item returns no old one", func(f *fixture) {
		table := f.hashTable()
		out, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: key("a"), ReturnValues: types.ReturnValueAllOld})
		if err != nil {
			f.Fatal(err)
		}
		if out.Attributes != nil {
			f.Errorf("%v", out)
		}
	}},
	{"put only knows ALL_OLD and NONE", func(f *fixture) {
		table := f.hashTable()
		_, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: key("a"), ReturnValues: types.ReturnValueAllNew})
		f.wantError(err, invalid+"Return values set to invalid value")
	}},
	{"delete of a missing item succeeds", func(f *fixture) {
		table := f.hashTable()
		out, err := f.client.DeleteItem(f.ctx(), &dynamodb.DeleteItemInput{TableName: &table, Key: key("a"), ReturnValues: types.ReturnValueAllOld})
		if err != nil {
			f.Fatal(err)
		}
		if out.Attributes != nil {
			f.Errorf("%v", out)
		}
	}},
	{"a failed condition returns the old item when asked", func(f *fixture) {
		table := f.hashTable()
		f.put(table, attrs{"id": S("a"), "x": N("1")})
		calls := map[string]func(types.ReturnValuesOnConditionCheckFailure) error{
			"put": func(r types.ReturnValuesOnConditionCheckFailure) error {
				_, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: key("a"), ConditionExpression: ptr("attribute_not_exists(id)"), ReturnValuesOnConditionCheckFailure: r})
				return err
			},
			"update": func(r types.ReturnValuesOnConditionCheckFailure) error {
				_, err := f.client.UpdateItem(f.ctx(), &dynamodb.UpdateItemInput{TableName: &table, Key: key("a"), UpdateExpression: ptr("REMOVE x"), ConditionExpression: ptr("attribute_not_exists(id)"), ReturnValuesOnConditionCheckFailure: r})
				return err
			},
			"delete": func(r types.ReturnValuesOnConditionCheckFailure) error {
				_, err := f.client.DeleteItem(f.ctx(), &dynamodb.DeleteItemInput{TableName: &table, Key: key("a"), ConditionExpression: ptr("attribute_not_exists(id)"), ReturnValuesOnConditionCheckFailure: r})
				return err
			},
		}
		for name, call := range calls {
			for returns, want := range map[types.ReturnValuesOnConditionCheckFailure]string{"ALL_OLD": `{id: "a", x: 1}`, "NONE": "{}", "": "{}"} {
				var failed *types.ConditionalCheckFailedException
				if err := call(returns); !errors.As(err, &failed) {
					f.Fatalf("%s: %v", name, err)
				}
				f.want(name+" with "+string(returns), show(failed.Item), want)
			}
		}
	}},
	{"a failed condition on a missing item returns none", func(f *fixture) {
		table := f.hashTable()
		_, err := f.client.DeleteItem(f.ctx(), &dynamodb.DeleteItemInput{TableName: &table, Key: key("a"), ConditionExpression: ptr("attribute_exists(id)"), ReturnValuesOnConditionCheckFailure: "ALL_OLD"})
		var failed *types.ConditionalCheckFailedException
		if !errors.As(err, &failed) || failed.Item != nil {
			f.Errorf("got %v", err)
		}
		f.wantError(err, fails)
	}},
	{"a table that is not there is not found", func(f *fixture) {
		_, err := f.client.GetItem(f.ctx(), &dynamodb.GetItemInput{TableName: ptr("no-such-table"), Key: key("a")})
		f.wantError(err, "ResourceNotFoundException: "+f.onLocal("Requested resource not found", "Cannot do operations on a non-existent table", "recorded from AWS"))
	}},
	{"a table can be named by its ARN", func(f *fixture) {
		table := f.hashTable()
		d, err := f.client.DescribeTable(f.ctx(), &dynamodb.DescribeTableInput{TableName: &table})
		if err != nil {
			f.Fatal(err)
		}
		f.put(*d.Table.TableArn, attrs{"id": S("a"), "x": N("1")})
		f.want("item", show(f.get(table, key("a"))), `{id: "a", x: 1}`)
	}},
	{"a key that does not fit the schema is refused", func(f *fixture) {
		table := f.hashTable()
		mismatch := "The provided key element does not match the schema"
		for _, c := range []struct {
			key   attrs
			local string
		}{
			{attrs{}, "The number of conditions on the keys is invalid"},
			{attrs{"id": N("1")}, "One or more parameter values were invalid: Type mismatch for key"},
			{attrs{"x": S("a")}, "One of the required keys was not given a value"},
			{attrs{"id": S("a"), "x": S("b")}, "The number of conditions on the keys is invalid"},
		} {
			_, err := f.client.GetItem(f.ctx(), &dynamodb.GetItemInput{TableName: &table, Key: c.key})
			f.wantError(err, invalid+f.onLocal(mismatch, c.local, ownText))
		}
	}},
	{"an item without its key is refused", func(f *fixture) {
		table := f.pairTable()
		for _, c := range []struct {
			item       attrs
			aws, local string
		}{
			{attrs{"id": S("a")}, "One or more parameter values were invalid: Missing the key sk in the item", "One of the required keys was not given a value"},
			{attrs{"id": S("a"), "sk": S("1")}, "One or more parameter values were invalid: Type mismatch for key sk expected: N actual: S", "One or more parameter values were invalid: Type mismatch for key"},
		} {
			_, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: c.item})
			f.wantError(err, invalid+f.onLocal(c.aws, c.local, ownText))
		}
	}},
	{"an empty key value is refused", func(f *fixture) {
		for hash, value := range map[string]types.AttributeValue{"id:S": S(""), "id:B": B("")} {
			table := f.newTable(hash, "")
			kind := map[string]string{"id:S": "string", "id:B": "binary"}[hash]
			_, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: attrs{"id": value}})
			f.wantError(err, invalid+"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "+kind+" value. Key: id")
		}
	}},
	{"empty values outside the key are kept", func(f *fixture) {
		table := f.hashTable()
		item := attrs{"id": S("a"), "s": S(""), "b": B(""), "l": L(), "m": M(attrs{}), "ss": SS("")}
		f.put(table, item)
		f.want("item", show(f.get(table, key("a"))), show(item))
	}},
	{"key values have a largest size", func(f *fixture) {
		table := f.newTable("id:S", "sk:S")
		f.put(table, attrs{"id": S(strings.Repeat("x", 2048)), "sk": S(strings.Repeat("y", 1024))})
		local := "Hash primary key values must be under 2048 bytes, and range primary key values must be under 1024 bytes"
		for _, c := range []struct {
			hash, sort int
			aws        string
		}{
			{2049, 1, "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"},
			{1, 1025, "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes"},
		} {
			_, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: attrs{"id": S(strings.Repeat("x", c.hash)), "sk": S(strings.Repeat("y", c.sort))}})
			f.wantError(err, invalid+f.onLocal(c.aws, local, ownText))
		}
	}},
	{"an item holds 400 KB, names included, and no byte more", func(f *fixture) {
		table := f.hashTable()
		for _, c := range []struct {
			value func(string) types.AttributeValue
			rest  int // of the 400 KB for the text itself
		}{
			{S, 400<<10 - len("id") - len("a") - len("v")},
			{func(s string) types.AttributeValue { return L(S(s)) }, 400<<10 - 4 - 3 - 1},
			{func(s string) types.AttributeValue { return M(attrs{"k": S(s)}) }, 400<<10 - 4 - 3 - 1 - len("k")},
			{func(s string) types.AttributeValue { return SS(s) }, 400<<10 - 4},
			{func(s string) types.AttributeValue { return L(S(s), Bool(true), Null()) }, 400<<10 - 4 - 3 - 3 - 2},
		} {
			f.put(table, attrs{"id": S("a"), "v": c.value(strings.Repeat("x", c.rest))})
			_, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: attrs{"id": S("a"), "v": c.value(strings.Repeat("x", c.rest+1))}})
			f.wantError(err, invalid+"Item size has exceeded the maximum allowed size")
		}
	}},
	{"an update cannot grow an item beyond 400 KB", func(f *fixture) {
		table := f.hashTable()
		f.put(table, attrs{"id": S("a"), "v": S(strings.Repeat("x", 400<<10-5))})
		_, err := f.client.UpdateItem(f.ctx(), &dynamodb.UpdateItemInput{TableName: &table, Key: key("a"), UpdateExpression: ptr("SET w = :x"), ExpressionAttributeValues: attrs{":x": S("abc")}})
		f.wantError(err, invalid+"Item size to update has exceeded the maximum allowed size")
	}},
	{"lists and maps nest 32 levels, the item being one", func(f *fixture) {
		table := f.hashTable()
		nest := func(levels int) types.AttributeValue {
			v := S("x")
			for range levels {
				v = L(v)
			}
			return v
		}
		f.put(table, attrs{"id": S("a"), "v": nest(31)})
		_, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: attrs{"id": S("a"), "v": nest(32)}})
		f.wantError(err, invalid+"Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
	}},
	{"sets are not empty and have no duplicates", func(f *fixture) {
		table := f.hashTable()
		for _, c := range []struct {
			value      types.AttributeValue
			aws, local string
		}{
			{SS(), "One or more parameter values were invalid: An string set  may not be empty", ""},
			{NS(), "One or more parameter values were invalid: An number set  may not be empty", ""},
			{SS("a", "a"), "One or more parameter values were invalid: Input collection [a, a] contains duplicates.", "One or more parameter values were invalid: Input collection [a, a] contains duplicates"},
			{NS("1", "1.0"), "Input collection contains duplicates", ""},
			{&types.AttributeValueMemberBS{Value: [][]byte{{1}, {1}}}, "One or more parameter values were invalid: Input collection of type BS contains duplicates.", ""},
			{L(S("x"), SS()), "One or more parameter values were invalid: An string set  may not be empty", ""},
			{&types.AttributeValueMemberNULL{Value: false}, "One or more parameter values were invalid: Null attribute value types must have the value of true", ""},
		} {
			if c.local == "" {
				c.local = c.aws
			}
			_, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: attrs{"id": S("a"), "v": c.value}})
			f.wantError(err, invalid+f.onLocal(c.aws, c.local, ownText))
			_, err = f.client.UpdateItem(f.ctx(), &dynamodb.UpdateItemInput{TableName: &table, Key: key("a"), UpdateExpression: ptr("SET v = :v"), ExpressionAttributeValues: attrs{":v": c.value}})
			f.wantError(err, invalid+f.onLocal("ExpressionAttributeValues contains invalid value: "+c.aws+" for key :v", "ExpressionAttributeValues contains invalid value: "+c.local+" for key :v", ownText))
		}
	}},
	{"placeholders without an expression are refused", func(f *fixture) {
		table := f.hashTable()
		_, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: key("a"), ExpressionAttributeValues: attrs{":a": N("1")}})
		f.wantError(err, invalid+"ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null")
		_, err = f.client.UpdateItem(f.ctx(), &dynamodb.UpdateItemInput{TableName: &table, Key: key("a"), ExpressionAttributeValues: attrs{":a": N("1")}})
		f.wantError(err, invalid+"ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null")
		_, err = f.client.GetItem(f.ctx(), &dynamodb.GetItemInput{TableName: &table, Key: key("a"), ExpressionAttributeNames: names{"#a": "b"}})
		f.wantError(err, invalid+"ExpressionAttributeNames can only be specified when using expressions")
		_, err = f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: key("a"), ConditionExpression: ptr("id = :a"), ExpressionAttributeValues: attrs{}})
		f.wantError(err, invalid+"ExpressionAttributeValues must not be empty")
		_, err = f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: key("a"), ConditionExpression: ptr("")})
		f.wantError(err, badC+"The expression can not be empty;")
	}},
	{"consumed capacity is counted in units of 1 KB written and 4 KB read", func(f *fixture) {
		table := f.hashTable()
		put, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: attrs{"id": S("a"), "v": S(strings.Repeat("x", 5000))}, ReturnConsumedCapacity: "TOTAL"})
		if err != nil {
			f.Fatal(err)
		}
		if *put.ConsumedCapacity.CapacityUnits != 5 {
			f.Errorf("%+v", put)
		}
		for strong, want := range map[bool]float64{true: 2, false: 1} {
			got, err := f.client.GetItem(f.ctx(), &dynamodb.GetItemInput{TableName: &table, Key: key("a"), ConsistentRead: &strong, ReturnConsumedCapacity: "TOTAL"})
			if err != nil {
				f.Fatal(err)
			}
			if *got.ConsumedCapacity.CapacityUnits != want {
				f.Errorf("%+v", got.ConsumedCapacity)
			}
		}
	}},
}

func projectionCases() []suiteCase {
	const bad = invalid + "Invalid ProjectionExpression: "
	var cases []suiteCase
	for expression, want := range map[string]string{
		"n": "{n: 5}", "n, s": `{n: 5, s: "abc"}`, "m.k": `{m: {k: "v"}}`, "m.k, m.n": `{m: {k: "v", n: 3}}`,
		"l[1]": `{l: ["x"]}`, "l[1], l[0]": `{l: [1, "x"]}`, "l[9]": "{}", "zz": "{}", "m.zz": "{}", "s.k": "{}",
		"l[0].z, id": `{id: "u"}`, "ss, m.n": "{m: {n: 3}, ss: <a b>}",
		"":         bad + "The expression can not be empty;",
		"n, s,":    bad + `Syntax error; token: "<EOF>", near: ","`,
		"n s":      bad + `Syntax error; token: "s", near: "n s"`,
		"n, n":     bad + "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], path two: [n]",
		"m, m.k":   bad + "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m], path two: [m, k]",
		":a":       bad + `Syntax error; token: ":a", near: ":a"`,
		"size(n)":  bad + `Syntax error; token: "(", near: "size(n"`,
		"n, owner": bad + "Attribute name is a reserved keyword; reserved keyword: owner",
		"#q":       bad + "An expression attribute name used in the document path is not defined; attribute name: #q",
	} {
		cases = append(cases, suiteCase{"projection " + expression, func(f *fixture) {
			table := f.hashTable()
			f.put(table, document())
			out, err := f.client.GetItem(f.ctx(), &dynamodb.GetItemInput{TableName: &table, Key: key("u"), ProjectionExpression: &expression})
			if err != nil {
				f.wantError(err, want)
				return
			}
			if out.Item == nil {
				f.Error("an item without the projected attributes is still an item")
			}
			f.want("item", show(out.Item), want)
		}})
	}
	return append(cases, suiteCase{"a name behind a placeholder is not a path", func(f *fixture) {
		table := f.hashTable()
		f.put(table, attrs{"id": S("a"), "m": M(attrs{"k": S("v")}), "m.k": S("dotted")})
		out, err := f.client.GetItem(f.ctx(), &dynamodb.GetItemInput{TableName: &table, Key: key("a"), ProjectionExpression: ptr("#a"), ExpressionAttributeNames: names{"#a": "m.k"}})
		if err != nil {
			f.Fatal(err)
		}
		f.want("item", show(out.Item), `{m.k: "dotted"}`)
	}})
}

func numberCases() []suiteCase {
	const digits = "12345678901234567890123456789012345678"
	notANumber := func(f *fixture, text string) string {
		return invalid + f.onLocal("The parameter cannot be converted to a numeric value"+text, "A value provided cannot be converted into a number", ownText)
	}
	table := map[string]func(f *fixture) string{
		"1": text("1"), "01": text("1"), "+1": text("1"), "-1": text("-1"), "1.0": text("1"), "1.50": text("1.5"), "1E3": text("1000"), "1E+3": text("1000"),
		"1e-3": text("0.001"), "-0": text("0"), "0.0": text("0"), "0E200": text("0"), "1.": text("1"), ".5": text("0.5"), "-.5E1": text("-5"),
		digits: text(digits), digits + "00": text(digits + "00"), "0.0" + digits: text("0.0" + digits),
		"1E125":   text("1" + strings.Repeat("0", 125)),
		"1E-130":  text("0." + strings.Repeat("0", 129) + "1"),
		"1E126":   text(invalid + "Number overflow. Attempting to store a number with magnitude larger than supported range"),
		"-1E126":  text(invalid + "Number overflow. Attempting to store a number with magnitude larger than supported range"),
		"1E-131":  text(invalid + "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
		"1E99999": text(invalid + "Number overflow. Attempting to store a number with magnitude larger than supported range"),
		digits + "9": func(f *fixture) string {
			return invalid + f.onLocal("Attempting to store more than 38 significant digits in a Number", "DynamoDB only supports precision up to 38 digits", ownText)
		},
		"": func(f *fixture) string { return notANumber(f, "") },
	}
	for _, bad := range []string{" 1", "1 ", "abc", "1E", "NaN", "Infinity", "0x10", "1e5.5", "1_000", "-", ".", "1,5", "--1"} {
		table[bad] = func(f *fixture) string { return notANumber(f, ": "+bad) }
	}
	var cases []suiteCase
	for number, want := range table {
		cases = append(cases, suiteCase{"number " + short(number), func(f *fixture) {
			table := f.hashTable()
			_, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: attrs{"id": S("a"), "n": N(number)}})
			if err != nil {
				f.wantError(err, want(f))
				return
			}
			f.want("stored number", showValue(f.get(table, key("a"))["n"]), want(f))
		}})
	}
	return append(cases, suiteCase{"numbers sort by value and are one key however written", func(f *fixture) {
		table := f.pairTable()
		for _, n := range []string{"10", "9", "-1", "-10", "0.5", "1E2", "-0.5", "0", "1E-100", "-1E100"} {
			f.put(table, pair("a", n))
		}
		f.put(table, attrs{"id": S("a"), "sk": N("10.00"), "again": Bool(true)})
		out, err := f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: ptr("id = :a"), ExpressionAttributeValues: attrs{":a": S("a")}})
		if err != nil {
			f.Fatal(err)
		}
		var order []string
		for _, item := range out.Items {
			order = append(order, showValue(item["sk"]))
		}
		f.want("order", strings.Join(order, " "), "-1"+strings.Repeat("0", 100)+" -10 -1 -0.5 0 0."+strings.Repeat("0", 99)+"1 0.5 9 10 100")
	}})
}
