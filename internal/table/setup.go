package table

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// A State is what was found, or made.
type State struct {
	ARN string
	// Differences are what the table has otherwise than setup makes it, in sentences without a full stop. Locks work all
	// the same; whoever runs the table has decided so.
	Differences []string
}

// settleWithin is how long a table may take until it can be used.
const settleWithin = 5 * time.Minute

// Setup makes the table if there is none, completes what an interrupted setup left undone, and says each thing that it
// did. An existing table's billing and indexes are left alone; what differs is in the state. It returns a
// [promotion.Fault] for a table that cannot serve.
func (t *Table) Setup(ctx context.Context, say promotion.Say) (State, error) {
	_, err := t.describe(ctx)
	var absent *types.ResourceNotFoundException
	if errors.As(err, &absent) {
		err = t.create(ctx, say)
	}
	if err != nil {
		return State{}, t.Explain(err, "set up "+t.String())
	}
	found, err := t.settled(ctx, say)
	if err != nil {
		return State{}, t.Explain(err, "set up "+t.String())
	}
	if err := t.fits(found); err != nil {
		return State{}, fmt.Errorf("%w: %w", err, promotion.ErrNoTable)
	}
	state := State{ARN: aws.ToString(found.TableArn), Differences: differences(found)}
	for _, complete := range []func(context.Context, *types.TableDescription, *State, promotion.Say) error{t.expire, t.backUp, t.protect} {
		if err := complete(ctx, found, &state, say); err != nil {
			return state, t.Explain(err, "set up "+t.String())
		}
	}
	return state, nil
}

// Check finds out whether the table can serve a run in this account; account "" is not compared. It returns a
// [promotion.Fault] if it cannot.
func (t *Table) Check(ctx context.Context, account string) (State, error) {
	found, err := t.describe(ctx)
	if err != nil {
		return State{}, t.Explain(err, "check "+t.String())
	}
	if err := t.fits(found); err != nil {
		return State{}, err
	}
	state := State{ARN: aws.ToString(found.TableArn), Differences: differences(found)}
	if at, err := arn.Parse(state.ARN); err == nil && account != "" && at.AccountID != account {
		return state, promotion.Fault{
			What: fmt.Sprintf("%s belongs to account %s, and the run works in account %s", t, at.AccountID, account),
			Hint: "locks belong where the functions are: `promote setup` creates a table there",
		}
	}
	if found.TableStatus != types.TableStatusActive && found.TableStatus != types.TableStatusUpdating {
		return state, promotion.Fault{What: fmt.Sprintf("%s cannot be used: it is %s", t, found.TableStatus), Hint: "run it again when the table is ACTIVE"}
	}
	return state, nil
}

// String names the table for people.
func (t *Table) String() string { return fmt.Sprintf("the lock table %q in %s", t.name, t.Region()) }

// Explain is [awserr.Explain] with what a missing or foreign table means here.
func (t *Table) Explain(err error, deed string) error {
	var known promotion.Fault
	if err == nil || errors.As(err, &known) {
		return err
	}
	var absent *types.ResourceNotFoundException
	if errors.As(err, &absent) {
		return &explained{cause: err, Fault: promotion.Fault{
			What: fmt.Sprintf("%s: there is no DynamoDB table %q in %s of this account", deed, t.name, t.Region()),
			Hint: "`promote setup` (mode: setup) creates it, once for each account and region; if it exists elsewhere, check region, role and lock-table",
		}}
	}
	if awserr.Code(err) == "ValidationException" && (strings.Contains(err.Error(), "match the schema") || strings.Contains(err.Error(), "key schema element")) {
		return &explained{cause: err, Fault: t.foreign(deed + ": the DynamoDB table \"" + t.name + "\" has another key than promote's")}
	}
	return awserr.Explain(err, deed)
}

type explained struct {
	promotion.Fault
	cause error
}

func (e *explained) Unwrap() []error { return []error{e.Fault, e.cause, promotion.ErrNoTable} }

func (t *Table) foreign(what string) promotion.Fault {
	return promotion.Fault{
		What:     what,
		Accepted: "the partition key \"" + PK + "\" and the sort key \"" + SK + "\", both strings",
		Hint:     "name another table by lock-table, and let `promote setup` create it",
	}
}

