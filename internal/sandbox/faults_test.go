package sandbox_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// shop has a function with two versions and two aliases at the first.
func shop(t *testing.T, c *sandboxtest.Cloud) {
	t.Helper()
	c.Function("orders", sandboxtest.Code{Name: "one"})
	c.Publish("orders")
	c.Alias("orders", "prod", "1")
	c.Alias("orders", "dev", "1")
	if _, err := c.Lambda().UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{
		FunctionName: aws.String("orders"), ZipFile: c.Zip(sandboxtest.Code{Name: "two"}), Publish: true,
	}); err != nil {
		t.Fatal(err)
	}
}

func arm(t *testing.T, c *sandboxtest.Cloud, f sandbox.Fault) string {
	t.Helper()
	id, err := c.Server().Fault(f)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func move(ctx context.Context, c *sandboxtest.Cloud, alias, version string) error {
	_, err := c.Lambda().UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: aws.String("orders"), Name: aws.String(alias), FunctionVersion: aws.String(version)})
	return err
}

func aliasOf(t *testing.T, c *sandboxtest.Cloud, alias string) *lambda.GetAliasOutput {
	t.Helper()
	out, err := c.Lambda().GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: aws.String("orders"), Name: aws.String(alias)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wantVersion(t *testing.T, c *sandboxtest.Cloud, alias, want string) {
	t.Helper()
	if got := aws.ToString(aliasOf(t, c, alias).FunctionVersion); got != want {
		t.Errorf("alias %s is at version %s, want %s", alias, got, want)
	}
}

func httpStatus(err error) int {
	var e interface{ HTTPStatusCode() int }
	if errors.As(err, &e) {
		return e.HTTPStatusCode()
	}
	return 0
}

// Each test runs over a socket and in process: a fault has to look the same from both.
func everywhere(t *testing.T, test func(t *testing.T, c *sandboxtest.Cloud)) {
	t.Run("over a socket", func(t *testing.T) { test(t, sandboxtest.Start(t, sandbox.Options{})) })
	t.Run("in process", func(t *testing.T) { test(t, sandboxtest.InProcess(t, sandbox.Options{})) })
}

func TestFaultsOfTheAnswer(t *testing.T) {
	everywhere(t, func(t *testing.T, c *sandboxtest.Cloud) {
		shop(t, c)
		t.Run("fail-before leaves the world alone", func(t *testing.T) {
			arm(t, c, sandbox.Fault{Kind: sandbox.FailBefore, Operation: "UpdateAlias"})
			err := move(t.Context(), c, "prod", "2")
			if code(err) != "ServiceException" || httpStatus(err) != 500 {
				t.Errorf("got %v", err)
			}
			wantVersion(t, c, "prod", "1")
		})
		t.Run("fail-after answers with an error over an effect", func(t *testing.T) {
			arm(t, c, sandbox.Fault{Kind: sandbox.FailAfter, Operation: "UpdateAlias", Status: 502, Code: "EC2UnexpectedException"})
			err := move(t.Context(), c, "prod", "2")
			if code(err) != "EC2UnexpectedException" || httpStatus(err) != 502 {
				t.Errorf("got %v", err)
			}
			wantVersion(t, c, "prod", "2")
		})
		t.Run("drop-response leaves no answer over an effect", func(t *testing.T) {
			arm(t, c, sandbox.Fault{Kind: sandbox.DropResponse, Operation: "UpdateAlias"})
			err := move(t.Context(), c, "prod", "1")
			if err == nil || httpStatus(err) != 0 {
				t.Errorf("got %v, want a broken connection", err)
			}
			wantVersion(t, c, "prod", "1")
		})
		t.Run("drop-response of a read is not made good by the client's connection", func(t *testing.T) {
			aliasOf(t, c, "prod") // so that there is a connection to use again
			arm(t, c, sandbox.Fault{Kind: sandbox.DropResponse, Operation: "GetAlias"})
			_, err := c.Lambda().GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: aws.String("orders"), Name: aws.String("prod")})
			if err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
				t.Errorf("got %v", err)
			}
		})
		t.Run("throttle says how long to wait", func(t *testing.T) {
			arm(t, c, sandbox.Fault{Kind: sandbox.Throttle, Operation: "GetAlias", RetryAfter: 7})
			_, err := c.Lambda().GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: aws.String("orders"), Name: aws.String("prod")})
			var e *types.TooManyRequestsException
			if !errors.As(err, &e) || aws.ToString(e.RetryAfterSeconds) != "7" || e.Reason != types.ThrottleReasonCallerRateLimitExceeded {
				t.Errorf("got %v", err)
			}
		})
		t.Run("the log keeps the status of what was dropped", func(t *testing.T) {
			var got []int
			for _, r := range c.Calls() {
				if r.Operation == "UpdateAlias" {
					got = append(got, r.Status)
				}
			}
			if len(got) != 3 || got[0] != 500 || got[1] != 502 || got[2] != 200 {
				t.Errorf("statuses %v", got)
			}
		})
	})
}

