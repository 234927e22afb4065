package promotion_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/endpoint"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
)

// allowed is how long a run may go on after it was told to stop: a container is killed soon after.
const allowed = 6 * time.Second

// interrupted runs a request and sends it a signal that long after its beginning. It returns how long the run went on
// after that.
func (th *theatre) interrupted(req promotion.Request, after time.Duration) (promotion.Outcome, time.Duration) {
	th.t.Helper()
	ctx, cancel := context.WithCancelCause(th.t.Context())
	defer cancel(nil)
	var told time.Time
	signal := time.AfterFunc(after, func() { told = time.Now(); cancel(errors.New("interrupt")) })
	defer signal.Stop()
	o := th.runner.Run(ctx, req)
	if told.IsZero() {
		return o, 0
	}
	return o, time.Since(told)
}

func manyNames(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("fn-%03d", i)
	}
	return list
}

func TestSignals(t *testing.T) {
	play(t, "a signal while aliases are being put back ends the run in time all the same", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.runner.Parallel = 1
		names := []string{"a", "b", "c"}
		th.functions("old", names...)
		req := th.request("new", names...)
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 3, do: refuse(403, "AccessDeniedException")})
		for n := 4; n < 40; n++ {
			th.network.disturb(&disturbance{operation: "UpdateAlias", nth: n, do: swallowed})
		}
		o, went := th.interrupted(req, time.Second)
		expect(t, o, promotion.NeedsAttention, promotion.ReasonUnproved)
		if went == 0 || went > allowed {
			t.Errorf("it went on for %s", went)
		}
	})
	play(t, "a signal while routes are being made ends the run in time", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		req := th.request("new", "checkout")
		th.endpoints(&req)
		th.network.disturb(&disturbance{operation: "POST /v2/apis/*/integrations", nth: 1, do: swallowed})
		o, went := th.interrupted(req, time.Second)
		expect(t, o, promotion.Promoted, promotion.ReasonVerified)
		if went == 0 || went > allowed {
			t.Errorf("it went on for %s", went)
		}
		if len(o.Warnings) != 1 || !strings.Contains(o.Warnings[0].What, "routes") {
			t.Errorf("warnings: %v", o.Warnings)
		}
	})
	play(t, "one answer that never comes on the way home does not keep an alias from home", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.runner.Parallel = 1
		th.functions("old", "a", "b")
		req := th.request("new", "a", "b")
		ctx, cancel := context.WithCancelCause(t.Context())
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 1, do: first(func() { cancel(errors.New("interrupt")) })})
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 2, do: swallowed})
		began := time.Now()
		o := th.runner.Run(ctx, req)
		expect(t, o, promotion.RolledBack, promotion.ReasonInterrupted)
		if took := time.Since(began); took > allowed {
			t.Errorf("it went on for %s", took)
		}
		if th.alias("a") != "1" || th.alias("b") != "1" {
			t.Errorf("a holds %s, b holds %s", th.alias("a"), th.alias("b"))
		}
	})

	play(t, "a signal, and no network any more: the run ends in time and says what is not proved", sandbox.Options{}, func(t *testing.T, th *theatre) {
		names := []string{"a", "b", "c"}
		th.functions("old", names...)
		th.runner.Parallel = 1
		req := th.request("new", names...)
		ctx, cancel := context.WithCancelCause(t.Context())
		var told time.Time
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 2, do: func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			told = time.Now()
			cancel(errors.New("interrupt"))
			th.network.lose(true)
			return swallowed(r, send)
		}})
		o := th.runner.Run(ctx, req)
		expect(t, o, promotion.NeedsAttention, promotion.ReasonUnproved)
		if went := time.Since(told); went > allowed {
			t.Errorf("it went on for %s", went)
		}
		for i, want := range []promotion.Fate{promotion.FateUnknown, promotion.FateUnknown, promotion.FateKept} {
			if f := o.Functions[i]; f.Fate != want || len(f.Commands) == 0 && want == promotion.FateUnknown {
				t.Errorf("%s is said to be %s, with %v", f.Name, f.Fate, f.Commands)
			}
		}
	})

	// Forty functions under AWS's own quota, while they are deployed and at moments of their move. An AWS that takes a
	// second and a half for an answer leaves no time to bring all of them home; then that is said.
	for latency, moments := range map[time.Duration][]time.Duration{
		40 * time.Millisecond:   {2000, 8300, 9000, 9600, 10300, 10900},
		400 * time.Millisecond:  {2000, 9600, 10300, 10900, 11600},
		1500 * time.Millisecond: {14000, 15500, 17000},
	} {
		for _, after := range moments {
			after *= time.Millisecond
			play(t, fmt.Sprintf("forty functions, latency %s, a signal after %s", latency, after), sandbox.Options{Latency: latency, RateLimit: 15}, func(t *testing.T, th *theatre) {
				names := manyNames(40)
				th.functions("old", names...)
				th.quota(10)
				time.Sleep(2 * time.Second) // AWS's bucket fills again
				o, went := th.interrupted(th.request("new", names...), after)
				if went > allowed {
					t.Errorf("it went on for %s", went)
				}
				t.Logf("after %s: %s (%s) within %s: %s", after, o.Kind, o.Reason, went.Round(10*time.Millisecond), o.Sentence)
				slow := latency > time.Second
				if o.Kind != promotion.Promoted && o.Kind != promotion.RolledBack && o.Kind != promotion.Failed && !(slow && o.Kind == promotion.NeedsAttention) {
					t.Errorf("it ended %s: %s %v", o.Kind, o.Sentence, o.Faults)
				}
				for _, f := range o.Functions {
					got, moved := th.alias(f.Name), f.Fate == promotion.FateMoved
					if f.Fate == promotion.FateUnknown && slow {
						continue
					}
					if moved != (o.Kind == promotion.Promoted) || got != map[bool]string{true: "2", false: "1"}[moved] {
						t.Errorf("%s is said to be %s, and holds %s", f.Name, f.Fate, got)
					}
				}
			})
		}
	}
}