// fits refuses a table whose rows could not be ours.
func (t *Table) fits(found *types.TableDescription) error {
	kinds := map[string]types.ScalarAttributeType{}
	for _, d := range found.AttributeDefinitions {
		kinds[aws.ToString(d.AttributeName)] = d.AttributeType
	}
	var key []string
	for _, k := range found.KeySchema {
		key = append(key, fmt.Sprintf("%s %s (%s)", k.KeyType, aws.ToString(k.AttributeName), kinds[aws.ToString(k.AttributeName)]))
	}
	if has := strings.Join(key, ", "); has != "HASH "+PK+" (S), RANGE "+SK+" (S)" {
		return t.foreign(fmt.Sprintf("%s has another key than promote's: %s", t, has))
	}
	if at, err := arn.Parse(aws.ToString(found.TableArn)); err == nil && at.Region != t.Region() && at.Region != "ddblocal" {
		return promotion.Fault{
			What: fmt.Sprintf("%s is in %s", t, at.Region),
			Hint: "a lock works in its own region only: `promote setup` creates a table in " + t.Region(),
		}
	}
	if len(found.Replicas) > 0 && found.MultiRegionConsistency != types.MultiRegionConsistencyStrong {
		return promotion.Fault{
			What: t.String() + " is a global table in which the last writer wins: two regions could hold one lock",
			Hint: "use a table of one region; `promote setup` creates it",
		}
	}
	return nil
}

func differences(found *types.TableDescription) []string {
	var list []string
	if b := found.BillingModeSummary; b == nil || b.BillingMode != types.BillingModePayPerRequest {
		list = append(list, "its capacity is provisioned: a lock waits when it is throttled; on-demand is what setup makes")
	}
	for _, ix := range found.GlobalSecondaryIndexes {
		list = append(list, "it has an index that promote does not use: "+aws.ToString(ix.IndexName))
	}
	return list
}

func (t *Table) describe(ctx context.Context) (*types.TableDescription, error) {
	out, err := t.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: t.tableName()})
	if err != nil {
		return nil, err
	}
	return out.Table, nil
}

// create makes the table; that somebody else makes it at the same time is fine.
func (t *Table) create(ctx context.Context, say promotion.Say) error {
	_, err := t.db.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: t.tableName(), BillingMode: types.BillingModePayPerRequest, DeletionProtectionEnabled: aws.Bool(true),
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(PK), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String(SK), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String(PK), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(SK), KeyType: types.KeyTypeRange},
		},
	})
	var exists *types.ResourceInUseException
	if errors.As(err, &exists) {
		return nil
	}
	if err == nil {
		say("created %s, on demand, protected against deletion", t)
	}
	return err
}

// settled waits until the table can be used.
func (t *Table) settled(ctx context.Context, say promotion.Say) (*types.TableDescription, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, settleWithin, promotion.Fault{What: t.String() + " did not become ACTIVE within " + settleWithin.String()})
	defer cancel()
	for told := false; ; told = true {
		found, err := t.describe(ctx)
		var absent *types.ResourceNotFoundException // right after CreateTable, which is eventually consistent
		switch {
		case err == nil && found.TableStatus == types.TableStatusActive:
			return found, nil
		case err != nil && !errors.As(err, &absent):
			return nil, err
		case !told:
			say("waiting until %s can be used", t)
		}
		if err := sleep(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

func (t *Table) protect(ctx context.Context, found *types.TableDescription, _ *State, say promotion.Say) error {
	if aws.ToBool(found.DeletionProtectionEnabled) {
		return nil
	}
	_, err := t.db.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: t.tableName(), DeletionProtectionEnabled: aws.Bool(true)})
	if err == nil {
		say("protected %s against deletion", t)
	}
	return err
}

// expire switches the time to live on. Another attribute's is left alone: rows of ours then stay until they are removed.
func (t *Table) expire(ctx context.Context, _ *types.TableDescription, state *State, say promotion.Say) error {
	out, err := t.db.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: t.tableName()})
	if err != nil {
		return err
	}
	d := out.TimeToLiveDescription
	on := d != nil && (d.TimeToLiveStatus == types.TimeToLiveStatusEnabled || d.TimeToLiveStatus == types.TimeToLiveStatusEnabling)
	switch {
	case on && aws.ToString(d.AttributeName) == Expires:
		return nil
	case on:
		state.Differences = append(state.Differences, "its time to live is the attribute "+aws.ToString(d.AttributeName)+", so rows of old waiters stay")
		return nil
	}
	_, err = t.db.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               t.tableName(),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(Expires), Enabled: aws.Bool(true)},
	})
	if err == nil {
		say("switched the time to live of %s on, attribute %s", t, Expires)
	}
	return err
}

// backUp switches point-in-time recovery on. A table that was created a moment ago may not be ready for it.
func (t *Table) backUp(ctx context.Context, _ *types.TableDescription, _ *State, say promotion.Say) error {
	out, err := t.db.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: t.tableName()})
	if err != nil {
		return err
	}
	if d := out.ContinuousBackupsDescription; d != nil && d.PointInTimeRecoveryDescription != nil &&
		d.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	for {
		_, err = t.db.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
			TableName:                        t.tableName(),
			PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
		})
		var notYet *types.ContinuousBackupsUnavailableException
		if err == nil {
			say("switched point-in-time recovery of %s on", t)
		}
		if !errors.As(err, &notYet) || sleep(ctx, 2*time.Second) != nil {
			return err
		}
	}
}
