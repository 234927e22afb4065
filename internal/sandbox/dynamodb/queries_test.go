package dynamodb_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// sevenOf fills a table with seven items under a and one under b.
func (f *fixture) sevenOf() string {
	f.Helper()
	table := f.pairTable()
	for i := range 7 {
		f.put(table, attrs{"id": S("a"), "sk": N(fmt.Sprint(i + 1)), "v": S(fmt.Sprintf("v%d", i+1))})
	}
	f.put(table, pair("b", "1"))
	return table
}

// sorts lists the range keys of items.
func sorts(items []attrs) string {
	var all []string
	for _, item := range items {
		all = append(all, showValue(item["sk"]))
	}
	return strings.Join(all, " ")
}

func queryCases() []suiteCase {
	const badK = invalid + "Invalid KeyConditionExpression: "
	a := attrs{":a": S("a")}
	with := func(values attrs, more attrs) attrs {
		all := attrs{}
		for _, m := range []attrs{values, more} {
			for k, v := range m {
				all[k] = v
			}
		}
		return all
	}
	table := []struct {
		expression string
		values     attrs
		want       string // range keys in order, or an outcome
	}{
		{"id = :a", a, "1 2 3 4 5 6 7"},
		{":a = id", a, "1 2 3 4 5 6 7"},
		{"id = :a", attrs{":a": S("none")}, ""},
		{"id = :a AND sk = :b", with(a, attrs{":b": N("2.0")}), "2"},
		{"sk = :b AND id = :a", with(a, attrs{":b": N("2")}), "2"},
		{"(id = :a) AND (sk = :b)", with(a, attrs{":b": N("2")}), "2"},
		{"(id = :a AND sk = :b)", with(a, attrs{":b": N("2")}), "2"},
		{"id = :a AND sk < :b", with(a, attrs{":b": N("3")}), "1 2"},
		{"id = :a AND sk <= :b", with(a, attrs{":b": N("3")}), "1 2 3"},
		{"id = :a AND sk > :b", with(a, attrs{":b": N("5.5")}), "6 7"},
		{"id = :a AND sk >= :b", with(a, attrs{":b": N("5")}), "5 6 7"},
		{"id = :a AND :b < sk", with(a, attrs{":b": N("5")}), "6 7"},
		{"id = :a AND sk BETWEEN :b AND :c", with(a, attrs{":b": N("2"), ":c": N("4")}), "2 3 4"},
		{"", a, badK + "The expression can not be empty;"},
		{"id = :a OR sk = :b", with(a, attrs{":b": N("2")}), invalid + "Invalid operator used in KeyConditionExpression: OR"},
		{"NOT id = :a", a, invalid + "Invalid operator used in KeyConditionExpression: NOT"},
		{"id = :a AND sk <> :b", with(a, attrs{":b": N("2")}), invalid + "Invalid operator used in KeyConditionExpression: <>"},
		{"id = :a AND sk IN (:b)", with(a, attrs{":b": N("2")}), invalid + "Invalid operator used in KeyConditionExpression: IN"},
		{"id = :a AND attribute_exists(sk)", a, invalid + "Invalid operator used in KeyConditionExpression: attribute_exists"},
		{"id = :a AND size(sk) = :b", with(a, attrs{":b": N("2")}), invalid + "KeyConditionExpressions cannot contain nested operations"},
		{"id > :a", a, invalid + "Query key condition not supported"},
		{"begins_with(id, :a)", a, invalid + "Query key condition not supported"},
		{"sk = :b", attrs{":b": N("2")}, invalid + "Query condition missed key schema element…"},
		{"id = :a AND v = :b", with(a, attrs{":b": N("2")}), invalid + "Query condition missed key schema element…"},
		{"id = :a AND sk = :b AND v = :c", with(a, attrs{":b": N("2"), ":c": N("1")}), invalid + "Conditions can be of length 1 or 2 only"},
		{"id = :a AND sk > :b AND sk < :c", with(a, attrs{":b": N("2"), ":c": N("4")}), invalid + "KeyConditionExpressions must only contain one condition per key"},
		{"id = :a AND sk BETWEEN :b AND :c", with(a, attrs{":b": N("4"), ":c": N("2")}), badK + "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:4}, upper bound operand: AttributeValue: {N:2}"},
		{"id = :a AND begins_with(sk, :b)", with(a, attrs{":b": N("2")}), badK + "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"},
		{"id = :a AND sk = :b", with(a, attrs{":b": S("2")}), invalid + "One or more parameter values were invalid: Condition parameter type does not match schema type"},
		{"id = :b", attrs{":b": N("2")}, invalid + "One or more parameter values were invalid: Condition parameter type does not match schema type"},
		{"id = sk", nil, invalid + "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"},
		{"id.x = :a", a, invalid + "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: id"},
		{"id = :a", attrs{":a": S("")}, invalid + "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id"},
		{"id = :a AND", a, badK + `Syntax error; token: "<EOF>", near: "AND"`},
		{"id = :a", with(a, attrs{":b": N("1")}), invalid + "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}"},
	}
	var cases []suiteCase
	for _, c := range table {
		cases = append(cases, suiteCase{short(c.expression), func(f *fixture) {
			table := f.sevenOf()
			out, err := f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: &c.expression, ExpressionAttributeValues: c.values, ConsistentRead: ptr(true)})
			if err != nil {
				f.wantError(err, c.want)
				return
			}
			f.want("range keys", sorts(out.Items), c.want)
		}})
	}
	return append(cases, readCases...)
}

