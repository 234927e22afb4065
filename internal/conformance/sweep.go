package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// leftoverAge is how old a run has to be before what it left is taken for lost. No run takes that long.
const leftoverAge = 24 * time.Hour

// Sweep removes what runs that were killed left in the account and region: what has both a run's name and its tag,
// and is older than a day.
func (s Session) Sweep(ctx context.Context) error {
	if err := s.guard(ctx); err != nil {
		return err
	}
	e := New(Config{AWS: s.AWS})
	r := roles{s.AWS}
	functions, err := e.leftFunctions(ctx)
	if err != nil {
		return err
	}
	tables, err := e.leftTables(ctx)
	if err != nil {
		return err
	}
	left, err := r.list(ctx)
	if err != nil {
		return err
	}
	var errs []error
	remove := func(kind string, found map[string]string, remove func(context.Context, string) error) {
		for name, began := range found {
			if !strings.HasPrefix(name, names) || !old(began) {
				continue
			}
			err := remove(ctx, name)
			if errs = append(errs, err); err == nil {
				fmt.Fprintf(s.Out, "removed %s %s, of a run that began at %s\n", kind, name, began)
			}
		}
	}
	remove("function", functions, e.deleteFunction)
	remove("table", tables, e.deleteTable)
	remove("role", left, r.remove) // after the functions that have it
	return errors.Join(errs...)
}

// old tells a tag's value of more than a day ago. A value that is none of ours is left alone.
func old(began string) bool {
	at, err := time.Parse(time.RFC3339, began)
	return err == nil && time.Since(at) > leftoverAge
}

// leftFunctions gives the functions that are named like a run's, with the values of their tag.
func (e *Env) leftFunctions(ctx context.Context) (map[string]string, error) {
	found := map[string]string{}
	pages := lambda.NewListFunctionsPaginator(e.lambda, nil)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list functions: %w", err)
		}
		for _, f := range page.Functions {
			if !strings.HasPrefix(aws.ToString(f.FunctionName), names) {
				continue
			}
			err := e.arrange(ctx, "read the tags of "+aws.ToString(f.FunctionName), func(ctx context.Context) error {
				out, err := e.lambda.ListTags(ctx, &lambda.ListTagsInput{Resource: f.FunctionArn})
				if err == nil && out.Tags[Tag] != "" {
					found[aws.ToString(f.FunctionName)] = out.Tags[Tag]
				}
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// leftTables gives the tables that are named like a run's, with the values of their tag.
func (e *Env) leftTables(ctx context.Context) (map[string]string, error) {
	found := map[string]string{}
	pages := dynamodb.NewListTablesPaginator(e.dynamodb, &dynamodb.ListTablesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		for _, name := range page.TableNames {
			if !strings.HasPrefix(name, names) {
				continue
			}
			table, err := e.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
			if err != nil {
				return nil, fmt.Errorf("read table %s: %w", name, err)
			}
			out, err := e.dynamodb.ListTagsOfResource(ctx, &dynamodb.ListTagsOfResourceInput{ResourceArn: table.Table.TableArn})
			if err != nil {
				return nil, fmt.Errorf("read the tags of table %s: %w", name, err)
			}
			for _, tag := range out.Tags {
				if aws.ToString(tag.Key) == Tag {
					found[name] = aws.ToString(tag.Value)
				}
			}
		}
	}
	return found, nil
}
