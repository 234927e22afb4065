package dynamodb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
	"github.com/promote-on-success/promote/internal/sandbox/dynamodb"
)

// What only the sandbox can be asked: time that passes, held items, other accounts, strictness.

// call sends one request past HTTP, so that it can run in virtual time.
func call(s *dynamodb.Service, account, region, operation, body string) (int, map[string]any) {
	r := s.Do(context.Background(), cloud.Call{Account: account, Region: region, Operation: operation, Body: []byte(body)})
	var out map[string]any
	if err := json.Unmarshal(r.Body, &out); err != nil {
		panic(err)
	}
	return r.Status, out
}

const createA = `{"TableName":"tab","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}]}`

func wantCall(t *testing.T, s *dynamodb.Service, operation, body string, status int, part string) {
	t.Helper()
	got, out := call(s, account, "eu-west-1", operation, body)
	text, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	if got != status || !strings.Contains(string(text), part) {
		t.Errorf("%s %s:\n got %d %s\nwant %d with %s", operation, short(body), got, text, status, part)
	}
}

func TestTableTakesItsTimeToComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := dynamodb.New(dynamodb.Options{CreateTime: 5 * time.Second, DeleteTime: 3 * time.Second})
		wantCall(t, s, "CreateTable", createA, 200, `"TableStatus":"CREATING"`)
		time.Sleep(5*time.Second - time.Nanosecond)
		wantCall(t, s, "DescribeTable", `{"TableName":"tab"}`, 200, `"TableStatus":"CREATING"`)
		wantCall(t, s, "GetItem", `{"TableName":"tab","Key":{"id":{"S":"a"}}}`, 400, `"Requested resource not found"`)
		wantCall(t, s, "DeleteTable", `{"TableName":"tab"}`, 400, `ResourceInUseException`)
		wantCall(t, s, "UpdateTimeToLive", `{"TableName":"tab","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":true}}`, 400, `ResourceInUseException`)
		time.Sleep(1 * time.Nanosecond)
		wantCall(t, s, "DescribeTable", `{"TableName":"tab"}`, 200, `"TableStatus":"ACTIVE"`)
		wantCall(t, s, "PutItem", `{"TableName":"tab","Item":{"id":{"S":"a"}}}`, 200, `{}`)
		wantCall(t, s, "DeleteTable", `{"TableName":"tab"}`, 200, `"TableStatus":"DELETING"`)
		wantCall(t, s, "DescribeTable", `{"TableName":"tab"}`, 200, `"TableStatus":"DELETING"`)
		wantCall(t, s, "GetItem", `{"TableName":"tab","Key":{"id":{"S":"a"}}}`, 400, `ResourceNotFoundException`)
		wantCall(t, s, "CreateTable", createA, 400, `Table already exists: tab`)
		time.Sleep(3 * time.Second)
		wantCall(t, s, "DescribeTable", `{"TableName":"tab"}`, 400, `Requested resource not found: Table: tab not found`)
	})
}

func TestTokenStandsForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := dynamodb.New(dynamodb.Options{})
		wantCall(t, s, "CreateTable", createA, 200, "")
		add := `{"ClientRequestToken":"tok","TransactItems":[{"Update":{"TableName":"tab","Key":{"id":{"S":"a"}},"UpdateExpression":"ADD n :a","ExpressionAttributeValues":{":a":{"N":"1"}}}}]}`
		reordered := `{"TransactItems":[{"Update":{"ExpressionAttributeValues":{":a":{"N":"1"}},"UpdateExpression":"ADD n :a","Key":{"id":{"S":"a"}},"TableName":"tab"}}],"ClientRequestToken":"tok"}`
		read := func(want string) {
			t.Helper()
			wantCall(t, s, "GetItem", `{"TableName":"tab","Key":{"id":{"S":"a"}}}`, 200, `"n":{"N":"`+want+`"}`)
		}
		wantCall(t, s, "TransactWriteItems", add, 200, "{}")
		time.Sleep(10 * time.Minute)
		wantCall(t, s, "TransactWriteItems", reordered, 200, "{}")
		read("1")
		wantCall(t, s, "TransactWriteItems", strings.Replace(add, `{"N":"1"}`, `{"N":"2"}`, 1), 400, "IdempotentParameterMismatchException")
		read("1")
		time.Sleep(time.Second)
		wantCall(t, s, "TransactWriteItems", add, 200, "{}")
		read("2")
	})
}