var readCases = []suiteCase{
	{"begins_with on a string range key", func(f *fixture) {
		table := f.newTable("id:S", "sk:S")
		for _, sort := range []string{"run#2", "run#10", "rum", "run", "ruo"} {
			f.put(table, attrs{"id": S("a"), "sk": S(sort)})
		}
		out, err := f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: ptr("id = :a AND begins_with(sk, :b)"), ExpressionAttributeValues: attrs{":a": S("a"), ":b": S("run")}})
		if err != nil {
			f.Fatal(err)
		}
		f.want("range keys", sorts(out.Items), `"run" "run#10" "run#2"`)
	}},
	{"pages follow one another, forward and backward", func(f *fixture) {
		table := f.sevenOf()
		for forward, want := range map[bool]string{true: "1 2|3 4|5 6|7", false: "7 6|5 4|3 2|1"} {
			in := &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: ptr("id = :a"), ExpressionAttributeValues: attrs{":a": S("a")}, Limit: ptr(int32(2)), ScanIndexForward: &forward}
			var pages []string
			for {
				out, err := f.client.Query(f.ctx(), in)
				if err != nil {
					f.Fatal(err)
				}
				pages = append(pages, sorts(out.Items))
				if in.ExclusiveStartKey = out.LastEvaluatedKey; out.LastEvaluatedKey == nil {
					break
				}
			}
			f.want("pages", strings.Join(pages, "|"), want)
		}
	}},
	{"a page that ends with the last item says so only on the next one", func(f *fixture) {
		table := f.sevenOf()
		out, err := f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: ptr("id = :a"), ExpressionAttributeValues: attrs{":a": S("a")}, Limit: ptr(int32(7))})
		if err != nil {
			f.Fatal(err)
		}
		f.want("LastEvaluatedKey", show(out.LastEvaluatedKey), `{id: "a", sk: 7}`)
	}},
	{"a start key need not exist, but has to fit the query", func(f *fixture) {
		table := f.sevenOf()
		for _, c := range []struct {
			start attrs
			want  string
		}{
			{pair("a", "5.5"), "6 7"},
			{attrs{"id": S("a")}, f.onLocal(invalid+"The provided starting key is invalid", invalid+"Exclusive Start Key must have same size as table's key schema", ownText)},
			{pair("b", "1"), f.onLocal(invalid+"The provided starting key is outside query boundaries based on provided conditions", invalid+"The provided starting key does not match the range key predicate", ownText)},
		} {
			out, err := f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: ptr("id = :a"), ExpressionAttributeValues: attrs{":a": S("a")}, ExclusiveStartKey: c.start})
			if err != nil {
				f.wantError(err, c.want)
				continue
			}
			f.want("range keys", sorts(out.Items), c.want)
		}
		_, err := f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: ptr("id = :a AND sk < :b"), ExpressionAttributeValues: attrs{":a": S("a"), ":b": N("3")}, ExclusiveStartKey: pair("a", "5")})
		f.wantError(err, invalid+"The provided starting key does not match the range key predicate")
	}},
	{"the filter comes after the limit", func(f *fixture) {
		table := f.sevenOf()
		out, err := f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: ptr("id = :a"), FilterExpression: ptr("v = :v"), ExpressionAttributeValues: attrs{":a": S("a"), ":v": S("v3")}, Limit: ptr(int32(2))})
		if err != nil {
			f.Fatal(err)
		}
		if out.Count != 0 || out.ScannedCount != 2 || show(out.LastEvaluatedKey) != `{id: "a", sk: 2}` {
			f.Errorf("%+v", out)
		}
		out, err = f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: ptr("id = :a"), FilterExpression: ptr("v = :v"), ExpressionAttributeValues: attrs{":a": S("a"), ":v": S("v3")}})
		if err != nil {
			f.Fatal(err)
		}
		if sorts(out.Items) != "3" || out.ScannedCount != 7 || out.LastEvaluatedKey != nil {
			f.Errorf("%+v", out)
		}
	}},
	{"a query's filter cannot name a key", func(f *fixture) {
		table := f.sevenOf()
		_, err := f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: ptr("id = :a"), FilterExpression: ptr("NOT (v = :a OR sk = :b)"), ExpressionAttributeValues: attrs{":a": S("a"), ":b": N("3")}})
		f.wantError(err, invalid+"Filter Expression can only contain non-primary key attributes: Primary key attribute: sk")
	}},
	{"COUNT returns no items", func(f *fixture) {
		table := f.sevenOf()
		out, err := f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: ptr("id = :a"), Select: types.SelectCount, FilterExpression: ptr("v > :v"), ExpressionAttributeValues: attrs{":a": S("a"), ":v": S("v3")}})
		if err != nil {
			f.Fatal(err)
		}
		if out.Count != 4 || out.ScannedCount != 7 || len(out.Items) > 0 {
			f.Errorf("%+v", out)
		}
	}},
	{"Select and the projection have to agree", func(f *fixture) {
		table := f.sevenOf()
		for _, c := range []struct {
			choose     types.Select
			projection *string
			want       string
		}{
			{types.SelectSpecificAttributes, nil, "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"},
			{types.SelectCount, ptr("v"), "Cannot specify the ProjectionExpression when choosing to get only the Count"},
			{types.SelectAllAttributes, ptr("v"), "Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES"},
			{types.SelectAllProjectedAttributes, nil, "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"},
		} {
			_, err := f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: ptr("id = :a"), ExpressionAttributeValues: attrs{":a": S("a")}, Select: c.choose, ProjectionExpression: c.projection})
			f.wantError(err, invalid+c.want)
		}
	}},
	{"a query needs its key condition and a limit of at least 1", func(f *fixture) {
		table := f.sevenOf()
		_, err := f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table})
		f.wantError(err, invalid+"Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
		_, err = f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: ptr("id = :a"), ExpressionAttributeValues: attrs{":a": S("a")}, Limit: ptr(int32(0))})
		f.wantError(err, invalid+f.onLocal("1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", "Limit must be greater than or equal to 1", ownText))
	}},
	{"a page ends at 1 MB", func(f *fixture) {
		table := f.pairTable()
		for i := range 7 {
			f.put(table, attrs{"id": S("a"), "sk": N(fmt.Sprint(i)), "v": S(strings.Repeat("x", 300<<10))})
		}
		in := &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: ptr("id = :a"), ExpressionAttributeValues: attrs{":a": S("a")}}
		var pages []string
		for {
			out, err := f.client.Query(f.ctx(), in)
			if err != nil {
				f.Fatal(err)
			}
			pages = append(pages, sorts(out.Items))
			if in.ExclusiveStartKey = out.LastEvaluatedKey; out.LastEvaluatedKey == nil {
				break
			}
		}
		f.want("pages", strings.Join(pages, "|"), "0 1 2 3|4 5 6")
	}},
	{"a scan sees every item once, also in pages and segments", func(f *fixture) {
		table := f.pairTable()
		var want []string
		for i := range 30 {
			item := pair(fmt.Sprintf("p%d", i%11), fmt.Sprint(i))
			f.put(table, item)
			want = append(want, show(item))
		}
		slices.Sort(want)
		for _, c := range []struct {
			limit    *int32
			segments int32
		}{{nil, 1}, {ptr(int32(1)), 1}, {ptr(int32(7)), 1}, {nil, 3}, {ptr(int32(2)), 4}} {
			var got []string
			for segment := range c.segments {
				in := &dynamodb.ScanInput{TableName: &table, Limit: c.limit, Segment: ptr(segment), TotalSegments: ptr(c.segments), ConsistentRead: ptr(true)}
				for {
					out, err := f.client.Scan(f.ctx(), in)
					if err != nil {
						f.Fatal(err)
					}
					for _, item := range out.Items {
						got = append(got, show(item))
					}
					if in.ExclusiveStartKey = out.LastEvaluatedKey; out.LastEvaluatedKey == nil {
						break
					}
				}
			}
			slices.Sort(got)
			f.want("items", strings.Join(got, " "), strings.Join(want, " "))
		}
	}},
	{"a scan filters, also by key, and projects", func(f *fixture) {
		table := f.sevenOf()
		out, err := f.client.Scan(f.ctx(), &dynamodb.ScanInput{TableName: &table, FilterExpression: ptr("sk = :b AND attribute_exists(v)"), ProjectionExpression: ptr("v"), ExpressionAttributeValues: attrs{":b": N("3")}})
		if err != nil {
			f.Fatal(err)
		}
		if showAll(out.Items) != `{v: "v3"}` || out.ScannedCount != 8 {
			f.Errorf("%+v", out)
		}
	}},
}

