package promotion_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// play runs a test in virtual time.
func play(t *testing.T, name string, o sandbox.Options, test func(t *testing.T, th *theatre)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, newTheatre(t, o)) })
	})
}

var settling = sandbox.Options{UpdateTime: 2 * time.Second}

func TestOneFunction(t *testing.T) {
	play(t, "a first release creates the alias at its verified candidate", settling, func(t *testing.T, th *theatre) {
		th.cloud.Function("checkout", sandboxtest.Code{Name: "old"})
		o := th.run(th.request("new", "checkout"))
		expect(t, o, promotion.Promoted, promotion.ReasonVerified)
		if got := th.alias("checkout"); got != "1" {
			t.Errorf("the alias holds %s, expected the first version", got)
		}
		if f := o.Functions[0]; f.Fate != promotion.FateCreated || f.Previous != 0 || f.Candidate != 1 || len(o.Checks) != 1 {
			t.Errorf("reported as %+v with checks %v", f, o.Checks)
		}
	})

	play(t, "changed code is published, verified and promoted with few calls", settling, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		req := th.request("new", "checkout")
		th.cloud.ResetCalls()
		expect(t, th.run(req), promotion.Promoted, promotion.ReasonVerified)
		calls := th.cloud.Count("lambda")
		shared := 0
		for operation, n := range calls {
			if operation != "GetFunction" && operation != "Invoke" {
				shared += n
			}
		}
		t.Logf("Lambda calls for one changed function: %v; %d in the shared class", calls, shared)
		if shared > 4 {
			t.Errorf("%d calls in the class of 15 a second, expected at most 4: %v", shared, calls)
		}
		if !strings.Contains(th.answer("checkout"), `"new"`) {
			t.Errorf("the alias answers %s", th.answer("checkout"))
		}
	})

	play(t, "what is unchanged is read at most three times and not written", settling, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		req := th.request("new", "checkout")
		th.run(req)
		th.cloud.ResetCalls()
		o := th.run(req)
		expect(t, o, promotion.Unchanged, promotion.ReasonNoChange)
		calls := th.cloud.Count("lambda")
		t.Logf("Lambda calls for one unchanged function: %v", calls)
		if len(th.cloud.Calls()) > 3 || calls["GetFunction"]+calls["GetAlias"] != len(th.cloud.Calls()) {
			t.Errorf("calls for an unchanged function: %v", calls)
		}
		if o.Changed() {
			t.Error("an unchanged run calls itself changed")
		}
	})

	play(t, "an environment variable changed alone is promoted", settling, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		req := th.request("new", "checkout")
		th.run(req)
		if _, err := th.cloud.Lambda().UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
			FunctionName: aws.String("checkout"), Environment: &types.Environment{Variables: map[string]string{"COLOUR": "green"}},
		}); err != nil {
			t.Fatal(err)
		}
		o := th.run(req)
		expect(t, o, promotion.Promoted, promotion.ReasonVerified)
		if c := o.Functions[0].Changes; len(c) != 1 || c[0].Field != "Environment.COLOUR" || strings.Contains(fmt.Sprint(c), "green") {
			t.Errorf("the change is reported as %v", c)
		}
		if got := th.answer("checkout"); !strings.Contains(got, "green") {
			t.Errorf("the alias answers %s", got)
		}
	})

	play(t, "other code on $LATEST alone is drift and no change", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		req := th.request("old", "checkout")
		th.upload("checkout", "somebody else's")
		o := th.run(req)
		expect(t, o, promotion.Unchanged, promotion.ReasonNoChange)
		if o.Functions[0].Drift == "" || len(o.Warnings) != 1 {
			t.Errorf("no drift was reported: %+v", o)
		}
	})

	play(t, "an alias with weights is somebody's rollout", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		th.upload("checkout", "other")
		v2 := th.cloud.Publish("checkout")
		if _, err := th.cloud.Lambda().UpdateAlias(t.Context(), &lambda.UpdateAliasInput{FunctionName: aws.String("checkout"), Name: aws.String("prod"),
			RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{v2: 0.1}}}); err != nil {
			t.Fatal(err)
		}
		o := th.run(th.request("new", "checkout"))
		expect(t, o, promotion.Refused, promotion.ReasonPlanRefused)
		if !strings.Contains(o.Faults[0].Hint, "--routing-config") {
			t.Errorf("the remedy is missing: %+v", o.Faults)
		}
		if got := th.alias("checkout"); got != "1 with weights" {
			t.Errorf("the alias holds %s", got)
		}
	})
}