func TestFaultsChooseTheirCalls(t *testing.T) {
	c := sandboxtest.InProcess(t, sandbox.Options{})
	shop(t, c)
	outcomes := func(aliases ...string) (s string) {
		for _, alias := range aliases {
			if err := move(t.Context(), c, alias, "2"); err != nil {
				s += "x"
			} else {
				s += "."
			}
		}
		return s
	}
	for _, tc := range []struct {
		name, want string
		fault      sandbox.Fault
	}{
		{"the first one unless said otherwise", "x....", sandbox.Fault{}},
		{"the third one", "..x..", sandbox.Fault{Nth: 3}},
		{"two from the second on", ".xx..", sandbox.Fault{Nth: 2, Count: 2}},
		{"all from the third on", "..xxx", sandbox.Fault{Nth: 3, Count: -1}},
		{"those for one alias", ".x.x.", sandbox.Fault{Resource: "orders:dev", Count: -1}},
		{"those for one function", "xxxxx", sandbox.Fault{Resource: "ord*", Count: -1}},
		{"those in one region", ".....", sandbox.Fault{Region: "us-*", Count: -1}},
		{"those of one service", ".....", sandbox.Fault{Service: "s3", Count: -1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c.Server().ClearFaults()
			tc.fault.Kind, tc.fault.Operation = sandbox.FailBefore, "UpdateAlias"
			arm(t, c, tc.fault)
			if got := outcomes("prod", "dev", "prod", "dev", "prod"); got != tc.want {
				t.Errorf("calls went %s, want %s", got, tc.want)
			}
			state := c.Server().Faults()[0]
			if fired := strings.Count(tc.want, "x"); state.Fired != fired {
				t.Errorf("the list says that it fired %d times, want %d", state.Fired, fired)
			}
		})
	}
}

