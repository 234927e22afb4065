package promotion_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// A road is one of the ways that a release can take: what stands before, and the request.
type road struct {
	name  string
	stage func(th *theatre) promotion.Request
	newer func(th *theatre, req promotion.Request) promotion.Request // the release after it
}

var three = []string{"a", "b", "c"}

var roads = []road{
	{"change", func(th *theatre) promotion.Request { // c has no alias yet
		th.functions("old", "a", "b")
		th.cloud.Function("c", sandboxtest.Code{Name: "old"})
		return th.request("new", three...)
	}, rebuilt},
	{"deployed by something else", func(th *theatre) promotion.Request {
		th.functions("old", "a", "b")
		th.cloud.Function("c", sandboxtest.Code{Name: "old"})
		return redeployed(th, "new")
	}, func(th *theatre, _ promotion.Request) promotion.Request { return redeployed(th, "newer") }},
	{"first release", func(th *theatre) promotion.Request {
		for _, n := range three {
			th.cloud.Function(n, sandboxtest.Code{Name: "old"})
		}
		return th.request("new", three...)
	}, rebuilt},
}

func rebuilt(th *theatre, _ promotion.Request) promotion.Request {
	return th.request("newer", three...)
}

func redeployed(th *theatre, code string) promotion.Request {
	for _, n := range three {
		th.upload(n, code)
	}
	return th.requestFor(promotion.Artifact{Kind: promotion.ArtifactNone}, three...)
}

type happening = func(*http.Request, func(*http.Request) (*http.Response, error)) (*http.Response, error)

// ways are all that can happen to one call.
var ways = []struct {
	name string
	do   happening
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

// callsOf plays a road undisturbed and returns its calls in order.
func callsOf(t *testing.T, way road) (calls []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t, sandbox.Options{})
		th.runner.Parallel = 1 // so that the nth call is the same call every time
		req := way.stage(th)
		th.network.seen = nil
		expect(t, th.run(req), promotion.Promoted, promotion.ReasonVerified)
		calls = slices.Clone(th.network.seen)
	})
	return calls
}

// points plays one scenario at every point of every road, each in an account of its own.
func points(t *testing.T, scenarios func(calls []string) []scenario) {
	var played atomic.Int64
	total := 0
	t.Run("points", func(t *testing.T) {
		for _, way := range roads {
			for _, s := range scenarios(callsOf(t, way)) {
				total++
				t.Run(way.name+": "+s.name, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						th := newTheatre(t, sandbox.Options{})
						th.runner.Parallel = 1
						s.play(newEpisode(th, way))
					})
					if !t.Failed() {
						played.Add(1)
					}
				})
			}
		}
	})
	t.Logf("%d points enumerated, %d passed", total, played.Load())
}

type scenario struct {
	name string
	play func(*episode)
}

// Every call of a run is broken in turn, in every way that a call can break. Whatever happens, an alias holds either
// what it held or a version that passed, all of them together, and the outcome tells the truth about it.
func TestEveryCallBroken(t *testing.T) {
	points(t, func(calls []string) (list []scenario) {
		for nth, call := range calls {
			for _, way := range ways {
				list = append(list, scenario{fmt.Sprintf("call %d (%s), %s", nth+1, call, way.name), func(e *episode) {
					d := e.th.network.disturb(&disturbance{nth: nth + 1, do: way.do})
					o := e.run(e.th.t.Context(), e.req)
					if !d.struck {
						e.th.t.Fatal("the call was never made")
					}
					if e.unproved {
						e.th.t.Errorf("one broken call left it %s: %v", o.Kind, o.Faults)
					}
					e.converge()
				}})
			}
		}
		return list
	})
}

// Two calls are broken at once, or one is while a signal comes: a sample of all pairs, the same every time.
func TestPairsOfBrokenCalls(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 41))
	points(t, func(calls []string) (list []scenario) {
		for range 60 {
			one, two := rng.IntN(len(calls)), rng.IntN(len(calls)+4)
			first, second, stopped := ways[rng.IntN(len(ways))], ways[rng.IntN(len(ways))], rng.IntN(4) == 0
			if rng.IntN(2) == 0 { // the interesting half is at the end
				one, two = len(calls)-1-rng.IntN(9), len(calls)-1-rng.IntN(9)+rng.IntN(5)
			}
			parallel := []int{1, 64}[rng.IntN(2)]
			list = append(list, scenario{fmt.Sprintf("call %d, %s, call %d, %s, signal %t, %d at once", one+1, first.name, two+1, second.name, stopped, parallel), func(e *episode) {
				e.th.runner.Parallel = parallel
				ctx, cancel := context.WithCancelCause(e.th.t.Context())
				defer cancel(nil)
				do := first.do
				if stopped {
					do = func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
						e.interrupt(cancel)
						return first.do(r, send)
					}
				}
				e.th.network.disturb(&disturbance{nth: one + 1, do: do})
				e.th.network.disturb(&disturbance{nth: two + 1, do: second.do})
				e.run(ctx, e.req)
				e.converge()
			}})
		}
		return list
	})
}

