package sandboxtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// story creates a function, publishes it, gives it an alias and invokes that.
func story(t *testing.T, c *sandboxtest.Cloud) {
	t.Helper()
	c.Function("orders", sandboxtest.Code{Name: "one"})
	c.Alias("orders", "prod", c.Publish("orders"))
	got := invoke(t, c, "orders", "prod", `{"id": 7}`)
	var answer struct {
		Code, Version string
		Event         struct{ ID int }
	}
	if err := json.Unmarshal(got, &answer); err != nil {
		t.Fatalf("answer %s: %v", got, err)
	}
	if answer.Code != "one" || answer.Version != "1" || answer.Event.ID != 7 {
		t.Errorf("answer %s", got)
	}
}

func invoke(t *testing.T, c *sandboxtest.Cloud, function, qualifier, payload string) []byte {
	t.Helper()
	out, err := c.Lambda().Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(function), Qualifier: aws.String(qualifier), Payload: []byte(payload)})
	if err != nil {
		t.Fatal(err)
	}
	if out.FunctionError != nil {
		t.Fatalf("function error %s: %s", *out.FunctionError, out.Payload)
	}
	return out.Payload
}

func TestFunctionsInGo(t *testing.T) {
	t.Run("run behind a socket", func(t *testing.T) {
		story(t, sandboxtest.Start(t, sandbox.Options{}))
	})
	t.Run("run in virtual time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			story(t, sandboxtest.InProcess(t, sandbox.Options{UpdateTime: 2 * time.Minute, Latency: time.Second}))
			if took := time.Since(begin); took < 2*time.Minute {
				t.Errorf("took %v of virtual time, want the update time at least", took)
			}
		})
	})
	t.Run("are arranged under quotas too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := sandboxtest.InProcess(t, sandbox.Options{RateLimit: 15})
			for i := range 40 {
				name := fmt.Sprint("f", i)
				c.Function(name, sandboxtest.Code{Name: "one"})
				c.Alias(name, "prod", c.Publish(name))
			}
		})
	})
	t.Run("have equal packages for equal names", func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		one, again, two := c.Zip(sandboxtest.Code{Name: "one"}), c.Zip(sandboxtest.Code{Name: "one"}), c.Zip(sandboxtest.Code{Name: "two"})
		if !bytes.Equal(one, again) || bytes.Equal(one, two) {
			t.Error("the name is to decide the bytes")
		}
	})
	t.Run("answer an event of a function URL with a response", func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		c.Function("orders", sandboxtest.Code{Name: "one"})
		got := invoke(t, c, "orders", "$LATEST", `{"version":"2.0","rawPath":"/health"}`)
		var answer struct {
			StatusCode int
			Body       string
		}
		if err := json.Unmarshal(got, &answer); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("answer %s: %v", got, err)
		}
		if want := `{"code":"one","env":{},"rawPath":"/health","version":"$LATEST"}`; answer.Body != want {
			t.Errorf("body %s, want %s", answer.Body, want)
		}
	})
	t.Run("can be the test's own", func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		c.Function("sum", sandboxtest.Code{Name: "sum", Handler: func(_ context.Context, in runner.Input) (runner.Output, error) {
			return runner.Output{Payload: append(in.Payload, '1')}, nil
		}})
		if got := invoke(t, c, "sum", "$LATEST", "4"); string(got) != "41" {
			t.Errorf("got %s", got)
		}
	})
}

func TestCallLog(t *testing.T) {
	c := sandboxtest.Start(t, sandbox.Options{})
	c.Function("orders", sandboxtest.Code{Name: "one"})
	c.ResetCalls()
	invoke(t, c, "orders", "$LATEST", "{}")
	_, err := c.Lambda("us-east-1").GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("orders")})
	if err == nil {
		t.Fatal("the function is in another region too")
	}
	r, err := c.HTTPClient().Get(c.URL() + "/_sandbox/calls")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var calls []sandbox.Record
	if err := json.NewDecoder(r.Body).Decode(&calls); err != nil {
		t.Fatal(err)
	}
	for i := range calls {
		if calls[i].Time.IsZero() {
			t.Errorf("call %d has no time", i)
		}
		calls[i].Time = time.Time{}
	}
	want := []sandbox.Record{
		{Service: "lambda", Operation: "Invoke", Resource: "orders", Account: "123456789012", Region: "eu-west-1", Status: 200},
		{Service: "lambda", Operation: "GetFunction", Resource: "orders", Account: "123456789012", Region: "us-east-1", Status: 404},
	}
	if len(calls) != len(want) || calls[0] != want[0] || calls[1] != want[1] {
		t.Errorf("got %+v\nwant %+v", calls, want)
	}
	if got := c.Count("lambda"); got["Invoke"] != 1 || got["GetFunction"] != 1 {
		t.Errorf("count %v", got)
	}
}
