package report_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A story is an outcome that reports are made of.
type story struct {
	name    string
	outcome promotion.Outcome
}

var began = time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC)

func request(mode promotion.Mode, keys ...string) promotion.Request {
	r := promotion.Request{
		Mode: mode, App: "shop", Environment: promotion.Environment{Name: "prod", Alias: "live", Region: "eu-west-1"},
		Release: "20261121T083000Z-4f0c1d2-9b1e33aa", Commit: "4f0c1d2e5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d", Actor: "octocat",
		Repository: "octo-org/shop", Ref: "refs/heads/main", RunID: "4711", Attempt: "2", RunURL: "https://github.com/octo-org/shop/actions/runs/4711",
	}
	for _, k := range keys {
		r.Functions = append(r.Functions, promotion.Function{Key: k, Name: "shop-" + k})
	}
	return r
}

// outcome is one that took so long, with an entry for each function of the request.
func outcome(k promotion.Kind, reason promotion.Reason, r promotion.Request, took time.Duration, sentence string) promotion.Outcome {
	o := promotion.Outcome{Kind: k, Reason: reason, Sentence: sentence, Request: r, Started: began, Finished: began.Add(took)}
	for _, f := range r.Functions {
		o.Functions = append(o.Functions, promotion.FunctionOutcome{Function: f.Key, Name: f.Name, Fate: promotion.FateKept})
	}
	return o
}

const (
	oldCommit = "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b"
	oldDigest = promotion.Digest("Zk3vLq9hTn2RcXw8sYb5uGd1eJf7oKp4mAi6tBv0xCs=")
	newDigest = promotion.Digest("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=")
)

// moved is a function whose new code stands at the alias.
func moved(key string, from, to promotion.Version) promotion.FunctionOutcome {
	name := "shop-" + key
	return promotion.FunctionOutcome{
		Function: key, Name: name, Action: promotion.ActionMove, Method: promotion.MethodUpload, Fate: promotion.FateMoved,
		Previous: from, PreviousDigest: oldDigest, PreviousSize: 1_180_000, Candidate: to, Digest: newDigest, PreviousSource: promotion.Source{Commit: oldCommit},
		ARN:     fmt.Sprintf("arn:aws:lambda:eu-west-1:123456789012:function:%s:%s", name, to),
		Package: promotion.Package{Kind: promotion.ArtifactZip, Digest: newDigest, Size: 1_240_000, Origin: "dist/" + key + ".zip"},
		Commands: []string{fmt.Sprintf("aws lambda update-alias --region eu-west-1 --function-name %s --name live --function-version %s "+
			"--routing-config 'AdditionalVersionWeights={}' --revision-id 5f0c9a3e-7a41-4c1c-9d2b-0e6f1a2b3c4d", name, from)},
	}
}

// created is a function whose alias was made.
func created(key string) promotion.FunctionOutcome {
	f := moved(key, 0, 1)
	f.Action, f.Fate, f.PreviousDigest, f.PreviousSize, f.PreviousSource, f.Commands = promotion.ActionCreate, promotion.FateCreated, "", 0, promotion.Source{}, nil
	return f
}

// unchanged is a function that there was nothing to do for.
func unchanged(key string, v promotion.Version) promotion.FunctionOutcome {
	return promotion.FunctionOutcome{
		Function: key, Name: "shop-" + key, Action: promotion.ActionNone, Fate: promotion.FateKept, Previous: v, PreviousDigest: oldDigest, Digest: oldDigest,
		ARN: fmt.Sprintf("arn:aws:lambda:eu-west-1:123456789012:function:shop-%s:%s", key, v),
	}
}

// kept is a function whose alias did not move, though its candidate is there; 0 for none.
func kept(key string, from, candidate promotion.Version) promotion.FunctionOutcome {
	f := moved(key, from, candidate)
	f.Fate, f.Commands = promotion.FateKept, nil
	if candidate == 0 {
		f.ARN = ""
	}
	return f
}

func fated(f promotion.FunctionOutcome, fate promotion.Fate, commands ...string) promotion.FunctionOutcome {
	f.Fate, f.Commands = fate, commands
	return f
}

func passed(name, function string, v promotion.Version, took time.Duration) promotion.CheckResult {
	return promotion.CheckResult{Check: name, Function: function, Version: v, Verdict: promotion.Pass, Duration: took, Attempts: 1}
}

const look = "aws lambda get-alias --region eu-west-1 --function-name shop-%s --name live"

var driftWarning = promotion.Fault{
	Where: at(9), What: "shop-catalog: $LATEST holds other code (q83vEjRWeJCr) than version 7 (Zk3vLq9hTn2R), which alias live holds and which is wanted",
}

func at(line int) promotion.Where {
	return promotion.Where{File: "promote.yaml", Line: line, Column: 5}
}

func stories() []story {
	const run, plan = promotion.ModeRun, promotion.ModePlan
	var list []story
	tell := func(name string, o promotion.Outcome) { list = append(list, story{name, o}) }

	one := outcome(promotion.Promoted, promotion.ReasonVerified, request(run, "checkout"), 12300*time.Millisecond, "1 function promoted to prod")
	one.Functions = []promotion.FunctionOutcome{moved("checkout", 41, 42)}
	one.Checks = []promotion.CheckResult{passed("invoke checkout", "checkout", 42, 812*time.Millisecond)}
	tell("promoted", one)

	first := outcome(promotion.Promoted, promotion.ReasonVerified, request(run, "checkout", "payments"), 21*time.Second, "2 functions promoted to prod")
	first.Functions = []promotion.FunctionOutcome{created("checkout"), created("payments")}
	first.Checks = []promotion.CheckResult{passed("invoke checkout", "checkout", 1, 1812*time.Millisecond), passed("GET {{.Endpoint.latest}}/health", "", 0, 2*time.Second)}
	first.Endpoints = &promotion.EndpointState{Exists: true, LatestURL: "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/shop/latest", EnvironmentURL: "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/shop/prod"}
	tell("promoted-first", first)

	several := outcome(promotion.Promoted, promotion.ReasonVerified, request(run, "checkout", "payments", "catalog", "mail"), 95*time.Second, "3 functions promoted to prod")
	configured := moved("payments", 17, 18)
	configured.Digest, configured.Changes = oldDigest, []promotion.Difference{
		{Field: "Environment.DB_HOST", From: "fingerprint 0011223344556677", To: "fingerprint 8899aabbccddeeff"},
		{Field: "MemorySize", From: "128", To: "256"}, {Field: "DeadLetterConfig.TargetArn", To: "arn:aws:sqs:eu-west-1:123456789012:payments-dead-letters"},
		{Field: "Layers", From: "arn:aws:lambda:eu-west-1:123456789012:layer:tracing:4"}, {Field: "TracingConfig.Mode", From: "PassThrough", To: "Active"},
		{Field: "Timeout", From: "3", To: "10"},
	}
	published := moved("mail", 3, 4)
	published.Method, published.Package, published.Name = promotion.MethodPublish, promotion.Package{}, "mail-service"
	several.Functions = []promotion.FunctionOutcome{moved("checkout", 41, 42), configured, withDrift(unchanged("catalog", 7)), published}
	several.Checks = []promotion.CheckResult{
		passed("invoke checkout", "checkout", 42, 812*time.Millisecond),
		{Check: "payments answers", Function: "payments", Version: 18, Verdict: promotion.Pass, Duration: 12 * time.Second, Attempts: 5},
		{Check: "invoke catalog", Function: "catalog", Skipped: "the function is unchanged: it was verified when it was promoted"},
		passed("GET https://shop.example.com/mail/health", "", 0, 431*time.Millisecond),
	}
	several.Warnings = []promotion.Fault{driftWarning, {
		Where: at(11), What: "no check names mail: only the checks of other functions vouch for it",
		Hint: "the smallest check is `- invoke: {function: mail}`: the candidate has to answer without an error",
	}}
	tell("promoted-changed", several)

	tell("promoted-200", wholesale())

	bare := outcome(promotion.Promoted, promotion.ReasonUnverified, request(run, "checkout"), 4*time.Second, "1 function promoted to prod without verification (verify: none)")
	bare.Request.VerifyNone, bare.Functions = true, []promotion.FunctionOutcome{moved("checkout", 41, 42)}
	tell("promoted-verify-none", bare)

	same := outcome(promotion.Unchanged, promotion.ReasonNoChange, request(run, "checkout", "catalog"), 640*time.Millisecond, "prod already holds what is wanted: 2 functions unchanged")
	same.Functions = []promotion.FunctionOutcome{unchanged("checkout", 42), withDrift(unchanged("catalog", 7))}
	same.Warnings = []promotion.Fault{driftWarning}
	tell("unchanged-drift", same)

	late := outcome(promotion.Unchanged, promotion.ReasonNoChange, request(run, "checkout"), 5*time.Second, "prod already holds what was deployed: Lambda found nothing to publish")
	late.Functions = []promotion.FunctionOutcome{kept("checkout", 42, 42)}
	late.Checks = []promotion.CheckResult{passed("invoke checkout", "checkout", 42, 300*time.Millisecond)}
	tell("unchanged-after-all", late)

	planned := outcome(promotion.Planned, promotion.ReasonChanges, request(plan, "checkout", "payments", "catalog", "mail"), 900*time.Millisecond, "3 functions of 4 would be promoted to prod; nothing was changed")
	adopted := kept("mail", 3, 9)
	adopted.Method, adopted.Package = promotion.MethodAdopt, promotion.Package{}
	planned.Functions = []promotion.FunctionOutcome{kept("checkout", 41, 0), fated(created("payments"), promotion.FateKept), unchanged("catalog", 7), adopted}
	planned.Functions[1].Candidate = 0
	tell("planned", planned)

	again := outcome(promotion.Unchanged, promotion.ReasonNoChange, request(plan, "checkout"), 500*time.Millisecond, "prod already holds what is wanted: 1 function unchanged")
	again.Functions = []promotion.FunctionOutcome{unchanged("checkout", 42)}
	tell("planned-nothing", again)

	list = append(list, lockStories()...)
	list = append(list, roadStories()...)
	return append(list, failures()...)
}

