package check_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/promote-on-success/promote/internal/check"
	"github.com/promote-on-success/promote/internal/promotion"
)

// viaInvoke asks an HTTP check of a Lambda that gives one answer.
func viaInvoke(t *testing.T, a lambdaAnswer, c promotion.HTTPCheck) promotion.CheckResult {
	t.Helper()
	c.Function, c.ViaInvoke = "checkout", true
	if c.Path == "" {
		c.Path = "/health"
	}
	return check.New(client(a.response), check.Options{}).Ask(t.Context(), promotion.Check{Name: "health", HTTP: &c}, candidate())
}

func TestViaInvokeSendsTheEventOfAPIGateway(t *testing.T) {
	sent := func(t *testing.T, c promotion.HTTPCheck) (e events.APIGatewayV2HTTPRequest) {
		t.Helper()
		c.Function, c.ViaInvoke = "checkout", true
		checks := check.New(client(func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.RequestURI(), "shop-checkout/invocations?Qualifier=7") {
				t.Errorf("invoked %s", r.URL.RequestURI())
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			if err := json.Unmarshal(body, &e); err != nil {
				t.Errorf("event %s: %v", body, err)
			}
			return lambdaAnswer{Payload: `{"statusCode":204}`}.response(r)
		}), check.Options{})
		wantVerdict(t, checks.Ask(t.Context(), promotion.Check{Name: "health", HTTP: &c}, candidate()), promotion.Pass, "")
		return e
	}
	t.Run("path, query, headers and cookies", func(t *testing.T) {
		e := sent(t, promotion.HTTPCheck{
			Path: "/items/{{.Version}}?tag=a&tag=b%20c&empty#part",
			Headers: []promotion.Header{
				{Name: "X-Trace", Value: "one"}, {Name: "x-trace", Value: "two"},
				{Name: "Authorization", Secret: "Bearer abc"}, {Name: "Cookie", Value: "a=1; b=2"}, {Name: "Host", Value: "shop.example.com"},
			},
		})
		if e.Version != "2.0" || e.RouteKey != "$default" || e.RawPath != "/items/7" || e.RawQueryString != "tag=a&tag=b%20c&empty" {
			t.Errorf("event %+v", e)
		}
		if e.QueryStringParameters["tag"] != "a,b c" || e.QueryStringParameters["empty"] != "" || len(e.QueryStringParameters) != 2 {
			t.Errorf("query %v", e.QueryStringParameters)
		}
		if e.Headers["x-trace"] != "one,two" || e.Headers["authorization"] != "Bearer abc" || e.Headers["host"] != "shop.example.com" || e.Headers["cookie"] != "" {
			t.Errorf("headers %v", e.Headers)
		}
		if strings.Join(e.Cookies, "|") != "a=1|b=2" {
			t.Errorf("cookies %v", e.Cookies)
		}
		h := e.RequestContext.HTTP
		if h.Method != "GET" || h.Path != "/items/7" || h.UserAgent != "promote" || e.RequestContext.RequestID == "" || e.RequestContext.TimeEpoch == 0 {
			t.Errorf("context %+v", e.RequestContext)
		}
	})
	t.Run("JSON stays text", func(t *testing.T) {
		e := sent(t, promotion.HTTPCheck{Path: "orders", Method: "post", Body: `{"v":"{{.Version}}"}`, Headers: []promotion.Header{{Name: "Content-Type", Value: "application/json"}}})
		if e.Body != `{"v":"7"}` || e.IsBase64Encoded || e.RequestContext.HTTP.Method != "POST" || e.RawPath != "/orders" || e.Headers["content-length"] != "9" {
			t.Errorf("event %+v", e)
		}
	})
	t.Run("a form arrives in base64", func(t *testing.T) {
		e := sent(t, promotion.HTTPCheck{Path: "/login", Method: "POST", Body: `a=1`, Headers: []promotion.Header{{Name: "content-type", Value: "application/x-www-form-urlencoded; charset=utf-8"}}})
		if body, err := base64.StdEncoding.DecodeString(e.Body); err != nil || string(body) != "a=1" || !e.IsBase64Encoded {
			t.Errorf("event %+v", e)
		}
	})
}

