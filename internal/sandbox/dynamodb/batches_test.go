package dynamodb_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func putRequest(item attrs) types.WriteRequest {
	return types.WriteRequest{PutRequest: &types.PutRequest{Item: item}}
}

func deleteRequest(key attrs) types.WriteRequest {
	return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}}
}

func (f *fixture) batchWrite(table string, requests ...types.WriteRequest) error {
	out, err := f.client.BatchWriteItem(f.ctx(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests}})
	if err == nil && len(out.UnprocessedItems) > 0 {
		f.Errorf("unprocessed: %v", out.UnprocessedItems)
	}
	return err
}

var batchCases = []suiteCase{
	{"a batch reads the items that exist, of several tables", func(f *fixture) {
		one, two := f.hashTable(), f.pairTable()
		f.put(one, attrs{"id": S("a"), "x": N("1"), "y": N("2")})
		f.put(two, pair("b", "1"))
		out, err := f.client.BatchGetItem(f.ctx(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			one: {Keys: []attrs{key("a"), key("none")}, ProjectionExpression: ptr("#x"), ExpressionAttributeNames: names{"#x": "x"}, ConsistentRead: ptr(true)},
			two: {Keys: []attrs{pair("b", "1.0"), pair("b", "2")}},
		}})
		if err != nil {
			f.Fatal(err)
		}
		f.want("one", showAll(out.Responses[one]), "{x: 1}")
		f.want("two", showAll(out.Responses[two]), `{id: "b", sk: 1}`)
		if len(out.UnprocessedKeys) > 0 {
			f.Errorf("unprocessed: %v", out.UnprocessedKeys)
		}
	}},
	{"a table without a found item is still in the answer", func(f *fixture) {
		table := f.hashTable()
		out, err := f.client.BatchGetItem(f.ctx(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: {Keys: []attrs{key("none")}}}})
		if err != nil {
			f.Fatal(err)
		}
		if out.Responses[table] == nil {
			f.Errorf("%+v", out)
		}
	}},
	{"a batch reads up to 100 keys of existing tables, none twice", func(f *fixture) {
		table := f.hashTable()
		keys := func(n int) []attrs {
			var all []attrs
			for i := range n {
				all = append(all, key(fmt.Sprint(i)))
			}
			return all
		}
		read := func(name string, keys []attrs) error {
			_, err := f.client.BatchGetItem(f.ctx(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{name: {Keys: keys}}})
			return err
		}
		f.wantError(read(table, keys(100)), "")
		f.wantError(read(table, keys(101)), invalid+"Too many items requested for the BatchGetItem call")
		f.wantError(read(table, []attrs{key("a"), key("a")}), invalid+"Provided list of item keys contains duplicates")
		f.wantError(read("no-such-table", keys(1)), "ResourceNotFoundException: …")
		f.wantError(read(table, []attrs{pair("a", "1")}), invalid+"…")
		f.wantError(read(table, []attrs{key("")}), invalid+"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id")
	}},
	{"a batch returns 16 MB and the keys that are left", func(f *fixture) {
		table := f.hashTable()
		var keys []attrs
		for i := range 45 {
			f.put(table, attrs{"id": S(fmt.Sprint(i)), "v": S(strings.Repeat("x", 390<<10))})
			keys = append(keys, key(fmt.Sprint(i)))
		}
		got := 0
		in := &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: {Keys: keys}}}
		for rounds := 0; len(in.RequestItems) > 0; rounds++ {
			out, err := f.client.BatchGetItem(f.ctx(), in)
			if err != nil {
				f.Fatal(err)
			}
			if rounds > 3 {
				f.Fatalf("round %d: %v", rounds, err)
			}
			if rounds == 0 && len(out.UnprocessedKeys) == 0 {
				f.Error("17 MB came in one answer")
			}
			got += len(out.Responses[table])
			in.RequestItems = out.UnprocessedKeys
		}
		if got != 45 {
			f.Errorf("%d items", got)
		}
	}},
	{"a batch puts and deletes", func(f *fixture) {
		table := f.hashTable()
		f.put(table, key("old"))
		f.wantError(f.batchWrite(table, putRequest(attrs{"id": S("new"), "x": N("1")}), deleteRequest(key("old")), deleteRequest(key("none"))), "")
		out, err := f.client.Scan(f.ctx(), &dynamodb.ScanInput{TableName: &table})
		if err != nil {
			f.Fatal(err)
		}
		f.want("items", showAll(out.Items), `{id: "new", x: 1}`)
	}},
	{"a batch writes up to 25 items, none twice, and nothing when one is at fault", func(f *fixture) {
		table := f.hashTable()
		var many []types.WriteRequest
		for i := range 26 {
			many = append(many, putRequest(key(fmt.Sprint(i))))
		}
		f.wantError(f.batchWrite(table, many...), invalid+"Too many items requested for the BatchWriteItem call")
		f.wantError(f.batchWrite(table, putRequest(key("a")), deleteRequest(key("a"))), invalid+"Provided list of item keys contains duplicates")
		f.wantError(f.batchWrite(table, putRequest(key("a")), putRequest(attrs{"x": S("b")})), invalid+f.onLocal("The provided key element does not match the schema", "One of the required keys was not given a value", "recorded from AWS by LocalStack's test_batch_write_not_matching_schema"))
		f.wantError(f.batchWrite(table, putRequest(key("a")), putRequest(key(""))), invalid+"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id")
		f.wantError(f.batchWrite("no-such-table", putRequest(key("a"))), "ResourceNotFoundException: …")
		out, err := f.client.Scan(f.ctx(), &dynamodb.ScanInput{TableName: &table})
		if err != nil {
			f.Fatal(err)
		}
		if len(out.Items) > 0 {
			f.Errorf("%v", showAll(out.Items))
		}
		f.wantError(f.batchWrite(table, slices.Clone(many[:25])...), "")
	}},
}
