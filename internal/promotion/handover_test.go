package promotion_test

import (
	"strings"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// in makes the request another mode's.
func in(mode promotion.Mode, req promotion.Request) promotion.Request {
	req.Mode = mode
	return req
}

// later is the request of the step that promotes what the party has deployed: found by the workflow run.
func later(req promotion.Request) promotion.Request {
	req.Mode, req.Release, req.TestedThrough = promotion.ModePromote, "", promotion.ThroughLatest
	return req
}

func TestAcrossSteps(t *testing.T) {
	t.Run("what was deployed and tested is promoted by another job", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a", "b")
			p := co.enter("1")
			req := p.at(sha("1"), co.request("new", "a", "b"))
			o := p.run(in(promotion.ModeDeploy, req))
			expect(t, o, promotion.Deployed, promotion.ReasonDeployed)
			if co.alias("a") != "1" || o.Deposited == nil || o.Deposited.ID != "release-1" {
				t.Errorf("the alias holds %s, deposited is %+v", co.alias("a"), o.Deposited)
			}
			co.whole()
			time.Sleep(3 * time.Hour) // an approval
			expect(t, p.run(later(req)), promotion.Promoted, promotion.ReasonVerified)
			co.whole("a", "b")
			if rec := co.book().Head.Functions["a"]; rec.Release != "release-1" || rec.Source.Commit != sha("1") {
				t.Errorf("recorded is %+v", rec)
			}
			expect(t, p.run(later(req)), promotion.Unchanged, promotion.ReasonNoChange)
		})
	})

	t.Run("a release that nobody has deployed is refused", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			p := co.enter("1")
			expect(t, p.run(later(p.at(sha("1"), co.request("new", "a")))), promotion.Refused, promotion.ReasonNoRelease)
		})
	})

	t.Run("two releases of one run that fit are refused, and listed", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			p := co.enter("1")
			req := in(promotion.ModeDeploy, p.at(sha("1"), co.request("new", "a")))
			expect(t, p.run(req), promotion.Deployed, promotion.ReasonDeployed)
			req.Release = "another"
			expect(t, p.run(req), promotion.Deployed, promotion.ReasonDeployed)
			o := p.run(later(req))
			expect(t, o, promotion.Refused, promotion.ReasonNoRelease)
			if what := o.Faults[0].What; !strings.Contains(what, "another") || !strings.Contains(what, "release-1") {
				t.Errorf("it does not list them: %s", what)
			}
			one := later(req)
			one.Release = "another"
			expect(t, p.run(one), promotion.Promoted, promotion.ReasonVerified)
		})
	})

	t.Run("a newer release that was promoted meanwhile supersedes it", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			one, two := co.enter("1"), co.enter("2")
			first := one.at(sha("1"), co.request("one", "a"))
			expect(t, one.run(in(promotion.ModeDeploy, first)), promotion.Deployed, promotion.ReasonDeployed)
			expect(t, two.run(two.at(sha("2"), co.request("two", "a"))), promotion.Promoted, promotion.ReasonVerified)
			expect(t, one.run(later(first)), promotion.Superseded, promotion.ReasonOlder)
			co.whole("a")
		})
	})

	t.Run("tests through $LATEST are void when it moved, unless they went by the version's number", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			p := co.enter("1")
			req := p.at(sha("1"), co.request("new", "a"))
			expect(t, p.run(in(promotion.ModeDeploy, req)), promotion.Deployed, promotion.ReasonDeployed)
			co.upload("a", "something else")
			expect(t, p.run(later(req)), promotion.VerificationFailed, promotion.ReasonEvidenceVoid)
			byNumber := later(req)
			byNumber.TestedThrough = promotion.ThroughVersion
			expect(t, p.run(byNumber), promotion.Promoted, promotion.ReasonVerified)
			co.whole("a")
			if co.alias("a") != "2" {
				t.Errorf("the alias holds %s", co.alias("a"))
			}
		})
	})

	t.Run("an alias that somebody moved meanwhile is a conflict", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			p := co.enter("1")
			req := p.at(sha("1"), co.request("new", "a"))
			expect(t, p.run(in(promotion.ModeDeploy, req)), promotion.Deployed, promotion.ReasonDeployed)
			co.upload("a", "third")
			co.point("a", co.cloud.Publish("a"))
			req.TestedThrough = promotion.ThroughVersion
			expect(t, p.run(later(req)), promotion.ConflictFound, promotion.ReasonAliasMoved)
		})
	})

	t.Run("hold keeps others from $LATEST until the release is promoted", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			one, two := co.enter("1"), co.enter("2")
			req := in(promotion.ModeDeploy, one.at(sha("1"), co.request("one", "a")))
			req.Hold = 15 * time.Minute
			expect(t, one.run(req), promotion.Deployed, promotion.ReasonDeployed)
			other := two.at(sha("2"), co.request("two", "a"))
			other.LockTimeout = 5 * time.Minute
			expect(t, two.run(other), promotion.LockTimeout, promotion.ReasonLockTimeout)
			waiting := meanwhile(func() promotion.Outcome { return two.run(other) })
			time.Sleep(time.Minute)
			expect(t, one.run(later(req)), promotion.Promoted, promotion.ReasonVerified)
			expect(t, <-waiting, promotion.Promoted, promotion.ReasonVerified)
			co.whole("a")
		})
	})

	t.Run("a job that failed leaves a release that cannot be promoted, and no lock", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			p := co.enter("1")
			req := in(promotion.ModeDeploy, p.at(sha("1"), co.request("new", "a")))
			req.Hold = 15 * time.Minute
			expect(t, p.run(req), promotion.Deployed, promotion.ReasonDeployed)
			end := req
			end.JobStatus = "failure"
			o := p.runner.Post(t.Context(), end, promotion.Leftover{Mode: promotion.ModeDeploy, Release: "release-1"})
			expect(t, o, promotion.Unchanged, promotion.ReasonNothingRunning)
			co.whole()
			expect(t, p.run(later(req)), promotion.Refused, promotion.ReasonReleaseVoid)
		})
	})

	t.Run("mode lock keeps the code for the steps that follow", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			p, other := co.enter("1"), co.enter("2")
			req := p.at(sha("1"), co.requestFor(promotion.Artifact{Kind: promotion.ArtifactNone}, "a"))
			o, owner := p.runner.Lock(t.Context(), in(promotion.ModeLock, req))
			expect(t, o, promotion.Locked, promotion.ReasonLocked)
			waits := other.at(sha("2"), co.request("two", "a"))
			waits.LockTimeout = time.Minute
			expect(t, other.run(waits), promotion.LockTimeout, promotion.ReasonLockTimeout)
			req.LockOwner = owner
			for _, code := range []string{"by another tool", "by it again"} { // two steps of the job
				co.upload("a", code)
				expect(t, p.run(req), promotion.Promoted, promotion.ReasonVerified)
				expect(t, other.run(waits), promotion.LockTimeout, promotion.ReasonLockTimeout)
			}
			end := in(promotion.ModeLock, req)
			expect(t, p.runner.Post(t.Context(), end, promotion.Leftover{Mode: promotion.ModeLock, LockOwner: owner}), promotion.Unchanged, promotion.ReasonNothingRunning)
			co.whole("a")
		})
	})
}