// indexed makes a table with a global and a local index.
func (f *fixture) indexed() string {
	f.Helper()
	table := f.newTable("id:S", "sk:S", func(in *dynamodb.CreateTableInput) {
		in.AttributeDefinitions = append(in.AttributeDefinitions, definition("g:S"), definition("l:N"))
		in.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{{IndexName: ptr("by-g"), KeySchema: schema("g", "sk"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}}}
		in.LocalSecondaryIndexes = []types.LocalSecondaryIndex{{IndexName: ptr("by-l"), KeySchema: schema("id", "l"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"v"}}}}
	})
	for i := range 6 {
		f.put(table, attrs{"id": S("a"), "sk": S(fmt.Sprintf("s%d", i)), "g": S(fmt.Sprintf("g%d", i%2)), "l": N(fmt.Sprint(10 - i)), "v": S("x"), "w": S("y")})
	}
	f.put(table, attrs{"id": S("a"), "sk": S("outside")})
	return table
}

var indexCases = []suiteCase{
	{"a global index is queried by its own key and shows what it projects", func(f *fixture) {
		table := f.indexed()
		out, err := f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, IndexName: ptr("by-g"), KeyConditionExpression: ptr("g = :g AND sk > :s"), ExpressionAttributeValues: attrs{":g": S("g1"), ":s": S("s1")}, Limit: ptr(int32(1))})
		if err != nil {
			f.Fatal(err)
		}
		if showAll(out.Items) != `{g: "g1", id: "a", sk: "s3"}` || show(out.LastEvaluatedKey) != `{g: "g1", id: "a", sk: "s3"}` {
			f.Errorf("%v", out)
		}
		out, err = f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, IndexName: ptr("by-g"), KeyConditionExpression: ptr("g = :g"), ExpressionAttributeValues: attrs{":g": S("g1")}, ExclusiveStartKey: out.LastEvaluatedKey})
		if err != nil {
			f.Fatal(err)
		}
		if showAll(out.Items) != `{g: "g1", id: "a", sk: "s5"}` {
			f.Errorf("%v", out)
		}
	}},
	{"a local index is ordered by its range key and can be read consistently", func(f *fixture) {
		table := f.indexed()
		out, err := f.client.Query(f.ctx(), &dynamodb.QueryInput{TableName: &table, IndexName: ptr("by-l"), KeyConditionExpression: ptr("id = :a AND l > :l"), ExpressionAttributeValues: attrs{":a": S("a"), ":l": N("8")}, ConsistentRead: ptr(true)})
		if err != nil {
			f.Fatal(err)
		}
		if showAll(out.Items) != `{id: "a", l: 9, sk: "s1", v: "x"} {id: "a", l: 10, sk: "s0", v: "x"}` {
			f.Errorf("%v", showAll(out.Items))
		}
	}},
	{"a global index has no consistent reads and no attributes that it does not project", func(f *fixture) {
		table := f.indexed()
		in := func() *dynamodb.QueryInput {
			return &dynamodb.QueryInput{TableName: &table, IndexName: ptr("by-g"), KeyConditionExpression: ptr("g = :g"), ExpressionAttributeValues: attrs{":g": S("g1")}}
		}
		strong, all, part, none := in(), in(), in(), in()
		strong.ConsistentRead, all.Select, part.ProjectionExpression, none.IndexName = ptr(true), types.SelectAllAttributes, ptr("v"), ptr("nope")
		for want, in := range map[string]*dynamodb.QueryInput{
			"Consistent reads are not supported on global secondary indexes":                                                                                                strong,
			"One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index by-g because its projection type is not ALL": all,
			"One or more parameter values were invalid: Global secondary index by-g does not project [v]":                                                                   part,
			"The table does not have the specified index: nope":                                                                                                             none,
		} {
			_, err := f.client.Query(f.ctx(), in)
			f.wantError(err, invalid+want)
		}
	}},
	{"an index key of the wrong type is refused, a missing one leaves the item out", func(f *fixture) {
		table := f.indexed()
		_, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: attrs{"id": S("a"), "sk": S("z"), "g": N("1")}})
		f.wantError(err, invalid+"One or more parameter values were invalid: Type mismatch for Index Key…")
		out, err := f.client.Scan(f.ctx(), &dynamodb.ScanInput{TableName: &table, IndexName: ptr("by-g"), Select: types.SelectCount})
		if err != nil {
			f.Fatal(err)
		}
		if out.Count != 6 {
			f.Errorf("%v", out)
		}
	}},
}
