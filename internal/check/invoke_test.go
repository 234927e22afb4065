package check_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/promote-on-success/promote/internal/check"
	"github.com/promote-on-success/promote/internal/promotion"
)

func TestInvokeAsksTheCandidateByItsNumber(t *testing.T) {
	var got *http.Request
	var body string
	checks := check.New(client(func(r *http.Request) (*http.Response, error) {
		sent, err := io.ReadAll(r.Body)
		got, body = r, string(sent)
		if err != nil {
			return nil, err
		}
		return lambdaAnswer{Payload: `{"ok":true}`}.response(r)
	}), check.Options{})
	r := checks.Ask(t.Context(), promotion.Check{
		Name: "smoke", Where: promotion.Where{File: "promote.yaml", Line: 9, Column: 5},
		Invoke: &promotion.InvokeCheck{Function: "checkout", Payload: `{"commit":"{{.Commit}}"}`, JSON: ".ok"},
	}, candidate())
	wantVerdict(t, r, promotion.Pass, "")
	if want := "/2015-03-31/functions/shop-checkout/invocations?Qualifier=7"; got.URL.RequestURI() != want {
		t.Errorf("invoked %s, want %s", got.URL.RequestURI(), want)
	}
	if got.Header.Get("X-Amz-Log-Type") != "Tail" || body != `{"commit":"c0ffee"}` {
		t.Errorf("log type %q, body %s", got.Header.Get("X-Amz-Log-Type"), body)
	}
	if r.Check != "smoke" || r.Function != "checkout" || r.Version != 7 || r.Attempts != 1 || r.Where.Line != 9 {
		t.Errorf("result %+v", r)
	}
	if evidence(r, "answer") != `{"ok":true}` {
		t.Errorf("evidence %+v", r.Evidence)
	}
}

func TestInvokeJSON(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		json          promotion.Template
		want          promotion.Verdict
		reason        string
	}{
		{"true passes", `{"ok":true}`, ".ok == true", promotion.Pass, ""},
		{"templates are expanded", `{"version":"c0ffee"}`, `.version == "{{.Commit}}"`, promotion.Pass, ""},
		{"large numbers keep their digits", `{"id":9007199254740993}`, ".id == 9007199254740993", promotion.Pass, ""},
		{"neighbours of large numbers differ", `{"id":9007199254740993}`, ".id == 9007199254740992", promotion.Fail, "yielded false"},
		{"numbers beyond 64 bits too", `{"id":123456789012345678901234567890}`, ".id == 123456789012345678901234567890", promotion.Pass, ""},
		{"decimals compare as numbers", `{"share":1.0}`, ".share == 1", promotion.Pass, ""},
		{"other values are shown", `{"ok":"yes"}`, ".ok", promotion.Fail, `yielded "yes"; it has to yield true`},
		{"null is shown", `{}`, ".ok", promotion.Fail, "yielded null"},
		{"nothing is no truth", `{"items":[]}`, ".items[]", promotion.Fail, "yielded nothing"},
		{"several values are no truth", `{"items":[true,true]}`, ".items[]", promotion.Fail, "yielded several values, true, true"},
		{"an error of the expression fails", `{"ok":1}`, ".ok.deep", promotion.Fail, "failed: "},
		{"environment variables are out of reach", `{}`, `env == {} and $ENV == {}`, promotion.Pass, ""},
		{"halt ends it", `{}`, `halt`, promotion.Fail, "yielded nothing"},
		{"what is no JSON is quoted", "all \x1b[31mgood", ".ok", promotion.Fail, "the answer is not JSON: all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantVerdict(t, invoke(t, lambdaAnswer{Payload: c.payload}, promotion.InvokeCheck{JSON: c.json}), c.want, c.reason)
		})
	}
}

