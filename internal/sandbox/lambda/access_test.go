package lambda_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

const api = "arn:aws:execute-api:eu-west-1:123456789012:abc123"

func (w *world) permit(qualifier, source string) {
	w.t.Helper()
	in := sdk.AddPermissionInput{
		FunctionName: aws.String("orders"), StatementId: aws.String("gateway"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("apigateway.amazonaws.com"), SourceArn: &source,
	}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	_, err := w.api.AddPermission(w.t.Context(), &in)
	w.must(err)
}

func (w *world) gateway(qualifier, source string) (cloud.Invoked, error) {
	return w.Invoke(w.t.Context(), cloud.Invocation{
		Account: account, Region: region, Function: "orders", Qualifier: qualifier, Payload: []byte(`{}`),
		Principal: "apigateway.amazonaws.com", SourceARN: source,
	})
}

func TestADataPlaneNeedsPermission(t *testing.T) {
	forbidden := func(w *world, err error) {
		w.t.Helper()
		var e *cloud.Error
		if !errors.As(err, &e) || e.Status != http.StatusForbidden || e.Code != "AccessDeniedException" {
			w.t.Errorf("got %v, want 403 AccessDeniedException", err)
		}
	}
	inWorld(t, "of the qualifier that it addresses", func(w *world) {
		w.publish()
		w.alias("live", "1")
		w.permit("live", api+"/*/*/shop/live/orders/*")
		got, err := w.gateway("live", api+"/$default/GET/shop/live/orders/1/items")
		w.must(err)
		if got.Version != "1" || !strings.Contains(string(got.LogTail), "ran A\n") {
			w.t.Errorf("got version %s, log %s", got.Version, got.LogTail)
		}
		_, err = w.gateway("", api+"/$default/GET/shop/live/orders/1")
		forbidden(w, err)
		_, err = w.gateway("1", api+"/$default/GET/shop/live/orders/1")
		forbidden(w, err)
	})
	inWorld(t, "for the source that it comes from", func(w *world) {
		w.permit("", api+"/*/*/shop/latest/orders")
		_, err := w.gateway("$LATEST", api+"/$default/POST/shop/latest/orders")
		w.must(err)
		_, err = w.gateway("$LATEST", api+"/$default/POST/shop/latest/payments")
		forbidden(w, err)
		_, err = w.gateway("$LATEST", strings.Replace(api, "abc123", "other", 1)+"/$default/POST/shop/latest/orders")
		forbidden(w, err)
	})
	inWorld(t, "and loses it when the statement is removed", func(w *world) {
		w.permit("", api+"/*")
		_, err := w.api.RemovePermission(w.t.Context(), &sdk.RemovePermissionInput{FunctionName: aws.String("orders"), StatementId: aws.String("gateway")})
		w.must(err)
		_, err = w.gateway("", api+"/$default/GET/x")
		forbidden(w, err)
		_, err = w.api.GetPolicy(w.t.Context(), &sdk.GetPolicyInput{FunctionName: aws.String("orders")})
		refused(w.t, err, 404, "ResourceNotFoundException")
	})
	inWorld(t, "but finds nothing before that", func(w *world) {
		_, err := w.gateway("live", api+"/x")
		var e *cloud.Error
		if !errors.As(err, &e) || e.Status != http.StatusNotFound {
			w.t.Errorf("got %v, want 404", err)
		}
	})
}

func TestFunctionURLs(t *testing.T) {
	open := func(w *world, auth types.FunctionUrlAuthType) string {
		w.t.Helper()
		out, err := w.api.CreateFunctionUrlConfig(w.t.Context(), &sdk.CreateFunctionUrlConfigInput{FunctionName: aws.String("orders"), AuthType: auth})
		w.must(err)
		return *out.FunctionUrl
	}
	allow := func(w *world, sid, action string) {
		w.t.Helper()
		in := sdk.AddPermissionInput{FunctionName: aws.String("orders"), StatementId: &sid, Action: &action, Principal: aws.String("*")}
		if action == "lambda:InvokeFunctionUrl" {
			in.FunctionUrlAuthType = types.FunctionUrlAuthTypeNone
		} else {
			in.InvokedViaFunctionUrl = aws.Bool(true)
		}
		_, err := w.api.AddPermission(w.t.Context(), &in)
		w.must(err)
	}
	inWorld(t, "without authentication need both permissions", func(w *world) {
		url := open(w, types.FunctionUrlAuthTypeNone)
		if status, body := w.endpoint.get(w.t, url); status != 403 {
			w.t.Errorf("without a policy: %d %s", status, body)
		}
		allow(w, "url", "lambda:InvokeFunctionUrl")
		if status, body := w.endpoint.get(w.t, url); status != 403 {
			w.t.Errorf("with one permission: %d %s", status, body)
		}
		allow(w, "function", "lambda:InvokeFunction")
		if status, body := w.endpoint.get(w.t, url); status != 200 {
			w.t.Errorf("with both permissions: %d %s", status, body)
		}
	})
	inWorld(t, "show the function the path below the URL", func(w *world) {
		url := open(w, types.FunctionUrlAuthTypeNone)
		allow(w, "url", "lambda:InvokeFunctionUrl")
		allow(w, "function", "lambda:InvokeFunction")
		_, body := w.endpoint.get(w.t, url+"items/7%2F8?a=1&a=2")
		var said struct {
			Event struct {
				Version, RawPath, RawQueryString string
				QueryStringParameters            map[string]string
				RequestContext                   struct {
					DomainName string
					HTTP       struct{ Method, Path string }
				}
			}
		}
		w.must(json.Unmarshal([]byte(body), &said))
		e := said.Event
		if e.Version != "2.0" || e.RawPath != "/items/7%2F8" || e.RawQueryString != "a=1&a=2" || e.QueryStringParameters["a"] != "1,2" || e.RequestContext.HTTP.Method != "GET" || !strings.HasSuffix(e.RequestContext.DomainName, ".lambda-url.eu-west-1.on.aws") {
			w.t.Errorf("the event is %+v", e)
		}
	})
	inWorld(t, "hand text over as it is and anything else in base64", func(w *world) {
		url := open(w, types.FunctionUrlAuthTypeNone)
		allow(w, "url", "lambda:InvokeFunctionUrl")
		allow(w, "function", "lambda:InvokeFunction")
		for kind, want := range map[string]string{"application/json; charset=utf-8": "a=1", "text/csv": "a=1", "application/x-www-form-urlencoded": "YT0x", "image/png": "YT0x"} {
			r, err := http.NewRequest(http.MethodPost, url, strings.NewReader("a=1"))
			w.must(err)
			r.Header.Set("Content-Type", kind)
			response, err := w.endpoint.Do(r)
			w.must(err)
			var said struct {
				Event struct {
					Body            string
					IsBase64Encoded bool
				}
			}
			w.must(json.NewDecoder(response.Body).Decode(&said))
			if said.Event.Body != want || said.Event.IsBase64Encoded != (want == "YT0x") {
				w.t.Errorf("%s: %+v", kind, said.Event)
			}
		}
	})
	inWorld(t, "with IAM authentication need credentials", func(w *world) {
		if status, body := w.endpoint.get(w.t, open(w, types.FunctionUrlAuthTypeAwsIam)); status != 403 {
			w.t.Errorf("without credentials: %d %s", status, body)
		}
	})
	inWorld(t, "end with what they hang on", func(w *world) {
		url := open(w, types.FunctionUrlAuthTypeNone)
		allow(w, "url", "lambda:InvokeFunctionUrl")
		allow(w, "function", "lambda:InvokeFunction")
		_, err := w.api.DeleteFunction(w.t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("orders")})
		w.must(err)
		if status, body := w.endpoint.get(w.t, url); status != 403 {
			w.t.Errorf("after the function was deleted: %d %s", status, body)
		}
	})
	inWorld(t, "belong to functions and aliases, not to versions", func(w *world) {
		w.publish()
		in := sdk.CreateFunctionUrlConfigInput{FunctionName: aws.String("orders"), AuthType: types.FunctionUrlAuthTypeNone, Qualifier: aws.String("1")}
		_, err := w.api.CreateFunctionUrlConfig(w.t.Context(), &in)
		refused(w.t, err, 400, "ValidationException")
		in.Qualifier = aws.String("live")
		_, err = w.api.CreateFunctionUrlConfig(w.t.Context(), &in)
		refused(w.t, err, 404, "ResourceNotFoundException")
	})
}