func TestRefusedBeforeAnyCall(t *testing.T) {
	play(t, "without a check", sandbox.Options{}, func(t *testing.T, th *theatre) {
		req := th.request("new", "checkout")
		req.Checks = nil
		expect(t, th.run(req), promotion.Refused, promotion.ReasonNoCheck)
		noCalls(t, th)
	})
	play(t, "after red tests", sandbox.Options{}, func(t *testing.T, th *theatre) {
		req := th.request("new", "checkout")
		req.JobStatus = "failure"
		expect(t, th.run(req), promotion.Refused, promotion.ReasonJobFailed)
		noCalls(t, th)
	})
	play(t, "but verify: none promotes, and says so", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		req := th.request("new", "checkout")
		req.Checks, req.VerifyNone = nil, true
		o := th.run(req)
		expect(t, o, promotion.Promoted, promotion.ReasonUnverified)
		if !strings.Contains(o.Sentence, "verify: none") {
			t.Errorf("the sentence hides it: %s", o.Sentence)
		}
	})
}

func noCalls(t *testing.T, th *theatre) {
	t.Helper()
	if th.network.requests > 0 {
		t.Errorf("%d calls were made: %v", th.network.requests, th.network.seen)
	}
}

func TestVerification(t *testing.T) {
	play(t, "one red check of twenty functions keeps every alias where it was", settling, func(t *testing.T, th *theatre) {
		var names []string
		for i := range 20 {
			names = append(names, fmt.Sprintf("fn-%02d", i))
		}
		th.functions("old", names...)
		req := th.request("new", names...)
		req.Checks[13].Invoke.JSON = ".code == \"never\""
		o := th.run(req)
		expect(t, o, promotion.VerificationFailed, promotion.ReasonCheckFailed)
		for _, n := range names {
			if th.alias(n) != "1" {
				t.Errorf("the alias of %s moved to %s", n, th.alias(n))
			}
		}
		if len(o.Checks) != 20 {
			t.Errorf("%d checks were reported, expected each of 20", len(o.Checks))
		}
	})

	play(t, "a check that cannot be asked is a failure and no verdict", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		th.network.disturb(&disturbance{operation: "Invoke", nth: 1, do: refuse(403, "AccessDeniedException")})
		expect(t, th.run(th.request("new", "checkout")), promotion.Failed, promotion.ReasonCheckBroken)
		if th.alias("checkout") != "1" {
			t.Error("the alias moved")
		}
	})

	play(t, "code that came and went during checks by URL voids their evidence", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		url := th.functionURL("checkout")
		intruded := false
		path := th.build(sandboxtest.Code{Name: "new", Handler: func(_ context.Context, in runner.Input) (runner.Output, error) {
			if !intruded {
				intruded = true
				th.upload("checkout", "intruder")
				th.upload("checkout", "new")
			}
			return runner.Output{Payload: []byte(`{"statusCode":200,"body":"fine"}`)}, nil
		}})
		req := th.requestFor(promotion.Artifact{Kind: promotion.ArtifactZip, Path: path}, "checkout")
		req.Checks = []promotion.Check{{Name: "by url", HTTP: &promotion.HTTPCheck{URL: promotion.Template(url), Within: 5 * time.Second}}}
		o := th.run(req)
		expect(t, o, promotion.VerificationFailed, promotion.ReasonEvidenceVoid)
		if !intruded || th.alias("checkout") != "1" {
			t.Errorf("intruded: %t, the alias holds %s", intruded, th.alias("checkout"))
		}
	})

	play(t, "checks by URL of a $LATEST that stands still are evidence", settling, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		req := th.request("new", "checkout")
		req.Checks = []promotion.Check{{Name: "by url", HTTP: &promotion.HTTPCheck{
			URL: promotion.Template(th.functionURL("checkout")), Within: 5 * time.Second, JSON: `.code == "new"`,
		}}}
		expect(t, th.run(req), promotion.Promoted, promotion.ReasonVerified)
	})

	play(t, "a function that no check names is told, and the whole set is asked", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout", "payments")
		req := th.request("new", "checkout", "payments")
		req.Checks = req.Checks[:1]
		o := th.run(req)
		expect(t, o, promotion.Promoted, promotion.ReasonVerified)
		if len(o.Warnings) != 1 || !strings.Contains(o.Warnings[0].What, "payments") {
			t.Errorf("warnings: %v", o.Warnings)
		}
	})

	play(t, "checks of unchanged functions are skipped where the changed ones have their own", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout", "payments")
		req := th.request("new", "checkout", "payments")
		req.Functions[1].Artifact.Path = th.build(sandboxtest.Code{Name: "old"})
		o := th.run(req)
		expect(t, o, promotion.Promoted, promotion.ReasonVerified)
		if o.Checks[0].Skipped != "" || o.Checks[1].Skipped == "" {
			t.Errorf("checks: %+v", o.Checks)
		}
	})
}