func TestHold(t *testing.T) {
	everywhere(t, func(t *testing.T, c *sandboxtest.Cloud) {
		shop(t, c)
		t.Run("a held call lands when it is released, though its client is long gone", func(t *testing.T) {
			id := arm(t, c, sandbox.Fault{Kind: sandbox.Hold, Operation: "UpdateAlias", Resource: "orders:prod"})
			ctx, cancel := context.WithCancel(t.Context())
			gone := make(chan error)
			go func() { gone <- move(ctx, c, "prod", "2") }()
			if err := c.Server().Held(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			cancel()
			if err := <-gone; err == nil {
				t.Error("the client got an answer")
			}
			wantVersion(t, c, "prod", "1")
			if err := c.Server().Release(id); err != nil {
				t.Fatal(err)
			}
			wantVersion(t, c, "prod", "2")
			if err := move(t.Context(), c, "prod", "1"); err != nil {
				t.Errorf("a released fault holds on: %v", err)
			}
		})
		t.Run("a held call is judged by the revision of its landing", func(t *testing.T) {
			revision := aliasOf(t, c, "dev").RevisionId
			id := arm(t, c, sandbox.Fault{Kind: sandbox.Hold, Operation: "UpdateAlias", Resource: "orders:dev"})
			late := make(chan error)
			go func() {
				_, err := c.Lambda().UpdateAlias(t.Context(), &lambda.UpdateAliasInput{FunctionName: aws.String("orders"), Name: aws.String("dev"), FunctionVersion: aws.String("2"), RevisionId: revision})
				late <- err
			}()
			if err := c.Server().Held(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if err := move(t.Context(), c, "dev", "1"); err != nil { // a touch; the fault is for the first call
				t.Fatal(err)
			}
			if err := c.Server().Release(id); err != nil {
				t.Fatal(err)
			}
			wantCode(t, <-late, "PreconditionFailedException")
			wantVersion(t, c, "dev", "1")
		})
		t.Run("what is still held when the sandbox closes is not carried out", func(t *testing.T) {
			id := arm(t, c, sandbox.Fault{Kind: sandbox.Hold, Operation: "UpdateAlias", Resource: "orders:dev"})
			go func() { _ = move(context.WithoutCancel(t.Context()), c, "dev", "2") }() // ends with the sandbox
			if err := c.Server().Held(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestFaultsInVirtualTime(t *testing.T) {
	t.Run("delay takes as long as it says", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := sandboxtest.InProcess(t, sandbox.Options{})
			shop(t, c)
			arm(t, c, sandbox.Fault{Kind: sandbox.Delay, Operation: "UpdateAlias", Delay: time.Hour})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := move(ctx, c, "prod", "2"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the client got %v, want its deadline", err)
			}
			wantVersion(t, c, "prod", "1")
			time.Sleep(2 * time.Hour)
			wantVersion(t, c, "prod", "2")
		})
	})
	t.Run("a hold blocks its client until that gives up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := sandboxtest.InProcess(t, sandbox.Options{})
			shop(t, c)
			id := arm(t, c, sandbox.Fault{Kind: sandbox.Hold, Operation: "UpdateAlias"})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := move(ctx, c, "prod", "2"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the client got %v, want its deadline", err)
			}
			if err := c.Server().Release(id); err != nil {
				t.Fatal(err)
			}
			wantVersion(t, c, "prod", "2")
		})
	})
	t.Run("a dropped response is an unexpected end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := sandboxtest.InProcess(t, sandbox.Options{})
			shop(t, c)
			arm(t, c, sandbox.Fault{Kind: sandbox.DropResponse, Operation: "UpdateAlias"})
			if err := move(t.Context(), c, "prod", "2"); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("the client got %v", err)
			}
		})
	})
	t.Run("an update that never settles does so when the fault is cleared", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := sandboxtest.InProcess(t, sandbox.Options{UpdateTime: time.Second})
			c.Function("orders", sandboxtest.Code{Name: "one"})
			arm(t, c, sandbox.Fault{Kind: sandbox.NeverSettle, Operation: "UpdateFunctionCode"})
			update(t, c, sandboxtest.Code{Name: "two"})
			time.Sleep(24 * time.Hour)
			if got := function(t, c, "$LATEST").LastUpdateStatus; got != types.LastUpdateStatusInProgress {
				t.Errorf("after a day the update is %s", got)
			}
			c.Server().ClearFaults()
			if got := function(t, c, "$LATEST").LastUpdateStatus; got != types.LastUpdateStatusSuccessful {
				t.Errorf("after the fault the update is %s", got)
			}
		})
	})
	t.Run("weights of AWS's own come and go", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := sandboxtest.InProcess(t, sandbox.Options{})
			shop(t, c)
			arm(t, c, sandbox.Fault{Kind: sandbox.TransientWeights, Operation: "UpdateAlias", Lasts: time.Minute})
			if err := move(t.Context(), c, "prod", "2"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			during := aliasOf(t, c, "prod")
			if during.RoutingConfig == nil || during.RoutingConfig.AdditionalVersionWeights["1"] != 1 {
				t.Errorf("no weight of the old version: %+v", during.RoutingConfig)
			}
			time.Sleep(time.Minute)
			after := aliasOf(t, c, "prod")
			if after.RoutingConfig != nil && len(after.RoutingConfig.AdditionalVersionWeights) > 0 || *after.RevisionId == *during.RevisionId {
				t.Errorf("afterwards: %+v", after)
			}
		})
	})
}

func update(t *testing.T, c *sandboxtest.Cloud, code sandboxtest.Code) {
	t.Helper()
	if _, err := c.Lambda().UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("orders"), ZipFile: c.Zip(code)}); err != nil {
		t.Fatal(err)
	}
}

func function(t *testing.T, c *sandboxtest.Cloud, qualifier string) *types.FunctionConfiguration {
	t.Helper()
	out, err := c.Lambda().GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("orders"), Qualifier: aws.String(qualifier)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Configuration
}

func TestFaultsOfFunctions(t *testing.T) {
	t.Run("an update ends Failed with its reason, and the next one does not", func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		c.Function("orders", sandboxtest.Code{Name: "one"})
		arm(t, c, sandbox.Fault{Kind: sandbox.EndFailed, Operation: "UpdateFunctionCode", Code: "InvalidSubnet", Message: "no such subnet"})
		update(t, c, sandboxtest.Code{Name: "two"})
		got := function(t, c, "$LATEST")
		if got.LastUpdateStatus != types.LastUpdateStatusFailed || got.LastUpdateStatusReasonCode != "InvalidSubnet" || aws.ToString(got.LastUpdateStatusReason) != "no such subnet" {
			t.Errorf("got %s, %s, %s", got.LastUpdateStatus, got.LastUpdateStatusReasonCode, aws.ToString(got.LastUpdateStatusReason))
		}
		update(t, c, sandboxtest.Code{Name: "three"})
		if got := function(t, c, "$LATEST"); got.LastUpdateStatus != types.LastUpdateStatusSuccessful {
			t.Errorf("the next update is %s", got.LastUpdateStatus)
		}
	})
	t.Run("a refused call leaves no fault behind for the next", func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		c.Function("orders", sandboxtest.Code{Name: "one"})
		arm(t, c, sandbox.Fault{Kind: sandbox.EndFailed, Operation: "UpdateFunctionCode"})
		_, err := c.Lambda().UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("orders"), ZipFile: c.Zip(sandboxtest.Code{Name: "two"}), RevisionId: aws.String("stale")})
		wantCode(t, err, "PreconditionFailedException")
		if c.Server().Faults()[0].Error == "" {
			t.Error("the list does not say that the fault had nothing to disturb")
		}
		update(t, c, sandboxtest.Code{Name: "two"})
		if got := function(t, c, "$LATEST"); got.LastUpdateStatus != types.LastUpdateStatusSuccessful {
			t.Errorf("the next update is %s", got.LastUpdateStatus)
		}
	})
}

