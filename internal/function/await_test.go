package function_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/function"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

func TestAVersionIsReadyHalfASecondAfterLambdaHasFinishedAtTheLatest(t *testing.T) {
	for _, d := range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second} {
		t.Run(d.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := arrange(t, sandboxtest.InProcess(t, sandbox.Options{UpdateTime: d, Latency: 20 * time.Millisecond}), function.Options{})
				p, from := w.pack(t, "B"), w.latest(t)
				w.cloud.ResetCalls()
				began := time.Now()
				v, err := w.Upload(t.Context(), fn, p, from, w.say)
				if err != nil {
					t.Fatal(err)
				}
				w.finds(t, v, p.Digest, "128")
				took := time.Since(began)
				t.Logf("update time %s: %.2f s, calls %v", d, took.Seconds(), w.cloud.Count("lambda"))
				if took > d+500*time.Millisecond {
					t.Errorf("it took %s, want at most half a second more than %s", took, d)
				}
			})
		})
	}
}

// states is an account to which a version looks as scripted, one answer after the other, the last one for ever.
func states(t *testing.T, script ...func(*http.Request) (*http.Response, error)) (*function.Account, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	return account(wired(func(r *http.Request) (*http.Response, error) {
		i := n.Add(1) - 1
		return script[min(int(i), len(script)-1)](r)
	}), function.Options{}), &n
}

func looks(state types.State, code types.StateReasonCode, reason string) func(*http.Request) (*http.Response, error) {
	c := plain()
	c.Version, c.State, c.StateReasonCode = aws.String("42"), state, code
	if reason != "" {
		c.StateReason = &reason
	}
	return func(r *http.Request) (*http.Response, error) {
		text, err := json.Marshal(map[string]any{"Configuration": c})
		return answer(r, 200, string(text)), err
	}
}

func refuses(status int, code string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return answer(r, status, `{"message":"because"}`, "X-Amzn-Errortype", code), nil
	}
}

func TestAWaitEndsWhenLambdaHasDecided(t *testing.T) {
	pending, active := looks(types.StatePending, types.StateReasonCodeCreating, ""), looks(types.StateActive, "", "")
	broken := func(*http.Request) (*http.Response, error) { return nil, &opError{errBroken} }
	for name, c := range map[string]struct {
		script []func(*http.Request) (*http.Response, error)
		calls  int64
		want   []string // none: it is ready
	}{
		"active at once":             {script: []func(*http.Request) (*http.Response, error){active}, calls: 1},
		"active after a while":       {script: []func(*http.Request) (*http.Response, error){pending, pending, active}, calls: 3},
		"inactive":                   {script: []func(*http.Request) (*http.Response, error){looks(types.StateInactive, types.StateReasonCodeIdle, "")}, calls: 1},
		"failed":                     {script: []func(*http.Request) (*http.Response, error){pending, looks(types.StateFailed, types.StateReasonCodeInternalError, "it broke")}, calls: 2, want: []string{"version 42 of shop-fn cannot be used", "Failed (InternalError): it broke"}},
		"deactivated":                {script: []func(*http.Request) (*http.Response, error){looks(types.StateDeactivated, "", "")}, calls: 1, want: []string{"the state is Deactivated"}},
		"deleting":                   {script: []func(*http.Request) (*http.Response, error){looks(types.StateDeleting, "", "")}, calls: 1, want: []string{"the state is Deleting"}},
		"a state that is new":        {script: []func(*http.Request) (*http.Response, error){looks("Polishing", "", ""), active}, calls: 2},
		"the connection breaks":      {script: []func(*http.Request) (*http.Response, error){broken, pending, broken, broken, active}, calls: 5},
		"500, 502, 429":              {script: []func(*http.Request) (*http.Response, error){refuses(500, "ServiceException"), refuses(502, ""), refuses(429, "TooManyRequestsException"), active}, calls: 4},
		"not there yet":              {script: []func(*http.Request) (*http.Response, error){refuses(404, "ResourceNotFoundException"), active}, calls: 2},
		"no permission":              {script: []func(*http.Request) (*http.Response, error){refuses(403, "AccessDeniedException")}, calls: 1, want: []string{"may not lambda:GetFunction"}},
		"no permission any more":     {script: []func(*http.Request) (*http.Response, error){pending, refuses(403, "AccessDeniedException")}, calls: 2, want: []string{"may not lambda:GetFunction"}},
		"not there after it was":     {script: []func(*http.Request) (*http.Response, error){pending, refuses(404, "ResourceNotFoundException")}, calls: 2, want: []string{"version 42 of shop-fn does not exist"}},
		"an answer that is no state": {script: []func(*http.Request) (*http.Response, error){func(r *http.Request) (*http.Response, error) { return answer(r, 200, `{}`), nil }}, calls: 1, want: []string{"no configuration"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, calls := states(t, c.script...)
				s, err := a.Await(t.Context(), fn, 42, quiet)
				if n := calls.Load(); n != c.calls {
					t.Errorf("it asked %d times, want %d", n, c.calls)
				}
				if len(c.want) > 0 {
					contains(t, faultText(t, err), c.want...)
				} else if err != nil || s.Version != 42 {
					t.Errorf("got %+v, %v", s, err)
				}
			})
		})
	}
}

