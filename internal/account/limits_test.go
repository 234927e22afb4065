package account_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/promote-on-success/promote/internal/account"
	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

func rates(r account.Rates) func(*account.Options) {
	return func(o *account.Options) { o.Rates = r }
}

func TestClassesKeepTheirRates(t *testing.T) {
	t.Run("Lambda's shared class never exceeds its rate and a small burst, however many ask", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &cloud{Handler: http.HandlerFunc(fine)}
			a := open(t, c)
			start := time.Now()
			atOnce(t, 60, func() error { return errors.Join(getAlias(t.Context(), a), updateAlias(t.Context(), a)) })
			if n := most(c.of("")); n > 15 {
				t.Errorf("%d calls in one second, want at most 10 and a burst of 5", n)
			}
			if d := time.Since(start); d < 11400*time.Millisecond || d > 11600*time.Millisecond {
				t.Errorf("120 calls took %s, want 11.5 s: the first 5 at once, then 10 a second", d)
			}
		})
	})

	t.Run("GetFunction and GetPolicy have classes of their own, Invoke has none", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &cloud{Handler: http.HandlerFunc(fine)}
			a := open(t, c, rates(account.Rates{Shared: 1, GetFunction: 60, GetPolicy: 10}))
			for name, want := range map[string]struct {
				call  func(context.Context, *account.Account) error
				calls int
				took  time.Duration
			}{
				"GetFunction": {getFunction, 125, 2 * time.Second},
				"GetPolicy":   {getPolicy, 25, 2 * time.Second},
				"Invoke":      {invoke, 200, 0},
			} {
				start := time.Now()
				atOnce(t, want.calls, func() error { return want.call(t.Context(), a) })
				if d := time.Since(start).Round(10 * time.Millisecond); d != want.took {
					t.Errorf("%d calls of %s took %s, want %s", want.calls, name, d, want.took)
				}
			}
		})
	})

	t.Run("a limit can be switched off", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := open(t, &cloud{Handler: http.HandlerFunc(fine)}, rates(account.Rates{Shared: math.Inf(1)}))
			start := time.Now()
			atOnce(t, 100, func() error { return getAlias(t.Context(), a) })
			if d := time.Since(start); d != 0 {
				t.Errorf("it took %s", d)
			}
		})
	})

	t.Run("repeated attempts keep the rate too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			n := 0
			c := &cloud{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				n++
				odd := n%2 == 1
				mu.Unlock()
				if odd {
					refuse(503, "ServiceUnavailable")(w, r)
					return
				}
				fine(w, r)
			})}
			a := open(t, c)
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() { _ = getAlias(t.Context(), a) })
			}
			wg.Wait()
			if all := c.of(""); len(all) < 75 || most(all) > 15 {
				t.Errorf("%d requests, %d in one second", len(all), most(all))
			}
		})
	})
}

func TestThrottling(t *testing.T) {
	t.Run("Retry-After rests the class for everybody, and its end is no stampede", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &cloud{Handler: inOrder(refuse(429, "TooManyRequestsException", "Retry-After", "3"), fine)}
			var told []string
			a := open(t, c, func(o *account.Options) { o.Tell = func(format string, _ ...any) { told = append(told, format) } })
			start := time.Now()
			var wg sync.WaitGroup
			wg.Go(func() { _ = getAlias(t.Context(), a) })
			time.Sleep(time.Millisecond)
			for range 40 {
				wg.Go(func() { _ = getAlias(t.Context(), a) })
			}
			wg.Go(func() { _ = updateAlias(promotion.Urgent(t.Context()), a) })
			wg.Go(func() { _ = getFunction(t.Context(), a) }) // another class: not concerned
			wg.Wait()
			shared := slices.Concat(c.of("GetAlias"), c.of("UpdateAlias"))
			slices.SortFunc(shared, time.Time.Compare)
			if first, second := shared[0].Sub(start), shared[1].Sub(start); first != 0 || second < 3*time.Second {
				t.Errorf("requests at %s and %s, want none for 3 s", first, second)
			}
			if n := most(shared); n > 16 { // an urgent one may come on top
				t.Errorf("%d calls in one second after the pause", n)
			}
			if got := c.of("GetFunction")[0].Sub(start); got > time.Second {
				t.Errorf("GetFunction waited %s for another class", got)
			}
			if len(told) != 1 {
				t.Errorf("told %d times: %q", len(told), told)
			}
		})
	})

	t.Run("Retry-After holds for those too whose turn comes during the pause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &cloud{Handler: inOrder(fine, fine, fine, fine, fine, fine, refuse(429, "TooManyRequestsException", "Retry-After", "5"), fine)}
			a := open(t, c)
			var wg sync.WaitGroup
			for range 60 {
				wg.Go(func() { _ = getAlias(t.Context(), a) })
			}
			wg.Wait()
			all := c.of("")
			if gap := all[7].Sub(all[6]); gap < 5*time.Second {
				t.Errorf("the next request came %s after the refusal", gap)
			}
			if n := most(all); n > 15 {
				t.Errorf("%d calls in one second", n)
			}
		})
	})

	t.Run("AWS_MAX_ATTEMPTS cuts nothing short", func(t *testing.T) {
		t.Setenv("AWS_MAX_ATTEMPTS", "2")
		synctest.Test(t, func(t *testing.T) {
			c := &cloud{Handler: refuse(429, "TooManyRequestsException")}
			if _ = getAlias(t.Context(), open(t, c)); len(c.of("")) != 8 {
				t.Errorf("%d attempts", len(c.of("")))
			}
		})
	})

	t.Run("it is borne eight times, other faults three times, a refusal once", func(t *testing.T) {
		for name, tt := range map[string]struct {
			answer http.HandlerFunc
			want   int
		}{
			"429": {refuse(429, "TooManyRequestsException"), 8},
			"500": {refuse(500, "ServiceException"), 3},
			"409": {refuse(409, "ResourceConflictException"), 1},
			"412": {refuse(412, "PreconditionFailedException"), 1},
			"404": {refuse(404, "ResourceNotFoundException"), 1},
			"429 between two faults": {inOrder(refuse(500, "ServiceException"), refuse(429, "TooManyRequestsException"),
				refuse(429, "TooManyRequestsException"), refuse(500, "ServiceException")), 5},
		} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := &cloud{Handler: tt.answer}
					a := open(t, c)
					if err := updateAlias(t.Context(), a); err == nil {
						t.Fatal("it succeeded")
					}
					if n := len(c.of("")); n != tt.want {
						t.Errorf("%d attempts, want %d", n, tt.want)
					}
				})
			})
		}
	})

	t.Run("a throttled function does not hold up the invocation of others", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &cloud{Handler: inOrder(refuse(429, "TooManyRequestsException", "Retry-After", "20"), fine)}
			a := open(t, c)
			start := time.Now()
			var wg sync.WaitGroup
			wg.Go(func() { _ = invoke(t.Context(), a) })
			time.Sleep(time.Millisecond)
			if err := invoke(t.Context(), a); err != nil || time.Since(start) > time.Second {
				t.Errorf("after %s: %v", time.Since(start), err)
			}
			wg.Wait()
			if d := time.Since(start); d < 20*time.Second {
				t.Errorf("the throttled one came again after %s, want Retry-After honoured", d)
			}
		})
	})
}