func TestHeldItemConflicts(t *testing.T) {
	s := dynamodb.New(dynamodb.Options{})
	wantCall(t, s, "CreateTable", createA, 200, "")
	release, err := s.Hold(account, "eu-west-1", "tab", `{"id":{"S":"a"}}`)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Hold(account, "eu-west-1", "tab", `{"id":{"S":"a"}}`)
	if err != nil {
		t.Fatal(err)
	}
	put := `{"TableName":"tab","Item":{"id":{"S":"a"}}}`
	both := `{"TransactItems":[{"Put":{"TableName":"tab","Item":{"id":{"S":"b"}}}},{"Put":` + put + `}]}`
	held := func() {
		t.Helper()
		wantCall(t, s, "PutItem", put, 400, "TransactionConflictException")
		wantCall(t, s, "TransactWriteItems", both, 400, `"CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict","Message":"Transaction is ongoing for the item"}]`)
		wantCall(t, s, "TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"tab","Key":{"id":{"S":"a"}}}}]}`, 400, `[TransactionConflict]`)
		wantCall(t, s, "BatchWriteItem", `{"RequestItems":{"tab":[{"PutRequest":{"Item":{"id":{"S":"a"}}}}]}}`, 200, `"UnprocessedItems":{"tab":[{"PutRequest":{"Item":{"id":{"S":"a"}}}}]}`)
		wantCall(t, s, "GetItem", `{"TableName":"tab","Key":{"id":{"S":"b"}}}`, 200, `{}`)
	}
	held()
	release()
	release()
	held()
	again()
	wantCall(t, s, "TransactWriteItems", both, 200, "{}")
	if _, err := s.Hold(account, "eu-west-1", "nope", `{"id":{"S":"a"}}`); err == nil {
		t.Error("an item of a missing table was held")
	}
	if _, err := s.Hold(account, "eu-west-1", "tab", `{"x":{"S":"a"}}`); err == nil {
		t.Error("a key of another schema was held")
	}
}

func TestAccountsAndRegionsAreApart(t *testing.T) {
	s := dynamodb.New(dynamodb.Options{})
	wantCall(t, s, "CreateTable", createA, 200, `"TableArn":"arn:aws:dynamodb:eu-west-1:`+account+`:table/tab"`)
	for _, other := range [][2]string{{account, "us-east-1"}, {"210987654321", "eu-west-1"}} {
		status, out := call(s, other[0], other[1], "DescribeTable", `{"TableName":"tab"}`)
		if status != 400 {
			t.Errorf("%v sees the table: %v", other, out)
		}
	}
	wantCall(t, s, "GetItem", `{"TableName":"arn:aws:dynamodb:us-east-1:`+account+`:table/tab","Key":{"id":{"S":"a"}}}`, 400, "ResourceNotFoundException")
}

func TestWhatIsNotUnderstoodIsRefusedByName(t *testing.T) {
	s := dynamodb.New(dynamodb.Options{})
	wantCall(t, s, "CreateTable", createA, 200, "")
	for body, want := range map[string]string{
		`{"TableName":"tab","Item":{"id":{"S":"a"}},"Expected":{}}`:                               "PutItem with Expected",
		`{"TableName":"tab","Item":{"id":{"S":"a"}},"ReturnItemCollectionMetrics":"SIZE"}`:        "ReturnItemCollectionMetrics=SIZE",
		`{"TransactItems":[{"Put":{"TableName":"tab","Item":{"id":{"S":"a"}},"Bogus":1}}]}`:       "TransactWriteItems with Bogus",
		`{"TableName":"tab","StreamSpecification":{"StreamEnabled":true},"KeySchema":[],"A":"b"}`: "CreateTable with StreamSpecification",
	} {
		operation, _, _ := strings.Cut(want, " with ")
		if strings.HasPrefix(want, "Return") {
			operation = "PutItem"
		}
		wantCall(t, s, operation, body, 501, want)
	}
	for _, body := range []string{``, `{`, `[]`, `{"TableName":1}`, `{"TableName":"tab","Item":{"id":"a"}}`, `{"TableName":"tab","Item":{"id":{"S":1}}}`, `{"TableName":"tab"}{}`, `{"TableName":"tab","Item":{"id":{"B":"!!"}}}`, `{"TableName":"tab","Item":{"id":{"L":[1]}}}`} {
		wantCall(t, s, "PutItem", body, 400, "SerializationException")
	}
	wantCall(t, s, "PutItem", `{"TableName":"tab","Item":{"id":{}}}`, 400, "Supplied AttributeValue is empty")
	wantCall(t, s, "PutItem", `{"TableName":"tab","Item":{"id":{"S":"a","N":"1"}}}`, 400, "more than one datatypes set")
	wantCall(t, s, "PutItem", `{"TableName":"tab","Item":{"id":{"X":"a"}}}`, 400, "Supplied AttributeValue is empty")
	wantCall(t, s, "PutItem", `{"TableName":"tab","Item":{"id":{"S":"a"}},"ReturnValues":"FOO"}`, 400, "Value 'FOO' at 'returnValues' failed to satisfy constraint")
	for _, table := range []string{"ExecuteStatement", "CreateBackup"} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+table)
		if name, _, ok := s.Identify(r, nil); ok || name != table {
			t.Errorf("%s: %s, %t", table, name, ok)
		}
	}
}

