package endpoint_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/endpoint"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

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

func TestObserveWithoutAnAPI(t *testing.T) {
	a := newAccount(t)
	s := a.observe(shop())
	if s.Exists || s.LatestURL != "" || !slices.Equal(s.MissingLatest, []string{"checkout", "web"}) || !slices.Equal(s.MissingEnvironment, []string{"checkout", "web"}) {
		t.Errorf("state %+v", s)
	}
	if calls := a.Count("apigateway"); !maps.Equal(calls, map[string]int{"GetApis": 1}) || len(a.Count("lambda")) != 0 {
		t.Errorf("calls %v %v", calls, a.Count("lambda"))
	}
}

func TestSetup(t *testing.T) {
	a := newAccount(t)
	s := a.setup(shop())

	t.Run("makes the API, its stage and the latest routes, and says so", func(t *testing.T) {
		if !s.Exists || s.Routes != 4 || s.Integrations != 2 || len(s.MissingLatest) != 0 || !slices.Equal(s.MissingEnvironment, []string{"checkout", "web"}) {
			t.Errorf("state %+v", s)
		}
		if !strings.HasSuffix(s.LatestURL, "/shop/latest") || !strings.HasPrefix(s.LatestURL, a.URL()) || !strings.HasSuffix(s.EnvironmentURL, "/shop/prod") {
			t.Errorf("addresses %q, %q", s.LatestURL, s.EnvironmentURL)
		}
		want := map[string]int{"CreateApi": 1, "CreateStage": 1, "AddPermission": 2, "CreateIntegration": 2, "CreateRoute": 4}
		if got := a.writes(); !maps.Equal(got, want) {
			t.Errorf("writes %v, want %v", got, want)
		}
		for _, sentence := range []string{"created HTTP API shop-api (", "allowed API ", "created route ANY /shop/latest/checkout (aws-iam)", "created route ANY /shop/latest/{proxy+} (aws-iam)"} {
			if !slices.ContainsFunc(a.said, func(s string) bool { return strings.HasPrefix(s, sentence) }) {
				t.Errorf("nothing said of %q: %q", sentence, a.said)
			}
		}
		t.Logf("first setup of two functions: %v %v", a.Count("apigateway"), a.Count("lambda"))
	})
	t.Run("what it reports is what is there", func(t *testing.T) {
		if again := a.observe(shop()); fmt.Sprint(again) != fmt.Sprint(s) {
			t.Errorf("observed %+v, reported %+v", again, s)
		}
	})
	t.Run("a signed request reaches the newest code with the path that API Gateway gives", func(t *testing.T) {
		for path, want := range map[string]map[string]string{
			"/checkout":         {"routeKey": "ANY /shop/latest/checkout", "proxy": ""},
			"/checkout/a/b%20c": {"routeKey": "ANY /shop/latest/checkout/{proxy+}", "proxy": "a/b c"},
			"":                  {"routeKey": "ANY /shop/latest", "proxy": ""},
			"/cart":             {"routeKey": "ANY /shop/latest/{proxy+}", "proxy": "cart"},
		} {
			status, seen := a.get(s.LatestURL+path, true)
			if status != 200 || seen["version"] != "$LATEST" || seen["routeKey"] != want["routeKey"] || seen["proxy"] != want["proxy"] || !strings.HasPrefix(seen["rawPath"], "/shop/latest") {
				t.Errorf("%q: %d %v, want %v", path, status, seen, want)
			}
		}
	})
	t.Run("an unsigned request is refused", func(t *testing.T) {
		if status, _ := a.get(s.LatestURL+"/checkout", false); status != http.StatusForbidden {
			t.Errorf("status %d", status)
		}
	})
	t.Run("once there, it makes no write", func(t *testing.T) {
		a.ResetCalls()
		a.setup(shop())
		if w := a.writes(); len(w) != 0 {
			t.Errorf("writes %v", w)
		}
		t.Logf("setup again: %v %v", a.Count("apigateway"), a.Count("lambda"))
		a.ResetCalls()
		a.observe(shop())
		if calls := a.Count("apigateway"); !maps.Equal(calls, map[string]int{"GetApis": 1, "GetRoutes": 1, "GetIntegrations": 1}) || len(a.Count("lambda")) != 0 {
			t.Errorf("observing cost %v %v", calls, a.Count("lambda"))
		}
	})
	t.Run("another authorization is missing until setup changes it", func(t *testing.T) {
		open := shop()
		open.Endpoints.Latest = promotion.AuthNone
		if s := a.observe(open); !slices.Equal(s.MissingLatest, []string{"checkout", "web"}) {
			t.Errorf("missing %v", s.MissingLatest)
		}
		a.ResetCalls()
		changed := a.setup(open)
		if w := a.writes(); w["UpdateRoute"] != 4 || w["CreateRoute"]+w["CreateIntegration"] != 0 || len(changed.MissingLatest) != 0 {
			t.Errorf("writes %v, state %+v", w, changed)
		}
		if status, _ := a.get(s.LatestURL+"/checkout", false); status != 200 {
			t.Errorf("status %d", status)
		}
	})
	t.Run("another function of the same key gets the routes", func(t *testing.T) {
		a.Function("shop-checkout-2", sandboxtest.Code{Name: "second", Handler: showEvent})
		moved := shop()
		moved.Endpoints.Latest = promotion.AuthNone
		moved.Endpoints.Functions = []promotion.Function{{Key: "checkout", Name: "shop-checkout-2"}}
		a.setup(moved)
		if status, _ := a.get(s.LatestURL+"/checkout", false); status != 200 {
			t.Errorf("status %d", status)
		}
		if s := a.observe(moved); s.Routes != 4 || s.Integrations != 3 || len(s.MissingLatest) != 0 {
			t.Errorf("state %+v", s)
		}
	})
}

