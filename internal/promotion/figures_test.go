package promotion_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/promote-on-success/promote/internal/account"
	"github.com/promote-on-success/promote/internal/check"
	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/lease"
	"github.com/promote-on-success/promote/internal/ledger"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
	"github.com/promote-on-success/promote/internal/table"
)

// The figures of README, in virtual time: they depend on what is called and on the quotas, not on the machine.
// `go test -run TestFigures -v ./internal/promotion` prints them.

// quota makes the theatre's runner keep within the sandbox's quotas as the product does, with rate calls a second.
func (th *theatre) quota(rate float64) {
	th.t.Helper()
	own := th.cloud.Server().Accounts()[0]
	env := map[string]string{
		"AWS_ACCESS_KEY_ID": own.AccessKeyID, "AWS_SECRET_ACCESS_KEY": own.SecretAccessKey,
		"AWS_REGION": sandbox.DefaultRegion, "AWS_ENDPOINT_URL": th.cloud.Server().BaseURL(),
	}
	acct, err := account.Open(th.t.Context(), account.Options{
		Getenv: func(name string) string { return env[name] }, HTTPClient: &http.Client{Transport: th.network}, Rates: account.Rates{Shared: rate},
	})
	if err != nil {
		th.t.Fatal(err)
	}
	lambdas := lambda.NewFromConfig(acct.Config)
	functions := function.New(lambdas, s3.NewFromConfig(acct.Config), ecr.NewFromConfig(acct.Config), function.Options{Workspace: th.workspace})
	th.runner.Packages, th.runner.Functions, th.runner.Aliases = functions, functions, functions
	th.runner.Checks = check.New(lambdas, check.Options{Workspace: th.workspace})
	th.config = acct.Config
}

// lock switches locks and ledger on, within the same quotas.
func (th *theatre) lock() {
	th.t.Helper()
	rows := table.New(dynamodb.NewFromConfig(th.config), lockTable, table.Current())
	if _, err := rows.Setup(th.t.Context(), func(string, ...any) {}); err != nil {
		th.t.Fatal(err)
	}
	th.runner.Locks, th.runner.Ledger = lease.New(rows), ledger.New(rows)
}

func TestFigures(t *testing.T) {
	names := func(n int) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf("fn-%03d", i)
		}
		return list
	}
	aws := sandbox.Options{UpdateTime: 2 * time.Second, Latency: 30 * time.Millisecond}

	// measure runs a request and prints the calls by operation; it returns those of the class of 15 a second.
	measure := func(t *testing.T, th *theatre, what string, req promotion.Request, kind promotion.Kind) (shared int, took time.Duration) {
		t.Helper()
		th.cloud.ResetCalls()
		began := time.Now()
		o := th.runner.Run(context.Background(), req)
		took = time.Since(began)
		if o.Kind != kind {
			t.Fatalf("%s ended %s: %s %v", what, o.Kind, o.Sentence, o.Faults)
		}
		calls := th.cloud.Count("lambda")
		for operation, n := range calls {
			if operation != "GetFunction" && operation != "GetPolicy" && operation != "Invoke" {
				shared += n
			}
		}
		t.Logf("%-40s %8s  %d in the shared class  %v", what, took.Round(10*time.Millisecond), shared, calls)
		if tables := th.cloud.Count("dynamodb"); len(tables) > 0 {
			t.Logf("%-40s %8s  of DynamoDB: %v", "", "", tables)
		}
		return shared, took
	}

	play(t, "one function", aws, func(t *testing.T, th *theatre) {
		th.cloud.Function("fn-000", sandboxtest.Code{Name: "old"})
		th.quota(10)
		measure(t, th, "first release", th.request("one", "fn-000"), promotion.Promoted)
		if shared, _ := measure(t, th, "one function changed", th.request("two", "fn-000"), promotion.Promoted); shared > 4 {
			t.Errorf("%d calls in the shared class, expected at most 4", shared)
		}
		if shared, _ := measure(t, th, "unchanged", th.request("two", "fn-000"), promotion.Unchanged); shared > 1 {
			t.Errorf("%d calls in the shared class, expected the one that reads the alias", shared)
		}
	})

	play(t, "twenty functions of which three change", aws, func(t *testing.T, th *theatre) {
		list := names(20)
		th.functions("old", list...)
		th.quota(10)
		req := th.request("old", list...)
		changed := th.build(sandboxtest.Code{Name: "new"})
		for i := range 3 {
			req.Functions[i].Artifact.Path = changed
		}
		measure(t, th, "20 functions, 3 changed", req, promotion.Promoted)
	})

	for _, d := range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second} {
		play(t, fmt.Sprintf("an update that takes %s", d), sandbox.Options{UpdateTime: d, Latency: 20 * time.Millisecond}, func(t *testing.T, th *theatre) {
			th.functions("old", "fn-000")
			th.quota(10)
			if _, took := measure(t, th, fmt.Sprintf("update time %s", d), th.request("new", "fn-000"), promotion.Promoted); took > d+500*time.Millisecond {
				t.Errorf("it took %s, expected at most half a second more than the update", took)
			}
		})
	}

	play(t, "five hundred functions under AWS's quotas", sandbox.Options{UpdateTime: 2 * time.Second, Latency: 30 * time.Millisecond, RateLimit: 15}, func(t *testing.T, th *theatre) {
		list := names(500)
		th.functions("old", list...)
		th.quota(15)
		req := th.request("new", list...)
		shared, took := measure(t, th, "500 functions changed", req, promotion.Promoted)
		bound := time.Duration(shared) * time.Second / 15
		t.Logf("500 functions: %s, the bound is %s: %.2f times", took.Round(time.Second), bound.Round(time.Second), took.Seconds()/bound.Seconds())
		if took > bound*12/10 {
			t.Errorf("%s is more than 1.2 times the bound of %s", took, bound)
		}
		if _, took := measure(t, th, "500 functions unchanged", req, promotion.Unchanged); took > 40*time.Second {
			t.Errorf("500 unchanged functions took %s, expected at most 40 s", took)
		}
	})

	play(t, "one function under locks", aws, func(t *testing.T, th *theatre) {
		th.cloud.Function("fn-000", sandboxtest.Code{Name: "old"})
		th.quota(10)
		th.lock()
		measure(t, th, "first release, locked", th.request("one", "fn-000"), promotion.Promoted)
		measure(t, th, "one function changed, locked", th.request("two", "fn-000"), promotion.Promoted)
		tables := 0
		for _, n := range th.cloud.Count("dynamodb") {
			tables += n
		}
		if tables > 5 {
			t.Errorf("%d calls of DynamoDB, expected at most 5", tables)
		}
		measure(t, th, "unchanged, locked", th.request("two", "fn-000"), promotion.Unchanged)
	})

	play(t, "five hundred functions under locks", sandbox.Options{UpdateTime: 2 * time.Second, Latency: 30 * time.Millisecond, RateLimit: 15}, func(t *testing.T, th *theatre) {
		list := names(500)
		th.functions("old", list...)
		th.quota(10)
		th.lock()
		req := th.request("old", list...)
		measure(t, th, "500 functions adopted", req, promotion.Unchanged)
		if shared, took := measure(t, th, "500 functions unchanged, vouched for", req, promotion.Unchanged); took > 20*time.Second || shared > 0 {
			t.Errorf("500 unchanged functions that the ledger knows took %s and %d calls of the shared class", took, shared)
		}
	})
}
