package main_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/promote-on-success/promote/internal/lease"
	"github.com/promote-on-success/promote/internal/ledger"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/table"
)

// rows is the lock table of a region.
func (s *stage) rows(region string) (*dynamodb.Client, *table.Table) {
	client := dynamodb.NewFromConfig(s.cloud.AWS(region))
	return client, table.New(client, table.DefaultName, table.Current())
}

// table makes the lock table as setup does, in the given regions or in the first one.
func (s *stage) table(_ *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		args = []string{sandbox.DefaultRegion}
	}
	for _, region := range args {
		_, rows := s.rows(region)
		if _, err := rows.Setup(s.ctx(), func(string, ...any) {}); err != nil {
			return err
		}
		s.tables = append(s.tables, region)
	}
	return nil
}

// foreignTable makes a table of somebody else's.
func (s *stage) foreignTable(_ *testscript.TestScript, args []string) error {
	client, _ := s.rows(sandbox.DefaultRegion)
	_, err := client.CreateTable(s.ctx(), &dynamodb.CreateTableInput{
		TableName: aws.String(args[0]), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	})
	return err
}

// whole tells what is held, waited for or half done in the lock tables, if anything is.
func (s *stage) whole(*testscript.TestScript, []string) error {
	for _, region := range s.tables {
		left, err := s.left(region)
		if err != nil {
			return err
		}
		if len(left) > 0 {
			return fmt.Errorf("in %s %s", region, strings.Join(left, ", "))
		}
	}
	return nil
}

func (s *stage) left(region string) ([]string, error) {
	client, rows := s.rows(region)
	partitions := map[string]bool{}
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: aws.String(table.DefaultName), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.ctx())
		if err != nil {
			return nil, err
		}
		for _, row := range page.Items {
			if pk, is := row[table.PK].(*types.AttributeValueMemberS); is {
				partitions[pk.Value] = true
			}
		}
	}
	var left []string
	for pk := range partitions {
		app, environment, _ := strings.Cut(pk, "/")
		lock := promotion.Lock{App: app, Environment: environment}
		holder, err := lease.New(rows).Look(s.ctx(), lock)
		if err != nil {
			return nil, err
		}
		if holder != nil {
			left = append(left, fmt.Sprintf("%s is held by %s", lock, holder))
		}
		if environment == "" {
			continue
		}
		book, err := ledger.New(rows).Read(s.ctx(), promotion.Scope(lock))
		if err != nil {
			return nil, err
		}
		if book.Open != nil {
			left = append(left, fmt.Sprintf("a %s of %s's %s is half done", book.Open.Entry.Kind, app, environment))
		}
	}
	slices.Sort(left)
	return left, nil
}

// recorded FUNCTION VERSION: what the head says of a function of shop's prod. history KIND...: the history's kinds,
// oldest first.
func (s *stage) recorded(_ *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	_, rows := s.rows(sandbox.DefaultRegion)
	book, err := ledger.New(rows).Read(s.ctx(), promotion.Scope{App: "shop", Environment: "prod"})
	if err != nil {
		return err
	}
	if found := book.Head.Functions[args[0]]; found.Version.String() != args[1] {
		return fmt.Errorf("recorded is version %s of %s, want %s", found.Version, args[0], args[1])
	}
	return nil
}

func (s *stage) history(_ *testscript.TestScript, args []string) error {
	_, rows := s.rows(sandbox.DefaultRegion)
	entries, err := ledger.New(rows).History(s.ctx(), promotion.Scope{App: "shop", Environment: "prod"}, promotion.Query{})
	if err != nil {
		return err
	}
	kinds := make([]string, len(entries))
	for i, e := range entries {
		kinds[len(entries)-1-i] = string(e.Kind)
	}
	if found, want := strings.Join(kinds, " "), strings.Join(args, " "); found != want {
		return fmt.Errorf("the history is %q, want %q", found, want)
	}
	return nil
}

// held waits until the fault that was armed last holds a call, released lets it go and waits until it was carried out.
func (s *stage) held(*testscript.TestScript, []string) error {
	ctx, cancel := context.WithTimeout(s.ctx(), 30*time.Second)
	defer cancel()
	if err := s.cloud.Server().Held(ctx, s.hold); err != nil {
		return fmt.Errorf("no call was held: %w", err)
	}
	return nil
}

func (s *stage) released(*testscript.TestScript, []string) error {
	return s.cloud.Server().Release(s.hold)
}

// restore sets the fence of a lock back, as a backup of the table would: restore APP ENVIRONMENT FENCE.
func (s *stage) restore(_ *testscript.TestScript, args []string) error {
	if len(args) != 3 {
		return errUsage
	}
	client, _ := s.rows(sandbox.DefaultRegion)
	pk := table.Partition(args[0], args[1])
	for _, sk := range []string{table.LockSort, table.LockSort + "#BEAT"} {
		if _, err := client.UpdateItem(s.ctx(), &dynamodb.UpdateItemInput{
			TableName: aws.String(table.DefaultName), Key: table.Key{PK: pk, SK: sk}.Item(),
			UpdateExpression:          aws.String("SET #f = :f"),
			ExpressionAttributeNames:  map[string]string{"#f": table.FenceAttribute},
			ExpressionAttributeValues: map[string]types.AttributeValue{":f": &types.AttributeValueMemberN{Value: args[2]}},
		}); err != nil {
			return err
		}
	}
	return nil
}
