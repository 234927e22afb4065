package check_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/check"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// published creates a function with this code and publishes it; the subject is its version 1, while $LATEST holds
// other code already.
func published(t *testing.T, c *sandboxtest.Cloud, code sandboxtest.Code) promotion.Subject {
	t.Helper()
	c.Function("shop-checkout", code)
	if v := c.Publish("shop-checkout"); v != "1" {
		t.Fatalf("published version %s", v)
	}
	if _, err := c.Lambda().UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{
		FunctionName: aws.String("shop-checkout"), ZipFile: c.Zip(sandboxtest.Code{Name: "newer"}),
	}); err != nil {
		t.Fatal(err)
	}
	c.ResetCalls()
	return promotion.Subject{Candidate: promotion.Candidate{Function: "checkout", Name: "shop-checkout", Snapshot: promotion.Snapshot{Version: 1}}}
}

func askSandbox(t *testing.T, c *sandboxtest.Cloud, s promotion.Subject, q promotion.Check) promotion.CheckResult {
	t.Helper()
	cfg := c.AWS()
	checks := check.New(lambda.NewFromConfig(cfg), check.Options{Credentials: cfg.Credentials, Region: cfg.Region, HTTP: c.HTTPClient()})
	return checks.Ask(t.Context(), q, s)
}

func TestOnLambda(t *testing.T) {
	smoke := func(i promotion.InvokeCheck) promotion.Check {
		i.Function = "checkout"
		return promotion.Check{Name: "smoke", Invoke: &i}
	}
	t.Run("the version is asked, not what $LATEST has become", func(t *testing.T) {
		c := sandboxtest.Start(t, sandbox.Options{})
		s := published(t, c, sandboxtest.Code{Name: "older"})
		r := askSandbox(t, c, s, smoke(promotion.InvokeCheck{Payload: `{"n":1}`, JSON: `.code == "older" and .version == "1" and .event.n == 1`}))
		wantVerdict(t, r, promotion.Pass, "")
		if calls := c.Count("lambda"); len(calls) != 1 || calls["Invoke"] != 1 {
			t.Errorf("calls %v", calls)
		}
	})
	t.Run("a function that fails shows its error and its log", func(t *testing.T) {
		c := sandboxtest.Start(t, sandbox.Options{})
		s := published(t, c, sandboxtest.Code{Name: "broken", Handler: func(context.Context, runner.Input) (runner.Output, error) {
			return runner.Output{Log: []byte("DB_HOST is not set\n")}, errors.New("no database")
		}})
		r := askSandbox(t, c, s, smoke(promotion.InvokeCheck{}))
		wantVerdict(t, r, promotion.Fail, "the function failed with errorString")
		if r.Verdict == promotion.Fail && !strings.Contains(evidence(r, "log tail"), "DB_HOST is not set") {
			t.Errorf("evidence %+v", r.Evidence)
		}
	})
	t.Run("a function that crashes", func(t *testing.T) {
		c := sandboxtest.Start(t, sandbox.Options{})
		s := published(t, c, sandboxtest.Code{Name: "crash", Handler: func(context.Context, runner.Input) (runner.Output, error) { panic("boom") }})
		r := askSandbox(t, c, s, smoke(promotion.InvokeCheck{}))
		wantVerdict(t, r, promotion.Fail, "the function failed with Runtime.ExitError")
		if !strings.Contains(evidence(r, "function error"), "boom") || r.Hint == "" {
			t.Errorf("result %+v", r)
		}
	})
	t.Run("a version that is not there is an error", func(t *testing.T) {
		c := sandboxtest.Start(t, sandbox.Options{})
		s := published(t, c, sandboxtest.Code{Name: "older"})
		s.Candidate.Version = 9
		r := askSandbox(t, c, s, smoke(promotion.InvokeCheck{}))
		wantError(t, r, "invoke version 9 of shop-checkout")
		if strings.Contains(r.Err.Error(), "operation error") {
			t.Errorf("raw error %v", r.Err)
		}
	})
}

// serve puts an HTTP API with the $default route in front of the function's $LATEST, and returns its address.
func serve(t *testing.T, c *sandboxtest.Cloud) string {
	t.Helper()
	api := apigatewayv2.NewFromConfig(c.AWS())
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	made, err := api.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{Name: aws.String("shop"), ProtocolType: types.ProtocolTypeHttp})
	do(err)
	_, err = c.Lambda().AddPermission(t.Context(), &lambda.AddPermissionInput{
		FunctionName: aws.String("shop-checkout"), StatementId: aws.String("api"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("apigateway.amazonaws.com"), SourceArn: aws.String("arn:aws:execute-api:eu-west-1:123456789012:" + *made.ApiId + "/*"),
	})
	do(err)
	integration, err := api.CreateIntegration(t.Context(), &apigatewayv2.CreateIntegrationInput{
		ApiId: made.ApiId, IntegrationType: types.IntegrationTypeAwsProxy, PayloadFormatVersion: aws.String("2.0"),
		IntegrationUri: aws.String("arn:aws:lambda:eu-west-1:123456789012:function:shop-checkout"),
	})
	do(err)
	_, err = api.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: made.ApiId, RouteKey: aws.String("$default"), Target: aws.String("integrations/" + *integration.IntegrationId)})
	do(err)
	_, err = api.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: made.ApiId, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true)})
	do(err)
	return aws.ToString(made.ApiEndpoint)
}