// functionURL gives $LATEST a public URL. Such a URL needs two permissions:
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html.
func (th *theatre) functionURL(name string) string {
	th.t.Helper()
	api := th.cloud.Lambda()
	for _, in := range []*lambda.AddPermissionInput{
		{StatementId: aws.String("url"), Action: aws.String("lambda:InvokeFunctionUrl"), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone},
		{StatementId: aws.String("function"), Action: aws.String("lambda:InvokeFunction"), InvokedViaFunctionUrl: aws.Bool(true)},
	} {
		in.FunctionName, in.Principal = aws.String(name), aws.String("*")
		if _, err := api.AddPermission(th.t.Context(), in); err != nil {
			th.t.Fatal(err)
		}
	}
	url, err := api.CreateFunctionUrlConfig(th.t.Context(), &lambda.CreateFunctionUrlConfigInput{FunctionName: aws.String(name), AuthType: types.FunctionUrlAuthTypeNone})
	if err != nil {
		th.t.Fatal(err)
	}
	return aws.ToString(url.FunctionUrl)
}

func TestCodeThatSomethingElseDeployed(t *testing.T) {
	none := promotion.Artifact{Kind: promotion.ArtifactNone}
	play(t, "$LATEST is published and promoted", settling, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		th.upload("checkout", "theirs")
		expect(t, th.run(th.requestFor(none, "checkout")), promotion.Promoted, promotion.ReasonVerified)
		if got := th.answer("checkout"); !strings.Contains(got, "theirs") {
			t.Errorf("the alias answers %s", got)
		}
	})
	play(t, "another pipeline's code between plan and publish is a conflict", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		th.upload("checkout", "ours")
		th.network.disturb(&disturbance{operation: "PublishVersion", nth: 1, do: first(func() { th.upload("checkout", "another pipeline's") })})
		o := th.run(th.requestFor(none, "checkout"))
		expect(t, o, promotion.ConflictFound, promotion.ReasonCodeMoved)
		if th.alias("checkout") != "1" {
			t.Errorf("the alias moved to %s", th.alias("checkout"))
		}
	})
	play(t, "the newest version is taken as it is", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		th.upload("checkout", "published")
		th.cloud.Publish("checkout")
		th.upload("checkout", "not published")
		newest := none
		newest.Candidate.Newest = true
		expect(t, th.run(th.requestFor(newest, "checkout")), promotion.Promoted, promotion.ReasonVerified)
		if got := th.answer("checkout"); !strings.Contains(got, `"published"`) {
			t.Errorf("the alias answers %s", got)
		}
		expect(t, th.run(th.requestFor(newest, "checkout")), promotion.Unchanged, promotion.ReasonNoChange)
	})
	play(t, "a digest that was not expected is refused", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.functions("old", "checkout")
		th.upload("checkout", "theirs")
		req := th.requestFor(none, "checkout")
		req.Functions[0].ExpectSHA256 = "bm90IHRoaXMgb25l"
		expect(t, th.run(req), promotion.Refused, promotion.ReasonPlanRefused)
	})
}

