package table

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// A Refused is the answer to a write whose condition did not hold. Nothing changed.
type Refused struct {
	Actions []Refusal // one for each action, in order
}

// A Refusal says of one action whether its own condition failed, and if so what the row held; nil if there is none.
type Refusal struct {
	Failed bool
	Row    Item
}

func (r *Refused) Error() string { return "the condition of the write does not hold" }

// attempts is how often a write is tried that meets another transaction on the same rows, or is throttled.
const attempts = 6

// Update carries one conditional update out and returns what the row holds then. It returns [*Refused] if the condition
// does not hold.
func (t *Table) Update(ctx context.Context, u types.Update) (Item, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression, ConditionExpression: u.ConditionExpression,
		ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	return insist(ctx, func(ctx context.Context) (Item, error) {
		out, err := t.db.UpdateItem(ctx, in)
		var failed *types.ConditionalCheckFailedException
		if errors.As(err, &failed) {
			return nil, &Refused{Actions: []Refusal{{Failed: true, Row: failed.Item}}}
		}
		if err != nil {
			return nil, err
		}
		return out.Attributes, nil
	})
}

// Transact carries all actions out or none. token makes a repetition of the same request harmless for ten minutes; it is
// at most 36 characters long. It returns [*Refused] if a condition does not hold.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func (t *Table) Transact(ctx context.Context, token string, actions ...types.TransactWriteItem) error {
	in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: &token, TransactItems: actions}
	_, err := insist(ctx, func(ctx context.Context) (struct{}, error) {
		_, err := t.db.TransactWriteItems(ctx, in)
		return struct{}{}, cancelled(err)
	})
	return err
}

// cancelled turns a transaction's end into [*Refused], or into errContended where it only met another one.
func cancelled(err error) error {
	var reasons *types.TransactionCanceledException
	if !errors.As(err, &reasons) {
		return err
	}
	refused, contended := &Refused{}, false
	for _, r := range reasons.CancellationReasons {
		switch code := aws.ToString(r.Code); code {
		case "None":
			refused.Actions = append(refused.Actions, Refusal{})
		case "ConditionalCheckFailed":
			refused.Actions = append(refused.Actions, Refusal{Failed: true, Row: r.Item})
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			contended = true
			refused.Actions = append(refused.Actions, Refusal{})
		default:
			return err
		}
	}
	if contended {
		return &contention{err}
	}
	return refused
}

// A contention is a transaction that nothing speaks against but another one at the same moment.
type contention struct{ error }

func (c *contention) Unwrap() error { return c.error }

// Get reads one row, with all that was written to it before; nil if there is none.
func (t *Table) Get(ctx context.Context, k Key) (Item, error) {
	return insist(ctx, func(ctx context.Context) (Item, error) {
		out, err := t.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: t.tableName(), Key: k.Item(), ConsistentRead: aws.Bool(true)})
		if err != nil {
			return nil, err
		}
		return out.Item, nil
	})
}

// Rows reads the rows of a partition whose sort keys begin with the prefix, in order, each with all that was written to
// it before.
func (t *Table) Rows(ctx context.Context, partition, prefix string) ([]Item, error) {
	const condition = "#pk = :pk AND begins_with(#sk, :sk)"
	in := &dynamodb.QueryInput{
		TableName: t.tableName(), ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String(condition),
		ExpressionAttributeNames: Names(condition), ExpressionAttributeValues: Item{":pk": S(partition), ":sk": S(prefix)},
	}
	var rows []Item
	for {
		out, err := insist(ctx, func(ctx context.Context) (*dynamodb.QueryOutput, error) { return t.db.Query(ctx, in) })
		if err != nil {
			return nil, err
		}
		for _, row := range out.Items {
			rows = append(rows, row)
		}
		if out.LastEvaluatedKey == nil {
			return rows, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// Put writes a row, whatever was there.
func (t *Table) Put(ctx context.Context, row Item) error {
	_, err := insist(ctx, func(ctx context.Context) (*dynamodb.PutItemOutput, error) {
		return t.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: t.tableName(), Item: row})
	})
	return err
}

// Delete removes a row; it is no error if there is none.
func (t *Table) Delete(ctx context.Context, k Key) error {
	_, err := insist(ctx, func(ctx context.Context) (*dynamodb.DeleteItemOutput, error) {
		return t.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: t.tableName(), Key: k.Item()})
	})
	return err
}

// insist makes a call, each attempt within its limit, and makes it again while it only meets other calls. The SDK
// repeats what is throttled by itself, but not what met a transaction.
func insist[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		within, cancel := context.WithTimeout(ctx, callWithin)
		out, err := call(within)
		cancel()
		if !contended(err) || attempt == attempts {
			return out, err
		}
		step := 25 * time.Millisecond << attempt
		if sleep(ctx, step/2+rand.N(step)) != nil {
			return out, err
		}
	}
}

// contended tells whether a call only met others: the codes are those of
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html.
func contended(err error) bool {
	var met *contention
	if errors.As(err, &met) {
		return true
	}
	switch awserr.Code(err) {
	case "TransactionConflictException", "TransactionInProgressException":
		return true
	}
	return false
}

// Transient tells whether the same call may well succeed a little later: it met others, was throttled, or there was no
// proper answer.
func Transient(err error) bool {
	switch code := awserr.Code(err); {
	case err == nil, awserr.CredentialsFailed(err):
		return false
	case contended(err):
		return true
	case code != "":
		status := awserr.Status(err)
		return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || throttles[code]
	}
	var refused *Refused
	var known promotion.Fault
	return !errors.As(err, &refused) && !errors.As(err, &known)
}

// throttles are DynamoDB's words for too many calls, which come with status 400.
var throttles = map[string]bool{
	"ProvisionedThroughputExceededException": true, "ThrottlingException": true, "RequestLimitExceeded": true, "LimitExceededException": true,
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
