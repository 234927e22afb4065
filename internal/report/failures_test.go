package report_test

import (
	"fmt"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// failures are the stories that end badly, and the odd ones.
func failures() []story {
	const run, s = promotion.ModeRun, time.Second
	var list []story
	tell := func(name string, o promotion.Outcome) { list = append(list, story{name, o}) }
	two := func(k promotion.Kind, reason promotion.Reason, sentence string, functions ...promotion.FunctionOutcome) promotion.Outcome {
		o := outcome(k, reason, request(run, "checkout", "payments"), 14*s, sentence)
		if functions != nil {
			o.Functions = functions
		}
		return o
	}

	input := promotion.Outcome{Kind: promotion.Refused, Reason: promotion.ReasonBadInput, Sentence: "the input has 4 faults; no call was made", Started: began, Finished: began.Add(3 * time.Millisecond)}
	input.Faults = []promotion.Fault{
		{Where: promotion.Where{Input: "environment"}, What: "there is no environment \"production\"", Accepted: "preprod, prod", Hint: "did you mean prod?"},
		{Where: at(3), What: "functions.checkout: unknown key \"artefact\"", Accepted: "artifact, candidate, expect-sha256, name, path", Hint: "did you mean artifact?"},
		{Where: promotion.Where{File: "promote.yaml", Line: 14, Column: 23}, What: "verify[1].http.expect.json: `.version = \"1\"` is not a jq expression", Detail: "unexpected token \"=\"", Hint: "jq compares with `==`"},
		{Where: promotion.Where{Input: "--api-rate"}, What: "200 is out of range", Accepted: "1 to 100 calls a second, which is this run's share of the quota that everything in the account shares"},
	}
	tell("refused-bad-input", input)

	noCheck := outcome(promotion.Refused, promotion.ReasonNoCheck, request(run, "checkout"), 0, "no check is configured; no call was made")
	noCheck.Faults = []promotion.Fault{{
		Where: promotion.Where{Input: "verify"}, What: "no check is configured for these functions, so there is nothing to stake a promotion on",
		Accepted: "at least one check under `verify`, or `verify: none`, which every report shows",
		Hint:     "the smallest check is `- invoke: {function: NAME}`: the candidate has to answer without an error",
	}}
	tell("refused-no-check", noCheck)

	job := outcome(promotion.Refused, promotion.ReasonJobFailed, request(run, "checkout"), 0, "the job is not green, so nothing is promoted; no call was made")
	job.Faults = []promotion.Fault{{
		Where: promotion.Where{Input: "job-status"}, What: "the job is not green: its status is failure",
		Hint: "a step with `if: always()` runs after red tests too; remove the condition, or let the tests pass",
	}}
	tell("refused-job-not-green", job)

	weights := two(promotion.Refused, promotion.ReasonPlanRefused, "what was found does not allow a promotion to prod; nothing was changed", kept("checkout", 41, 0), kept("payments", 17, 0))
	weights.Faults = []promotion.Fault{{
		Where: at(6), What: "alias live of shop-checkout carries weights (version 41, 10% to version 42): somebody's rollout is in progress",
		Hint: "let that rollout finish, or end it: `aws lambda update-alias --region eu-west-1 --function-name shop-checkout --name live --function-version 41 --routing-config 'AdditionalVersionWeights={}' --revision-id 5f0c9a3e-7a41-4c1c-9d2b-0e6f1a2b3c4d`",
	}}
	tell("refused-weights", weights)

	account := two(promotion.Failed, promotion.ReasonNoAccount, "the AWS account could not be opened; nothing was changed")
	account.Faults = []promotion.Fault{{
		What:   "the role cannot be assumed: AWS does not accept GitHub's identity token for it",
		Hint:   "the role's trust policy has to name this repository; for the environment prod the subject is repo:octo-org/shop:environment:prod; https://docs.github.com/actions/reference/security/oidc shows how",
		Detail: "Not authorized to perform sts:AssumeRoleWithWebIdentity",
	}}
	tell("account-not-opened", account)

	read := two(promotion.Failed, promotion.ReasonReadFailed, "what is live could not be read; nothing was changed")
	for _, f := range []string{"checkout", "payments"} {
		read.Faults = append(read.Faults, promotion.Fault{What: "read $LATEST of shop-" + f + ": there is no such function in eu-west-1", Hint: "is the region right, and has the function been created?"})
	}
	tell("read-failed", read)

	deploy := two(promotion.Failed, promotion.ReasonDeployFailed, "not every candidate could be deployed; no alias was moved", kept("checkout", 41, 42), kept("payments", 17, 0))
	deploy.Faults = []promotion.Fault{{What: "await version 18 of shop-payments: its creation failed", Detail: "SubnetOutOfIPAddresses: Lambda was not able to create an ENI", Hint: "free addresses in the subnet, or give the function another one"}}
	tell("deploy-failed", deploy)

	red := two(promotion.VerificationFailed, promotion.ReasonCheckFailed, "2 checks of 4 did not pass; prod was not touched", kept("checkout", 41, 42), kept("payments", 17, 18))
	red.Checks = []promotion.CheckResult{
		passed("invoke checkout", "checkout", 42, 120*time.Millisecond),
		{Check: "payments answers", Function: "payments", Version: 18, Verdict: promotion.Fail, Duration: 640 * time.Millisecond, Attempts: 1, Where: at(12),
			Reason: "the status is 500 Internal Server Error; expected 200",
			Evidence: []promotion.Evidence{{Name: "took", Text: "640 ms"}, {Name: "status", Text: "500 Internal Server Error"}, {Name: "header content-type", Text: "application/json"},
				{Name: "body", Text: "{\n  \"error\": \"connection refused\",\n  \"host\": \"db.internal\"\n}\n"},
				{Name: "log tail", Text: "START RequestId: 7d1c\n" + "panic: runtime error: invalid memory address or nil pointer dereference, goroutine 1 [running], main.handler(0xc000012345)\nEND RequestId: 7d1c\n"}}},
		{Check: "GET {{.Endpoint.latest}}/mail", Verdict: promotion.Inconclusive, Duration: 30 * s, Attempts: 11, Where: at(19),
			Reason: "GET https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/shop/latest/mail: there was no answer within 5s (asked 11 times within 30s)", Hint: "is the function in a VPC without a way out?"},
		{Check: "invoke mail", Function: "mail", Skipped: "the function is unchanged: it was verified when it was promoted"},
	}
	for _, c := range red.Checks[1:3] {
		red.Faults = append(red.Faults, promotion.Fault{Where: c.Where, What: fmt.Sprintf("check %q: %s", c.Check, c.Reason), Hint: c.Hint})
	}
	tell("verification-failed", red)

	void := two(promotion.VerificationFailed, promotion.ReasonEvidenceVoid, "the evidence is void: $LATEST moved while checks went through it; prod was not touched", kept("checkout", 41, 42), kept("payments", 17, 18))
	void.Checks = []promotion.CheckResult{
		passed("invoke checkout", "checkout", 42, 120*time.Millisecond),
		{Check: "GET {{.Endpoint.latest}}/health", Verdict: promotion.Inconclusive, Reason: "void: $LATEST of shop-checkout moved while checks went through it", Duration: 2 * s, Attempts: 1},
	}
	void.Faults = []promotion.Fault{{What: "$LATEST of shop-checkout moved while checks went through it", Hint: "another pipeline may be deploying the same function: run again; or ask the candidate by its number, with `via: invoke`"}}
	tell("evidence-void", void)

	broken := two(promotion.Failed, promotion.ReasonCheckBroken, "not every check could be asked; prod was not touched", kept("checkout", 41, 42), kept("payments", 17, 18))
	denied := errNoAccess
	denied.Where, denied.What = at(12), "check \"payments answers\" could not be asked: "+errNoAccess.What
	broken.Checks = []promotion.CheckResult{passed("invoke checkout", "checkout", 42, 120*time.Millisecond), {Check: "payments answers", Function: "payments", Version: 18, Err: errNoAccess, Where: at(12), Duration: 80 * time.Millisecond}}
	broken.Faults = []promotion.Fault{denied}
	tell("check-not-asked", broken)

	code := two(promotion.ConflictFound, promotion.ReasonCodeMoved, "code was changed by somebody else while it was being deployed; no alias was moved", kept("checkout", 41, 42), kept("payments", 17, 0))
	code.Faults = []promotion.Fault{{What: "$LATEST of shop-payments was changed by somebody else: expected code q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=, found code Zk3vLq9hTn2RcXw8sYb5uGd1eJf7oKp4mAi6tBv0xCs="}}
	tell("conflict-code", code)

	alias := two(promotion.ConflictFound, promotion.ReasonAliasMoved, "an alias of prod was changed by somebody else; 1 alias put back, theirs left alone",
		fated(moved("checkout", 41, 42), promotion.FateBack), fated(moved("payments", 17, 18), promotion.FateForeign, fmt.Sprintf(look, "payments")))
	alias.Checks = []promotion.CheckResult{passed("invoke checkout", "checkout", 42, 120*time.Millisecond)}
	alias.Faults = []promotion.Fault{{What: "alias live of shop-payments was changed by somebody else: expected version 17, found version 21"}}
	tell("conflict-alias", alias)

	after := two(promotion.ConflictFound, promotion.ReasonReadBack, "2 functions promoted, and then somebody else moved 1 alias", moved("checkout", 41, 42), fated(moved("payments", 17, 18), promotion.FateForeign, fmt.Sprintf(look, "payments")))
	after.Faults = []promotion.Fault{{What: "alias live of shop-payments was changed by somebody else: expected version 18, found version 21"}}
	tell("conflict-after", after)

	back := two(promotion.RolledBack, promotion.ReasonMoveFailed, "an alias could not be moved; 1 alias put back, prod holds what it held before", fated(moved("checkout", 41, 42), promotion.FateBack), kept("payments", 17, 18))
	back.Checks = []promotion.CheckResult{passed("invoke checkout", "checkout", 42, 120*time.Millisecond), passed("invoke payments", "payments", 18, 240*time.Millisecond)}
	back.Faults = []promotion.Fault{{What: "move alias live of shop-payments to version 18: the role may not lambda:UpdateAlias on arn:aws:lambda:eu-west-1:123456789012:function:shop-payments:live", Hint: "allow it in the role's policy; `promote setup` prints the whole policy"}}
	tell("rolled-back", back)

	stays := two(promotion.Failed, promotion.ReasonMoveFailed, "an alias could not be moved; 1 alias put back, and 1 alias created by this run stays at its verified candidate", fated(moved("checkout", 41, 42), promotion.FateBack), created("payments"), kept("mail", 3, 4))
	stays.Faults = []promotion.Fault{promotion.FaultOf(errTimeout)}
	tell("created-stays", stays)

	lost := two(promotion.NeedsAttention, promotion.ReasonUnproved, "an alias could not be moved, and not every alias of prod could be put back: the commands are in the report", fated(moved("checkout", 41, 42), promotion.FateBack),
		fated(moved("payments", 17, 18), promotion.FateUnknown, fmt.Sprintf(look, "payments"),
			"aws lambda update-alias --region eu-west-1 --function-name shop-payments --name live --function-version 17 --routing-config 'AdditionalVersionWeights={}' --revision-id REVISION-ID-OF-THE-FIRST-COMMAND"))
	lost.Faults = []promotion.Fault{promotion.FaultOf(errTimeout), {What: "putting alias live of shop-payments back: there was no answer within 20s"}}
	tell("needs-attention", lost)

	stopped := two(promotion.Failed, promotion.ReasonInterrupted, "interrupted (the job was cancelled); no alias was moved", kept("checkout", 41, 42), kept("payments", 17, 0))
	stopped.Faults = []promotion.Fault{{What: "await version 18 of shop-payments: interrupted (the job was cancelled)"}}
	tell("interrupted", stopped)

	setup := promotion.Outcome{Kind: promotion.SetUp, Reason: promotion.ReasonCreated, Sentence: "the endpoints of shop are set up", Request: request(promotion.ModeSetup, "checkout"), Started: began, Finished: began.Add(2 * s)}
	setup.Request.Environment, setup.Request.VerifyNone = promotion.Environment{Region: "eu-west-1"}, true
	setup.Endpoints = &promotion.EndpointState{Exists: true, LatestURL: "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/shop/latest", EnvironmentURL: "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/shop/"}
	tell("set-up", setup)

	tell("empty", promotion.Outcome{})
	return append(list, oddities()...)
}