func TestAddEnvironment(t *testing.T) {
	t.Run("before the API exists it says what to do", func(t *testing.T) {
		a := newAccount(t)
		err := a.routes.AddEnvironment(t.Context(), shop(), []string{"checkout"}, a.say)
		if err == nil || !strings.Contains(err.Error(), "no HTTP API with the tag promote:endpoints = shop/shop-api") || !strings.Contains(promotion.FaultOf(err).Hint, "promote setup") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("before the alias exists AWS refuses, and no route is made", func(t *testing.T) {
		a := newAccount(t)
		a.setup(shop())
		a.ResetCalls()
		err := a.routes.AddEnvironment(t.Context(), shop(), []string{"checkout"}, a.say)
		if err == nil || !strings.Contains(err.Error(), "alias live of shop-checkout: there is no such alias") || !strings.Contains(promotion.FaultOf(err).Hint, "first promotion") {
			t.Errorf("error %v", err)
		}
		if w := a.writes(); w["CreateRoute"]+w["CreateIntegration"] != 0 {
			t.Errorf("writes %v", w)
		}
	})
	t.Run("routes lead to the alias, open as configured, and are made once", func(t *testing.T) {
		a := newAccount(t)
		a.setup(shop())
		a.release()
		for range 2 {
			if err := a.routes.AddEnvironment(t.Context(), shop(), []string{"checkout", "web"}, a.say); err != nil {
				t.Fatal(err)
			}
		}
		if want, got := map[string]int{"AddPermission": 2, "CreateIntegration": 2, "CreateRoute": 4}, a.writes(); !maps.Equal(got, want) {
			t.Errorf("writes %v, want %v", got, want)
		}
		t.Logf("environment of two functions: %v %v", a.Count("apigateway"), a.Count("lambda"))
		s := a.observe(shop())
		if s.Routes != 8 || s.Integrations != 4 || len(s.MissingEnvironment) != 0 || len(s.MissingLatest) != 0 {
			t.Errorf("state %+v", s)
		}
		status, seen := a.get(s.EnvironmentURL+"/checkout/pay", false)
		if status != 200 || seen["version"] != "1" || seen["rawPath"] != "/shop/prod/checkout/pay" || seen["proxy"] != "pay" {
			t.Errorf("%d %v", status, seen)
		}
		if status, seen = a.get(s.EnvironmentURL, false); status != 200 || seen["routeKey"] != "ANY /shop/prod" {
			t.Errorf("the root: %d %v", status, seen)
		}
		if status, _ = a.get(s.LatestURL+"/checkout", false); status != http.StatusForbidden {
			t.Errorf("latest is open: %d", status)
		}
	})
	t.Run("a function that nobody knows", func(t *testing.T) {
		a := newAccount(t)
		if err := a.routes.AddEnvironment(t.Context(), shop(), []string{"cart"}, a.say); err == nil || !strings.Contains(err.Error(), `there is no function "cart"`) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("an environment called latest", func(t *testing.T) {
		a := newAccount(t)
		r := shop()
		r.Environment.Name = "latest"
		if err := a.routes.AddEnvironment(t.Context(), r, []string{"checkout"}, a.say); err == nil || !strings.Contains(err.Error(), "cannot be called latest") {
			t.Errorf("error %v", err)
		}
	})
}

// breakAt is a transport that loses the nth write: before it is carried out, or its answer afterwards.
type breakAt struct {
	next  http.RoundTripper
	after bool

	mu     sync.Mutex
	writes int
	at     int
}

func (b *breakAt) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	hit := false
	if r.Method != http.MethodGet {
		b.writes++
		hit = b.writes == b.at
	}
	b.mu.Unlock()
	if hit && !b.after {
		return nil, errors.New("broken before")
	}
	res, err := b.next.RoundTrip(r)
	if hit && err == nil {
		res.Body.Close()
		return nil, errors.New("broken after")
	}
	return res, err
}

func TestACrashAnywhereIsRepairedByTheNextCall(t *testing.T) {
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			a := newAccount(t)
			a.release()
			var b *breakAt
			broken, _ := a.connect(func(next http.RoundTripper) http.RoundTripper {
				b = &breakAt{next: next, after: after, at: at}
				return b
			})
			story := func(s *endpoint.Routes) error {
				if _, err := s.Setup(t.Context(), shop(), a.say); err != nil {
					return err
				}
				return s.AddEnvironment(t.Context(), shop(), []string{"checkout", "web"}, a.say)
			}
			first := story(broken)
			if first != nil && strings.Contains(first.Error(), "operation error") {
				t.Errorf("write %d lost: raw error %v", at, first)
			}
			// No route may be there that does not work: its permission was made first.
			state := a.observe(shop())
			for _, base := range []string{state.LatestURL, state.EnvironmentURL} {
				for _, path := range []string{"", "/x", "/checkout", "/checkout/x"} {
					if !state.Exists {
						continue
					}
					if status, body := a.fetch(base+path, true); status != 200 && status != http.StatusNotFound {
						t.Errorf("write %d lost (after: %v): %s answers %d %s", at, after, base+path, status, body)
					}
				}
			}
			if err := story(a.routes); err != nil {
				t.Fatalf("write %d lost (after: %v), repair: %v", at, after, err)
			}
			if s := a.observe(shop()); s.Routes != 8 || s.Integrations != 4 || len(s.MissingLatest)+len(s.MissingEnvironment) != 0 {
				t.Errorf("write %d lost (after: %v), repaired to %+v", at, after, s)
			}
			if b.writes < at {
				if first != nil {
					t.Errorf("nothing was lost, but %v", first)
				}
				t.Logf("after=%v: %d writes, each lost once", after, b.writes)
				break
			}
		}
	}
}

func TestTwoAPIsThatFit(t *testing.T) {
	a := newAccount(t)
	a.setup(shop())
	var ids []string
	for range 2 {
		out, err := a.api.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{
			Name: aws.String("copy"), ProtocolType: types.ProtocolTypeHttp, Tags: map[string]string{endpoint.TagKey: "shop/shop-api"},
		})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, aws.ToString(out.ApiId))
	}
	_, err := a.routes.Observe(t.Context(), shop())
	if err == nil || !strings.Contains(err.Error(), "3 APIs have the tag") || !strings.Contains(err.Error(), ids[0]) || !strings.Contains(err.Error(), ids[1]) {
		t.Errorf("error %v", err)
	}
	if hint := promotion.FaultOf(err).Hint; strings.Count(hint, "delete-api --api-id") != 2 {
		t.Errorf("hint %q", hint)
	}
	other := shop()
	other.App = "cart"
	if s := a.observe(other); s.Exists {
		t.Errorf("the API of another app was taken: %+v", s)
	}
}