// A twin is a function behind an HTTP API, which can be asked by URL and by its version's number.
type twin struct {
	*sandboxtest.Cloud
	url     string
	subject promotion.Subject
	event   events.APIGatewayV2HTTPRequest // what it was sent last
}

func newTwin(t *testing.T, answer string) *twin {
	w := &twin{
		Cloud:   sandboxtest.InProcess(t, sandbox.Options{}),
		subject: promotion.Subject{Candidate: promotion.Candidate{Function: "checkout", Name: "shop-checkout", Snapshot: promotion.Snapshot{Version: 1}}},
	}
	w.Function("shop-checkout", sandboxtest.Code{Name: "either", Handler: func(_ context.Context, in runner.Input) (runner.Output, error) {
		w.event = events.APIGatewayV2HTTPRequest{}
		err := json.Unmarshal(in.Payload, &w.event)
		return runner.Output{Payload: []byte(answer)}, err
	}})
	if v := w.Publish("shop-checkout"); v != "1" {
		t.Fatalf("published version %s", v)
	}
	w.url = serve(t, w.Cloud)
	return w
}

// ask asks in both ways.
func (w *twin) ask(t *testing.T, h promotion.HTTPCheck, path string) (byURL, viaInvoke promotion.CheckResult, sent [2]events.APIGatewayV2HTTPRequest) {
	t.Helper()
	h.URL = promotion.Template(w.url + path)
	byURL = askSandbox(t, w.Cloud, w.subject, promotion.Check{Name: "url", HTTP: &h})
	sent[0] = w.event
	h.URL, h.Function, h.ViaInvoke, h.Path = "", "checkout", true, promotion.Template(path)
	viaInvoke = askSandbox(t, w.Cloud, w.subject, promotion.Check{Name: "invoke", HTTP: &h})
	sent[1] = w.event
	return byURL, viaInvoke, sent
}

// A check by URL and the same check by way of an invocation have to see the same: the one goes through an API
// Gateway, the other imitates it.
func TestByURLAndViaInvokeSeeTheSameAnswer(t *testing.T) {
	for _, answer := range []string{
		`{"statusCode":200,"body":"{\"ok\":true}","headers":{"content-type":"application/json"}}`,
		`{"ok":true}`, `"{\"ok\":true}"`, `[true]`, `null`, `{"statusCode":"201","body":"{\"ok\":true}"}`,
		`{"statusCode":503,"body":"no"}`, `{"statusCode":200,"body":{"ok":true}}`, `{"statusCode":99}`,
		`{"statusCode":200,"body":"eyJvayI6dHJ1ZX0=","isBase64Encoded":true}`, `{"statusCode":200,"cookies":"a"}`,
		`{"statusCode":200,"headers":["a"]}`, `{"statusCode":200,"headers":{"a":["b"]}}`, `{"statusCode":200,"isBase64Encoded":"yes"}`,
	} {
		t.Run(answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				byURL, viaInvoke, _ := newTwin(t, answer).ask(t, promotion.HTTPCheck{JSON: ".ok"}, "/health")
				if byURL.Err != nil || viaInvoke.Err != nil {
					t.Fatal(byURL.Err, viaInvoke.Err)
				}
				if byURL.Verdict != viaInvoke.Verdict {
					t.Errorf("by URL %s (%s), via invoke %s (%s)", byURL.Verdict, byURL.Reason, viaInvoke.Verdict, viaInvoke.Reason)
				}
				if ct := evidence(viaInvoke, "header Content-Type"); ct != "" && !strings.EqualFold(ct, evidence(byURL, "header Content-Type")) {
					t.Errorf("content type by URL %q, via invoke %q", evidence(byURL, "header Content-Type"), ct)
				}
			})
		})
	}
}

func TestByURLAndViaInvokeSendTheSameEvent(t *testing.T) {
	for path, h := range map[string]promotion.HTTPCheck{
		"/items/7?tag=a&tag=b%20c&empty": {Headers: []promotion.Header{{Name: "Cookie", Value: "a=1; b=2"}, {Name: "X-Trace", Value: "one"}, {Name: "X-Trace", Value: "two"}}},
		"/json":                          {Method: "POST", Body: `{"a":1}`, Headers: []promotion.Header{{Name: "Content-Type", Value: "application/json"}}},
		"/form":                          {Method: "POST", Body: `a=1`, Headers: []promotion.Header{{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}}},
		"/plain":                         {Method: "PUT", Body: `a=1`},
		"/":                              {Method: "DELETE"},
	} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				byURL, viaInvoke, sent := newTwin(t, `{"ok":true}`).ask(t, h, path)
				wantVerdict(t, byURL, promotion.Pass, "")
				wantVerdict(t, viaInvoke, promotion.Pass, "")
				// Host, address and ids differ by nature.
				for i, e := range sent {
					sent[i].Headers = map[string]string{"x-trace": e.Headers["x-trace"], "content-type": e.Headers["content-type"], "content-length": e.Headers["content-length"]}
					sent[i].RequestContext = events.APIGatewayV2HTTPRequestContext{
						RouteKey: e.RequestContext.RouteKey, Stage: e.RequestContext.Stage,
						HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
							Method: e.RequestContext.HTTP.Method, Path: e.RequestContext.HTTP.Path, Protocol: e.RequestContext.HTTP.Protocol,
						},
					}
				}
				if !reflect.DeepEqual(sent[0], sent[1]) {
					t.Errorf("by URL     %+v\nvia invoke %+v", sent[0], sent[1])
				}
			})
		})
	}
}