func withDrift(f promotion.FunctionOutcome) promotion.FunctionOutcome {
	f.Drift = "$LATEST holds other code (q83vEjRWeJCr) than version 7 (Zk3vLq9hTn2R), which alias live holds and which is wanted"
	return f
}

// wholesale is a release of 200 functions of which three change, each with a check.
func wholesale() promotion.Outcome {
	var keys []string
	for i := range 200 {
		keys = append(keys, fmt.Sprintf("worker-%03d", i))
	}
	o := outcome(promotion.Promoted, promotion.ReasonVerified, request(promotion.ModeRun, keys...), 48*time.Second, "3 functions promoted to prod")
	o.Functions = nil
	for i, k := range keys {
		v := promotion.Version(i + 1)
		skipped := promotion.CheckResult{Check: "invoke " + k, Function: k, Skipped: "the function is unchanged: it was verified when it was promoted"}
		if i%67 == 20 {
			o.Functions = append(o.Functions, moved(k, v, v+1))
			o.Checks = append(o.Checks, passed("invoke "+k, k, v+1, time.Duration(i)*time.Millisecond))
			continue
		}
		o.Functions, o.Checks = append(o.Functions, unchanged(k, v)), append(o.Checks, skipped)
	}
	return o
}

var errNoAccess = promotion.Fault{
	What: "invoke version 18 of shop-payments: the role may not lambda:InvokeFunction on arn:aws:lambda:eu-west-1:123456789012:function:shop-payments:18",
	Hint: "allow lambda:InvokeFunction on it in the role's policy; `promote setup` prints the whole policy",
	Detail: "User: arn:aws:sts::123456789012:assumed-role/release-prod/promote is not authorized to perform: lambda:InvokeFunction on resource: " +
		"arn:aws:lambda:eu-west-1:123456789012:function:shop-payments:18 because no identity-based policy allows the lambda:InvokeFunction action",
}

var errTimeout = errors.New("move alias live of shop-payments to version 18: there was no answer within 20s")

// longLog is a log tail of so many lines.
func longLog(lines int) string {
	return strings.Repeat("2026-11-21T08:30:07Z worker: retrying the connection to the database, attempt after attempt, until somebody looks at it\n", lines)
}