func TestInvokeEndlessExpressionEndsWithTheRun(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	checks := check.New(client(func(r *http.Request) (*http.Response, error) {
		time.AfterFunc(50*time.Millisecond, func() { cancel(errors.New("the run was interrupted")) })
		return lambdaAnswer{Payload: `{}`}.response(r)
	}), check.Options{})
	r := checks.Ask(ctx, promotion.Check{Name: "smoke", Invoke: &promotion.InvokeCheck{Function: "checkout", JSON: "def f: f; f"}}, candidate())
	wantError(t, r, "the run was interrupted")
}

func TestInvokeFunctionErrors(t *testing.T) {
	crash := lambdaAnswer{
		FunctionError: "Unhandled",
		Payload:       `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: Runtime exited with error: exit status 1"}`,
		Log:           "INIT_REPORT Status: error\npanic: DB_HOST is not set\n",
	}
	t.Run("a crash at init fails with Lambda's type and the log", func(t *testing.T) {
		r := invoke(t, crash, promotion.InvokeCheck{JSON: ".ok"})
		wantVerdict(t, r, promotion.Fail, "the function failed with Runtime.ExitError (Runtime exited with error: exit status 1)")
		if !strings.Contains(evidence(r, "log tail"), "DB_HOST is not set") || !strings.Contains(evidence(r, "function error"), "exit status 1") {
			t.Errorf("evidence %+v", r.Evidence)
		}
		if !strings.Contains(r.Hint, "see the log") {
			t.Errorf("hint %q", r.Hint)
		}
	})
	t.Run("any error passes where any is expected", func(t *testing.T) {
		wantVerdict(t, invoke(t, crash, promotion.InvokeCheck{FunctionError: "any"}), promotion.Pass, "")
	})
	t.Run("the expected type passes, and its document can be looked into", func(t *testing.T) {
		wantVerdict(t, invoke(t, crash, promotion.InvokeCheck{FunctionError: "Runtime.ExitError", JSON: `.errorMessage | contains("exit status 1")`}), promotion.Pass, "")
	})
	t.Run("another type fails", func(t *testing.T) {
		wantVerdict(t, invoke(t, crash, promotion.InvokeCheck{FunctionError: "ValidationError"}), promotion.Fail, "failed with Runtime.ExitError (Runtime exited with error: exit status 1); it has to fail with ValidationError")
	})
	t.Run("success fails where an error is expected", func(t *testing.T) {
		wantVerdict(t, invoke(t, lambdaAnswer{Payload: "{}"}, promotion.InvokeCheck{FunctionError: "any"}), promotion.Fail, "the function succeeded")
	})
	t.Run("a timeout has no type of its own in older runtimes", func(t *testing.T) {
		a := lambdaAnswer{FunctionError: "Unhandled", Payload: `{"errorMessage":"2026-01-01T00:00:00Z 1 Task timed out after 3.00 seconds"}`}
		wantVerdict(t, invoke(t, a, promotion.InvokeCheck{}), promotion.Fail, "the function failed with Sandbox.Timedout (Task timed out after 3.00 seconds)")
	})
	t.Run("a long message of many lines is one short line of the reason, and whole in the evidence", func(t *testing.T) {
		a := lambdaAnswer{FunctionError: "Unhandled", Payload: `{"errorType":"Error","errorMessage":"no\n\u001b[31m` + strings.Repeat("x", 1000) + `"}`}
		r := invoke(t, a, promotion.InvokeCheck{})
		wantVerdict(t, r, promotion.Fail, "the function failed with Error (no \ufffd[31mxxx")
		if len(r.Reason) > 300 || len(evidence(r, "function error")) < 1000 {
			t.Errorf("reason of %d bytes, evidence of %d", len(r.Reason), len(evidence(r, "function error")))
		}
	})
	t.Run("an error document that is none", func(t *testing.T) {
		wantVerdict(t, invoke(t, lambdaAnswer{FunctionError: "Unhandled", Payload: "null"}, promotion.InvokeCheck{}), promotion.Fail, "failed with Unhandled")
	})
}