// endpoints gives the request endpoints, with what mode setup makes of them.
func (th *theatre) endpoints(req *promotion.Request) {
	th.t.Helper()
	cfg := th.cloud.AWS()
	cfg.HTTPClient = &http.Client{Transport: th.network}
	th.runner.Routes = endpoint.New(apigatewayv2.NewFromConfig(cfg), lambda.NewFromConfig(cfg))
	req.Endpoints = &promotion.Endpoints{API: "shop", Latest: promotion.AuthIAM, Environment: promotion.AuthNone, Functions: req.Functions}
	if o := th.runner.Setup(th.t.Context(), *req); o.Kind != promotion.SetUp {
		th.t.Fatalf("setup ended %s: %v", o.Kind, o.Faults)
	}
}

func TestFewCallsASecond(t *testing.T) {
	play(t, "sixty functions at two calls a second are promoted", sandbox.Options{Latency: 40 * time.Millisecond}, func(t *testing.T, th *theatre) {
		names := manyNames(60)
		th.functions("old", names...)
		th.quota(2)
		o := th.run(th.request("new", names...))
		expect(t, o, promotion.Promoted, promotion.ReasonVerified)
		if len(o.Warnings) > 0 {
			t.Errorf("%d warnings, the first: %v", len(o.Warnings), o.Warnings[0])
		}
	})
	play(t, "the last of two hundred flips is refused: all go back under AWS's quota", sandbox.Options{Latency: 40 * time.Millisecond, RateLimit: 15}, func(t *testing.T, th *theatre) {
		names := manyNames(200)
		th.functions("old", names...)
		th.quota(10)
		req := th.request("new", names...)
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 200, do: refuse(403, "AccessDeniedException")})
		o := th.run(req)
		expect(t, o, promotion.RolledBack, promotion.ReasonMoveFailed)
		for _, n := range names {
			if got := th.alias(n); got != "1" {
				t.Errorf("%s holds %s", n, got)
			}
		}
	})
}