// hold lets requests of one kind wait until all who are expected have come.
type hold struct {
	next http.RoundTripper
	path string
	all  *sync.WaitGroup
	once sync.Once
}

func (h *hold) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, h.path) {
		h.once.Do(func() {
			h.all.Done()
			h.all.Wait()
		})
	}
	return h.next.RoundTrip(r)
}

// together runs the work of two clients that meet at the first request to a path, and returns their errors.
func together(a *account, path string, work func(*endpoint.Routes, promotion.Say) error) []error {
	var all, done sync.WaitGroup
	all.Add(2)
	errs := make([]error, 2)
	for i := range errs {
		routes, _ := a.connect(func(next http.RoundTripper) http.RoundTripper { return &hold{next: next, path: path, all: &all} })
		done.Go(func() { errs[i] = work(routes, func(string, ...any) {}) })
	}
	done.Wait()
	return errs
}

func TestTwoSetupsAtOnce(t *testing.T) {
	setup := func(t *testing.T) func(*endpoint.Routes, promotion.Say) error {
		return func(s *endpoint.Routes, say promotion.Say) error {
			_, err := s.Setup(t.Context(), shop(), say)
			return err
		}
	}
	t.Run("both created an API: at least one is told which to keep", func(t *testing.T) {
		a := newAccount(t)
		errs := together(a, "/v2/apis", setup(t))
		refused := 0
		for _, err := range errs {
			if err != nil {
				refused++
				if !strings.Contains(err.Error(), "2 APIs have the tag") || !strings.Contains(promotion.FaultOf(err).Hint, "delete-api") {
					t.Errorf("error %v, hint %q", err, promotion.FaultOf(err).Hint)
				}
			}
		}
		if refused == 0 {
			t.Error("two APIs, and nobody noticed")
		}
	})
	t.Run("both create the same route: both succeed", func(t *testing.T) {
		a := newAccount(t)
		empty := shop()
		empty.Endpoints.Functions = nil
		a.setup(empty)
		for _, err := range together(a, "/routes", setup(t)) {
			if err != nil {
				t.Error(err)
			}
		}
		if s := a.observe(shop()); s.Routes != 4 || len(s.MissingLatest) != 0 {
			t.Errorf("state %+v", s)
		}
	})
}