func TestViaInvokeReadsTheAnswerAsAPIGatewayDoes(t *testing.T) {
	expectBody := func(text promotion.Template) promotion.HTTPCheck { return promotion.HTTPCheck{Text: text} }
	for _, c := range []struct {
		name, payload string
		check         promotion.HTTPCheck
		want          promotion.Verdict
		reason        string
	}{
		{"an answer in full", `{"statusCode":201,"headers":{"X-Version":"7"},"body":"{\"ok\":true}"}`,
			promotion.HTTPCheck{Status: 201, JSON: ".ok", ExpectHeaders: []promotion.HeaderExpectation{{Name: "x-version", Match: "^7$"}}}, promotion.Pass, ""},
		{"without a status it is the body of a 200", `{"ok":true}`, promotion.HTTPCheck{Status: 200, JSON: ".ok", ExpectHeaders: []promotion.HeaderExpectation{{Name: "content-type", Match: "^application/json$"}}}, promotion.Pass, ""},
		{"a text is a body without its quotes", `"Hello from Lambda!"`, promotion.HTTPCheck{Match: "^Hello from Lambda!$"}, promotion.Pass, ""},
		{"a list is a body", `[1,2]`, promotion.HTTPCheck{JSON: "length == 2"}, promotion.Pass, ""},
		{"base64 is decoded", `{"statusCode":200,"isBase64Encoded":true,"body":"aGVhbHRoeQ=="}`, expectBody("healthy"), promotion.Pass, ""},
		{"cookies become headers", `{"statusCode":200,"cookies":["a=1","b=2"]}`, promotion.HTTPCheck{ExpectHeaders: []promotion.HeaderExpectation{{Name: "Set-Cookie", Match: "^b=2$"}}}, promotion.Pass, ""},
		{"numbers are header values", `{"statusCode":200,"headers":{"x-n":12345678901234567890,"x-b":true}}`, promotion.HTTPCheck{ExpectHeaders: []promotion.HeaderExpectation{{Name: "X-N", Match: "^12345678901234567890$"}, {Name: "x-b", Match: "true"}}}, promotion.Pass, ""},
		{"a status in quotes is one", `{"statusCode":"404"}`, promotion.HTTPCheck{Status: 404}, promotion.Pass, ""},
		{"another status fails", `{"statusCode":503,"body":"overloaded"}`, promotion.HTTPCheck{}, promotion.Fail, "the status is 503 Service Unavailable; expected 200 to 299"},
		{"multiValueHeaders are of another format", `{"statusCode":200,"multiValueHeaders":{"x-a":["1"]}}`, promotion.HTTPCheck{ExpectHeaders: []promotion.HeaderExpectation{{Name: "x-a"}}}, promotion.Fail, "there is no header x-a"},
		{"a header that does not match", `{"statusCode":200,"headers":{"x-a":"1"}}`, promotion.HTTPCheck{ExpectHeaders: []promotion.HeaderExpectation{{Name: "x-a", Match: "^2$"}}}, promotion.Fail, `header x-a is "1"; it has to match "^2$"`},
		{"a body that is no JSON", `{"statusCode":200,"body":"<html>oops</html>"}`, promotion.HTTPCheck{JSON: ".ok"}, promotion.Fail, "the body is not JSON: <html>oops</html>"},
		{"an empty body is no JSON", `{"statusCode":200}`, promotion.HTTPCheck{JSON: ".ok"}, promotion.Fail, "the body is not JSON, it is empty"},
		{"a text that does not occur", `{"statusCode":200,"body":"version 6"}`, expectBody("version {{.Version}}"), promotion.Fail, `"version 7" does not occur in the body`},
		{"a pattern that does not match", `{"statusCode":200,"body":"version 6"}`, promotion.HTTPCheck{Match: "version [7-9]"}, promotion.Fail, `nothing in the body matches`},
		{"an object as body", `{"statusCode":200,"body":{"ok":true}}`, promotion.HTTPCheck{JSON: ".ok"}, promotion.Fail, "API Gateway would answer 500, since its body is not text"},
		{"no status", `{"statusCode":"fine"}`, promotion.HTTPCheck{}, promotion.Fail, "its statusCode is not a status"},
		{"a status out of range", `{"statusCode":2000}`, promotion.HTTPCheck{}, promotion.Fail, "its statusCode is not a status"},
		{"no base64", `{"statusCode":200,"isBase64Encoded":true,"body":"%%"}`, promotion.HTTPCheck{}, promotion.Fail, "its body is not base64"},
		{"headers that are a list", `{"statusCode":200,"headers":[]}`, promotion.HTTPCheck{}, promotion.Fail, "its headers are not an object"},
		{"cookies that are a text", `{"statusCode":200,"cookies":"a=1"}`, promotion.HTTPCheck{}, promotion.Fail, "its cookies are not a list"},
		{"no JSON at all", `oops`, promotion.HTTPCheck{}, promotion.Fail, "the answer is not JSON"},
		{"a body of over 1 MB", `{"statusCode":200,"body":"` + strings.Repeat("x", 2<<20) + `"}`, promotion.HTTPCheck{JSON: ".ok"}, promotion.Fail, "larger than 1 MB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := viaInvoke(t, lambdaAnswer{Payload: c.payload}, c.check)
			wantVerdict(t, r, c.want, c.reason)
			if r.Version != 7 || r.Function != "checkout" {
				t.Errorf("result %+v", r)
			}
		})
	}
}

