package table

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/promotion"
)

// The attributes of a lock's row that others than package lease have to know.
const (
	OwnerAttribute = "owner" // absent while nobody holds it
	FenceAttribute = "fence" // grows with every grant
	DirtyAttribute = "dirty" // true while it is held, and when the holder did not leave cleanly
	LeftAttribute  = "left"  // who gave it back last: a late repetition of its request for the lock is refused
)

// stillHeld is the condition under which whoever has the grant may act.
const stillHeld = "#owner = :owner AND #fence = :fence"

func ofGrant(g promotion.Grant) Item {
	return Item{":owner": S(g.Owner), ":fence": N(g.Fence)}
}

// Guard is the check that the grant still holds, for a transaction that must not happen otherwise.
func (t *Table) Guard(g promotion.Grant) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: t.tableName(), Key: LockKey(g.Lock).Item(),
		ConditionExpression:      new(stillHeld),
		ExpressionAttributeNames: Names(stillHeld), ExpressionAttributeValues: ofGrant(g),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// GiveBack ends the grant as the last deed of a transaction; it is a [Table.Guard] too. clean is that of
// [promotion.Held.Release]. also are further attributes to set in the lock's row.
func (t *Table) GiveBack(g promotion.Grant, clean bool, also Item) types.TransactWriteItem {
	expression := "SET #dirty = :dirty, #left = #owner"
	names, values := Names(expression, stillHeld), ofGrant(g)
	values[":dirty"] = Bool(!clean)
	for i, attribute := range slices.Sorted(maps.Keys(also)) {
		alias := fmt.Sprintf("also%d", i)
		expression += ", #" + alias + " = :" + alias
		names["#"+alias], values[":"+alias] = attribute, also[attribute]
	}
	return types.TransactWriteItem{Update: &types.Update{
		TableName: t.tableName(), Key: LockKey(g.Lock).Item(),
		UpdateExpression: new(expression + " REMOVE #owner"), ConditionExpression: new(stillHeld),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// Names are the attribute names of expressions in which every name stands as "#name". All are written so, since many a
// word is reserved: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html.
func Names(expressions ...string) map[string]string {
	names := map[string]string{}
	for _, text := range expressions {
		for _, part := range strings.Split(text, "#")[1:] {
			end := strings.IndexFunc(part, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
			if end < 0 {
				end = len(part)
			}
			names["#"+part[:end]] = part[:end]
		}
	}
	return names
}