func TestRollback(t *testing.T) {
	back := func(t *testing.T, p *party, keys ...string) promotion.Outcome {
		req := p.at("", p.requestFor(promotion.Artifact{}, keys...))
		req.Mode, req.Checks, req.Reason = promotion.ModeRollback, nil, "it is slow"
		return p.runner.Rollback(t.Context(), req)
	}
	t.Run("it undoes the newest promotion, and keeps it away until something ahead of it comes", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a", "b")
			for i, commit := range []string{"1", "2"} {
				p := co.enter(commit)
				expect(t, p.run(p.at(sha(commit), co.request([]string{"one", "two"}[i], "a", "b"))), promotion.Promoted, promotion.ReasonVerified)
			}
			o := back(t, co.enter("r"), "a", "b")
			expect(t, o, promotion.RolledBack, promotion.ReasonAsked)
			if o.ExitCode() != 0 || o.Previous == nil || o.Previous.Number != 2 {
				t.Errorf("exit code %d, it undid %+v", o.ExitCode(), o.Previous)
			}
			co.whole("a", "b")
			if co.alias("a") != "2" {
				t.Errorf("the alias holds %s", co.alias("a"))
			}
			again := co.enter("2-again")
			expect(t, again.run(again.at(sha("2"), co.request("two", "a", "b"))), promotion.Refused, promotion.ReasonOrderRefused)
			older := co.enter("1-again")
			expect(t, older.run(older.at(sha("1"), co.request("one", "a", "b"))), promotion.Refused, promotion.ReasonOrderRefused)
			next := co.enter("3")
			expect(t, next.run(next.at(sha("3"), co.request("three", "a", "b"))), promotion.Promoted, promotion.ReasonVerified)
			if floor := co.book().Head.Functions["a"].Floor; floor.Commit != "" {
				t.Errorf("the floor stays at %v", floor)
			}
			co.whole("a", "b")
		})
	})

	t.Run("a second one goes on past what was rolled back before", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			for _, commit := range []string{"1", "2", "3"} {
				p := co.enter(commit)
				expect(t, p.run(p.at(sha(commit), co.request("code "+commit, "a"))), promotion.Promoted, promotion.ReasonVerified)
				if commit == "2" {
					expect(t, back(t, co.enter("r1"), "a"), promotion.RolledBack, promotion.ReasonAsked)
				}
			}
			expect(t, back(t, co.enter("r2"), "a"), promotion.RolledBack, promotion.ReasonAsked)
			co.whole("a")
			if co.alias("a") != "2" { // version 2 is commit 1's; 3 was rolled back, 4 is commit 3's
				t.Errorf("the alias holds %s", co.alias("a"))
			}
		})
	})

	t.Run("it does not wait for a run that is verifying: the alias is home in time, and the run ends fenced", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			one, two := co.enter("1"), co.enter("2")
			expect(t, one.run(one.at(sha("1"), co.request("one", "a"))), promotion.Promoted, promotion.ReasonVerified)
			running := meanwhile(func() promotion.Outcome { return two.run(two.at(sha("2"), co.lingering("two", "a"))) })
			time.Sleep(30 * time.Second)
			began := time.Now()
			expect(t, back(t, co.enter("r"), "a"), promotion.RolledBack, promotion.ReasonAsked)
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("it took %s", took)
			}
			o := <-running
			if o.Kind != promotion.Fenced {
				t.Errorf("the run ended %s (%s): %s", o.Kind, o.Reason, o.Sentence)
			}
			co.whole("a")
			if co.alias("a") != "1" {
				t.Errorf("the alias holds %s", co.alias("a"))
			}
		})
	})

	t.Run("with DynamoDB down it goes where a person says", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			one, r := co.enter("1"), co.enter("r")
			expect(t, one.run(one.at(sha("1"), co.request("one", "a"))), promotion.Promoted, promotion.ReasonVerified)
			r.runner.Locks, r.runner.Ledger = nil, nil
			req := r.at("", co.requestFor(promotion.Artifact{}, "a"))
			req.Mode, req.WithoutLock, req.Reason, req.To = promotion.ModeRollback, true, "DynamoDB is down", map[string]promotion.Version{"a": 1}
			expect(t, r.runner.Rollback(t.Context(), req), promotion.RolledBack, promotion.ReasonAsked)
			if co.alias("a") != "1" {
				t.Errorf("the alias holds %s", co.alias("a"))
			}
			two := co.enter("2")
			expect(t, two.run(two.at(sha("2"), co.request("two", "a"))), promotion.Promoted, promotion.ReasonVerified)
			co.whole("a")
		})
	})
}