func TestManyAreReadToTheEnd(t *testing.T) {
	a := newAccount(t)
	for i := range 30 {
		if _, err := a.api.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{Name: aws.String(fmt.Sprintf("other-%d", i)), ProtocolType: types.ProtocolTypeHttp}); err != nil {
			t.Fatal(err)
		}
	}
	r := shop()
	for i := range 40 {
		r.Endpoints.Functions = append(r.Endpoints.Functions, promotion.Function{Key: fmt.Sprintf("job-%d", i), Name: "shop-web"})
	}
	s := a.setup(r)
	if s.Routes != 84 || s.Integrations != 2 || len(s.MissingLatest) != 0 {
		t.Errorf("state %+v", s)
	}
	a.ResetCalls()
	if again := a.observe(r); fmt.Sprint(again) != fmt.Sprint(s) {
		t.Errorf("observed %+v", again)
	}
	if calls := a.Count("apigateway"); calls["GetApis"] != 2 || calls["GetRoutes"] != 4 {
		t.Errorf("calls %v", calls)
	}
}

func TestFaultsAreExplained(t *testing.T) {
	t.Run("a function that does not exist", func(t *testing.T) {
		a := newAccount(t)
		r := shop()
		r.Endpoints.Functions = []promotion.Function{{Key: "cart", Name: "shop-cart"}}
		_, err := a.routes.Setup(t.Context(), r, a.say)
		if err == nil || !strings.Contains(err.Error(), "function shop-cart does not exist") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("no endpoints configured", func(t *testing.T) {
		a := newAccount(t)
		r := shop()
		r.Endpoints = nil
		if _, err := a.routes.Setup(t.Context(), r, a.say); err == nil || !strings.Contains(err.Error(), "no endpoints are configured") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("the stage is gone: setup makes it again", func(t *testing.T) {
		a := newAccount(t)
		s := a.setup(shop())
		id := s.LatestURL[strings.LastIndex(strings.TrimSuffix(s.LatestURL, "/shop/latest"), "/")+1 : len(s.LatestURL)-len("/shop/latest")]
		if _, err := a.api.DeleteStage(t.Context(), &apigatewayv2.DeleteStageInput{ApiId: aws.String(id), StageName: aws.String("$default")}); err != nil {
			t.Fatal(err)
		}
		a.ResetCalls()
		a.setup(shop())
		if w := a.writes(); !maps.Equal(w, map[string]int{"CreateStage": 1}) {
			t.Errorf("writes %v", w)
		}
	})
}

// elsewhere makes the account one of another partition, as far as its functions' ARNs say, and keeps the
// permission that is asked for.
type elsewhere struct {
	next       http.RoundTripper
	partition  string
	permission map[string]string
}

func (e *elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/policy") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &e.permission); err != nil {
			return nil, err
		}
		e.permission["Qualifier"] = r.URL.Query().Get("Qualifier")
		return nil, errors.New("enough was seen")
	}
	res, err := e.next.RoundTrip(r)
	if err != nil || !strings.Contains(r.URL.Path, "/functions/") {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	text := strings.ReplaceAll(string(body), "arn:aws:lambda:", "arn:"+e.partition+":lambda:")
	res.Body, res.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	res.Header.Del("Content-Length")
	return res, nil
}

func TestThePermissionIsNoWiderThanTheEndpoint(t *testing.T) {
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		a := newAccount(t)
		empty := shop()
		empty.Endpoints.Functions = nil
		url := strings.TrimSuffix(a.setup(empty).LatestURL, "/shop/latest")
		id := url[strings.LastIndex(url, "/")+1:]
		seen := &elsewhere{next: a.HTTPClient().Transport, partition: partition}
		routes, _ := a.connect(func(http.RoundTripper) http.RoundTripper { return seen })
		check := func(name, qualifier string) {
			t.Helper()
			want := map[string]string{
				"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com", "Qualifier": qualifier,
				"StatementId": "promote-" + id + "-" + name,
				"SourceArn":   "arn:" + partition + ":execute-api:eu-west-1:123456789012:" + id + "/*/*/shop/" + name + "*",
			}
			if !maps.Equal(seen.permission, want) {
				t.Errorf("permission %v, want %v", seen.permission, want)
			}
		}
		if _, err := routes.Setup(t.Context(), shop(), a.say); err == nil {
			t.Error("the permission was lost, and nothing was said")
		}
		check("latest", "")
		if err := routes.AddEnvironment(t.Context(), shop(), []string{"checkout"}, a.say); err == nil {
			t.Error("the permission was lost, and nothing was said")
		}
		check("prod", "live")
	}
}
