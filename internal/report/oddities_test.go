package report_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// hostile is text that does harm wherever it is not shown as it is.
const hostile = "@octocat fixes #1 GH-2 o/r#3 <img src=x onerror=alert(1)> [a](javascript:b) ![c](d) https://evil.example www.evil.example a@evil.example " +
	"| `x` ``y`` *b* _i_ ~~s~~ $x$ :tada: --> <!-- </details> ::error::e ##[add-mask]f \x1b[31m \u202edlrow \\ &lt; http://e.example/|\r\n::stop-commands::x\n\n# H\n- [ ] t\n```\n"

// oddities are texts that reports have to bear.
func oddities() []story {
	return []story{
		{"hostile", poisoned(hostile)},
		{"right-to-left", poisoned("تم الرفض: المستخدم 42 (admin) שלום")},
		{"unicode", poisoned("名前が無効です 👩‍💻 e\u0301tat Ⅷ ½ ﬁ नमस्ते")},
		{"long-names", longNames()},
		{"failed-200", landslide(2)},
	}
}

// poisoned is an outcome that has the text wherever text from outside can stand.
func poisoned(text string) promotion.Outcome {
	o := promotion.Outcome{
		Kind: promotion.NeedsAttention, Reason: promotion.ReasonUnproved, Sentence: text, Started: began, Finished: began.Add(time.Second),
		Request:   promotion.Request{Mode: promotion.ModeRun, App: text, Environment: promotion.Environment{Name: text, Alias: text + "x", Region: text}, Release: text, Commit: text, Actor: text},
		Endpoints: &promotion.EndpointState{Exists: true, LatestURL: text, EnvironmentURL: text},
	}
	f := moved("x", 1, 2)
	f.Function, f.Name, f.Digest, f.ARN, f.Drift, f.Package.Origin, f.Commands = text, text+"y", promotion.Digest(text), text, text, text, []string{text}
	f.Changes = []promotion.Difference{{Field: text, From: text, To: text}, {Field: "Handler", From: "a|b", To: "<b>"}}
	f.PreviousSource, f.Provenance, f.Adopted = promotion.Source{Repository: text, Commit: text}, "unproven", true
	entry := poisonedEntry(text)
	o.Entry, o.Previous, o.Waited = &entry, &entry, time.Minute
	o.Holder = &promotion.Holder{Repository: text, RunID: text, Attempt: text, RunURL: text, Actor: text, Commit: text, Stage: promotion.Stage(text), Since: began}
	o.Repairs = []promotion.Repair{{Intent: promotion.Intent{Entry: entry}, Foreign: []string{text, text}}}
	o.Deposited = &promotion.Release{ID: text, HeldUntil: began, Owner: promotion.Secret(text)}
	o.Request.Reason, o.Request.RunURL, o.Request.Attempt, o.Request.Repository, o.Request.Ref, o.Request.RepositoryID = text, text, text, text, text, text
	lost := fated(f, promotion.FateUnknown, text)
	o.Functions = []promotion.FunctionOutcome{f, lost}
	red := promotion.CheckResult{Check: text, Function: text, Version: 2, Verdict: promotion.Fail, Reason: text, Hint: text, Where: promotion.Where{File: text, Line: 1, Column: 1}, Attempts: 1,
		Evidence: []promotion.Evidence{{Name: text, Text: text}, {Name: "status", Text: "<200>"}, {Name: text, Text: longLog(2) + text}}}
	fault := promotion.Fault{Where: red.Where, What: fmt.Sprintf("check %q: %s", text, text), Hint: text}
	o.Checks = []promotion.CheckResult{red, {Check: text, Skipped: "not asked: " + text}, {Check: text, Function: text, Err: promotion.Fault{What: text}}}
	o.Faults = []promotion.Fault{fault, {Where: promotion.Where{Input: text}, What: text, Accepted: text, Hint: text, Detail: text}, promotion.FaultOf(fmt.Errorf("%s", text))}
	o.Warnings = []promotion.Fault{{Where: promotion.Where{Input: "-" + text}, What: text, Accepted: text, Hint: text + "`", Detail: text}}
	return o
}

