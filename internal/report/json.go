package report

import (
	"encoding/json"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// JSON is the outcome for programs: one object as [Schema] describes it, indented, ending in a line break. policy is the
// IAM policy document that setup shows with its outcome, or nil.
func JSON(o promotion.Outcome, policy []byte) []byte {
	env := o.Request.Environment
	doc := outcomeDocument{
		Outcome: string(o.Kind), ExitCode: o.ExitCode(), ReasonCode: string(o.Reason), Message: o.Sentence,
		Mode: string(o.Request.Mode), ReleaseID: o.Request.Release, App: o.Request.App,
		Environment: env.Name, Alias: env.Alias, Region: env.Region, Commit: o.Request.Commit,
		Changed: o.Changed(), VerifyNone: o.Request.VerifyNone,
		Started: o.Started.UTC().Truncate(time.Millisecond), Seconds: seconds(o.Duration()),
		Functions: functionDocuments(o), Checks: checkDocuments(o.Checks),
		Faults: faultDocuments(o.Faults), Warnings: faultDocuments(o.Warnings),
	}
	doc.recorded(o)
	if json.Valid(policy) {
		doc.Policy = policy
	}
	if o.Endpoints != nil && o.Endpoints.Exists {
		doc.Endpoints = &endpointDocument{Latest: o.Endpoints.LatestURL, Environment: o.Endpoints.EnvironmentURL}
	}
	return indented(doc)
}

// recorded fills in what locks and ledger have to say.
func (doc *outcomeDocument) recorded(o promotion.Outcome) {
	doc.Repository, doc.Ref, doc.RunURL, doc.Actor, doc.Why = o.Request.Repository, o.Request.Ref, o.Request.RunURL, o.Request.Actor, o.Request.Reason
	doc.Waited, doc.Holder, doc.Repairs = seconds(o.Waited), holderOf(o.Holder), []repairDocument{}
	for _, r := range o.Repairs {
		repair := repairDocument{RunURL: r.Intent.Entry.RunURL, Commit: r.Intent.Entry.Source.Commit, Result: "undone", Functions: []string{}, Foreign: append([]string{}, r.Foreign...)}
		if r.Finished {
			repair.Result = "completed"
		}
		for _, m := range r.Intent.Entry.Moves {
			repair.Functions = append(repair.Functions, m.Function)
		}
		doc.Repairs = append(doc.Repairs, repair)
	}
	doc.Entry, doc.TakenBack = entryIfAny(o.Entry), entryIfAny(o.Previous)
	if o.Deposited != nil {
		doc.HeldUntil = o.Deposited.HeldUntil.UTC()
		if doc.ReleaseID == "" {
			doc.ReleaseID = o.Deposited.ID
		}
	}
}

func entryIfAny(e *promotion.Entry) *entryDocument {
	if e == nil {
		return nil
	}
	doc := entryOfHistory(*e)
	return &doc
}

func holderOf(h *promotion.Holder) *holderDocument {
	if h == nil {
		return nil
	}
	return &holderDocument{Repository: h.Repository, RunURL: h.RunURL, Actor: h.Actor, Commit: h.Commit, Stage: string(h.Stage), Since: h.Since.UTC()}
}

func functionDocuments(o promotion.Outcome) []functionDocument {
	list := []functionDocument{}
	for _, f := range o.Functions {
		changes := []changeDocument{}
		for _, d := range f.Changes {
			changes = append(changes, changeDocument(d))
		}
		list = append(list, functionDocument{
			Function: f.Function, Name: f.Name, Alias: o.Request.Environment.Alias, Action: string(f.Action), Result: string(f.Fate),
			Changed: f.Fate == promotion.FateMoved || f.Fate == promotion.FateCreated,
			Version: versionText(held(f)), PreviousVersion: versionText(f.Previous), Candidate: versionText(f.Candidate),
			Digest: string(f.Digest), PreviousDigest: string(f.PreviousDigest), ARN: f.ARN,
			Configuration: changes, Drift: f.Drift, Commands: f.Commands,
			PreviousCommit: f.PreviousSource.Commit, PreviousSize: f.PreviousSize, Size: f.Package.Size, Adopted: f.Adopted, Provenance: f.Provenance,
		})
	}
	return list
}

// held is the version that the function's alias holds now, as far as this run knows; 0 where it cannot know.
func held(f promotion.FunctionOutcome) promotion.Version {
	switch f.Fate {
	case promotion.FateMoved, promotion.FateCreated:
		return f.Candidate
	case promotion.FateForeign, promotion.FateUnknown:
		return 0
	}
	return f.Previous
}

func checkDocuments(checks []promotion.CheckResult) []checkDocument {
	list := []checkDocument{}
	for _, c := range checks {
		doc := checkDocument{
			Check: c.Check, Function: c.Function, Version: versionText(c.Version), Verdict: string(c.Verdict), Reason: c.Reason,
			Seconds: seconds(c.Duration), Attempts: c.Attempts,
		}
		if c.Tests != nil {
			tests := testsDocument(*c.Tests)
			doc.Tests = &tests
		}
		switch {
		case c.Skipped != "":
			doc.Verdict, doc.Reason = "skipped", c.Skipped
		case c.Err != nil:
			f := promotion.FaultOf(c.Err)
			f.Where = promotion.Where{} // the check's own
			doc.Verdict, doc.Reason = "error", f.Error()
		}
		if red(c) {
			for _, e := range c.Evidence {
				doc.Evidence = append(doc.Evidence, evidenceDocument(e))
			}
		}
		list = append(list, doc)
	}
	return list
}

func faultDocuments(faults []promotion.Fault) []faultDocument {
	list := []faultDocument{}
	for _, f := range faults {
		list = append(list, faultDocument{Where: f.Where.String(), What: f.What, Accepted: f.Accepted, Hint: f.Hint, Detail: f.Detail})
	}
	return list
}

func versionText(v promotion.Version) string {
	if v == 0 {
		return ""
	}
	return v.String()
}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }
