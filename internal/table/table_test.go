package table_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
	"github.com/promote-on-success/promote/internal/table"
)

// A world is a sandbox in a bubble of virtual time, and the table in it.
type world struct {
	*testing.T
	cloud *sandboxtest.Cloud
	db    *dynamodb.Client
	table *table.Table
	said  []string
}

func in(t *testing.T, run func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cloud := sandboxtest.InProcess(t, sandbox.Options{})
		db := dynamodb.NewFromConfig(cloud.AWS())
		run(&world{T: t, cloud: cloud, db: db, table: table.New(db, "promote", table.Current())})
	})
}

func (w *world) say(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

func (w *world) setUp() table.State {
	w.Helper()
	w.said = nil
	w.cloud.ResetCalls()
	state, err := w.table.Setup(w.Context(), w.say)
	if err != nil {
		w.Fatal(err)
	}
	return state
}

// make creates a table otherwise than setup does.
func (w *world) make(change func(*dynamodb.CreateTableInput)) {
	w.Helper()
	in := &dynamodb.CreateTableInput{
		TableName: aws.String("promote"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange}},
	}
	change(in)
	if _, err := w.db.CreateTable(w.Context(), in); err != nil {
		w.Fatal(err)
	}
}

func wantFault(t testing.TB, err error, what, hint string) {
	t.Helper()
	var f promotion.Fault
	if !errors.As(err, &f) || !strings.Contains(err.Error(), what) || !strings.Contains(f.Hint, hint) {
		t.Errorf("the error is %v, hint %q; want %q, hint %q", err, f.Hint, what, hint)
	}
}

func TestSetup(t *testing.T) {
	t.Run("makes a table that can be used, is backed up and protected", func(t *testing.T) {
		in(t, func(w *world) {
			state := w.setUp()
			if state.ARN != "arn:aws:dynamodb:eu-west-1:123456789012:table/promote" || len(state.Differences) != 0 {
				t.Errorf("it says %+v", state)
			}
			d, err := w.db.DescribeTable(w.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("promote")})
			if err != nil || d.Table.TableStatus != types.TableStatusActive || !aws.ToBool(d.Table.DeletionProtectionEnabled) || d.Table.BillingModeSummary.BillingMode != types.BillingModePayPerRequest {
				t.Errorf("the table is %+v, %v", d.Table, err)
			}
			ttl, err := w.db.DescribeTimeToLive(w.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: aws.String("promote")})
			if err != nil || aws.ToString(ttl.TimeToLiveDescription.AttributeName) != "expires" {
				t.Errorf("the time to live is %+v, %v", ttl, err)
			}
			b, err := w.db.DescribeContinuousBackups(w.Context(), &dynamodb.DescribeContinuousBackupsInput{TableName: aws.String("promote")})
			if err != nil || b.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled {
				t.Errorf("backups are %+v, %v", b, err)
			}
			if len(w.said) < 3 {
				t.Errorf("it told %q", w.said)
			}
		})
	})
	t.Run("changes nothing the second time", func(t *testing.T) {
		in(t, func(w *world) {
			w.setUp()
			w.setUp()
			for _, c := range w.cloud.Calls() {
				if !strings.HasPrefix(c.Operation, "Describe") {
					t.Errorf("it called %s", c.Operation)
				}
			}
			if len(w.said) != 0 {
				t.Errorf("it told %q", w.said)
			}
		})
	})
	t.Run("completes what an interrupted setup left undone", func(t *testing.T) {
		for n, operation := range []string{"CreateTable", "UpdateTimeToLive", "UpdateContinuousBackups"} {
			in(t, func(w *world) {
				if _, err := w.cloud.Server().Fault(sandbox.Fault{Kind: sandbox.FailAfter, Service: "dynamodb", Operation: operation, Count: -1}); err != nil {
					t.Fatal(err)
				}
				_, err := w.table.Setup(w.Context(), w.say)
				if err == nil {
					t.Fatalf("%s failed, and setup did not", operation)
				}
				w.cloud.Server().ClearFaults()
				w.setUp()
				if len(w.said) > 4-n {
					t.Errorf("after %s it told %q", operation, w.said)
				}
				w.setUp()
				if len(w.said) != 0 {
					t.Errorf("after %s it did not complete: %q", operation, w.said)
				}
			})
		}
	})
	t.Run("leaves an existing table's own ways alone, and names them", func(t *testing.T) {
		in(t, func(w *world) {
			w.make(func(in *dynamodb.CreateTableInput) {
				in.BillingMode = types.BillingModeProvisioned
				in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(5), WriteCapacityUnits: aws.Int64(5)}
			})
			_, err := w.db.DescribeTable(w.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("promote")})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.db.UpdateTimeToLive(w.Context(), &dynamodb.UpdateTimeToLiveInput{TableName: aws.String("promote"),
				TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: aws.Bool(true)}}); err != nil {
				t.Fatal(err)
			}
			state := w.setUp()
			if text := strings.Join(state.Differences, "\n"); len(state.Differences) != 2 || !strings.Contains(text, "provisioned") || !strings.Contains(text, "attribute ttl") {
				t.Errorf("the differences are %q", state.Differences)
			}
			if !slices.ContainsFunc(w.said, func(s string) bool { return strings.HasPrefix(s, "protected") }) {
				t.Errorf("it told %q", w.said)
			}
		})
	})
	t.Run("refuses a table with another key", func(t *testing.T) {
		in(t, func(w *world) {
			w.make(func(in *dynamodb.CreateTableInput) {
				in.AttributeDefinitions = []types.AttributeDefinition{{AttributeName: aws.String("LockID"), AttributeType: types.ScalarAttributeTypeS}}
				in.KeySchema = []types.KeySchemaElement{{AttributeName: aws.String("LockID"), KeyType: types.KeyTypeHash}}
			})
			_, err := w.table.Setup(w.Context(), w.say)
			wantFault(t, err, "has another key than promote's: HASH LockID (S)", "lock-table")
			_, err = w.table.Check(w.Context(), "")
			wantFault(t, err, "has another key", "promote setup")
			_, err = w.table.Get(w.Context(), table.LockKey(promotion.Lock{App: "shop"}))
			wantFault(t, w.table.Explain(err, "acquire the code lock of shop"), "acquire the code lock of shop: the DynamoDB table \"promote\" has another key", "promote setup")
		})
	})
}