// poisons are outcomes of several kinds in which all text is foreign.
func poisons(text string) []promotion.Outcome {
	grave := poisoned(text)
	var list []promotion.Outcome
	for _, k := range []struct {
		kind   promotion.Kind
		mode   promotion.Mode
		reason promotion.Reason
	}{
		{promotion.NeedsAttention, promotion.ModeRun, promotion.ReasonUnproved}, {promotion.Superseded, promotion.ModeRun, promotion.ReasonOlder},
		{promotion.Planned, promotion.ModePlan, promotion.ReasonChanges}, {promotion.Deployed, promotion.ModeDeploy, promotion.ReasonDeployed},
		{promotion.RolledBack, promotion.ModeRollback, promotion.ReasonAsked}, {promotion.Fenced, promotion.ModeRun, promotion.ReasonLockLost},
	} {
		o := grave
		o.Kind, o.Reason, o.Request.Mode = k.kind, k.reason, k.mode
		list = append(list, o)
	}
	return list
}

// poisonedContext has foreign text too, but for the server.
func poisonedContext(text string) report.Context {
	return report.Context{ServerURL: "https://github.com", Repository: text, Workflow: text, Steps: []report.ShiftStep{{Weight: 0.1, Baked: time.Minute, Verdict: promotion.Fail, Reason: text}}}
}

// poisonedEntry is an entry of a history in which all text is foreign.
func poisonedEntry(text string) promotion.Entry {
	return promotion.Entry{
		Number: 3, Kind: promotion.EntryRollback, At: began, Release: text, Source: promotion.Source{Repository: text, Commit: text}, Repository: text, Ref: text,
		RunID: text, Attempt: text, RunURL: text, Actor: text, Reason: text, Repaired: text, Unproved: text, Undoes: []uint64{2, 1},
		Moves:  []promotion.Recording{{Function: text, Name: text, From: 1, To: 2, FromDigest: promotion.Digest(text), Digest: promotion.Digest(text), FromSource: promotion.Source{Commit: text}}},
		Proofs: []promotion.Proof{{Check: text, Function: text, Version: 2, Verdict: promotion.Pass, Tests: &promotion.TestCounts{Tests: 2}}},
	}
}

func longNames() promotion.Outcome {
	key := strings.Repeat("recommendation-", 4) + "api"
	o := outcome(promotion.Promoted, promotion.ReasonVerified, request(promotion.ModeRun, key, "b"), 61*time.Second, "2 functions promoted to prod")
	long := moved(key, 1041, 1042)
	long.Package.Origin = "s3://a-bucket-of-artifacts-with-a-long-name/releases/2026/11/21/083000/" + key + ".zip"
	o.Functions = []promotion.FunctionOutcome{long, moved("b", 2, 3)}
	o.Checks = []promotion.CheckResult{
		passed("POST https://recommendations.shop.example.com/v1/customers/{id}/recommendations?limit=20&locale=en-GB&dry-run=true", key, 1042, 3*time.Second),
		passed("invoke b", "b", 3, 90*time.Millisecond),
	}
	return o
}

// landslide is a release of 200 functions in which every check is red, and each saw a log of so many lines.
func landslide(lines int) promotion.Outcome {
	var keys []string
	for i := range 200 {
		keys = append(keys, fmt.Sprintf("worker-%03d", i))
	}
	o := outcome(promotion.VerificationFailed, promotion.ReasonCheckFailed, request(promotion.ModeRun, keys...), 48*time.Second, "200 checks of 200 did not pass; prod was not touched")
	o.Functions = nil
	for i, k := range keys {
		v := promotion.Version(i + 1)
		o.Functions = append(o.Functions, kept(k, v, v+1))
		c := promotion.CheckResult{Check: "invoke " + k, Function: k, Version: v + 1, Verdict: promotion.Fail, Duration: time.Second, Attempts: 1, Where: at(10 + i),
			Reason: "the function failed with Runtime.ExitError; it has to succeed", Hint: "its log tells more", Evidence: []promotion.Evidence{{Name: "log tail", Text: longLog(lines)}}}
		o.Checks = append(o.Checks, c)
		o.Faults = append(o.Faults, promotion.Fault{Where: c.Where, What: fmt.Sprintf("check %q: %s", c.Check, c.Reason), Hint: c.Hint})
	}
	return o
}
