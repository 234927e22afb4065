package table

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Backwards reads the rows of a partition whose sort keys lie between low and high, both included, the last one first,
// each with all that was written to it before. page is how many rows a call asks for at most; 0 leaves that to DynamoDB.
// An error ends it.
func (t *Table) Backwards(ctx context.Context, partition, low, high string, page int) iter.Seq2[Item, error] {
	const condition = "#pk = :pk AND #sk BETWEEN :low AND :high"
	in := &dynamodb.QueryInput{
		TableName: t.tableName(), ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false), KeyConditionExpression: aws.String(condition),
		ExpressionAttributeNames: Names(condition), ExpressionAttributeValues: Item{":pk": S(partition), ":low": S(low), ":high": S(high)},
	}
	if page > 0 {
		in.Limit = aws.Int32(int32(min(page, 1000)))
	}
	return func(yield func(Item, error) bool) {
		for {
			out, err := insist(ctx, func(ctx context.Context) (*dynamodb.QueryOutput, error) { return t.db.Query(ctx, in) })
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range out.Items {
				if !yield(row, nil) {
					return
				}
			}
			if out.LastEvaluatedKey == nil {
				return
			}
			in.ExclusiveStartKey = out.LastEvaluatedKey
		}
	}
}

// Partitions reads the whole table and returns the partition of each row that has the sort key, in no order.
func (t *Table) Partitions(ctx context.Context, sort string) ([]string, error) {
	const filter, projection = "#sk = :sk", "#pk"
	in := &dynamodb.ScanInput{
		TableName: t.tableName(), ConsistentRead: aws.Bool(true), FilterExpression: aws.String(filter), ProjectionExpression: aws.String(projection),
		ExpressionAttributeNames: Names(filter, projection), ExpressionAttributeValues: Item{":sk": S(sort)},
	}
	var partitions []string
	for {
		out, err := insist(ctx, func(ctx context.Context) (*dynamodb.ScanOutput, error) { return t.db.Scan(ctx, in) })
		if err != nil {
			return nil, err
		}
		for _, row := range out.Items {
			partitions = append(partitions, Item(row).String(PK))
		}
		if out.LastEvaluatedKey == nil {
			return partitions, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
