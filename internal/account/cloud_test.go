package account_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/account"
)

// A request is one that reached AWS, and when.
type request struct {
	operation string
	at        time.Time
}

// cloud answers the SDK's requests in the process, so that time may be virtual, and remembers them.
type cloud struct {
	http.Handler
	mu       sync.Mutex
	requests []request
}

// Do makes the cloud an HTTP client.
func (c *cloud) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.requests = append(c.requests, request{awsmiddleware.GetOperationName(r.Context()), time.Now()})
	c.mu.Unlock()
	w := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.ServeHTTP(w, r)
	}()
	select {
	case <-done:
		return w.Result(), nil
	case <-r.Context().Done():
		<-done
		return nil, r.Context().Err()
	}
}

func (c *cloud) of(operation string) []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	var times []time.Time
	for _, r := range c.requests {
		if operation == "" || r.operation == operation {
			times = append(times, r.at)
		}
	}
	return times
}

// fine answers everything with an empty success.
func fine(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }

// inOrder answers the first request with the first handler and so on, and all after the last with the last.
func inOrder(handlers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		h := handlers[0]
		if len(handlers) > 1 {
			handlers = handlers[1:]
		}
		mu.Unlock()
		h(w, r)
	}
}

// refuse answers as Lambda refuses. Headers are names and values in turn.
func refuse(status int, code string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", code)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, `{"Message":"no"}`)
	}
}

// environment is one with keys, and without anything that the machine's own might add.
func environment(more ...string) func(string) string {
	env := map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true"}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return func(name string) string { return env[name] }
}

func open(t *testing.T, c *cloud, change ...func(*account.Options)) *account.Account {
	t.Helper()
	o := account.Options{Getenv: environment(), HTTPClient: c}
	for _, f := range change {
		f(&o)
	}
	a, err := account.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func getAlias(ctx context.Context, a *account.Account) error {
	_, err := lambda.NewFromConfig(a.Config).GetAlias(ctx, &lambda.GetAliasInput{FunctionName: aws.String("shop"), Name: aws.String("live")})
	return err
}

func updateAlias(ctx context.Context, a *account.Account) error {
	_, err := lambda.NewFromConfig(a.Config).UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: aws.String("shop"), Name: aws.String("live")})
	return err
}

func getFunction(ctx context.Context, a *account.Account) error {
	_, err := lambda.NewFromConfig(a.Config).GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("shop")})
	return err
}

func getPolicy(ctx context.Context, a *account.Account) error {
	_, err := lambda.NewFromConfig(a.Config).GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: aws.String("shop")})
	return err
}

func invoke(ctx context.Context, a *account.Account) error {
	_, err := lambda.NewFromConfig(a.Config).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("shop"), Qualifier: aws.String("7")})
	return err
}

// atOnce makes n calls at the same time and waits for all.
func atOnce(t *testing.T, n int, call func() error) {
	t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := call(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// most is the largest number of moments in any one second.
func most(times []time.Time) int {
	largest := 0
	for i, from := range times {
		n := 0
		for _, at := range times[i:] {
			if at.Sub(from) < time.Second {
				n++
			}
		}
		largest = max(largest, n)
	}
	return largest
}
