package endpoint_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/promote-on-success/promote/internal/endpoint"
	"github.com/promote-on-success/promote/internal/promotion"
)

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