func TestInvokeLog(t *testing.T) {
	a := lambdaAnswer{Payload: "{}", Log: "START\nready in 12 ms\nEND\n"}
	wantVerdict(t, invoke(t, a, promotion.InvokeCheck{Log: `ready in \d+ ms`}), promotion.Pass, "")
	r := invoke(t, a, promotion.InvokeCheck{Log: `connected`})
	wantVerdict(t, r, promotion.Fail, `log matches "connected"`)
	if !strings.Contains(evidence(r, "log tail"), "ready in 12 ms") {
		t.Errorf("evidence %+v", r.Evidence)
	}
	wantVerdict(t, invoke(t, lambdaAnswer{Payload: "{}"}, promotion.InvokeCheck{Log: "ready"}), promotion.Inconclusive, "no log")

	passed := invoke(t, a, promotion.InvokeCheck{})
	if evidence(passed, "log tail") != "" {
		t.Errorf("the log of a passed check that did not ask for it is shown: %+v", passed.Evidence)
	}
}

func TestInvokeWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := lambdaAnswer{Payload: "{}", After: 3 * time.Second}
		wantVerdict(t, invoke(t, slow, promotion.InvokeCheck{Within: 4 * time.Second}), promotion.Pass, "")
		wantVerdict(t, invoke(t, slow, promotion.InvokeCheck{Within: 2 * time.Second}), promotion.Fail, "it took 3s; it has to answer within 2s")

		start := time.Now()
		stuck := lambdaAnswer{Payload: "{}", After: 14 * time.Minute}
		wantVerdict(t, invoke(t, stuck, promotion.InvokeCheck{Within: 2 * time.Second}), promotion.Fail, "had not answered after 32s")
		if waited := time.Since(start); waited > time.Minute {
			t.Errorf("waited %s for an answer that is worth nothing", waited)
		}
	})
}

func TestInvokeAnswerOfAnotherVersionIsNeverAPass(t *testing.T) {
	for _, executed := range []string{"6", "$LATEST"} {
		r := invoke(t, lambdaAnswer{Version: executed, Payload: `{"ok":true}`}, promotion.InvokeCheck{JSON: ".ok"})
		wantError(t, r, fmt.Sprintf("version %s answered, but version 7 was invoked", executed))
	}
}