// A signal comes before and after every call. The run ends in time, and aliases are all where they were or all moved.
func TestSignalAtEveryCall(t *testing.T) {
	points(t, func(calls []string) (list []scenario) {
		for nth, call := range calls {
			for _, moment := range []string{"before it", "instead of it", "after it"} {
				list = append(list, scenario{fmt.Sprintf("call %d (%s), %s", nth+1, call, moment), func(e *episode) {
					ctx, cancel := context.WithCancelCause(e.th.t.Context())
					defer cancel(nil)
					d := e.th.network.disturb(&disturbance{nth: nth + 1, do: func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
						if moment == "after it" {
							answer, err := send(r)
							e.interrupt(cancel)
							return answer, err
						}
						e.interrupt(cancel)
						if moment == "instead of it" {
							return swallowed(r, send)
						}
						return send(r)
					}})
					e.run(ctx, e.req)
					if !d.struck {
						e.th.t.Fatal("the call was never made")
					}
					// A creation that was never answered may still come, and nothing fences it.
					if e.unproved && !(moment == "instead of it" && strings.HasPrefix(call, "CreateAlias")) {
						e.th.t.Error("a signal alone left it unproved")
					}
					e.converge()
				}})
			}
		}
		return list
	})
}

// Somebody else writes before every call: an alias to a version of theirs, or other code.
func TestForeignWriteBeforeEveryCall(t *testing.T) {
	points(t, func(calls []string) (list []scenario) {
		for nth, call := range calls {
			for _, what := range []string{"a is moved", "c is moved", "code of b is replaced"} {
				list = append(list, scenario{fmt.Sprintf("call %d (%s), %s", nth+1, call, what), func(e *episode) {
					name := map[string]string{"a is moved": "a", "c is moved": "c", "code of b is replaced": "b"}[what]
					if what == "code of b is replaced" {
						e.th.fault(sandbox.Fault{Kind: sandbox.ForeignWrite, Nth: nth + 1, Write: &sandbox.Write{Operation: "UpdateFunctionCode",
							Parameters: map[string]any{"FunctionName": name, "ZipFile": e.th.cloud.Zip(sandboxtest.Code{Name: "foreign"})}}})
					} else {
						operation := "UpdateAlias"
						if e.th.alias(name) == "none" {
							operation = "CreateAlias"
						}
						version := e.th.foreign(name)
						e.others(name, version)
						e.th.fault(sandbox.Fault{Kind: sandbox.ForeignWrite, Nth: nth + 1, Write: &sandbox.Write{Operation: operation,
							Parameters: map[string]any{"FunctionName": name, "Name": "prod", "FunctionVersion": version}}})
					}
					o := e.run(e.th.t.Context(), e.req)
					e.foreignStands(o)
					e.th.cloud.Server().ClearFaults()
					e.req = e.way.newer(e.th, e.req) // what they left may be what was wanted
					e.converge()
				}})
			}
		}
		return list
	})
}

// A write is held by the network and carried out when nobody thinks of it any more: after its run, or in the middle of
// a later one. Its run goes on, is told to stop, or loses its network altogether.
func TestHeldWrites(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 43))
	points(t, func(calls []string) (list []scenario) {
		for nth, call := range calls {
			if operation, _, _ := strings.Cut(call, " "); !slices.Contains([]string{"UpdateFunctionCode", "PublishVersion", "CreateAlias", "UpdateAlias"}, operation) {
				continue
			}
			for _, fate := range []string{"goes on", "is told to stop", "loses its network"} {
				for _, release := range []int{0, 1 + rng.IntN(len(calls)), len(calls) - rng.IntN(9)} {
					list = append(list, scenario{fmt.Sprintf("call %d (%s) is held, its run %s, released before call %d of the next", nth+1, call, fate, release), func(e *episode) {
						ctx, cancel := context.WithCancelCause(e.th.t.Context())
						defer cancel(nil)
						letGo := e.hold(nth+1, func() {
							switch fate {
							case "is told to stop":
								e.interrupt(cancel)
							case "loses its network":
								e.th.network.lose(true)
							}
						})
						o := e.run(ctx, e.req)
						e.th.network.lose(false)
						stands := map[string]string{} // what the run has vouched for
						for _, f := range o.Functions {
							if f.Fate == promotion.FateUnknown {
								e.others(f.Name, f.Candidate.String())
							} else {
								stands[f.Name] = e.th.alias(f.Name)
							}
						}
						if release == 0 {
							letGo()
							for name, held := range stands {
								if now := e.th.alias(name); now != held {
									e.th.t.Errorf("the run ended %s, and then a late request moved %s from %s to %s", o.Kind, name, held, now)
								}
							}
							e.converge()
							return
						}
						e.th.network.disturb(&disturbance{nth: release, do: first(letGo)})
						e.req = e.way.newer(e.th, e.req)
						e.run(e.th.t.Context(), e.req)
						letGo()
						e.converge()
					}})
				}
			}
		}
		return list
	})
}

// interrupt sends the signal.
func (e *episode) interrupt(cancel context.CancelCauseFunc) {
	if e.told.IsZero() {
		e.told = time.Now()
	}
	cancel(errors.New("interrupt"))
}