func TestWhatAWSDoesByItself(t *testing.T) {
	play(t, "weights that AWS sets while it warms the new version up are waited for", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		th.fault(sandbox.Fault{Kind: sandbox.TransientWeights, Operation: "UpdateAlias", Lasts: 3 * time.Second})
		o := th.run(th.request("new", "checkout"))
		expect(t, o, promotion.Promoted, promotion.ReasonVerified)
		if got := th.alias("checkout"); got != "2" {
			t.Errorf("the alias holds %s", got)
		}
	})
	play(t, "they are no obstacle on the way back", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.runner.Parallel = 1
		th.functions("old", "a", "b")
		th.fault(sandbox.Fault{Kind: sandbox.TransientWeights, Operation: "UpdateAlias", Resource: "a", Lasts: time.Hour})
		th.network.disturb(&disturbance{operation: "UpdateAlias", function: "b", nth: 1, do: refuse(403, "AccessDeniedException")})
		o := th.run(th.request("new", "a", "b"))
		expect(t, o, promotion.RolledBack, promotion.ReasonMoveFailed)
		if a, b := th.alias("a"), th.alias("b"); a != "1" || b != "1" {
			t.Errorf("a holds %s, b holds %s", a, b)
		}
	})
}

// fault arms a fault of the sandbox.
func (th *theatre) fault(f sandbox.Fault) string {
	th.t.Helper()
	id, err := th.cloud.Server().Fault(f)
	if err != nil {
		th.t.Fatal(err)
	}
	return id
}

func TestSomebodyElse(t *testing.T) {
	play(t, "an alias that was sent to $LATEST before the flip is a conflict", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 1, do: first(func() { th.point("checkout", "$LATEST") })})
		o := th.run(th.request("new", "checkout"))
		expect(t, o, promotion.ConflictFound, promotion.ReasonAliasMoved)
		if got := th.alias("checkout"); got != "$LATEST" {
			t.Errorf("theirs was overwritten: %s", got)
		}
	})
	play(t, "an alias that was sent to $LATEST right after the flip is told", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		th.network.disturb(&disturbance{operation: "GetAlias", nth: 2, do: first(func() { th.point("checkout", "$LATEST") })})
		expect(t, th.run(th.request("new", "checkout")), promotion.ConflictFound, promotion.ReasonReadBack)
	})
	play(t, "an alias that was sent to $LATEST is left alone on the way back", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.runner.Parallel = 1
		th.functions("old", "a", "b")
		th.network.disturb(&disturbance{operation: "UpdateAlias", function: "b", nth: 1, do: func(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			th.point("a", "$LATEST")
			return reply(r, 403, "AccessDeniedException"), nil
		}})
		o := th.run(th.request("new", "a", "b"))
		expect(t, o, promotion.NeedsAttention, promotion.ReasonUnproved)
		if f := o.Functions[0]; f.Fate != promotion.FateForeign || th.alias("a") != "$LATEST" {
			t.Errorf("a is %s and holds %s", f.Fate, th.alias("a"))
		}
	})
	play(t, "a configuration that was changed before the upload is told as the candidate has it", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		th.network.disturb(&disturbance{operation: "UpdateFunctionCode", nth: 1, do: first(func() { th.configure("checkout") })})
		o := th.run(th.request("new", "checkout"))
		expect(t, o, promotion.Promoted, promotion.ReasonVerified)
		if c := o.Functions[0].Changes; len(c) != 1 || c[0].Field != "Environment.FOREIGN" || !strings.Contains(th.answer("checkout"), "FOREIGN") {
			t.Errorf("the changes are told as %v, and the alias answers %s", c, th.answer("checkout"))
		}
	})
	play(t, "a configuration that was changed before what something else deployed was published is a conflict", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		th.upload("checkout", "new")
		th.network.disturb(&disturbance{operation: "PublishVersion", nth: 1, do: first(func() { th.configure("checkout") })})
		o := th.run(th.requestFor(promotion.Artifact{Kind: promotion.ArtifactNone}, "checkout"))
		expect(t, o, promotion.ConflictFound, promotion.ReasonCodeMoved)
		if !strings.Contains(o.Faults[0].What, "Environment.FOREIGN") || th.alias("checkout") != "1" {
			t.Errorf("faults %v, and the alias holds %s", o.Faults, th.alias("checkout"))
		}
	})
	play(t, "a candidate that was deleted is named", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 1, do: first(func() { th.deleteVersion("checkout", "2") })})
		o := th.run(th.request("new", "checkout"))
		expect(t, o, promotion.Failed, promotion.ReasonMoveFailed)
		if !strings.Contains(o.Faults[0].What, "version 2") {
			t.Errorf("the version is not named: %v", o.Faults)
		}
	})
	play(t, "a stable version that was deleted meanwhile is named", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.runner.Parallel = 1
		th.functions("old", "a", "b")
		th.network.disturb(&disturbance{operation: "UpdateAlias", function: "b", nth: 1, do: func(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			th.deleteVersion("a", "1")
			return reply(r, 403, "AccessDeniedException"), nil
		}})
		o := th.run(th.request("new", "a", "b"))
		expect(t, o, promotion.NeedsAttention, promotion.ReasonUnproved)
		if f := o.Functions[0]; th.alias("a") != "2" || !strings.Contains(fmt.Sprint(o.Faults), "version 1") {
			t.Errorf("a is %s and holds %s: %v", f.Fate, th.alias("a"), o.Faults)
		}
	})
}