func TestAWaitHasALimitAndSaysWhatItWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := states(t, looks(types.StatePending, types.StateReasonCodeCreating, ""))
		var s said
		began := time.Now()
		_, err := a.Await(t.Context(), fn, 42, s.say)
		contains(t, faultText(t, err), "version 42 of shop-fn was not ready within 10m0s: Pending (Creating)")
		if took := time.Since(began); took > 10*time.Minute+time.Second {
			t.Errorf("it took %s", took)
		}
		contains(t, s.String(), "waiting for version 42 of shop-fn: Pending (Creating), 3s", "waiting for version 42 of shop-fn: Pending (Creating), 1m")
		if lines := strings.Count(s.String(), "\n") + 1; lines < 55 || lines > 61 {
			t.Errorf("it said %d lines", lines)
		}
	})
}

func TestAWaitEndsWithItsContextAndTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := states(t, looks(types.StatePending, "", ""))
		ctx, cancel := context.WithCancelCause(t.Context())
		interrupted := errors.New("interrupted by a signal")
		time.AfterFunc(2*time.Second, func() { cancel(interrupted) })
		began := time.Now()
		_, err := a.Await(ctx, fn, 42, quiet)
		if !errors.Is(err, interrupted) || time.Since(began) != 2*time.Second {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
	})
}

func TestWhoeverHangsIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, calls := states(t, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, looks(types.StateActive, "", ""))
		began := time.Now()
		if _, err := a.Await(t.Context(), fn, 42, quiet); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); calls.Load() != 2 || took > 6*time.Second {
			t.Errorf("%d calls, %s; want a second one after 5 s", calls.Load(), took)
		}
	})
}

func TestManyWaitsTogetherStayUnderTheirRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const waits, seconds = 300, 20
		began := time.Now()
		pending, active := looks(types.StatePending, "", ""), looks(types.StateActive, "", "")
		a, calls := states(t, func(r *http.Request) (*http.Response, error) {
			if time.Since(began) >= seconds*time.Second {
				return active(r)
			}
			return pending(r)
		})
		done := make(chan error)
		for i := range waits {
			go func() {
				_, err := a.Await(t.Context(), fmt.Sprintf("fn-%d", i), 42, quiet)
				done <- err
			}()
		}
		for range waits {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		// The first read of each is the account's limiter's business, and so is the last.
		rate := float64(calls.Load()-2*waits) / seconds
		t.Logf("%d waits: %.0f calls a second, ready %s after all were", waits, rate, time.Since(began)-seconds*time.Second)
		if rate > 52 || rate < 30 {
			t.Errorf("%.0f calls a second, want close to 50", rate)
		}
	})
}

func TestLatestWaitsForAnUpdateInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := arrange(t, sandboxtest.InProcess(t, sandbox.Options{UpdateTime: 5 * time.Second}), function.Options{})
		before := w.latest(t)
		w.upload(t, "B")
		after := w.latest(t)
		if after.Digest != digest(w.cloud.Zip(sandboxtest.Code{Name: "B"})) || after.Revision == before.Revision {
			t.Errorf("got %+v", after)
		}
		again := w.latest(t)
		if again.Revision != after.Revision {
			t.Error("the revision moved after it had settled")
		}
		contains(t, w.String(), "waiting for $LATEST of shop-fn: an update is in progress")
	})
}

func TestAnUpdateThatFailedIsInTheSnapshot(t *testing.T) {
	c := plain()
	c.LastUpdateStatus, c.LastUpdateStatusReasonCode, c.LastUpdateStatusReason = types.LastUpdateStatusFailed, types.LastUpdateStatusReasonCodeImageAccessDenied, aws.String("no access")
	s, err := describing(&c).Latest(t.Context(), fn, quiet)
	if err != nil || s.Failed != "the last update failed (ImageAccessDenied): no access" {
		t.Errorf("got %q, %v", s.Failed, err)
	}
	v := plain()
	v.Version, v.State = aws.String("7"), types.StateFailed
	s, err = describing(&v).Version(t.Context(), fn, 7)
	if err != nil || s.Failed != "the state is Failed" || s.Version != promotion.Version(7) {
		t.Errorf("got %+v, %v", s, err)
	}
}
