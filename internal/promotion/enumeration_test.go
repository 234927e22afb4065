package promotion_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// Every call of a run is broken in turn, in every way that a call can break. Whatever happens, an alias holds either
// what it held or a version that passed, all of them together, and the outcome tells the truth about it.
func TestEveryCallBroken(t *testing.T) {
	ways := []struct {
		name string
		do   func(*http.Request, func(*http.Request) (*http.Response, error)) (*http.Response, error)
	}{
		{"500 before the effect", refuse(500, "ServiceException")},
		{"500 after the effect", after(500, "ServiceException")},
		{"answer lost", lost},
		{"never answered", swallowed},
		{"403", refuse(403, "AccessDeniedException")},
		{"409", refuse(409, "ResourceConflictException")},
		{"412", refuse(412, "PreconditionFailedException")},
		{"429", refuse(429, "TooManyRequestsException")},
	}
	names := []string{"a", "b", "c"} // c has no alias yet
	// stage arranges two functions with an alias and one without, and returns the request that changes them all.
	stage := func(t *testing.T) (*theatre, promotion.Request) {
		th := newTheatre(t, sandbox.Options{})
		th.runner.Parallel = 1 // so that the nth call is the same call every time
		th.functions("old", "a", "b")
		th.cloud.Function("c", sandboxtest.Code{Name: "old"})
		return th, th.request("new", names...)
	}

	var calls []string
	synctest.Test(t, func(t *testing.T) {
		th, req := stage(t)
		expect(t, th.run(req), promotion.Promoted, promotion.ReasonVerified)
		calls = th.network.seen
	})

	ends := map[promotion.Kind]int{}
	for nth, call := range calls {
		for _, way := range ways {
			t.Run(fmt.Sprintf("call %d (%s), %s", nth+1, call, way.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					th, req := stage(t)
					d := th.network.disturb(&disturbance{nth: nth + 1, do: way.do})
					o := th.run(req)
					if !d.struck {
						t.Fatal("the call was never made")
					}
					ends[o.Kind]++
					truthful(t, th, o)

					// Whatever it left, the next run brings everything to where it was to be.
					if o.Kind != promotion.Promoted {
						if again := th.run(req); again.Kind != promotion.Promoted {
							t.Errorf("the next run ended %s: %s %v", again.Kind, again.Sentence, again.Faults)
						}
					}
					for _, n := range names {
						if got := th.answer(n); got == "" || th.alias(n) == "none" {
							t.Errorf("%s answers %q", n, got)
						}
					}
				})
			})
		}
	}
	t.Logf("%d calls broken in %d ways each: %v", len(calls), len(ways), ends)
}

// truthful asserts that an outcome says what the aliases hold. a and b held version 1, c had none.
func truthful(t *testing.T, th *theatre, o promotion.Outcome) {
	t.Helper()
	before := map[string]string{"a": "1", "b": "1", "c": "none"}
	for _, f := range o.Functions {
		held := th.alias(f.Name)
		switch f.Fate {
		case promotion.FateMoved, promotion.FateCreated:
			if held != f.Candidate.String() {
				t.Errorf("%s is said to hold version %s, and holds %s", f.Name, f.Candidate, held)
			}
		case promotion.FateKept, promotion.FateBack:
			if held != before[f.Name] {
				t.Errorf("%s is said to be where it was (%s), and holds %s", f.Name, before[f.Name], held)
			}
		default:
			t.Errorf("one broken call left %s %s", f.Name, f.Fate)
		}
	}
	moved := o.Functions[0].Fate == promotion.FateMoved
	if moved != (o.Functions[1].Fate == promotion.FateMoved) {
		t.Errorf("a is %s and b is %s", o.Functions[0].Fate, o.Functions[1].Fate)
	}
	if (o.Kind == promotion.Promoted) != moved {
		t.Errorf("the outcome is %s, and a is %s", o.Kind, o.Functions[0].Fate)
	}
	if o.Kind != promotion.Promoted && len(o.Faults) == 0 {
		t.Errorf("the outcome %s names no fault", o.Kind)
	}
}