// configure changes the environment of $LATEST as somebody else would.
func (th *theatre) configure(function string) {
	if _, err := th.cloud.Lambda().UpdateFunctionConfiguration(context.Background(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String(function), Environment: &types.Environment{Variables: map[string]string{"FOREIGN": "yes"}},
	}); err != nil {
		th.t.Errorf("change the configuration of %s as somebody else: %v", function, err)
	}
}

func (th *theatre) deleteVersion(function, version string) {
	if _, err := th.cloud.Lambda().DeleteFunction(context.Background(), &lambda.DeleteFunctionInput{FunctionName: aws.String(function), Qualifier: aws.String(version)}); err != nil {
		th.t.Errorf("delete version %s of %s as somebody else: %v", version, function, err)
	}
}

func TestNothingIsPromotedOnNoAnswer(t *testing.T) {
	play(t, "checks of functions that are not in the release verify nothing", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		req := th.request("new", "checkout")
		req.Checks = []promotion.Check{invokes("somebody-else")}
		o := th.run(req)
		if o.Kind == promotion.Promoted || th.alias("checkout") != "1" {
			t.Errorf("it ended %s, checks %+v, and the alias holds %s", o.Kind, o.Checks, th.alias("checkout"))
		}
	})
}

// A panicking adapter is what a defect looks like: the effect may be there, and the news of it is not.
type panicking struct {
	promotion.Aliases
	on, at int
	moves  *int
}

func (p panicking) Move(ctx context.Context, name, alias string, revision promotion.Revision, v promotion.Version) (promotion.Routing, error) {
	*p.moves++
	after, err := p.Aliases.Move(ctx, name, alias, revision, v)
	if *p.moves >= p.on && *p.moves <= p.at {
		panic("a defect")
	}
	return after, err
}

func TestDefects(t *testing.T) {
	play(t, "a panic after the effect of a move is gone back from", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.runner.Parallel = 1
		th.functions("old", "a", "b")
		th.runner.Aliases = panicking{Aliases: th.runner.Aliases, on: 2, at: 2, moves: new(int)}
		o := th.run(th.request("new", "a", "b"))
		expect(t, o, promotion.RolledBack, promotion.ReasonMoveFailed)
		if th.alias("a") != "1" || th.alias("b") != "1" {
			t.Errorf("a holds %s, b holds %s", th.alias("a"), th.alias("b"))
		}
		if !strings.Contains(fmt.Sprint(o.Faults), "a defect") {
			t.Errorf("the defect is not told: %v", o.Faults)
		}
	})
	play(t, "a panic on the way back is no success", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.runner.Parallel = 1
		th.functions("old", "a", "b")
		th.runner.Aliases = panicking{Aliases: th.runner.Aliases, on: 3, at: 3, moves: new(int)}
		th.network.disturb(&disturbance{operation: "UpdateAlias", function: "b", nth: 1, do: refuse(403, "AccessDeniedException")})
		o := th.run(th.request("new", "a", "b"))
		expect(t, o, promotion.NeedsAttention, promotion.ReasonUnproved)
		if o.Functions[0].Fate != promotion.FateUnknown {
			t.Errorf("a is said to be %s", o.Functions[0].Fate)
		}
	})
}