func TestInvokeRefusals(t *testing.T) {
	throttled := func(reason string) wire {
		return func(*http.Request) (*http.Response, error) {
			return refusal(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.", reason)
		}
	}
	// after answers like w, and like a good function from the nth call on.
	after := func(n int, w wire) wire {
		calls := 0
		return func(r *http.Request) (*http.Response, error) {
			if calls++; calls >= n {
				return lambdaAnswer{Payload: `{"ok":true}`}.response(r)
			}
			return w(r)
		}
	}
	pending := func(*http.Request) (*http.Response, error) {
		return refusal(http.StatusConflict, "ResourceConflictException", "The operation cannot be performed at this time. The function is currently in the following state: Pending", "")
	}
	askWithin := func(t *testing.T, within time.Duration, w wire) (promotion.CheckResult, time.Duration) {
		start := time.Now()
		r := check.New(client(w), check.Options{}).Ask(t.Context(), promotion.Check{Name: "smoke", Invoke: &promotion.InvokeCheck{Function: "checkout", JSON: ".ok", Within: within}}, candidate())
		return r, time.Since(start)
	}
	ask := func(t *testing.T, w wire) (promotion.CheckResult, time.Duration) { return askWithin(t, 0, w) }
	bubble := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	bubble("no concurrency for a moment is waited out", func(t *testing.T) {
		r, _ := ask(t, after(4, throttled("ConcurrentInvocationLimitExceeded")))
		wantVerdict(t, r, promotion.Pass, "")
		if r.Attempts != 4 {
			t.Errorf("%d attempts", r.Attempts)
		}
	})
	bubble("no concurrency for long is an error, not a verdict", func(t *testing.T) {
		r, waited := ask(t, throttled("ConcurrentInvocationLimitExceeded"))
		wantError(t, r, "concurrency")
		if waited < 45*time.Second || waited > 61*time.Second {
			t.Errorf("gave up after %s", waited)
		}
	})
	bubble("a check that wants its answer soon does not wait long for the chance to ask", func(t *testing.T) {
		for within, longest := range map[time.Duration]time.Duration{2 * time.Second: 5 * time.Second, 20 * time.Second: 20 * time.Second, time.Hour: time.Minute} {
			r, waited := askWithin(t, within, throttled("ConcurrentInvocationLimitExceeded"))
			wantError(t, r, "concurrency")
			if waited > longest || waited < longest/2 {
				t.Errorf("within %s: gave up after %s, want at most %s", within, waited, longest)
			}
		}
		r, _ := askWithin(t, time.Second, after(3, throttled("ConcurrentInvocationLimitExceeded")))
		wantVerdict(t, r, promotion.Pass, "")
	})
	bubble("reserved concurrency of 0 is explained, sooner", func(t *testing.T) {
		r, waited := ask(t, throttled("ReservedFunctionConcurrentInvocationLimitExceeded"))
		wantError(t, r, "reserved concurrency")
		if !strings.Contains(promotion.FaultOf(r.Err).Hint, "0") {
			t.Errorf("hint %q", promotion.FaultOf(r.Err).Hint)
		}
		if waited > 16*time.Second {
			t.Errorf("gave up after %s", waited)
		}
	})
	bubble("RetryAfter is honoured", func(t *testing.T) {
		r, waited := ask(t, after(2, func(r *http.Request) (*http.Response, error) {
			res, err := throttled("CallerRateLimitExceeded")(r)
			res.Header.Set("Retry-After", "7")
			return res, err
		}))
		wantVerdict(t, r, promotion.Pass, "")
		if waited < 7*time.Second {
			t.Errorf("asked again after %s", waited)
		}
	})
	bubble("a version that wakes up is waited for", func(t *testing.T) {
		r, _ := ask(t, after(3, pending))
		wantVerdict(t, r, promotion.Pass, "")
	})
	bubble("so is its snapshot", func(t *testing.T) {
		r, _ := ask(t, after(3, func(*http.Request) (*http.Response, error) {
			return refusal(http.StatusConflict, "SnapStartNotReadyException", "not ready", "")
		}))
		wantVerdict(t, r, promotion.Pass, "")
	})
	bubble("a lost answer is not asked for again", func(t *testing.T) {
		calls := 0
		r, _ := ask(t, func(*http.Request) (*http.Response, error) {
			calls++
			return nil, syscall.ECONNRESET
		})
		wantError(t, r, "invoke version 7 of shop-checkout")
		if calls != 1 {
			t.Errorf("%d calls: the function may have run each time", calls)
		}
	})
	bubble("a refusal for good is told at once, with the IAM action", func(t *testing.T) {
		r, waited := ask(t, func(*http.Request) (*http.Response, error) {
			return refusal(http.StatusForbidden, "AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/ci/run is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:eu-west-1:123456789012:function:shop-checkout:7", "")
		})
		wantError(t, r, "may not lambda:InvokeFunction on arn:aws:lambda:eu-west-1:123456789012:function:shop-checkout:7")
		if waited != 0 {
			t.Errorf("waited %s", waited)
		}
	})
	bubble("tenant isolation is explained", func(t *testing.T) {
		r, _ := ask(t, func(*http.Request) (*http.Response, error) {
			return refusal(http.StatusBadRequest, "InvalidParameterValueException", "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.", "")
		})
		wantError(t, r, "tenant ID")
		if !strings.Contains(promotion.FaultOf(r.Err).Hint, "by URL") {
			t.Errorf("hint %q", promotion.FaultOf(r.Err).Hint)
		}
	})
	bubble("an interrupted wait tells what interrupted it", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(5*time.Second, func() { cancel(errors.New("interrupted by a signal")) })
		start := time.Now()
		r := check.New(client(pending), check.Options{}).Ask(ctx, promotion.Check{Name: "smoke", Invoke: &promotion.InvokeCheck{Function: "checkout"}}, candidate())
		wantError(t, r, `check "smoke" was not finished: interrupted by a signal`)
		if waited := time.Since(start); waited != 5*time.Second {
			t.Errorf("ended after %s", waited)
		}
	})
}

