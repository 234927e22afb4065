package sandbox_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// passed counts how many of n calls are not throttled, and checks how the others are refused.
func passed(t *testing.T, n int, call func() error) (count int) {
	t.Helper()
	for range n {
		err := call()
		var e *types.TooManyRequestsException
		if !errors.As(err, &e) {
			count++
			continue
		}
		if httpStatus(err) != 429 || e.Reason != types.ThrottleReasonCallerRateLimitExceeded || aws.ToString(e.RetryAfterSeconds) == "" {
			t.Fatalf("throttled as %v, %+v", err, e)
		}
	}
	return count
}

func TestQuotas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{RateLimit: 15})
		shop(t, c)
		name := aws.String("orders")
		alias := func() error {
			_, err := c.Lambda().GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: name, Name: aws.String("prod")})
			return err
		}
		elsewhere := func() error {
			_, err := c.Lambda("us-east-1").GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: name, Name: aws.String("prod")})
			return err
		}
		function := func() error {
			_, err := c.Lambda().GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: name})
			return err
		}
		policy := func() error {
			_, err := c.Lambda().GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: name})
			return err
		}
		invoke := func() error {
			_, err := c.Lambda().Invoke(t.Context(), &lambda.InvokeInput{FunctionName: name})
			return err
		}
		time.Sleep(time.Minute) // fills the buckets again
		for _, tc := range []struct {
			name    string
			call    func() error
			n, want int
		}{
			{"the shared class takes 15 at once", alias, 40, 15},
			{"another region has its own", elsewhere, 40, 15},
			{"GetFunction takes 100", function, 120, 100},
			{"GetPolicy takes 15 of its own", policy, 40, 15},
			{"Invoke is in no class", invoke, 200, 200},
		} {
			if got := passed(t, tc.n, tc.call); got != tc.want {
				t.Errorf("%s: %d passed", tc.name, got)
			}
		}
		time.Sleep(2*time.Second/15 + time.Millisecond)
		if got := passed(t, 5, alias); got != 2 {
			t.Errorf("in two fifteenths of a second %d more passed, want 2", got)
		}
	})
	t.Run("are off without a limit", func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		if got := passed(t, 200, func() error {
			_, err := c.Lambda().ListFunctions(t.Context(), nil)
			return err
		}); got != 200 {
			t.Errorf("%d of 200 passed", got)
		}
	})
}

func TestRegionsAndAccountsAreWorldsOfTheirOwn(t *testing.T) {
	const other = "210987654321"
	c := sandboxtest.Start(t, sandbox.Options{Accounts: []sandbox.Account{{ID: "123456789012"}, {ID: other}}})
	shop(t, c)
	count := func(cfg aws.Config) int {
		out, err := lambda.NewFromConfig(cfg).ListFunctions(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Functions)
	}
	there := c.Server().Accounts()[1]
	for name, tc := range map[string]struct {
		cfg  aws.Config
		want int
	}{
		"here":               {c.AWS(), 1},
		"in another region":  {c.AWS("us-east-1"), 0},
		"in another account": {c.AWSWith(there.AccessKeyID, there.SecretAccessKey, ""), 0},
	} {
		if got := count(tc.cfg); got != tc.want {
			t.Errorf("%s there are %d functions, want %d", name, got, tc.want)
		}
	}
}

func TestWhatIsNotImplementedSaysSo(t *testing.T) {
	c := sandboxtest.Start(t, sandbox.Options{})
	_, err := c.Lambda().ListLayers(t.Context(), nil)
	if httpStatus(err) != 501 {
		t.Errorf("ListLayers: %v", err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL()+"/", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
	creds, err := c.AWS().Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "ssm", "eu-west-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := c.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 501 || !strings.Contains(string(body), "ssm:GetParameter") {
		t.Errorf("another service: %d %s", resp.StatusCode, body)
	}
	var got []string
	for _, r := range c.Calls() {
		got = append(got, fmt.Sprint(r.Service, ":", r.Operation, " ", r.Status))
	}
	if want := "[lambda:ListLayers 501 ssm:GetParameter 501]"; fmt.Sprint(got) != want {
		t.Errorf("the log has %v, want %s", got, want)
	}
}

func TestLatencyIsForTheControlPlane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{Latency: time.Second})
		shop(t, c)
		begin := time.Now()
		aliasOf(t, c, "prod")
		if took := time.Since(begin); took != time.Second {
			t.Errorf("GetAlias took %v", took)
		}
		begin = time.Now()
		if _, err := c.Lambda().Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("orders")}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("Invoke took %v", took)
		}
	})
}
