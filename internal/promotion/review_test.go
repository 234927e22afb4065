package promotion_test

import (
	"context"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

func TestRollbackOfSome(t *testing.T) {
	t.Run("a rollback of all undoes of the newest promotion what one of some has left", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a", "b")
			for _, commit := range []string{"1", "2"} {
				p := co.enter(commit)
				expect(t, p.run(p.at(sha(commit), co.request("code "+commit, "a", "b"))), promotion.Promoted, promotion.ReasonVerified)
			}
			back := func(name string, keys ...string) promotion.Outcome {
				p := co.enter(name)
				req := p.at("", p.requestFor(promotion.Artifact{}, keys...))
				req.Mode, req.Checks, req.Reason = promotion.ModeRollback, nil, "it is slow"
				return p.runner.Rollback(t.Context(), req)
			}
			expect(t, back("r1", "a"), promotion.RolledBack, promotion.ReasonAsked)
			o := back("r2", "a", "b")
			expect(t, o, promotion.RolledBack, promotion.ReasonAsked)
			co.whole("a", "b")
			if co.alias("a") != "2" || co.alias("b") != "2" {
				t.Errorf("a holds %s and b %s, and both were to go back to version 2", co.alias("a"), co.alias("b"))
			}
			if o.Previous == nil || o.Previous.Number != 2 {
				t.Errorf("it says that it undid %+v", o.Previous)
			}
		})
	})
}

func TestPostOfOneJobAmongOthers(t *testing.T) {
	fails := func(req promotion.Request) promotion.Request {
		req.JobStatus = "failure"
		return req
	}
	t.Run("another job of the same workflow run goes on with its promotion", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a", "b")
			one, other := co.enter("1"), co.enter("1")
			req := one.at(sha("1"), co.request("new", "a"))
			sibling := other.at(sha("1"), co.lingering("slow", "b"))
			sibling.Release = "release-of-the-other-job"
			running := meanwhile(func() promotion.Outcome { return other.run(sibling) })
			time.Sleep(2 * time.Minute)
			o := one.runner.Post(t.Context(), fails(req), promotion.Leftover{Mode: promotion.ModeRun, Release: req.Release})
			expect(t, o, promotion.Unchanged, promotion.ReasonNothingRunning)
			expect(t, <-running, promotion.Promoted, promotion.ReasonVerified)
			co.whole("b")
		})
	})

	t.Run("its own container, if it still lives, is stopped", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "b")
			p, post := co.enter("1"), co.enter("1")
			req := p.at(sha("1"), co.lingering("slow", "b"))
			running := meanwhile(func() promotion.Outcome { return p.run(req) })
			time.Sleep(2 * time.Minute)
			post.runner.Post(t.Context(), fails(req), promotion.Leftover{Mode: promotion.ModeRun, Release: req.Release})
			if o := <-running; o.Kind != promotion.Fenced {
				t.Errorf("the run ended %s: %s", o.Kind, o.Sentence)
			}
			co.whole()
			if co.alias("b") != "1" {
				t.Errorf("the alias holds %s", co.alias("b"))
			}
		})
	})

	t.Run("the release of another job of the same workflow run stays ready", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a", "b")
			one, other := co.enter("1"), co.enter("1")
			req, theirs := in(promotion.ModeDeploy, one.at(sha("1"), co.request("new", "a"))), in(promotion.ModeDeploy, other.at(sha("1"), co.request("new", "b")))
			theirs.Release = "release-of-the-other-job"
			expect(t, one.run(req), promotion.Deployed, promotion.ReasonDeployed)
			expect(t, other.run(theirs), promotion.Deployed, promotion.ReasonDeployed)
			one.runner.Post(t.Context(), fails(later(req)), promotion.Leftover{Mode: promotion.ModePromote})
			expect(t, one.run(later(req)), promotion.Refused, promotion.ReasonReleaseVoid)
			expect(t, other.run(later(theirs)), promotion.Promoted, promotion.ReasonVerified)
		})
	})

	t.Run("a job whose status nobody gives has not failed", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			p := co.enter("1")
			req := in(promotion.ModeDeploy, p.at(sha("1"), co.request("new", "a")))
			req.JobStatus = ""
			expect(t, p.run(req), promotion.Deployed, promotion.ReasonDeployed)
			p.runner.Post(t.Context(), req, promotion.Leftover{Mode: promotion.ModeDeploy, Release: req.Release})
			expect(t, p.run(later(req)), promotion.Promoted, promotion.ReasonVerified)
		})
	})

	t.Run("a promotion of another run, which died when all of it had moved, is finished and not undone", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			dead, p, post := co.enter("1"), co.enter("2"), co.enter("2")
			// It dies when its record is on the way.
			dead.network.disturb(&disturbance{operation: "GetAlias", nth: 2, do: first(dead.die)})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			dead.runner.Run(ctx, dead.at(sha("1"), co.request("one", "a")))
			if co.alias("a") != "2" || co.book().Open == nil {
				t.Fatalf("the alias holds %s, and the intent is %v", co.alias("a"), co.book().Open)
			}
			// The next run takes over, and is killed before it repairs anything.
			req := p.at(sha("2"), co.request("two", "a"))
			p.network.disturb(&disturbance{operation: "UpdateAlias", nth: 1, do: first(p.die)})
			ctx, cancel = context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			p.runner.Run(ctx, req)
			if holder, err := post.runner.Locks.Look(t.Context(), promotion.Lock{App: "shop", Environment: "prod"}); err != nil || holder == nil || holder.RunID != "2" {
				t.Fatalf("the lock is held by %v (%v)", holder, err)
			}
			post.runner.Post(t.Context(), fails(req), promotion.Leftover{Mode: promotion.ModeRun, Release: req.Release})
			co.whole("a")
			if rec := co.book().Head.Functions["a"]; rec.Version != 2 || rec.Source.Commit != sha("1") {
				t.Errorf("recorded is %+v", rec)
			}
		})
	})
}