func TestInvokePayloads(t *testing.T) {
	workspace := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(workspace, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("event.json", `{"template":"{{.Unknown}} is sent as it is"}`)
	write("broken.json", `{"a":`)
	write("large.json", `"`+strings.Repeat("x", 6<<20)+`"`)
	outside := filepath.Join(t.TempDir(), "secret.json")
	if err := os.WriteFile(outside, []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(workspace, "link.json")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		check promotion.InvokeCheck
		sent  string
		err   string
	}{
		{"no payload sends an empty object", promotion.InvokeCheck{}, `{}`, ""},
		{"a file is sent as it is", promotion.InvokeCheck{PayloadFile: "event.json"}, `{"template":"{{.Unknown}} is sent as it is"}`, ""},
		{"a name without a value", promotion.InvokeCheck{Payload: `{"v":"{{.Unknown}}"}`}, "", "payload: no value for {{.Unknown}}"},
		{"a payload that is no JSON", promotion.InvokeCheck{Payload: `hello {{.Version}}`}, "", "the payload is not JSON"},
		{"a file that is no JSON", promotion.InvokeCheck{PayloadFile: "broken.json"}, "", "payload file broken.json is not JSON"},
		{"a file that is not there", promotion.InvokeCheck{PayloadFile: "nowhere.json"}, "", "payload file nowhere.json: it does not exist"},
		{"a directory", promotion.InvokeCheck{PayloadFile: "."}, "", "it is not a file"},
		{"a file that is too large", promotion.InvokeCheck{PayloadFile: "large.json"}, "", "Lambda takes 6291456"},
		{"a payload that is too large", promotion.InvokeCheck{Payload: promotion.Template(`"` + strings.Repeat("x", 6<<20) + `"`)}, "", "Lambda takes 6291456"},
		{"a file outside", promotion.InvokeCheck{PayloadFile: "../secret.json"}, "", "payload file ../secret.json"},
		{"a link that leads outside", promotion.InvokeCheck{PayloadFile: "link.json"}, "", "payload file link.json"},
		{"an expression that is none", promotion.InvokeCheck{JSON: ".a |"}, "", "is not a jq expression"},
		{"an expression that reads input", promotion.InvokeCheck{JSON: "input == 1"}, "", "jq expression that can be used here"},
		{"an expression that imports", promotion.InvokeCheck{JSON: `import "a" as a; true`}, "", "json: "},
		{"a pattern that is none", promotion.InvokeCheck{Log: "("}, "", "is not a regular expression"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sent := ""
			checks := check.New(client(func(r *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return nil, err
				}
				sent = string(body)
				return lambdaAnswer{Payload: `{}`}.response(r)
			}), check.Options{Workspace: workspace})
			c.check.Function = "checkout"
			r := checks.Ask(t.Context(), promotion.Check{Name: "smoke", Where: promotion.Where{File: "promote.yaml", Line: 3, Column: 1}, Invoke: &c.check}, candidate())
			if c.err == "" {
				wantVerdict(t, r, promotion.Pass, "")
			} else {
				wantError(t, r, c.err)
				if f := promotion.FaultOf(r.Err); f.Where.Line != 3 {
					t.Errorf("the fault does not say where: %+v", f)
				}
			}
			if sent != c.sent {
				t.Errorf("sent %.80q, want %q", sent, c.sent)
			}
		})
	}
	t.Run("a function without candidate", func(t *testing.T) {
		r := check.New(nil, check.Options{}).Ask(t.Context(), promotion.Check{Name: "smoke", Invoke: &promotion.InvokeCheck{Function: "checkout"}}, promotion.Subject{})
		wantError(t, r, `function "checkout" has no candidate version`)
	})
}
