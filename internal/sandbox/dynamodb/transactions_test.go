package dynamodb_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func txPut(table string, item attrs, condition ...string) types.TransactWriteItem {
	p := &types.Put{TableName: &table, Item: item}
	if len(condition) > 0 {
		p.ConditionExpression = &condition[0]
	}
	return types.TransactWriteItem{Put: p}
}

func txUpdate(table, id, update string, values attrs, condition ...string) types.TransactWriteItem {
	u := &types.Update{TableName: &table, Key: key(id), UpdateExpression: &update, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: "ALL_OLD"}
	if len(condition) > 0 {
		u.ConditionExpression = &condition[0]
	}
	return types.TransactWriteItem{Update: u}
}

func txDelete(table, id string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: &table, Key: key(id)}}
}

func txCheck(table, id, condition string) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: &table, Key: key(id), ConditionExpression: &condition, ReturnValuesOnConditionCheckFailure: "ALL_OLD"}}
}

func (f *fixture) transact(token string, items ...types.TransactWriteItem) error {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: items}
	if token != "" {
		in.ClientRequestToken = &token
	}
	_, err := f.client.TransactWriteItems(f.ctx(), in)
	return err
}

// reasons writes the reasons of a cancelled transaction: code, message and item of each.
func reasons(err error) string {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return outcome(err)
	}
	var all []string
	for _, r := range cancelled.CancellationReasons {
		one := *r.Code
		if r.Message != nil {
			one += " (" + strings.TrimSuffix(*r.Message, ".") + ")"
		}
		if r.Item != nil {
			one += " " + show(r.Item)
		}
		all = append(all, one)
	}
	return strings.Join(all, "; ")
}

const twice = invalid + "Transaction request cannot include multiple operations on one item"

