package apigateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// permit lets the API call the function, unqualified or by an alias.
func (g *gateway) permit(function, qualifier, path string) {
	g.t.Helper()
	in := &lambda.AddPermissionInput{
		FunctionName: aws.String(function), StatementId: aws.String("api"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("apigateway.amazonaws.com"), SourceArn: aws.String("arn:aws:execute-api:eu-west-1:123456789012:" + *g.id + "/*/*" + path),
	}
	if qualifier != "" {
		in.Qualifier = aws.String(qualifier)
	}
	if _, err := g.cloud.Lambda().AddPermission(g.t.Context(), in); err != nil {
		g.t.Fatal(err)
	}
}

// send sends a request and returns its status and body.
func (g *gateway) send(method, path, body string, more ...func(*http.Request)) (*http.Response, string) {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), method, g.endpoint+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for _, m := range more {
		m(r)
	}
	resp, err := g.cloud.HTTPClient().Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return resp, string(text)
}

func (g *gateway) wantStatus(method, path string, want int, message string, more ...func(*http.Request)) {
	g.t.Helper()
	resp, body := g.send(method, path, "", more...)
	if resp.StatusCode != want || message != "" && body != `{"message":"`+message+`"}` {
		g.t.Errorf("%s %s answered %d %s, want %d %s", method, path, resp.StatusCode, body, want, message)
	}
}

