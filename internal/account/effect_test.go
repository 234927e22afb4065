package account_test

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/promote-on-success/promote/internal/account"
	"github.com/promote-on-success/promote/internal/awserr"
)

func createAPI(ctx context.Context, a *account.Account) error {
	_, err := apigatewayv2.NewFromConfig(a.Config).CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("shop"), ProtocolType: types.ProtocolTypeHttp})
	return err
}

// silent reads nothing and says nothing until the client has gone.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestTheEffectOfACall(t *testing.T) {
	stale := refuse(412, "PreconditionFailedException")
	for name, tt := range map[string]struct {
		call    func(context.Context, *account.Account) error
		answers []http.HandlerFunc
		unknown bool
	}{
		"a write that is refused changed nothing":                               {updateAlias, []http.HandlerFunc{stale}, false},
		"a write that is refused after a fault may have been ours":              {updateAlias, []http.HandlerFunc{refuse(500, "ServiceException"), stale}, true},
		"a write that is refused after silence may have been ours":              {updateAlias, []http.HandlerFunc{silent, stale}, true},
		"a write that is refused after throttling changed nothing":              {updateAlias, []http.HandlerFunc{refuse(429, "TooManyRequestsException"), stale}, false},
		"a read that finds nothing after a fault found nothing":                 {getAlias, []http.HandlerFunc{refuse(500, "ServiceException"), refuse(404, "ResourceNotFoundException")}, false},
		"a write that meets faults only is unknown":                             {updateAlias, []http.HandlerFunc{refuse(500, "ServiceException")}, true},
		"a throttled creation that is refused in the end changed nothing":       {createAPI, []http.HandlerFunc{refuse(429, "TooManyRequestsException"), refuse(400, "BadRequestException")}, false},
		"a creation that meets a fault is not tried again, and its end unknown": {createAPI, []http.HandlerFunc{refuse(500, "InternalServerError"), fine}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := open(t, &cloud{Handler: inOrder(tt.answers...)})
				err := tt.call(t.Context(), a)
				if err == nil {
					t.Fatal("it succeeded")
				}
				if awserr.UnknownEffect(err) != tt.unknown {
					t.Errorf("unknown effect %v for %v", !tt.unknown, err)
				}
			})
		})
	}
}

func TestAnAttemptHasItsTime(t *testing.T) {
	t.Run("silence ends after 45 s, and the call is tried again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &cloud{Handler: inOrder(silent, fine)}
			a := open(t, c)
			start := time.Now()
			if err := getAlias(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(start); d < 45*time.Second || d > 46*time.Second {
				t.Errorf("it took %s", d)
			}
		})
	})

	t.Run("a function may run for a quarter of an hour", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &cloud{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(15 * time.Minute)
				fine(w, r)
			})}
			a := open(t, c)
			if err := invoke(t.Context(), a); err != nil || len(c.of("Invoke")) != 1 {
				t.Errorf("%d attempts, %v", len(c.of("Invoke")), err)
			}
		})
	})

	t.Run("an interruption between two attempts changed nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &cloud{Handler: http.HandlerFunc(refuse(429, "TooManyRequestsException", "Retry-After", "10"))}
			a := open(t, c)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if err := updateAlias(ctx, a); awserr.UnknownEffect(err) || len(c.of("")) != 1 {
				t.Errorf("after %d attempts: %v", len(c.of("")), err)
			}
		})
	})

	t.Run("an interruption ends it at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &cloud{Handler: http.HandlerFunc(silent)}
			a := open(t, c)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			start := time.Now()
			if err := updateAlias(ctx, a); !awserr.UnknownEffect(err) || time.Since(start) != time.Second || len(c.of("")) != 1 {
				t.Errorf("after %s and %d attempts: %v", time.Since(start), len(c.of("")), err)
			}
		})
	})
}

func TestCallsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &cloud{Handler: inOrder(fine, refuse(429, "TooManyRequestsException"), fine)})
		for _, call := range []func(context.Context, *account.Account) error{getFunction, updateAlias, getFunction} {
			if err := call(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		want := []account.Call{
			{Service: "Lambda", Operation: "GetFunction", Requests: 2},
			{Service: "Lambda", Operation: "UpdateAlias", Requests: 2, Throttled: 1},
		}
		if got := a.Calls(); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestRequestsNameThisProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var agent string
		a := open(t, &cloud{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			agent = r.UserAgent()
			fine(w, r)
		})}, func(o *account.Options) { o.Version = "1.2.3" })
		if err := getAlias(t.Context(), a); err != nil || !strings.Contains(agent, "promote/1.2.3") {
			t.Errorf("user agent %q, %v", agent, err)
		}
	})
}