func TestIdentifyNamesTheTables(t *testing.T) {
	s := dynamodb.New(dynamodb.Options{})
	for body, want := range map[string]string{
		`{"TableName":"one"}`: "one",
		`{"TableName":"arn:aws:dynamodb:eu-west-1:123456789012:table/one"}`:                                          "one",
		`{"ResourceArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/one"}`:                                        "one",
		`{"RequestItems":{"two":{},"one":{}}}`:                                                                       "one,two",
		`{"TransactItems":[{"Put":{"TableName":"two"}},{"Update":{"TableName":"one"}},{"Put":{"TableName":"one"}}]}`: "one,two",
		`{}`: "", `{`: "",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
		if name, got, ok := s.Identify(r, []byte(body)); name != "PutItem" || got != want || !ok {
			t.Errorf("%s: %q %q %t", body, name, got, ok)
		}
	}
}

func TestRepliesCarryTheirChecksumAndErrorsTheirType(t *testing.T) {
	s := dynamodb.New(dynamodb.Options{})
	for _, e := range []*cloud.Error{
		{Status: 400, Code: "ThrottlingException", Message: "slow down", RetryAfter: 2},
		{Status: 400, Code: "TransactionCanceledException", Message: "no", Fields: map[string]any{"CancellationReasons": []any{}}},
		{Status: 400, Code: "ValidationException", Message: "no"},
	} {
		r := s.Fail(cloud.Call{}, e)
		if r.Status != e.Status || r.Header.Get("X-Amz-Crc32") != fmt.Sprint(crc32.ChecksumIEEE(r.Body)) || r.Header.Get("Content-Type") != "application/x-amz-json-1.0" {
			t.Errorf("%+v", r)
		}
		if !strings.Contains(string(r.Body), "#"+e.Code+`"`) || !strings.Contains(strings.ToLower(string(r.Body)), `"message":"`+e.Message) {
			t.Errorf("%s", r.Body)
		}
	}
	if got := s.Fail(cloud.Call{}, &cloud.Error{Status: 400, Code: "X", RetryAfter: 2}).Header.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q", got)
	}
}

func TestSandboxRefusesTables(t *testing.T) {
	s := dynamodb.New(dynamodb.Options{})
	for spoiled, want := range map[string]string{
		strings.Replace(createA, `"BillingMode":"PAY_PER_REQUEST"`, `"BillingMode":"PROVISIONED"`, 1):                                    "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
		strings.Replace(createA, `"KeySchema"`, `"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1},"KeySchema"`, 1): "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
		strings.Replace(createA, `"AttributeDefinitions":[`, `"AttributeDefinitions":[{"AttributeName":"x","AttributeType":"S"},`, 1):    "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
		strings.Replace(createA, `"AttributeDefinitions":[{"AttributeName":"id"`, `"AttributeDefinitions":[{"AttributeName":"x"`, 1):     "Some index key attributes are not defined in AttributeDefinitions. Keys: [id]",
		strings.Replace(createA, `"KeyType":"HASH"}`, `"KeyType":"RANGE"}`, 1):                                                           "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
		strings.Replace(createA, `"KeyType":"HASH"}`, `"KeyType":"HASH"},{"AttributeName":"id","KeyType":"RANGE"}`, 1):                   "Both the Hash Key and the Range Key element in the KeySchema have the same name",
		strings.Replace(createA, `"AttributeType":"S"`, `"AttributeType":"X"`, 1):                                                        "Member must satisfy enum value set: [B, N, S]",
	} {
		wantCall(t, s, "CreateTable", spoiled, 400, want)
	}
	wantCall(t, s, "ListTables", `{}`, 200, `"TableNames":[]`)
}

// DynamoDB Local has neither backups nor tags.
func TestBackupsAndTags(t *testing.T) {
	client := newClient(serve(t, dynamodb.New(dynamodb.Options{})), false)
	f := &fixture{t, server{client: client}}
	table := f.hashTable()
	on, err := client.UpdateContinuousBackups(f.ctx(), &sdk.UpdateContinuousBackupsInput{TableName: &table, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)}})
	if err != nil {
		t.Fatal(err)
	}
	d := on.ContinuousBackupsDescription.PointInTimeRecoveryDescription
	if d.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled || d.EarliestRestorableDateTime == nil || d.LatestRestorableDateTime == nil {
		t.Errorf("%+v", d)
	}
	seen, err := client.DescribeContinuousBackups(f.ctx(), &sdk.DescribeContinuousBackupsInput{TableName: &table})
	if err != nil || seen.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled {
		t.Errorf("%+v, %v", seen, err)
	}
	_, err = client.DescribeContinuousBackups(f.ctx(), &sdk.DescribeContinuousBackupsInput{TableName: aws.String("no-such-table")})
	f.wantError(err, "TableNotFoundException: Table not found: no-such-table")

	arn := aws.String("arn:aws:dynamodb:eu-west-1:" + account + ":table/" + table)
	if _, err := client.TagResource(f.ctx(), &sdk.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UntagResource(f.ctx(), &sdk.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := client.ListTagsOfResource(f.ctx(), &sdk.ListTagsOfResourceInput{ResourceArn: arn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "b" {
		t.Errorf("%+v, %v", tags, err)
	}
}