func TestForeignWrites(t *testing.T) {
	foreign := func(when sandbox.When, operation string, parameters map[string]any) *sandbox.Write {
		return &sandbox.Write{When: when, Operation: operation, Parameters: parameters}
	}
	t.Run("another writer moves the alias just before", func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		shop(t, c)
		revision := aliasOf(t, c, "prod").RevisionId
		arm(t, c, sandbox.Fault{Kind: sandbox.ForeignWrite, Operation: "UpdateAlias",
			Write: foreign(sandbox.Before, "UpdateAlias", map[string]any{"FunctionName": "orders", "Name": "prod", "FunctionVersion": "2"})})
		c.ResetCalls()
		_, err := c.Lambda().UpdateAlias(t.Context(), &lambda.UpdateAliasInput{FunctionName: aws.String("orders"), Name: aws.String("prod"), RevisionId: revision})
		wantCode(t, err, "PreconditionFailedException")
		wantVersion(t, c, "prod", "2")
		if n := c.Count("lambda")["UpdateAlias"]; n != 1 {
			t.Errorf("the log has %d calls of UpdateAlias, want the client's own alone", n)
		}
		history := c.Server().Lambda().History("123456789012", "eu-west-1", "orders", "prod")
		if by := history[len(history)-1].Principal; by != sandbox.ForeignPrincipal("123456789012") {
			t.Errorf("the alias was moved by %s", by)
		}
	})
	t.Run("another pipeline's code lands right after", func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		shop(t, c)
		before := aws.ToString(function(t, c, "$LATEST").CodeSha256)
		arm(t, c, sandbox.Fault{Kind: sandbox.ForeignWrite, Operation: "GetFunction",
			Write: foreign(sandbox.After, "UpdateFunctionCode", map[string]any{"FunctionName": "orders", "ZipFile": c.Zip(sandboxtest.Code{Name: "foreign"})})})
		if got := aws.ToString(function(t, c, "$LATEST").CodeSha256); got != before {
			t.Error("the call itself saw the change")
		}
		if got := aws.ToString(function(t, c, "$LATEST").CodeSha256); got == before {
			t.Errorf("nothing was changed: %s", c.Server().Faults()[0].Error)
		}
	})
	t.Run("another writer changes an item of a table", func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		api := dynamodb.NewFromConfig(c.AWS())
		table := aws.String("promote")
		if _, err := api.CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: table, BillingMode: ddbtypes.BillingModePayPerRequest,
			AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: ddbtypes.ScalarAttributeTypeS}},
			KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: ddbtypes.KeyTypeHash}}}); err != nil {
			t.Fatal(err)
		}
		write := foreign(sandbox.Before, "PutItem", map[string]any{"TableName": "promote", "Item": map[string]any{"pk": map[string]string{"S": "lock"}, "owner": map[string]string{"S": "foreign"}}})
		write.Service = "dynamodb"
		arm(t, c, sandbox.Fault{Kind: sandbox.ForeignWrite, Service: "dynamodb", Operation: "PutItem", Write: write})
		_, err := api.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: map[string]ddbtypes.AttributeValue{"pk": &ddbtypes.AttributeValueMemberS{Value: "lock"}},
			ConditionExpression: aws.String("attribute_not_exists(pk)")})
		wantCode(t, err, "ConditionalCheckFailedException")
	})
	t.Run("a change that Lambda refuses is reported in the list", func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		shop(t, c)
		arm(t, c, sandbox.Fault{Kind: sandbox.ForeignWrite, Operation: "GetAlias",
			Write: foreign("", "UpdateAlias", map[string]any{"FunctionName": "orders", "Name": "nobody"})})
		aliasOf(t, c, "prod")
		if got := c.Server().Faults()[0].Error; !strings.Contains(got, "404") {
			t.Errorf("the list says %q", got)
		}
	})
}
