package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// tablePoints are those on which lock, journal and ledger rest. All else about them is held against AWS's own
// DynamoDB Local.
func tablePoints() []Point {
	return []Point{
		{
			Name:    "table-transaction-repeated",
			Claim:   "A transaction that is sent again with its ClientRequestToken answers success and changes nothing more; the token with other content is refused.",
			Promise: "A lock or a journal entry whose answer was lost is sent again, and does not fight its own ghost.",
			Known:   Documented, Most: Usage{Writes: 20, Reads: 4},
			check: transactionRepeated,
		}, {
			Name:    "table-transaction-tells-old-item",
			Claim:   "A transaction that fails a condition is cancelled as a whole, and its reasons hold the item as it is, in the place of the action that failed.",
			Promise: "Whoever does not get the lock learns from the refusal who holds it.",
			Known:   Documented, Most: Usage{Writes: 20, Reads: 4},
			check: transactionTellsOldItem,
		}, {
			Name:    "table-fence-has-one-winner",
			Claim:   "Of 20 simultaneous transactions that raise the fence from the same number exactly one is carried out, in each of 10 rounds; the others fail by the condition or by conflict.",
			Promise: "Two runs never hold the same lock under the same fence.",
			Known:   Documented, Most: Usage{Writes: 500, Reads: 40},
			check: fenceHasOneWinner,
		},
	}
}

type (
	item = map[string]types.AttributeValue
	text = types.AttributeValueMemberS
	num  = types.AttributeValueMemberN
)

// table makes a table with the key "pk" and waits until it is active.
func (e *Env) table(ctx context.Context) (string, error) {
	name := e.name(e.tables)
	in := &dynamodb.CreateTableInput{
		TableName:            &name,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
	}
	for key, value := range e.config.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: &key, Value: &value})
	}
	err := e.arrange(ctx, "create table "+name, func(ctx context.Context) error {
		_, err := e.dynamodb.CreateTable(ctx, in)
		return err
	})
	if err != nil {
		return "", err
	}
	return name, until(ctx, time.Second, settleWithin, "table "+name, func(ctx context.Context) (bool, error) {
		out, err := e.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		return err == nil && out.Table.TableStatus == types.TableStatusActive, err
	})
}

// read reads an item consistently.
func (e *Env) read(ctx context.Context, table, key string) (item, error) {
	out, err := e.dynamodb.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: item{"pk": &text{Value: key}}, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("read item %s of %s: %w", key, table, err)
	}
	return out.Item, nil
}

func number(i item, attribute string) string {
	n, ok := i[attribute].(*num)
	if !ok {
		return ""
	}
	return n.Value
}

// raise is a transaction that adds one to the fence of an item.
func raise(table, key, condition string, values item) types.TransactWriteItem {
	all := item{":one": &num{Value: "1"}}
	for name, value := range values {
		all[name] = value
	}
	u := &types.Update{
		TableName: &table, Key: item{"pk": &text{Value: key}},
		UpdateExpression:          aws.String("ADD fence :one"),
		ExpressionAttributeValues: all,
	}
	if condition != "" {
		u.ConditionExpression = &condition
		u.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return types.TransactWriteItem{Update: u}
}

func (e *Env) transact(ctx context.Context, token string, actions ...types.TransactWriteItem) error {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: actions}
	if token != "" {
		in.ClientRequestToken = &token
	}
	_, err := e.dynamodb.TransactWriteItems(ctx, in)
	return err
}

// transactionRepeated is the promise that a lost answer is no obstacle.
func transactionRepeated(ctx context.Context, e *Env) (Result, error) {
	table, err := e.table(ctx)
	if err != nil {
		return Result{}, err
	}
	const token = "conformance-token"
	var f findings
	if !f.accepted(e.transact(ctx, token, raise(table, "lock", "", nil)), "the transaction") {
		return f.result()
	}
	f.accepted(e.transact(ctx, token, raise(table, "lock", "", nil)), "the same transaction again")
	got, err := e.read(ctx, table, "lock")
	if err != nil {
		return Result{}, err
	}
	f.hold(number(got, "fence") == "1", "sent twice, it raised the fence to %s", number(got, "fence"))
	f.refused(e.transact(ctx, token, raise(table, "other", "", nil)), 400, "IdempotentParameterMismatchException", "other content with the same token")
	f.saw("the second one answered success and changed nothing")
	return f.result()
}

