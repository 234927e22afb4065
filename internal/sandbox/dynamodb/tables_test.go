package dynamodb_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var tableCases = []suiteCase{
	{"a table is described as it was made", func(f *fixture) {
		table := f.pairTable()
		out, err := f.client.DescribeTable(f.ctx(), &dynamodb.DescribeTableInput{TableName: &table})
		if err != nil {
			f.Fatal(err)
		}
		d := out.Table
		if *d.TableName != table || d.TableStatus != types.TableStatusActive || len(d.KeySchema) != 2 || len(d.AttributeDefinitions) != 2 ||
			d.BillingModeSummary.BillingMode != types.BillingModePayPerRequest || *d.DeletionProtectionEnabled ||
			!strings.HasSuffix(*d.TableArn, ":table/"+table) || time.Since(*d.CreationDateTime) > time.Hour {
			f.Errorf("%+v", d)
		}
	}},
	{"a provisioned table shows its capacity", func(f *fixture) {
		table := f.newTable("id:S", "", func(in *dynamodb.CreateTableInput) {
			in.BillingMode = ""
			in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: ptr(int64(5)), WriteCapacityUnits: ptr(int64(6))}
		})
		out, err := f.client.DescribeTable(f.ctx(), &dynamodb.DescribeTableInput{TableName: &table})
		if err != nil {
			f.Fatal(err)
		}
		if *out.Table.ProvisionedThroughput.WriteCapacityUnits != 6 || out.Table.BillingModeSummary != nil {
			f.Errorf("%+v", out)
		}
	}},
	{"the SDK's waiters see the table come and go", func(f *fixture) {
		table := f.hashTable()
		if err := dynamodb.NewTableExistsWaiter(f.client).Wait(f.ctx(), &dynamodb.DescribeTableInput{TableName: &table}, time.Minute); err != nil {
			f.Error(err)
		}
		if _, err := f.client.DeleteTable(f.ctx(), &dynamodb.DeleteTableInput{TableName: &table}); err != nil {
			f.Error(err)
		}
		if err := dynamodb.NewTableNotExistsWaiter(f.client).Wait(f.ctx(), &dynamodb.DescribeTableInput{TableName: &table}, time.Minute); err != nil {
			f.Error(err)
		}
	}},
	{"a name is taken once", func(f *fixture) {
		table := f.hashTable()
		_, err := f.client.CreateTable(f.ctx(), &dynamodb.CreateTableInput{TableName: &table, BillingMode: types.BillingModePayPerRequest, KeySchema: schema("id", ""), AttributeDefinitions: []types.AttributeDefinition{definition("id:S")}})
		f.wantError(err, "ResourceInUseException: "+f.onLocal("Table already exists: "+table, "Cannot create preexisting table", "recorded from AWS by LocalStack's test_create_duplicate_table"))
	}},
	{"faults of a table's description are refused", func(f *fixture) {
		valid := func() *dynamodb.CreateTableInput {
			return &dynamodb.CreateTableInput{TableName: ptr("faulty-table"), BillingMode: types.BillingModePayPerRequest, KeySchema: schema("id", ""), AttributeDefinitions: []types.AttributeDefinition{definition("id:S")}}
		}
		for want, spoil := range map[string]func(*dynamodb.CreateTableInput){
			"Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'": func(in *dynamodb.CreateTableInput) { in.TableName = ptr("a!bc") },
			"|No provisioned throughput specified for the table": func(in *dynamodb.CreateTableInput) { in.BillingMode = types.BillingModeProvisioned },
			"|The number of attributes in key schema must match the number of attributes defined in attribute definitions.": func(in *dynamodb.CreateTableInput) {
				in.AttributeDefinitions = append(in.AttributeDefinitions, definition("x:S"))
			},
			"|Hash Key not specified in Attribute Definitions.  Type unknown.": func(in *dynamodb.CreateTableInput) {
				in.AttributeDefinitions = []types.AttributeDefinition{definition("x:S")}
			},
			"|Two keys can not have the same name": func(in *dynamodb.CreateTableInput) { in.KeySchema = schema("id", "id") },
		} {
			in := valid()
			spoil(in)
			_, err := f.client.CreateTable(f.ctx(), in)
			if text, local := strings.CutPrefix(want, "|"); local { // AWS's texts for these are in TestSandboxRefusesTables
				want = f.onLocal(invalid+"…", invalid+text, ownText)
			} else {
				want = invalid + text
			}
			f.wantError(err, want)
		}
	}},
	{"a protected table is not deleted until protection ends", func(f *fixture) {
		table := f.hashTable()
		protect := func(on bool) {
			out, err := f.client.UpdateTable(f.ctx(), &dynamodb.UpdateTableInput{TableName: &table, DeletionProtectionEnabled: &on})
			if err != nil {
				f.Fatal(err)
			}
			if *out.TableDescription.DeletionProtectionEnabled != on {
				f.Errorf("%+v", out)
			}
		}
		protect(true)
		_, err := f.client.DeleteTable(f.ctx(), &dynamodb.DeleteTableInput{TableName: &table})
		f.wantError(err, invalid+"Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
		protect(false)
		if _, err := f.client.DeleteTable(f.ctx(), &dynamodb.DeleteTableInput{TableName: &table}); err != nil {
			f.Error(err)
		}
	}},
	{"a missing table is not found, by every operation on tables", func(f *fixture) {
		name := ptr("no-such-table")
		want := "ResourceNotFoundException: " + f.onLocal("Requested resource not found: Table: no-such-table not found", "Cannot do operations on a non-existent table", "recorded from AWS")
		_, err := f.client.DescribeTable(f.ctx(), &dynamodb.DescribeTableInput{TableName: name})
		f.wantError(err, want)
		_, err = f.client.DeleteTable(f.ctx(), &dynamodb.DeleteTableInput{TableName: name})
		f.wantError(err, want)
		_, err = f.client.UpdateTable(f.ctx(), &dynamodb.UpdateTableInput{TableName: name, DeletionProtectionEnabled: ptr(true)})
		f.wantError(err, want)
		_, err = f.client.DescribeTimeToLive(f.ctx(), &dynamodb.DescribeTimeToLiveInput{TableName: name})
		f.wantError(err, want)
		_, err = f.client.UpdateTimeToLive(f.ctx(), &dynamodb.UpdateTimeToLiveInput{TableName: name, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: ptr("ttl"), Enabled: ptr(true)}})
		f.wantError(err, want)
	}},
	{"tables are listed in pages", func(f *fixture) {
		var made []string
		for range 3 {
			made = append(made, f.hashTable())
		}
		slices.Sort(made)
		var all []string
		in := &dynamodb.ListTablesInput{Limit: ptr(int32(2))}
		for {
			out, err := f.client.ListTables(f.ctx(), in)
			if err != nil {
				f.Fatal(err)
			}
			if len(out.TableNames) > 2 {
				f.Errorf("a page of %d", len(out.TableNames))
			}
			all = append(all, out.TableNames...)
			if in.ExclusiveStartTableName = out.LastEvaluatedTableName; out.LastEvaluatedTableName == nil {
				break
			}
		}
		all = slices.DeleteFunc(all, func(name string) bool { return !slices.Contains(made, name) })
		f.want("tables", fmt.Sprint(all), fmt.Sprint(made))
	}},
	{"time to live is switched on and off, and keeps its attribute", func(f *fixture) {
		table := f.hashTable()
		set := func(name string, on bool) error {
			_, err := f.client.UpdateTimeToLive(f.ctx(), &dynamodb.UpdateTimeToLiveInput{TableName: &table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &name, Enabled: &on}})
			return err
		}
		status := func() string {
			out, err := f.client.DescribeTimeToLive(f.ctx(), &dynamodb.DescribeTimeToLiveInput{TableName: &table})
			if err != nil {
				f.Fatal(err)
			}
			name := ""
			if out.TimeToLiveDescription.AttributeName != nil {
				name = *out.TimeToLiveDescription.AttributeName
			}
			return string(out.TimeToLiveDescription.TimeToLiveStatus) + " " + name
		}
		f.want("status", status(), "DISABLED ")
		f.wantError(set("ttl", false), invalid+"TimeToLive is already disabled")
		f.wantError(set("ttl", true), "")
		f.want("status", status(), "ENABLED ttl")
		f.wantError(set("ttl", true), invalid+"TimeToLive is already enabled")
		f.wantError(set("other", true), invalid+"TimeToLive is active on a different AttributeName…")
		f.wantError(set("ttl", false), "")
		f.want("status", status(), "DISABLED ")
	}},
	{"an item past its time to live stays readable until it is swept", func(f *fixture) {
		table := f.hashTable()
		if _, err := f.client.UpdateTimeToLive(f.ctx(), &dynamodb.UpdateTimeToLiveInput{TableName: &table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: ptr("ttl"), Enabled: ptr(true)}}); err != nil {
			f.Fatal(err)
		}
		f.put(table, attrs{"id": S("a"), "ttl": N(fmt.Sprint(time.Now().Add(-time.Minute).Unix()))})
		if f.get(table, key("a")) == nil {
			f.Error("the item is gone at once")
		}
	}},
}
