package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// The suite is one set of cases for two servers: the sandbox's DynamoDB, in this process, and AWS's own
// DynamoDB Local (build tag dynamodblocal). Where the two differ and AWS itself does as the sandbox does,
// the case says so with [fixture.onLocal] and the reason, and holds DynamoDB Local to what it does.

// A server is what the suite runs against.
type server struct {
	client *dynamodb.Client
	local  bool // DynamoDB Local
}

// newClient is a client without retries, so that each answer is seen.
func newClient(endpoint string, local bool) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(endpoint), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		// DynamoDB Local sends no checksum with an error, of which the SDK then warns each time.
		DisableValidateResponseChecksum: local,
	})
}

// A fixture is one case's view of the server.
type fixture struct {
	*testing.T
	server
}

func (f *fixture) ctx() context.Context { return f.Context() }

// onLocal gives what AWS answers, or what DynamoDB Local does where it is known to be otherwise. The
// reason is for the reader.
func (f *fixture) onLocal(aws, local, reason string) string {
	if reason == "" {
		f.Fatal("a difference needs its reason")
	}
	if f.local {
		return local
	}
	return aws
}

type suiteCase struct {
	name string
	run  func(f *fixture)
}

// suite runs all cases and returns how many there were.
func suite(t *testing.T, s server) int {
	groups := map[string][]suiteCase{
		"tables": tableCases, "items": itemCases, "numbers": numberCases(), "conditions": conditionCases(),
		"updates": updateCases(), "projections": projectionCases(), "queries": queryCases(), "indexes": indexCases,
		"batches": batchCases, "transactions": transactionCases, "races": raceCases,
	}
	count := 0
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		t.Run(name, func(t *testing.T) {
			for _, c := range groups[name] {
				t.Run(c.name, func(t *testing.T) { c.run(&fixture{t, s}) })
				count++
			}
		})
	}
	return count
}

// hashTable makes a table with the hash key id (S).
func (f *fixture) hashTable() string { return f.newTable("id:S", "") }

// pairTable makes a table with the hash key id (S) and the range key sk (N).
func (f *fixture) pairTable() string { return f.newTable("id:S", "sk:N") }

func (f *fixture) newTable(hash, sort string, more ...func(*dynamodb.CreateTableInput)) string {
	f.Helper()
	name := "t-" + fmt.Sprint(time.Now().UnixNano())
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: schema(hash, sort)}
	for _, key := range []string{hash, sort} {
		if key != "" {
			in.AttributeDefinitions = append(in.AttributeDefinitions, definition(key))
		}
	}
	for _, change := range more {
		change(in)
	}
	if _, err := f.client.CreateTable(f.ctx(), in); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		_, _ = f.client.DeleteTable(context.WithoutCancel(f.ctx()), &dynamodb.DeleteTableInput{TableName: &name})
	})
	return name
}

func schema(hash, sort string) []types.KeySchemaElement {
	name := func(key string) *string { short, _, _ := strings.Cut(key, ":"); return &short }
	elements := []types.KeySchemaElement{{AttributeName: name(hash), KeyType: types.KeyTypeHash}}
	if sort != "" {
		elements = append(elements, types.KeySchemaElement{AttributeName: name(sort), KeyType: types.KeyTypeRange})
	}
	return elements
}

func definition(key string) types.AttributeDefinition {
	name, kind, _ := strings.Cut(key, ":")
	return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeType(kind)}
}

type (
	attrs = map[string]types.AttributeValue
	names = map[string]string
)

func S(s string) types.AttributeValue                  { return &types.AttributeValueMemberS{Value: s} }
func N(n string) types.AttributeValue                  { return &types.AttributeValueMemberN{Value: n} }
func B(b string) types.AttributeValue                  { return &types.AttributeValueMemberB{Value: []byte(b)} }
func L(l ...types.AttributeValue) types.AttributeValue { return &types.AttributeValueMemberL{Value: l} }
func M(m attrs) types.AttributeValue                   { return &types.AttributeValueMemberM{Value: m} }
func SS(s ...string) types.AttributeValue              { return &types.AttributeValueMemberSS{Value: s} }
func NS(s ...string) types.AttributeValue              { return &types.AttributeValueMemberNS{Value: s} }
func Bool(b bool) types.AttributeValue                 { return &types.AttributeValueMemberBOOL{Value: b} }
func Null() types.AttributeValue                       { return &types.AttributeValueMemberNULL{Value: true} }

func key(id string) attrs      { return attrs{"id": S(id)} }
func pair(id, sk string) attrs { return attrs{"id": S(id), "sk": N(sk)} }

// show writes an item in one form, so that two can be compared: names and set members in order.
func show(item attrs) string {
	var b strings.Builder
	b.WriteString("{")
	for i, name := range slices.Sorted(maps.Keys(item)) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s: %s", name, showValue(item[name]))
	}
	return b.String() + "}"
}

func showValue(v types.AttributeValue) string {
	sorted := func(list []string) string { return strings.Join(slices.Sorted(slices.Values(list)), " ") }
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("%q", v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("b%q", v.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberNULL:
		return "null"
	case *types.AttributeValueMemberSS:
		return "<" + sorted(v.Value) + ">"
	case *types.AttributeValueMemberNS:
		return "#<" + sorted(v.Value) + ">"
	case *types.AttributeValueMemberL:
		parts := make([]string, len(v.Value))
		for i, e := range v.Value {
			parts[i] = showValue(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *types.AttributeValueMemberM:
		return show(v.Value)
	}
	return "-"
}

func showAll(items []attrs) string {
	parts := make([]string, len(items))
	for i, item := range items {
		parts[i] = show(item)
	}
	return strings.Join(parts, " ")
}

// outcome is an error as "Code: message", or "" for success.
func outcome(err error) string {
	if err == nil {
		return ""
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err.Error()
	}
	return api.ErrorCode() + ": " + api.ErrorMessage()
}

const invalid = "ValidationException: "

// want compares two texts.
func (f *fixture) want(what, got, want string) {
	f.Helper()
	if got != want {
		f.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// wantError compares an outcome. want may be a whole outcome or, ending in "…", the start of one.
func (f *fixture) wantError(err error, want string) {
	f.Helper()
	got := outcome(err)
	if start, ok := strings.CutSuffix(want, "…"); ok && strings.HasPrefix(got, start) {
		return
	}
	f.want("error", got, want)
}

func (f *fixture) put(table string, item attrs) {
	f.Helper()
	if _, err := f.client.PutItem(f.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) get(table string, key attrs) attrs {
	f.Helper()
	out, err := f.client.GetItem(f.ctx(), &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		f.Fatal(err)
	}
	return out.Item
}