// transactionTellsOldItem is the promise that a refusal names the holder.
func transactionTellsOldItem(ctx context.Context, e *Env) (Result, error) {
	table, err := e.table(ctx)
	if err != nil {
		return Result{}, err
	}
	held := item{"pk": &text{Value: "lock"}, "owner": &text{Value: "somebody"}, "fence": &num{Value: "7"}}
	if _, err := e.dynamodb.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: held}); err != nil {
		return Result{}, fmt.Errorf("put the lock: %w", err)
	}
	var f findings
	err = e.transact(ctx, "", raise(table, "journal", "", nil), raise(table, "lock", "fence = :known", item{":known": &num{Value: "6"}}))
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		f.refused(err, 400, "TransactionCanceledException", "a condition that fails")
		return f.result()
	}
	reasons := cancelled.CancellationReasons
	if f.hold(len(reasons) == 2, "%d reasons for 2 actions", len(reasons)) {
		f.hold(aws.ToString(reasons[0].Code) == "None", "the reason of the innocent action is %s", aws.ToString(reasons[0].Code))
		f.hold(aws.ToString(reasons[1].Code) == "ConditionalCheckFailed", "the reason is %s", aws.ToString(reasons[1].Code))
		owner, _ := reasons[1].Item["owner"].(*text)
		f.hold(owner != nil && owner.Value == "somebody" && number(reasons[1].Item, "fence") == "7", "the reason does not hold the item")
	}
	other, err := e.read(ctx, table, "journal")
	if err != nil {
		return Result{}, err
	}
	f.hold(other == nil, "the innocent action was carried out")
	f.saw("ConditionalCheckFailed with the item; nothing was written")
	return f.result()
}

// fenceHasOneWinner is the promise that two runs never hold one lock.
func fenceHasOneWinner(ctx context.Context, e *Env) (Result, error) {
	const rounds, holders = 10, 20
	table, err := e.table(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	if !f.accepted(e.transact(ctx, "", raise(table, "lock", "", nil)), "the first fence") {
		return f.result()
	}
	conflicts, failed, empty := 0, 0, 0
	for round := range rounds {
		before, err := e.read(ctx, table, "lock")
		if err != nil {
			return Result{}, err
		}
		errs := make([]error, holders)
		err = e.burst(ctx, holders, func(ctx context.Context, i int) {
			errs[i] = e.transact(ctx, "", raise(table, "lock", "fence = :known", item{":known": before["fence"]}))
		})
		if err != nil {
			return Result{}, err
		}
		won := 0
		for _, err := range errs {
			var cancelled *types.TransactionCanceledException
			switch a := answered(err); {
			case err == nil:
				won++
			case !errors.As(err, &cancelled):
				if a.vague() || a.code == "TransactionConflictException" || a.code == "ThrottlingException" {
					f.doubt("round %d: %s", round, a)
				} else {
					f.hold(false, "round %d: %s", round, a)
				}
			case aws.ToString(cancelled.CancellationReasons[0].Code) == "TransactionConflict":
				conflicts++
			default:
				failed++
			}
		}
		after, err := e.read(ctx, table, "lock")
		if err != nil {
			return Result{}, err
		}
		// All may run into each other; then none wins, and the fence stays.
		if won == 0 {
			empty++
			f.hold(number(after, "fence") == number(before, "fence") || len(f.doubts) > 0, "round %d: nobody won, and the fence moved", round)
		}
		f.hold(won <= 1, "round %d: %d holders have the same fence", round, won)
		if won == 1 {
			f.hold(number(after, "fence") == fmt.Sprint(round+2-empty), "round %d: the fence is %s", round, number(after, "fence"))
		}
	}
	if empty == rounds {
		f.doubt("nobody ever won: every transaction ran into another one")
	}
	f.saw("never two winners")
	f.figure("%d rounds of %d: %d failed the condition, %d ran into another, %d rounds without a winner", rounds, holders, failed, conflicts, empty)
	return f.result()
}