func TestCheck(t *testing.T) {
	t.Run("names an absent table, where it was looked for, and the remedy", func(t *testing.T) {
		in(t, func(w *world) {
			_, err := w.table.Check(w.Context(), "")
			wantFault(t, err, `there is no DynamoDB table "promote" in eu-west-1`, "promote setup")
		})
	})
	t.Run("does not find a table of another region", func(t *testing.T) {
		in(t, func(w *world) {
			w.setUp()
			elsewhere := table.New(dynamodb.NewFromConfig(w.cloud.AWS("us-east-1")), "promote", table.Current())
			_, err := elsewhere.Check(w.Context(), "")
			wantFault(t, err, "in us-east-1", "check region")
		})
	})
	t.Run("refuses a table of another account", func(t *testing.T) {
		in(t, func(w *world) {
			w.setUp()
			if _, err := w.table.Check(w.Context(), "123456789012"); err != nil {
				t.Error(err)
			}
			_, err := w.table.Check(w.Context(), "999999999999")
			wantFault(t, err, "belongs to account 123456789012, and the run works in account 999999999999", "promote setup")
		})
	})
}

func TestFormat(t *testing.T) {
	row := func(n int) table.Item {
		return table.Format{Number: n, Reader: fmt.Sprintf("v%d.0.0", n)}.Stamp(table.Item{})
	}
	for _, c := range []struct {
		reads, row int
		want       string // "" is readable
	}{
		{1, 1, ""}, {2, 1, ""}, {3, 2, ""}, {3, 3, ""},
		{1, 2, "this one reads formats up to 1"}, {3, 1, "this promote reads 2 and 3"}, {1, 0, "this promote reads 1"},
	} {
		err := table.Format{Number: c.reads}.Check(row(c.row), "the lock of shop's prod")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("format %d read by %d: %v; want %q", c.row, c.reads, err, c.want)
		}
	}
	wantFault(t, table.Format{Number: 1}.Check(row(2), "a row"), "a row was written by a newer promote, in row format 2", "promote v2.0.0 or newer")
}