func TestViaInvokeFailures(t *testing.T) {
	t.Run("a crash is told with Lambda's type and the log", func(t *testing.T) {
		r := viaInvoke(t, lambdaAnswer{FunctionError: "Unhandled", Payload: `{"errorType":"Runtime.ImportModuleError","errorMessage":"no module named app"}`, Log: "Traceback\n"}, promotion.HTTPCheck{Status: 500})
		wantVerdict(t, r, promotion.Fail, "the function failed with Runtime.ImportModuleError (no module named app), which API Gateway answers with 500")
		if !strings.Contains(r.Hint, "Handler") || evidence(r, "log tail") == "" || !strings.Contains(evidence(r, "function error"), "no module named app") {
			t.Errorf("result %+v", r)
		}
	})
	t.Run("an answer of another version is an error", func(t *testing.T) {
		wantError(t, viaInvoke(t, lambdaAnswer{Version: "8", Payload: `{"statusCode":200}`}, promotion.HTTPCheck{}), "version 8 answered")
	})
	t.Run("an answer that is right but late fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := viaInvoke(t, lambdaAnswer{Payload: `{"statusCode":200}`, After: 3 * time.Second}, promotion.HTTPCheck{Within: time.Second})
			wantVerdict(t, r, promotion.Fail, "it took 3s; it has to answer within 1s")
		})
	})
	t.Run("a secret that the function echoes or logs stays one", func(t *testing.T) {
		const secret = "tok-5f3c+9a/=="
		r := viaInvoke(t, lambdaAnswer{
			Payload: `{"statusCode":500,"headers":{"Location":"/?t=tok-5f3c%2B9a%2F%3D%3D"},"body":"got Bearer tok-5f3c+9a/== ` + base64.StdEncoding.EncodeToString([]byte(secret)) + `"}`,
			Log:     "authorization: Bearer " + secret + "\n",
		}, promotion.HTTPCheck{Headers: []promotion.Header{{Name: "Authorization", Secret: "Bearer " + secret}}})
		wantVerdict(t, r, promotion.Fail, "the status is 500")
		for _, form := range []string{secret, "tok-5f3c", base64.StdEncoding.EncodeToString([]byte(secret))} {
			if strings.Contains(all(r), form) {
				t.Errorf("%q is shown:\n%s", form, all(r))
			}
		}
		if !strings.Contains(evidence(r, "body"), "***") {
			t.Errorf("evidence %+v", r.Evidence)
		}
	})
}

// FuzzAnswer holds whatever a function returns and whatever is asked of it: the check ends, says why it did not
// pass, shows nothing that is not fit to be shown, and keeps its secret.
func FuzzAnswer(f *testing.F) {
	const secret = "s3cr3t-v4lue"
	for _, seed := range []struct{ payload, log, json, match string }{
		{`{"statusCode":200,"body":"{\"ok\":true}"}`, "", ".ok", "ok"},
		{`{"statusCode":"200","isBase64Encoded":true,"body":"` + base64.StdEncoding.EncodeToString([]byte(secret)) + `"}`, secret, ".", "x"},
		{`{"statusCode":200,"headers":{"a":["b"]},"cookies":[1]}`, "\x1b[2J", "..", ""},
		{`{"statusCode":1e3}`, "\xff\xfe", "[recurse]", "("},
		{`null`, "", "not", ""},
		{`"` + secret + `"`, secret, `"\(.)"`, secret},
		{`{"statusCode":404,"body":"` + strings.Repeat("ü", 3000) + `"}`, strings.Repeat("é", 4096), "error", "^$"},
		{`[[[[[[[[`, "", ".[", "["},
		{`{"statusCode":-0}`, "", "1/0", ""},
		{`{"errorType":5,"errorMessage":{}}`, "", "@base64", ""},
		{`123456789012345678901234567890`, "", ". * 1e300", ""},
		{"\"\\ud800\"", "", "ascii_downcase", ""},
		{`{"a":` + strings.Repeat(`[`, 200) + strings.Repeat(`]`, 200) + `}`, "", "[paths] | length > 3", ""},
	} {
		f.Add(seed.payload, seed.log, seed.json, seed.match, false)
		f.Add(seed.payload, seed.log, seed.json, seed.match, true)
	}
	f.Fuzz(func(t *testing.T, payload, log, json, match string, failed bool) {
		a := lambdaAnswer{Payload: payload, Log: log}
		if failed {
			a.FunctionError = "Unhandled"
		}
		r := viaInvoke(t, a, promotion.HTTPCheck{
			Headers: []promotion.Header{{Name: "X-Key", Secret: secret}}, JSON: promotion.Template(json), Match: match,
			ExpectHeaders: []promotion.HeaderExpectation{{Name: "Content-Type"}},
		})
		if r.Err == nil {
			wellFormed(t, r)
		}
		for _, e := range r.Evidence {
			if strings.Contains(e.Text, secret) {
				t.Errorf("the secret is shown in %q", e.Text)
			}
		}
		if failed && r.Verdict == promotion.Pass {
			t.Error("a crash passed")
		}
	})
}