func TestUrgentCallsOvertake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cloud{Handler: http.HandlerFunc(fine)}
		a := open(t, c)
		start := time.Now()
		var wg sync.WaitGroup
		for range 300 {
			wg.Go(func() { _ = getAlias(t.Context(), a) })
		}
		time.Sleep(5 * time.Second)
		back := time.Now()
		atOnce(t, 40, func() error { return updateAlias(promotion.Urgent(t.Context()), a) })
		if d := time.Since(back); d > 3500*time.Millisecond {
			t.Errorf("40 aliases went back in %s, with AWS's full rate it is 3 s", d)
		}
		wg.Wait()
		if d := time.Since(start); d > 34*time.Second {
			t.Errorf("the others were done after %s", d)
		}
		if n := most(c.of("")); n > 20 {
			t.Errorf("%d calls in one second, want at most AWS's 15 and a burst", n)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	for name, tt := range map[string]struct {
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		want error
	}{
		"cancelled in the queue": {func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }, context.Canceled},
		"a deadline before its turn": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 2*time.Second)
		}, context.DeadlineExceeded},
		"a deadline that passed before it began": {func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, 0) }, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &cloud{Handler: http.HandlerFunc(fine)}
				a := open(t, c, rates(account.Rates{Shared: 0.1}))
				if err := getAlias(t.Context(), a); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := tt.ctx(t.Context())
				time.AfterFunc(time.Second, cancel)
				err := updateAlias(ctx, a)
				if !errors.Is(err, tt.want) || awserr.UnknownEffect(err) {
					t.Errorf("got %v, unknown effect %v; want %v, and that nothing changed", err, awserr.UnknownEffect(err), tt.want)
				}
				if n := len(c.of("")); n != 1 {
					t.Errorf("%d requests, want that of before alone", n)
				}
			})
		})
	}
}

func TestTheQuotasOfAWSAreNeverMet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		strict := sandboxtest.InProcess(t, sandbox.Options{RateLimit: 15})
		env := strict.Env()
		a, err := account.Open(t.Context(), account.Options{Getenv: func(n string) string { return env[n] }, HTTPClient: strict.HTTPClient()})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() { _ = getAlias(t.Context(), a) })
			wg.Go(func() { _ = getFunction(t.Context(), a) })
			wg.Go(func() { _ = getPolicy(t.Context(), a) })
		}
		time.Sleep(3 * time.Second)
		for range 40 {
			wg.Go(func() { _ = updateAlias(promotion.Urgent(t.Context()), a) })
		}
		wg.Wait()
		for _, call := range a.Calls() {
			if call.Throttled > 0 || call.Requests != map[string]int{"GetAlias": 200, "GetFunction": 200, "GetPolicy": 200, "UpdateAlias": 40}[call.Operation] {
				t.Errorf("%+v", call)
			}
		}
	})
}