func TestTransact(t *testing.T) {
	put := func(key string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: aws.String("promote"), Item: table.Key{PK: "p", SK: key}.Item()}}
	}
	grant := promotion.Grant{Lock: promotion.Lock{App: "shop", Environment: "prod"}, Owner: "me", Fence: 7}
	lock := func(w *world, owner string, fence uint64) {
		row := table.LockKey(grant.Lock).Item()
		row["owner"], row["fence"], row["dirty"] = table.S(owner), table.N(fence), table.Bool(true)
		if err := w.table.Put(w.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("with a guard happens under the grant's owner and fence only", func(t *testing.T) {
		in(t, func(w *world) {
			w.setUp()
			for i, c := range []struct {
				owner string
				fence uint64
				want  bool
			}{{"me", 7, true}, {"me", 8, false}, {"me", 6, false}, {"you", 7, false}} {
				lock(w, c.owner, c.fence)
				err := w.table.Transact(w.Context(), fmt.Sprint("t", i), w.table.Guard(grant), put(fmt.Sprint(i)))
				var no *table.Refused
				if c.want != (err == nil) || err != nil && (!errors.As(err, &no) || !no.Actions[0].Failed || no.Actions[1].Failed || no.Actions[0].Row.String("owner") != c.owner) {
					t.Errorf("%+v: %v", c, err)
				}
				if row, _ := w.table.Get(w.Context(), table.Key{PK: "p", SK: fmt.Sprint(i)}); (row != nil) != c.want {
					t.Errorf("%+v: the row is %v", c, row)
				}
			}
		})
	})
	t.Run("can give the lock back as its last deed", func(t *testing.T) {
		in(t, func(w *world) {
			w.setUp()
			lock(w, "me", 7)
			if err := w.table.Transact(w.Context(), "t", put("a"), w.table.GiveBack(grant, true, table.Item{"seen x": table.N(3), "b-c": table.S("d")})); err != nil {
				t.Fatal(err)
			}
			row, err := w.table.Get(w.Context(), table.LockKey(grant.Lock))
			if err != nil || row.Has("owner") || row.Bool("dirty") || row.Uint("fence") != 7 || row.Uint("seen x") != 3 || row.String("b-c") != "d" || row.String("left") != "me" {
				t.Errorf("the row is %v, %v", row, err)
			}
			if err := w.table.Transact(w.Context(), "u", put("b"), w.table.GiveBack(grant, true, nil)); err == nil {
				t.Error("given back twice")
			}
		})
	})
	t.Run("does not wait for a server that hangs", func(t *testing.T) {
		in(t, func(w *world) {
			w.setUp()
			if _, err := w.cloud.Server().Fault(sandbox.Fault{Kind: sandbox.Hold, Service: "dynamodb", Count: -1}); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			err := w.table.Transact(w.Context(), "t", put("a"))
			if !errors.Is(err, context.DeadlineExceeded) || !table.Transient(err) || time.Since(began) > 6*time.Second {
				t.Errorf("after %s: %v", time.Since(began), err)
			}
			w.cloud.Server().ClearFaults()
		})
	})
}

func TestTransient(t *testing.T) {
	in(t, func(w *world) {
		w.setUp()
		get := func(f sandbox.Fault) error {
			f.Service, f.Count = "dynamodb", -1
			if _, err := w.cloud.Server().Fault(f); err != nil {
				t.Fatal(err)
			}
			defer w.cloud.Server().ClearFaults()
			_, err := w.table.Get(w.Context(), table.Key{PK: "p", SK: "s"})
			return err
		}
		for name, c := range map[string]struct {
			fault sandbox.Fault
			want  bool
		}{
			"a fault of the server": {sandbox.Fault{Kind: sandbox.FailBefore, Status: 500, Code: "InternalServerError"}, true},
			"a lost answer":         {sandbox.Fault{Kind: sandbox.DropResponse}, true},
			"too many calls":        {sandbox.Fault{Kind: sandbox.FailBefore, Status: 400, Code: "ThrottlingException"}, true},
			"no permission":         {sandbox.Fault{Kind: sandbox.FailBefore, Status: 400, Code: "AccessDeniedException"}, false},
			"an invalid request":    {sandbox.Fault{Kind: sandbox.FailBefore, Status: 400, Code: "ValidationException"}, false},
		} {
			if err := get(c.fault); err == nil || table.Transient(err) != c.want {
				t.Errorf("%s: transient is %t: %v", name, table.Transient(err), err)
			}
		}
	})
}

func TestNames(t *testing.T) {
	for _, ok := range []string{"shop", "Shop_2-b"} {
		if err := table.CheckName("the app", ok); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "a/b", "a#b", "a b", "é", strings.Repeat("a", 201)} {
		if table.CheckName("the app", bad) == nil {
			t.Errorf("%q can name rows", bad)
		}
	}
}
