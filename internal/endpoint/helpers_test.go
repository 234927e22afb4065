package endpoint_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/endpoint"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

var _ promotion.EndpointRoutes = (*endpoint.Routes)(nil)

// account is a sandbox with two functions of an app: checkout at its key, and web at the app's root.
type account struct {
	*sandboxtest.Cloud
	t      *testing.T
	routes *endpoint.Routes
	api    *apigatewayv2.Client
	said   []string
}

func newAccount(t *testing.T) *account {
	t.Helper()
	c := sandboxtest.Start(t, sandbox.Options{})
	for _, name := range []string{"shop-checkout", "shop-web"} {
		c.Function(name, sandboxtest.Code{Name: name, Handler: showEvent})
	}
	c.ResetCalls()
	a := &account{Cloud: c, t: t}
	a.routes, a.api = a.connect(nil)
	return a
}

// connect makes routes whose requests pass through the given transport, nil for none.
func (a *account) connect(through func(http.RoundTripper) http.RoundTripper) (*endpoint.Routes, *apigatewayv2.Client) {
	cfg := a.AWS()
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	if through != nil {
		cfg.HTTPClient = &http.Client{Transport: through(a.HTTPClient().Transport)}
	}
	api := apigatewayv2.NewFromConfig(cfg)
	return endpoint.New(api, lambda.NewFromConfig(cfg)), api
}

func (a *account) say(format string, args ...any) {
	a.said = append(a.said, fmt.Sprintf(format, args...))
}

// showEvent answers with what the function was sent.
func showEvent(_ context.Context, in runner.Input) (runner.Output, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(in.Payload, &e); err != nil {
		return runner.Output{}, err
	}
	body, err := json.Marshal(map[string]any{"version": in.Version, "rawPath": e.RawPath, "proxy": e.PathParameters["proxy"], "routeKey": e.RouteKey})
	if err != nil {
		return runner.Output{}, err
	}
	payload, err := json.Marshal(events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: string(body), Headers: map[string]string{"content-type": "application/json"}})
	return runner.Output{Payload: payload}, err
}

func shop() promotion.Request {
	functions := []promotion.Function{{Key: "checkout", Name: "shop-checkout"}, {Key: "web", Name: "shop-web", Path: "/"}}
	return promotion.Request{
		App: "shop", Environment: promotion.Environment{Name: "prod", Alias: "live", Region: "eu-west-1"}, Functions: functions,
		Endpoints: &promotion.Endpoints{API: "shop-api", Latest: promotion.AuthIAM, Environment: promotion.AuthNone, Functions: functions},
	}
}

func (a *account) setup(r promotion.Request) promotion.EndpointState {
	a.t.Helper()
	s, err := a.routes.Setup(a.t.Context(), r, a.say)
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

func (a *account) observe(r promotion.Request) promotion.EndpointState {
	a.t.Helper()
	s, err := a.routes.Observe(a.t.Context(), r)
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

// release gives both functions a version 1 with the alias live.
func (a *account) release() {
	a.t.Helper()
	for _, name := range []string{"shop-checkout", "shop-web"} {
		a.Alias(name, "live", a.Publish(name))
	}
	a.ResetCalls()
}

// get sends a request, signed or not.
func (a *account) get(url string, signed bool) (status int, seen map[string]string) {
	a.t.Helper()
	status, body := a.fetch(url, signed)
	if status == http.StatusOK {
		if err := json.Unmarshal([]byte(body), &seen); err != nil {
			a.t.Fatalf("GET %s: %s: %v", url, body, err)
		}
	}
	return status, seen
}

func (a *account) fetch(url string, signed bool) (status int, body string) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	if signed {
		cfg := a.AWS()
		credentials, err := cfg.Credentials.Retrieve(a.t.Context())
		if err == nil {
			err = v4.NewSigner().SignHTTP(a.t.Context(), credentials, req, fmt.Sprintf("%x", sha256.Sum256(nil)), "execute-api", cfg.Region, time.Now())
		}
		if err != nil {
			a.t.Fatal(err)
		}
	}
	res, err := a.HTTPClient().Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// writes counts the calls that change something, by operation.
func (a *account) writes() map[string]int {
	w := map[string]int{}
	for _, service := range []string{"lambda", "apigateway"} {
		for op, n := range a.Count(service) {
			if !strings.HasPrefix(op, "Get") && !strings.HasPrefix(op, "List") {
				w[op] = n
			}
		}
	}
	return w
}