func TestFlippingMany(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	one := func(t *testing.T, what string, o sandbox.Options, test func(t *testing.T, th *theatre, req promotion.Request)) {
		play(t, what, o, func(t *testing.T, th *theatre) {
			th.runner.Parallel = 1
			th.functions("old", names...)
			test(t, th, th.request("new", names...))
		})
	}
	allAt := func(t *testing.T, th *theatre, version string) {
		t.Helper()
		for _, n := range names {
			if got := th.alias(n); got != version {
				t.Errorf("the alias of %s holds %s, expected %s", n, got, version)
			}
		}
	}

	one(t, "the third flip is refused: the two before it go back", sandbox.Options{}, func(t *testing.T, th *theatre, req promotion.Request) {
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 3, do: refuse(403, "AccessDeniedException")})
		o := th.run(req)
		expect(t, o, promotion.RolledBack, promotion.ReasonMoveFailed)
		allAt(t, th, "1")
	})
	one(t, "the third flip meets a foreign change: it is left alone, the others go back", sandbox.Options{}, func(t *testing.T, th *theatre, req promotion.Request) {
		th.upload("c", "foreign")
		foreign := th.cloud.Publish("c")
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 3, do: first(func() { th.point("c", foreign) })})
		o := th.run(req)
		expect(t, o, promotion.ConflictFound, promotion.ReasonAliasMoved)
		for _, n := range []string{"a", "b", "d", "e"} {
			if th.alias(n) != "1" {
				t.Errorf("the alias of %s holds %s", n, th.alias(n))
			}
		}
		if th.alias("c") != foreign {
			t.Errorf("the foreign change was overwritten: %s", th.alias("c"))
		}
		if !strings.Contains(o.Faults[0].What, "version 1") || !strings.Contains(o.Faults[0].What, "version "+foreign) {
			t.Errorf("both values belong into the report: %v", o.Faults)
		}
	})
	one(t, "the third flip took effect and answers 500: all are promoted", sandbox.Options{}, func(t *testing.T, th *theatre, req promotion.Request) {
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 3, do: after(500, "ServiceException")})
		expect(t, th.run(req), promotion.Promoted, promotion.ReasonVerified)
		allAt(t, th, "2")
	})
	one(t, "the third flip's answer is lost: all are promoted", sandbox.Options{}, func(t *testing.T, th *theatre, req promotion.Request) {
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 3, do: lost})
		expect(t, th.run(req), promotion.Promoted, promotion.ReasonVerified)
		allAt(t, th, "2")
	})
	one(t, "the third flip never answers and never lands: it is sent again", sandbox.Options{}, func(t *testing.T, th *theatre, req promotion.Request) {
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 3, do: swallowed})
		expect(t, th.run(req), promotion.Promoted, promotion.ReasonVerified)
		allAt(t, th, "2")
	})
	one(t, "no write of the third alias ever answers: the others go back, and it is said what to do", sandbox.Options{}, func(t *testing.T, th *theatre, req promotion.Request) {
		for n := range 30 {
			th.network.disturb(&disturbance{operation: "UpdateAlias", function: "c", nth: n + 1, do: swallowed})
		}
		o := th.run(req)
		expect(t, o, promotion.NeedsAttention, promotion.ReasonUnproved)
		allAt(t, th, "1")
		for _, f := range o.Functions {
			if f.Function == "c" && (f.Fate != promotion.FateUnknown || len(f.Commands) != 2) {
				t.Errorf("function c is reported as %+v", f)
			}
		}
	})
	one(t, "a touch that changed no value is no conflict", sandbox.Options{}, func(t *testing.T, th *theatre, req promotion.Request) {
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 3, do: first(func() { th.point("c", "1") })})
		expect(t, th.run(req), promotion.Promoted, promotion.ReasonVerified)
		allAt(t, th, "2")
	})
	one(t, "somebody moves an alias right after: it is told and left alone", sandbox.Options{}, func(t *testing.T, th *theatre, req promotion.Request) {
		th.network.disturb(&disturbance{operation: "GetAlias", function: "c", nth: 2, do: first(func() { th.point("c", "1") })})
		o := th.run(req)
		expect(t, o, promotion.ConflictFound, promotion.ReasonReadBack)
		if th.alias("c") != "1" || th.alias("a") != "2" {
			t.Errorf("a holds %s, c holds %s", th.alias("a"), th.alias("c"))
		}
	})
	one(t, "a foreign change after our flip is not written over on the way back", sandbox.Options{}, func(t *testing.T, th *theatre, req promotion.Request) {
		th.upload("a", "foreign")
		foreign := th.cloud.Publish("a")
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 3, do: func(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			th.point("a", foreign)
			return reply(r, 403, "AccessDeniedException"), nil
		}})
		o := th.run(req)
		expect(t, o, promotion.NeedsAttention, promotion.ReasonUnproved)
		if th.alias("a") != foreign || th.alias("b") != "1" {
			t.Errorf("a holds %s, b holds %s", th.alias("a"), th.alias("b"))
		}
	})
	one(t, "an alias that somebody else moved to the same version is not ours to put back", sandbox.Options{}, func(t *testing.T, th *theatre, req promotion.Request) {
		th.network.disturb(&disturbance{operation: "UpdateAlias", function: "b", nth: 1, do: first(func() { th.point("b", "2") })})
		th.network.disturb(&disturbance{operation: "UpdateAlias", function: "d", nth: 1, do: refuse(403, "AccessDeniedException")})
		expect(t, th.run(req), promotion.NeedsAttention, promotion.ReasonUnproved)
		if th.alias("a") != "1" || th.alias("b") != "2" {
			t.Errorf("a holds %s, b holds %s", th.alias("a"), th.alias("b"))
		}
	})
	one(t, "a signal in the middle sends home what has moved", sandbox.Options{}, func(t *testing.T, th *theatre, req promotion.Request) {
		ctx, cancel := context.WithCancelCause(t.Context())
		th.network.disturb(&disturbance{operation: "UpdateAlias", nth: 3, do: first(func() { cancel(fmt.Errorf("interrupt")) })})
		began := time.Now()
		o := th.runner.Run(ctx, req)
		expect(t, o, promotion.RolledBack, promotion.ReasonInterrupted)
		allAt(t, th, "1")
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("it took %s", took)
		}
	})

	play(t, "a created alias stays at its verified candidate when another flip fails", sandbox.Options{}, func(t *testing.T, th *theatre) {
		th.runner.Parallel = 1
		th.functions("old", "a")
		th.cloud.Function("b", sandboxtest.Code{Name: "old"})
		th.cloud.Function("c", sandboxtest.Code{Name: "old"})
		th.network.disturb(&disturbance{operation: "CreateAlias", function: "c", nth: 1, do: refuse(403, "AccessDeniedException")})
		o := th.run(th.request("new", "a", "b", "c"))
		expect(t, o, promotion.Failed, promotion.ReasonMoveFailed)
		if th.alias("a") != "1" || th.alias("b") != "1" || th.alias("c") != "none" {
			t.Errorf("a %s, b %s, c %s", th.alias("a"), th.alias("b"), th.alias("c"))
		}
		if o.Functions[1].Fate != promotion.FateCreated || !strings.Contains(o.Sentence, "stays") {
			t.Errorf("the created alias is not named: %s %+v", o.Sentence, o.Functions[1])
		}
	})
}
