package report_test

import (
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

const newerCommit = "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c"

// rival is another run, that holds what this one wants.
func rival() *promotion.Holder {
	return &promotion.Holder{
		Repository: "octo-org/shop", RunID: "4712", Attempt: "1", RunURL: "https://github.com/octo-org/shop/actions/runs/4712", Actor: "hubot",
		Commit: newerCommit, Stage: promotion.StagePromote, Since: began.Add(-18 * time.Minute),
	}
}

// recorded is what the history says of what happened to functions.
func recorded(number uint64, kind promotion.EntryKind, functions ...promotion.FunctionOutcome) *promotion.Entry {
	e := &promotion.Entry{
		Number: number, Kind: kind, At: began.Add(10 * time.Second), Fence: 70 + number, Release: "20261121T083000Z-4f0c1d2-9b1e33aa",
		Source: promotion.Source{Repository: "99", Commit: "4f0c1d2e5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d"}, Repository: "octo-org/shop", Ref: "refs/heads/main",
		RunID: "4711", Attempt: "2", RunURL: "https://github.com/octo-org/shop/actions/runs/4711", Actor: "octocat",
	}
	for _, f := range functions {
		e.Moves = append(e.Moves, promotion.Recording{
			Function: f.Function, Name: f.Name, From: f.Previous, To: f.Candidate, FromDigest: f.PreviousDigest, Digest: f.Digest, FromSource: f.PreviousSource, Fate: f.Fate,
		})
	}
	return e
}

// lockStories are those of runs that met others.
func lockStories() []story {
	const run = promotion.ModeRun
	var list []story
	tell := func(name string, o promotion.Outcome) { list = append(list, story{name, o}) }
	two := func(k promotion.Kind, reason promotion.Reason, sentence string) promotion.Outcome {
		o := outcome(k, reason, request(run, "checkout", "payments"), 31*time.Second, sentence)
		o.Functions = []promotion.FunctionOutcome{kept("checkout", 41, 0), kept("payments", 17, 0)}
		return o
	}

	older := two(promotion.Superseded, promotion.ReasonOlder, "superseded: commit 4f0c1d2 is behind 9f8e7d6, which is promoted for checkout and payments; nothing was moved")
	for i := range older.Functions {
		older.Functions[i].PreviousSource.Commit = newerCommit
	}
	tell("superseded-older", older)

	yielded := two(promotion.Superseded, promotion.ReasonYielded, "superseded: a newer commit (9f8e7d6) waits for prod with everything that this run would bring; nothing was moved")
	yielded.Functions, yielded.Holder, yielded.Waited = nil, rival(), 4*time.Minute
	tell("superseded-yielded", yielded)

	timeout := two(promotion.LockTimeout, promotion.ReasonLockTimeout, "the lock of shop's prod was not free within 30m; nothing was changed")
	timeout.Functions, timeout.Holder, timeout.Waited = nil, rival(), 30*time.Minute
	tell("lock-timeout", timeout)

	stranger := two(promotion.LockTimeout, promotion.ReasonLockTimeout, "the lock of shop's prod was not free within 30m; nothing was changed")
	stranger.Functions, stranger.Holder, stranger.Waited = nil, &promotion.Holder{}, 30*time.Minute
	tell("lock-timeout-nobody", stranger)

	lost := two(promotion.Fenced, promotion.ReasonLockLost, "somebody else took the lock of shop's prod over; 1 alias put back")
	lost.Functions = []promotion.FunctionOutcome{fated(moved("checkout", 41, 42), promotion.FateBack), kept("payments", 17, 18)}
	lost.Holder = rival()
	tell("fenced-taken-over", lost)

	asked := two(promotion.Fenced, promotion.ReasonStopRequested, "somebody asked this run to stop; no alias was moved")
	asked.Holder = rival()
	asked.Holder.Stage = ""
	tell("fenced-asked-to-stop", asked)

	after := outcome(promotion.Promoted, promotion.ReasonVerified, request(run, "checkout", "payments"), 95*time.Second, "2 functions promoted to prod")
	after.Functions = []promotion.FunctionOutcome{moved("checkout", 41, 42), moved("payments", 17, 18)}
	after.Functions[1].Adopted, after.Functions[1].PreviousSource = true, promotion.Source{}
	after.Checks = []promotion.CheckResult{passed("invoke checkout", "checkout", 42, 812*time.Millisecond), {
		Check: "reports/*.xml", Verdict: promotion.Pass, Duration: 20 * time.Millisecond, Attempts: 1, Tests: &promotion.TestCounts{Tests: 120, Skipped: 3},
	}}
	after.Waited, after.Entry = 3*time.Minute+2*time.Second, recorded(18, promotion.EntryPromotion, after.Functions...)
	after.Repairs = []promotion.Repair{
		{Intent: promotion.Intent{Entry: *recorded(17, promotion.EntryPromotion, moved("checkout", 41, 43))}},
		{Intent: promotion.Intent{Entry: *recorded(16, promotion.EntryPromotion, moved("checkout", 40, 41), moved("payments", 16, 17))}, Finished: true, Foreign: []string{"payments"}},
	}
	after.Repairs[0].Intent.Entry.RunURL, after.Repairs[0].Intent.Entry.Attempt = "https://github.com/octo-org/shop/actions/runs/4699", "1"
	tell("promoted-after-repairs", after)

	ledger := two(promotion.Failed, promotion.ReasonLedgerFailed, "the ledger could not be read; nothing was changed")
	ledger.Faults = []promotion.Fault{{What: "read what is recorded of shop's prod: the role may not dynamodb:GetItem on table/promote", Hint: "allow it in the role's policy; `promote setup` prints the whole policy"}}
	tell("ledger-failed", ledger)

	order := two(promotion.Refused, promotion.ReasonOrderRefused, "commit 4f0c1d2 does not contain 9f8e7d6, which is promoted for checkout, and is not behind it either: they have diverged; nothing was changed")
	order.Faults = []promotion.Fault{{What: "commit 4f0c1d2 does not contain 9f8e7d6, which is promoted for checkout, and is not behind it either: they have diverged", Hint: "merge or rebase so that the newest commit contains both, and run that"}}
	order.Functions[0].PreviousSource.Commit = newerCommit
	tell("refused-diverged", order)
	return list
}

// roadStories are those of the other modes.
func roadStories() []story {
	var list []story
	tell := func(name string, o promotion.Outcome) { list = append(list, story{name, o}) }

	ready := outcome(promotion.Deployed, promotion.ReasonDeployed, request(promotion.ModeDeploy, "checkout", "payments", "catalog"), 22*time.Second, "2 functions deployed for prod, ready to be tested and promoted; no alias was moved")
	ready.Functions = []promotion.FunctionOutcome{kept("checkout", 41, 42), kept("payments", 17, 18), unchanged("catalog", 7)}
	ready.Functions[0].Provenance, ready.Functions[1].Provenance = "uploaded", "unproven"
	ready.Deposited = &promotion.Release{ID: ready.Request.Release, HeldUntil: began.Add(15 * time.Minute), Owner: "a secret that no report shows"}
	tell("deployed", ready)

	taken := outcome(promotion.Promoted, promotion.ReasonVerified, request(promotion.ModePromote, "checkout"), 9*time.Second, "1 function promoted to prod")
	taken.Functions = []promotion.FunctionOutcome{moved("checkout", 41, 42)}
	taken.Entry = recorded(19, promotion.EntryPromotion, taken.Functions...)
	taken.Entry.Proofs = []promotion.Proof{{Check: "invoke checkout", Function: "checkout", Version: 42, Verdict: promotion.Pass, Took: 812 * time.Millisecond},
		{Check: "reports/*.xml", Verdict: promotion.Pass, Took: 20 * time.Millisecond, Tests: &promotion.TestCounts{Tests: 412}}}
	taken.Deposited = &promotion.Release{ID: taken.Request.Release, State: promotion.ReleasePromoted}
	tell("promoted-from-a-release", taken)

	red := outcome(promotion.VerificationFailed, promotion.ReasonCheckFailed, request(promotion.ModePromote, "checkout"), 3*time.Second, "1 check of 1 did not pass; prod was not touched")
	red.Functions = []promotion.FunctionOutcome{kept("checkout", 41, 42)}
	red.Checks = []promotion.CheckResult{{Check: "reports/*.xml", Verdict: promotion.Fail, Reason: "2 of 120 tests did not pass", Duration: 9 * time.Millisecond, Attempts: 1, Where: at(14),
		Tests: &promotion.TestCounts{Tests: 120, Failed: 1, Errored: 1, Skipped: 3}, Evidence: []promotion.Evidence{{Name: "failed", Text: "cart > adds an item: expected 2, got 1"}}}}
	red.Faults = []promotion.Fault{{Where: at(14), What: `check "reports/*.xml": 2 of 120 tests did not pass`}}
	tell("tests-failed", red)

	back := outcome(promotion.RolledBack, promotion.ReasonAsked, request(promotion.ModeRollback, "checkout", "payments"), 4*time.Second, "2 functions rolled back in prod")
	back.Request.Reason = "orders fail since 08:20, see #incident @oncall"
	home := func(key string, from, to promotion.Version) promotion.FunctionOutcome {
		f := moved(key, from, to)
		f.Method, f.Package, f.PreviousSize = promotion.MethodAdopt, promotion.Package{}, 0
		f.PreviousSource = promotion.Source{Commit: newerCommit}
		return f
	}
	back.Functions = []promotion.FunctionOutcome{home("checkout", 42, 41), home("payments", 18, 17)}
	back.Previous = recorded(20, promotion.EntryPromotion, moved("checkout", 41, 42), moved("payments", 17, 18))
	back.Previous.Source.Commit, back.Previous.Actor = newerCommit, "hubot"
	back.Entry = recorded(21, promotion.EntryRollback, back.Functions...)
	back.Entry.Undoes, back.Entry.Source.Commit = []uint64{20, 19}, oldCommit
	tell("rollback", back)

	named := back
	named.Request.To, named.Request.Unverified = map[string]promotion.Version{"checkout": 41, "payments": 17}, true
	named.Previous, named.Entry = nil, recorded(21, promotion.EntryRollback, back.Functions...)
	named.Entry.Unproved = "unverified"
	tell("rollback-named", named)

	unfinished := back
	unfinished.Sentence, unfinished.Previous, unfinished.Entry = "2 functions rolled back in prod: a promotion was under way", nil, nil
	tell("rollback-unfinished", unfinished)

	nothing := outcome(promotion.Unchanged, promotion.ReasonNothingToUndo, request(promotion.ModeRollback, "checkout"), time.Second, "there is nothing to go back to in prod")
	tell("rollback-nothing", nothing)

	abort := outcome(promotion.AbortAsked, promotion.ReasonAbortAsked, request(promotion.ModeAbort), time.Second, "the promotion to prod was asked to stop and go home")
	abort.Request.Reason, abort.Holder = "the demo begins", rival()
	tell("abort-asked", abort)

	locked := outcome(promotion.Locked, promotion.ReasonLocked, request(promotion.ModeLock), 2*time.Second, "the code lock of shop is held for the steps that follow")
	locked.Waited = 1200 * time.Millisecond
	tell("locked", locked)

	unlocked := outcome(promotion.Unlocked, promotion.ReasonUnlocked, request(promotion.ModeUnlock), time.Second, "the lock of shop's prod was ended by force")
	unlocked.Request.Reason, unlocked.Holder = "its runner is gone", rival()
	tell("unlocked", unlocked)

	mended := outcome(promotion.Reconciled, promotion.ReasonRepaired, request(promotion.ModeReconcile), 5*time.Second, "1 dead run of prod was repaired")
	mended.Repairs = []promotion.Repair{{Intent: promotion.Intent{Entry: *recorded(22, promotion.EntryPromotion, moved("checkout", 41, 42))}}}
	mended.Entry = recorded(22, promotion.EntryUndone, fated(moved("checkout", 41, 42), promotion.FateBack))
	tell("reconciled", mended)

	busy := outcome(promotion.Planned, promotion.ReasonChanges, request(promotion.ModePlan, "checkout", "catalog"), 900*time.Millisecond, "1 function of 2 would be promoted to prod; nothing was changed")
	busy.Functions = []promotion.FunctionOutcome{kept("checkout", 41, 0), withDrift(unchanged("catalog", 7))}
	busy.Functions[0].Changes = []promotion.Difference{{Field: "MemorySize", From: "128", To: "256"}}
	busy.Holder = rival()
	tell("planned-while-locked", busy)

	return list
}

// everyOne is a release of 200 functions that all move, each with a check.
func everyOne() promotion.Outcome {
	o := wholesale()
	o.Sentence = "200 functions promoted to prod"
	for i, f := range o.Functions {
		v := f.Previous
		o.Functions[i] = moved(f.Function, v, v+1)
		o.Checks[i] = passed("invoke "+f.Function, f.Function, v+1, time.Duration(i)*time.Millisecond)
	}
	return o
}