var transactionCases = []suiteCase{
	{"puts, updates, deletes and checks take effect together, across tables", func(f *fixture) {
		one, two := f.hashTable(), f.hashTable()
		f.put(one, attrs{"id": S("counter"), "n": N("1")})
		f.put(one, key("old"))
		f.put(two, key("guard"))
		f.wantError(f.transact("",
			txCheck(two, "guard", "attribute_exists(id)"),
			txUpdate(one, "counter", "SET n = n + :a", attrs{":a": N("1")}, "attribute_exists(n)"),
			txPut(two, attrs{"id": S("new"), "x": N("1")}, "attribute_not_exists(id)"),
			txDelete(one, "old"),
		), "")
		f.want("counter", show(f.get(one, key("counter"))), `{id: "counter", n: 2}`)
		f.want("new", show(f.get(two, key("new"))), `{id: "new", x: 1}`)
		f.want("old", show(f.get(one, key("old"))), "{}")
	}},
	{"a failed condition cancels everything and gives each action its reason, in order", func(f *fixture) {
		table := f.hashTable()
		f.put(table, attrs{"id": S("a"), "n": N("1")})
		err := f.transact("",
			txPut(table, key("b")),
			txCheck(table, "a", "attribute_not_exists(id)"),
			txUpdate(table, "c", "SET n = :a", attrs{":a": N("1")}, "attribute_exists(n)"),
			txPut(table, key("d"), "attribute_exists(id)"),
		)
		f.wantError(err, "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ConditionalCheckFailed, ConditionalCheckFailed]")
		f.want("reasons", reasons(err), `None; ConditionalCheckFailed (The conditional request failed) {id: "a", n: 1}; ConditionalCheckFailed (The conditional request failed); ConditionalCheckFailed (The conditional request failed)`)
		f.want("b", show(f.get(table, key("b"))), "{}")
	}},
	{"the old item is only shown when it is asked for", func(f *fixture) {
		table := f.hashTable()
		f.put(table, key("a"))
		f.want("reasons", reasons(f.transact("", txPut(table, key("a"), "attribute_not_exists(id)"))), "ConditionalCheckFailed (The conditional request failed)")
	}},
	{"no item occurs twice", func(f *fixture) {
		table := f.hashTable()
		f.wantError(f.transact("", txPut(table, key("a")), txDelete(table, "a")), twice)
		f.wantError(f.transact("", txPut(table, key("a")), txCheck(table, "a", "attribute_exists(id)")), twice)
		f.wantError(f.transact("", txCheck(table, "a", "attribute_exists(id)"), txPut(table, key("a"))), f.onLocal(twice,
			"TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [ConditionalCheckFailed, None]",
			"AWS refuses two actions on one item in any order (API reference of TransactWriteItems); DynamoDB Local evaluates a check that comes first"))
	}},
	{"no item occurs twice, however its key is written", func(f *fixture) {
		table := f.pairTable()
		f.wantError(f.transact("", txPut(table, pair("a", "1")), txPut(table, pair("a", "1.0"))), twice)
	}},
	{"a token makes a repeated request succeed without a second effect", func(f *fixture) {
		table := f.hashTable()
		f.put(table, attrs{"id": S("a"), "n": N("0")})
		add := txUpdate(table, "a", "SET n = n + :a", attrs{":a": N("1")}, "n = :zero")
		add.Update.ExpressionAttributeValues[":zero"] = N("0")
		token := table[len(table)-20:]
		f.wantError(f.transact(token, add), "")
		f.wantError(f.transact(token, add), "") // its condition would fail now
		f.want("item", show(f.get(table, key("a"))), `{id: "a", n: 1}`)
		add.Update.ExpressionAttributeValues[":a"] = N("2")
		f.wantError(f.transact(token, add), "IdempotentParameterMismatchException: …")
		f.want("item", show(f.get(table, key("a"))), `{id: "a", n: 1}`)
	}},
	{"a cancelled transaction does not use its token up", func(f *fixture) {
		table := f.hashTable()
		token := "t" + table[len(table)-20:]
		f.want("first", reasons(f.transact(token, txPut(table, key("a"), "attribute_exists(id)"))), "ConditionalCheckFailed (The conditional request failed)")
		f.put(table, key("a"))
		f.wantError(f.transact(token, txPut(table, key("a"), "attribute_exists(id)")), "")
	}},
	{"a token has at most 36 characters", func(f *fixture) {
		table := f.hashTable()
		longest := (table + strings.Repeat("x", 36))[:36]
		f.wantError(f.transact(longest, txPut(table, key("a"))), "")
		f.wantError(f.transact(longest+"x", txPut(table, key("a"))), invalid+"…")
	}},
	{"100 actions and 4 MB, no more", func(f *fixture) {
		table := f.hashTable()
		actions := func(n int, text string) []types.TransactWriteItem {
			var all []types.TransactWriteItem
			for i := range n {
				all = append(all, txPut(table, attrs{"id": S(fmt.Sprint(i)), "v": S(text)}))
			}
			return all
		}
		f.wantError(f.transact("", actions(100, "x")...), "")
		f.wantError(f.transact("", actions(101, "x")...), invalid+"…")
		f.wantError(f.transact("", actions(10, strings.Repeat("x", 399<<10))...), "")
		f.wantError(f.transact("", actions(11, strings.Repeat("x", 399<<10))...), invalid+"Transaction payload size cannot exceed 4MB…")
		f.wantError(f.transact("", actions(1, strings.Repeat("x", 401<<10))...), invalid+"Item size has exceeded the maximum allowed size")
	}},
	{"faults of an expression refuse the request itself", func(f *fixture) {
		table := f.hashTable()
		f.wantError(f.transact("", txPut(table, key("a")), txCheck(table, "b", "foo =")), badC+`Syntax error; token: "<EOF>", near: "="`)
		f.wantError(f.transact("", txUpdate(table, "a", "SET n = :a", attrs{":a": N("1"), ":b": N("1")})), invalid+"Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}")
		f.wantError(f.transact("", txPut(table, key(""))), invalid+"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id")
		f.wantError(f.transact("", txPut(table, attrs{"id": S("a"), "v": SS()})), invalid+"One or more parameter values were invalid: An string set  may not be empty")
		f.wantError(f.transact("", types.TransactWriteItem{}), invalid+"Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
		both := txPut(table, key("a"))
		both.Delete = txDelete(table, "a").Delete
		f.wantError(f.transact("", both), invalid+"TransactItems can only contain one of Check, Put, Update or Delete")
	}},
	{"faults against the item or the schema cancel the transaction", func(f *fixture) {
		table := f.hashTable()
		f.put(table, attrs{"id": S("a"), "s": S("text"), "n": N("1")})
		cancels := "AWS lists these texts among the reasons of code ValidationError (API reference of TransactWriteItems); DynamoDB Local refuses the request, or gives fewer reasons than there are actions"
		for _, c := range []struct {
			action     types.TransactWriteItem
			aws, local string
		}{
			{txUpdate(table, "a", "SET n = zz", nil), "The provided expression refers to an attribute that does not exist in the item", missing},
			{txUpdate(table, "a", "SET s.k = n", nil), "The document path provided in the update expression is invalid for update", badPath},
			{txUpdate(table, "a", "SET n = n + s", nil), "An operand in the update expression has an incorrect data type", badType},
			{txUpdate(table, "a", "SET id = n", nil), "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key", "ValidationError (One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key)"},
			{txPut(table, attrs{"id": N("1")}), "One or more parameter values were invalid: Type mismatch for key id expected: S actual: N", "None; ValidationError (One or more parameter values were invalid: Type mismatch for key)"},
		} {
			want := "None; ValidationError (" + c.aws + ")"
			f.want("reasons", reasons(f.transact("", txPut(table, key("b")), c.action)), f.onLocal(want, c.local, cancels))
			f.want("b", show(f.get(table, key("b"))), "{}")
		}
	}},
	{"a missing table is not found, whatever the item", func(f *fixture) {
		f.wantError(f.transact("", txPut("no-such-table", attrs{})), "ResourceNotFoundException: "+f.onLocal("Requested resource not found", "Cannot do operations on a non-existent table", "recorded from AWS"))
	}},
	{"a transaction reads several items at one moment", func(f *fixture) {
		table := f.hashTable()
		f.put(table, attrs{"id": S("a"), "x": N("1"), "y": N("2")})
		out, err := f.client.TransactGetItems(f.ctx(), &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
			{Get: &types.Get{TableName: &table, Key: key("none")}},
			{Get: &types.Get{TableName: &table, Key: key("a"), ProjectionExpression: ptr("x")}},
		}})
		if err != nil {
			f.Fatal(err)
		}
		if len(out.Responses) != 2 || out.Responses[0].Item != nil || show(out.Responses[1].Item) != "{x: 1}" {
			f.Errorf("%+v", out)
		}
		_, err = f.client.TransactGetItems(f.ctx(), &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
			{Get: &types.Get{TableName: &table, Key: key("a")}}, {Get: &types.Get{TableName: &table, Key: key("a")}},
		}})
		f.wantError(err, twice)
	}},
	{"a transaction consumes twice the capacity", func(f *fixture) {
		table := f.hashTable()
		out, err := f.client.TransactWriteItems(f.ctx(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{txPut(table, key("a"))}, ReturnConsumedCapacity: "TOTAL"})
		if err != nil {
			f.Fatal(err)
		}
		if len(out.ConsumedCapacity) != 1 || *out.ConsumedCapacity[0].CapacityUnits != 2 {
			f.Errorf("%+v", out)
		}
	}},
}

var raceCases = []suiteCase{
	{"one of many conditional puts wins, each round", func(f *fixture) {
		table := f.hashTable()
		for round := range 8 {
			f.want("winners", fmt.Sprint(race(30, func(i int) error {
				_, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: attrs{"id": S(fmt.Sprint(round)), "by": N(fmt.Sprint(i))}, ConditionExpression: ptr("attribute_not_exists(id)")})
				return err
			})), "1")
		}
	}},
	{"one of many lock transactions wins, and the fence counts each", func(f *fixture) {
		table := f.hashTable()
		for round := range 8 {
			f.want("winners", fmt.Sprint(race(20, func(i int) error {
				return f.transact("",
					txUpdate(table, "lock", "SET fence = if_not_exists(fence, :zero) + :one, holder = :me", attrs{":zero": N("0"), ":one": N("1"), ":me": N(fmt.Sprint(i)), ":seen": N(fmt.Sprint(round))}, "attribute_not_exists(fence) OR fence = :seen"),
					txPut(table, attrs{"id": S(fmt.Sprintf("run-%d", i))}),
				)
			})), "1")
			f.want("fence", showValue(f.get(table, key("lock"))["fence"]), fmt.Sprint(round+1))
		}
	}},
	{"no increment is lost", func(f *fixture) {
		table := f.hashTable()
		won := race(40, func(int) error {
			_, err := f.client.UpdateItem(f.ctx(), &dynamodb.UpdateItemInput{TableName: &table, Key: key("n"), UpdateExpression: ptr("ADD n :a"), ExpressionAttributeValues: attrs{":a": N("1")}})
			return err
		})
		f.want("sum", showValue(f.get(table, key("n"))["n"]), fmt.Sprint(won))
	}},
}

// race calls do from n goroutines at once and counts the successes.
func race(n int, do func(i int) error) int64 {
	var won atomic.Int64
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			if do(i) == nil {
				won.Add(1)
			}
		})
	}
	wait.Wait()
	return won.Load()
}
