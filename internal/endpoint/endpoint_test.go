package endpoint_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

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