// dying runs a request until its aliases are moved, and ends the party then: its intent stays open.
func dying(t *testing.T, p *party, req promotion.Request) {
	t.Helper()
	p.network.disturb(&disturbance{operation: "GetAlias", nth: len(req.Functions) + 1, do: first(p.die)})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p.runner.Run(ctx, req)
	if p.book().Open == nil {
		t.Fatal("no intent is open")
	}
}

func TestRollbackOfWhatIsHalfDone(t *testing.T) {
	back := func(t *testing.T, p *party, keys ...string) promotion.Outcome {
		req := p.at("", p.requestFor(promotion.Artifact{}, keys...))
		req.Mode, req.Checks, req.Reason = promotion.ModeRollback, nil, "it is slow"
		return p.runner.Rollback(t.Context(), req)
	}
	t.Run("an alias that somebody else has moved is left alone, and told", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a", "b")
			p := co.enter("1")
			dying(t, p, p.at(sha("1"), co.request("new", "a", "b")))
			co.upload("a", "somebody else's")
			co.cloud.Publish("a")
			co.point("a", "3")
			o := back(t, co.enter("r"), "a", "b")
			expect(t, o, promotion.NeedsAttention, promotion.ReasonUnproved)
			if co.alias("a") != "3" || co.alias("b") != "1" {
				t.Errorf("a holds %s, and b %s", co.alias("a"), co.alias("b"))
			}
			if len(o.Faults) != 1 || len(o.Functions[0].Commands) == 0 {
				t.Errorf("told are %v and %v", o.Faults, o.Functions[0].Commands)
			}
		})
	})

	t.Run("an alias that it has created stays, and is called created", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			co.cloud.Function("b", sandboxtest.Code{Name: "old"})
			p := co.enter("1")
			dying(t, p, p.at(sha("1"), co.request("new", "a", "b")))
			o := back(t, co.enter("r"), "a", "b")
			expect(t, o, promotion.RolledBack, promotion.ReasonAsked)
			if f := o.Functions[1]; co.alias("a") != "1" || co.alias("b") != "1" || f.Fate != promotion.FateCreated || f.Candidate != 1 {
				t.Errorf("a holds %s and b %s; of b is told %+v", co.alias("a"), co.alias("b"), f)
			}
		})
	})

	t.Run("a floor stays where the half done promotion is of no known commit", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			for _, commit := range []string{"1", "2"} {
				p := co.enter(commit)
				expect(t, p.run(p.at(sha(commit), co.request("code "+commit, "a"))), promotion.Promoted, promotion.ReasonVerified)
			}
			expect(t, back(t, co.enter("r1"), "a"), promotion.RolledBack, promotion.ReasonAsked)
			p := co.enter("3")
			req := p.at("", co.request("of nowhere", "a"))
			req.Order.BestEffort = true
			dying(t, p, req)
			expect(t, back(t, co.enter("r2"), "a"), promotion.RolledBack, promotion.ReasonAsked)
			if floor := co.book().Head.Functions["a"].Floor; floor.Commit != sha("2") {
				t.Errorf("the floor is %v", floor)
			}
		})
	})
}

func TestUnchangedThatCannotBeRecorded(t *testing.T) {
	stage(t, func(t *testing.T, co *company) {
		co.functions("old", "a")
		one, two := co.enter("1"), co.enter("2")
		req := co.request("new", "a")
		expect(t, one.run(one.at(sha("1"), req)), promotion.Promoted, promotion.ReasonVerified)
		// The book, the code lock, the exchange, and then the record.
		two.network.disturb(&disturbance{operation: "POST /", nth: 4, do: refuse(400, "AccessDeniedException")})
		expect(t, two.run(two.at(sha("2"), req)), promotion.Failed, promotion.ReasonLedgerFailed)
		expect(t, two.run(two.at(sha("2"), req)), promotion.Unchanged, promotion.ReasonNoChange)
		co.whole("a")
		if rec := co.book().Head.Functions["a"]; rec.Source.Commit != sha("2") {
			t.Errorf("recorded is %+v", rec)
		}
	})
}

func TestReconcileOutlastsTheLeaseOfTheDead(t *testing.T) {
	stage(t, func(t *testing.T, co *company) {
		co.functions("old", "a")
		p, r := co.enter("1"), co.enter("reconcile")
		req := p.at(sha("1"), co.request("new", "a"))
		req.Lease = 10 * time.Minute
		dying(t, p, req)
		expect(t, r.runner.Reconcile(t.Context(), r.at("", co.request("new", "a"))), promotion.Reconciled, promotion.ReasonRepaired)
		co.whole("a")
	})
}