// signed signs a request for the API as an account's user.
func signed(t *testing.T, cfg aws.Config) func(*http.Request) {
	return func(r *http.Request) {
		t.Helper()
		creds, err := cfg.Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
		if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, empty, "execute-api", cfg.Region, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

// mirror answers with the event that it gets.
func mirror(_ context.Context, in runner.Input) (runner.Output, error) {
	return runner.Output{Payload: in.Payload}, nil
}

// served is an API whose "$default" route runs code.
func served(t *testing.T, code sandboxtest.Code) *gateway {
	t.Helper()
	c := sandboxtest.Start(t, sandbox.Options{Accounts: []sandbox.Account{{ID: "123456789012"}, {ID: "210987654321"}}})
	c.Function("orders", code)
	g := newGateway(t, c)
	g.stage("$default")
	g.route("$default", g.integrate(orders), "")
	g.permit("orders", "", "")
	return g
}

func TestRouteSelection(t *testing.T) {
	g := served(t, sandboxtest.Code{Name: "mirror", Handler: mirror})
	id := g.integrate(orders)
	for _, key := range []string{"GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "ANY /both", "POST /both", "ANY /"} {
		g.route(key, id, "")
	}
	for request, want := range map[string]string{
		"GET /pets/dog/1":     "GET /pets/dog/1",
		"GET /pets/dog/2":     "GET /pets/dog/{id}",
		"GET /pets/cat/1":     "GET /pets/{proxy+}",
		"GET /pets/dog/2/eat": "GET /pets/{proxy+}",
		"POST /pets/dog/1":    "ANY /{proxy+}",
		"POST /test/5":        "ANY /{proxy+}",
		"GET /pets":           "ANY /{proxy+}",
		"POST /both":          "POST /both",
		"PUT /both":           "ANY /both",
		"GET /":               "ANY /",
		"GET ":                "ANY /",
	} {
		method, path, _ := strings.Cut(request, " ")
		_, body := g.send(method, path, "")
		var event struct{ RouteKey string }
		if err := json.Unmarshal([]byte(body), &event); err != nil || event.RouteKey != want {
			t.Errorf("%s goes to %q (%s), want %s", request, event.RouteKey, body, want)
		}
	}
	t.Run("nothing fits", func(t *testing.T) {
		g := newGateway(t, g.cloud)
		g.wantStatus("GET", "/", 404, "Not Found") // no stage
		g.stage("$default")
		g.wantStatus("GET", "/", 404, "Not Found") // no route
		g.endpoint = strings.TrimSuffix(g.endpoint, *g.id) + "nobody"
		g.wantStatus("GET", "/", 404, "Not Found") // no API
	})
}

func TestEvent(t *testing.T) {
	g := served(t, sandboxtest.Code{Name: "mirror", Handler: mirror})
	g.route("ANY /shop/prod/orders/{proxy+}", g.integrate(orders), "")
	read := func(t *testing.T, body string) map[string]any {
		t.Helper()
		var event map[string]any
		if err := json.Unmarshal([]byte(body), &event); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		return event
	}
	t.Run("is payload format 2.0", func(t *testing.T) {
		_, body := g.send("PUT", "/shop/prod/orders/a%20b/c?x=1&x=2&y=%26", `{"a":1}`, func(r *http.Request) {
			r.Header.Set("Content-Type", "application/json")
			r.Header.Add("X-Many", "one")
			r.Header.Add("X-Many", "two")
			r.Header.Set("Cookie", "k=v; l=w")
			r.Header.Set("User-Agent", "test")
		})
		event := read(t, body)
		host := strings.TrimPrefix(g.cloud.URL(), "http://")
		_, port, _ := strings.Cut(host, ":")
		ctx := event["requestContext"].(map[string]any)
		if ctx["requestId"] == "" || ctx["timeEpoch"].(float64) < 1e12 {
			t.Errorf("context %v", ctx)
		}
		if _, err := time.Parse("02/Jan/2006:15:04:05 -0700", ctx["time"].(string)); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"requestId", "time", "timeEpoch"} {
			delete(ctx, name)
		}
		headers := event["headers"].(map[string]any)
		delete(headers, "accept-encoding") // net/http's own
		got, _ := json.Marshal(event)
		want, _ := json.Marshal(map[string]any{
			"version": "2.0", "routeKey": "ANY /shop/prod/orders/{proxy+}",
			"rawPath": "/shop/prod/orders/a b/c", "rawQueryString": "x=1&x=2&y=%26",
			"cookies": []string{"k=v", "l=w"},
			"headers": map[string]string{
				"content-length": "7", "content-type": "application/json", "host": host, "user-agent": "test", "x-many": "one,two",
				"x-forwarded-for": "127.0.0.1", "x-forwarded-port": port, "x-forwarded-proto": "http",
			},
			"queryStringParameters": map[string]string{"x": "1,2", "y": "&"},
			"pathParameters":        map[string]string{"proxy": "a b/c"},
			"requestContext": map[string]any{
				"accountId": "123456789012", "apiId": *g.id,
				"domainName": *g.id + ".execute-api.eu-west-1.amazonaws.com", "domainPrefix": *g.id,
				"http":     map[string]string{"method": "PUT", "path": "/shop/prod/orders/a b/c", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"},
				"routeKey": "ANY /shop/prod/orders/{proxy+}", "stage": "$default",
			},
			"body": `{"a":1}`, "isBase64Encoded": false,
		})
		if string(got) != string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
	t.Run("has no members for what is not there", func(t *testing.T) {
		_, body := g.send("GET", "/else", "")
		event := read(t, body)
		for _, name := range []string{"body", "cookies", "queryStringParameters", "pathParameters", "stageVariables"} {
			if _, ok := event[name]; ok {
				t.Errorf("%s is %v", name, event[name])
			}
		}
		if event["routeKey"] != "$default" || event["rawQueryString"] != "" {
			t.Errorf("event %v", event)
		}
	})
	t.Run("carries other bodies in base64", func(t *testing.T) {
		_, body := g.send("POST", "/else", "a=1", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") })
		if event := read(t, body); event["body"] != "YT0x" || event["isBase64Encoded"] != true {
			t.Errorf("event %v", event)
		}
	})
	t.Run("of a named stage has the stage in its path", func(t *testing.T) {
		g.stage("beta")
		_, body := g.send("GET", "/beta/shop/prod/orders/x", "")
		event := read(t, body)
		if event["rawPath"] != "/beta/shop/prod/orders/x" || event["routeKey"] != "ANY /shop/prod/orders/{proxy+}" ||
			event["requestContext"].(map[string]any)["stage"] != "beta" {
			t.Errorf("event %v", event)
		}
	})
}

func TestResponses(t *testing.T) {
	var answer string
	g := served(t, sandboxtest.Code{Name: "says", Handler: func(context.Context, runner.Input) (runner.Output, error) {
		if answer == "fail" {
			return runner.Output{}, errors.New("broken")
		}
		return runner.Output{Payload: []byte(answer)}, nil
	}})
	for _, tc := range []struct {
		name, answer string
		status       int
		body         string
		header       map[string]string
	}{
		{"a status, headers, cookies and a body", `{"statusCode":201,"headers":{"x-a":"b","x-n":3},"cookies":["c=d; Path=/"],"body":"hi"}`, 201, "hi",
			map[string]string{"X-A": "b", "X-N": "3", "Set-Cookie": "c=d; Path=/", "Content-Type": "text/plain;charset=UTF-8"}},
		{"a body in base64", `{"statusCode":200,"body":"AAE=","isBase64Encoded":true}`, 200, "\x00\x01", nil},
		{"a status as text, as some frameworks write it", `{"statusCode":"404"}`, 404, "", nil},
		{"no status: the answer is the body", `{"a":1}`, 200, `{"a":1}`, map[string]string{"Content-Type": "application/json"}},
		{"a text: the text is the body", `"hello"`, 200, "hello", map[string]string{"Content-Type": "application/json"}},
		{"null", `null`, 200, "null", nil},
		{"a status that is none", `{"statusCode":"many"}`, 500, `{"message":"Internal Server Error"}`, nil},
		{"a body that is none", `{"statusCode":200,"body":{"a":1}}`, 500, `{"message":"Internal Server Error"}`, nil},
		{"bad base64", `{"statusCode":200,"body":"?","isBase64Encoded":true}`, 500, `{"message":"Internal Server Error"}`, nil},
		{"no JSON", `<html>`, 500, `{"message":"Internal Server Error"}`, nil},
		{"a function that fails", `fail`, 500, `{"message":"Internal Server Error"}`, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			answer = tc.answer
			resp, body := g.send("GET", "/", "")
			if resp.StatusCode != tc.status || body != tc.body {
				t.Errorf("answered %d %q, want %d %q", resp.StatusCode, body, tc.status, tc.body)
			}
			for name, want := range tc.header {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if resp.Header.Get("Apigw-Requestid") == "" {
				t.Error("no request id")
			}
		})
	}
}

func TestAuthorization(t *testing.T) {
	g := served(t, sandboxtest.Code{Name: "mirror", Handler: mirror})
	g.route("ANY /iam/{proxy+}", g.integrate(orders), types.AuthorizationTypeAwsIam)
	there := g.cloud.Server().Accounts()[1]

	g.wantStatus("GET", "/iam/x", 403, "Forbidden")
	g.wantStatus("GET", "/iam/x", 403, "Forbidden", func(r *http.Request) { r.Header.Set("Authorization", "Bearer token") })
	g.wantStatus("GET", "/iam/x", 403, "Forbidden", signed(t, g.cloud.AWSWith(g.cloud.Server().Accounts()[0].AccessKeyID, "wrong", "")))
	g.wantStatus("GET", "/iam/x", 403, "Forbidden", signed(t, g.cloud.AWSWith(there.AccessKeyID, there.SecretAccessKey, "")))
	g.wantStatus("GET", "/iam/x", 403, "Forbidden", signed(t, g.cloud.AWS("us-east-1")))
	g.wantStatus("GET", "/open", 200, "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer token") })

	resp, body := g.send("GET", "/iam/a%20b?x=%2F&a=1", "", signed(t, g.cloud.AWS()))
	var event struct {
		RequestContext struct {
			Authorizer struct {
				IAM map[string]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &event); err != nil || resp.StatusCode != 200 {
		t.Fatalf("answered %d %s", resp.StatusCode, body)
	}
	iam := event.RequestContext.Authorizer.IAM
	if iam["accountId"] != "123456789012" || iam["userArn"] != "arn:aws:iam::123456789012:user/sandbox" || iam["accessKey"] != g.cloud.Server().Accounts()[0].AccessKeyID {
		t.Errorf("the function sees the caller as %v", iam)
	}
	if err := g.cloud.Server().Deny(sandbox.Denial{Action: "execute-api:Invoke", Resource: "arn:aws:execute-api:eu-west-1:123456789012:*/GET/iam/*"}); err != nil {
		t.Fatal(err)
	}
	g.wantStatus("GET", "/iam/x", 403, "Forbidden", signed(t, g.cloud.AWS()))
	g.wantStatus("POST", "/iam/x", 200, "", signed(t, g.cloud.AWS()))
	for _, r := range g.cloud.Calls() {
		if r.Service == "execute-api" {
			t.Fatalf("the log holds a call of the data plane: %+v", r)
		}
	}
}

func TestPermissions(t *testing.T) {
	c := sandboxtest.Start(t, sandbox.Options{})
	c.Function("orders", sandboxtest.Code{Name: "one"})
	c.Alias("orders", "prod", c.Publish("orders"))
	g := newGateway(t, c)
	g.stage("$default")
	g.route("ANY /shop/latest/orders/{proxy+}", g.integrate(orders), "")
	g.route("ANY /shop/prod/orders/{proxy+}", g.integrate(orders+":prod"), "")

	g.wantStatus("GET", "/shop/prod/orders/health", 500, "Internal Server Error")
	g.permit("orders", "prod", "/shop/prod/orders/*")
	g.wantStatus("GET", "/shop/prod/orders/health", 200, "")
	g.wantStatus("GET", "/shop/latest/orders/health", 500, "Internal Server Error") // the alias's permission is its own
	g.permit("orders", "", "/shop/latest/orders/*")
	_, body := g.send("GET", "/shop/latest/orders/health", "")
	if want := `{"code":"one","env":{},"rawPath":"/shop/latest/orders/health","version":"$LATEST"}`; body != want {
		t.Errorf("body %s, want %s", body, want)
	}
}

func TestSlowAndBusyFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sandboxtest.InProcess(t, sandbox.Options{})
		c.Function("orders", sandboxtest.Code{Name: "slow", Handler: func(ctx context.Context, _ runner.Input) (runner.Output, error) {
			<-ctx.Done()
			return runner.Output{}, ctx.Err()
		}})
		if _, err := c.Lambda().UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("orders"), Timeout: aws.Int32(900)}); err != nil {
			t.Fatal(err)
		}
		g := newGateway(t, c)
		g.stage("$default")
		id := g.integrate(orders)
		g.route("$default", id, "")
		g.permit("orders", "", "")
		begin := time.Now()
		g.wantStatus("GET", "/", 503, "Service Unavailable")
		if took := time.Since(begin); took != 30*time.Second {
			t.Errorf("given up after %v, want API Gateway's 30 s", took)
		}
		if _, err := g.UpdateIntegration(t.Context(), &apigatewayv2.UpdateIntegrationInput{ApiId: g.id, IntegrationId: aws.String(id), TimeoutInMillis: aws.Int32(1000)}); err != nil {
			t.Fatal(err)
		}
		begin = time.Now()
		g.wantStatus("GET", "/", 503, "Service Unavailable")
		if took := time.Since(begin); took != time.Second {
			t.Errorf("given up after %v, want the integration's 1 s", took)
		}
	})
}
