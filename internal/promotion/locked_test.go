package promotion_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// stage plays a test in a bubble of virtual time.
func stage(t *testing.T, play func(t *testing.T, co *company)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { play(t, newCompany(t, sandbox.Options{})) })
}

func TestUnderLocks(t *testing.T) {
	t.Run("a promotion is recorded, with what it replaced", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a", "b")
			p := co.enter("1")
			o := p.run(p.at(sha("1"), co.request("new", "a", "b")))
			expect(t, o, promotion.Promoted, promotion.ReasonVerified)
			co.whole("a", "b")
			head := co.book().Head
			if rec := head.Functions["a"]; rec.Version != 2 || rec.Source.Commit != sha("1") || rec.Release != "release-1" || rec.Entry != 1 || rec.Adopted {
				t.Errorf("recorded is %+v", rec)
			}
			entries := co.entries()
			if len(entries) != 1 || len(entries[0].Moves) != 2 || !entries[0].Moves[0].Adopted || entries[0].Moves[0].From != 1 || len(entries[0].Proofs) != 2 {
				t.Errorf("the history is %+v", entries)
			}
			if !o.Functions[0].Adopted || o.Entry == nil || o.Entry.Number != 1 {
				t.Errorf("the report does not tell of the baseline or the entry: %+v", o.Functions[0])
			}
		})
	})

	t.Run("five calls of DynamoDB suffice while nobody competes", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			p := co.enter("1")
			expect(t, p.run(p.at(sha("1"), co.request("new", "a"))), promotion.Promoted, promotion.ReasonVerified)
			if n := p.tables(); n > 5 {
				t.Errorf("%d calls: %v", n, p.network.seen)
			}
		})
	})

	t.Run("an older commit is superseded, and changes nothing", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			newer, older := co.enter("2"), co.enter("1")
			expect(t, newer.run(newer.at(sha("2"), co.request("two", "a"))), promotion.Promoted, promotion.ReasonVerified)
			expect(t, older.run(older.at(sha("1"), co.request("one", "a"))), promotion.Superseded, promotion.ReasonOlder)
			co.whole("a")
			if co.alias("a") != "2" {
				t.Errorf("the alias holds %s", co.alias("a"))
			}
		})
	})

	t.Run("doing the same commit again changes nothing, and takes nobody's lock for long", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			first, again := co.enter("1"), co.enter("again")
			req := first.at(sha("1"), co.request("new", "a"))
			expect(t, first.run(req), promotion.Promoted, promotion.ReasonVerified)
			expect(t, again.run(again.at(sha("1"), req)), promotion.Unchanged, promotion.ReasonNoChange)
			if len(co.entries()) != 1 {
				t.Errorf("the history has %d entries", len(co.entries()))
			}
		})
	})

	t.Run("a revert that finds the code unchanged keeps what it reverts from coming back", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			c1, c2, c3, again := co.enter("1"), co.enter("2"), co.enter("3"), co.enter("2-again")
			good := co.request("good", "a")
			bad := co.requestFor(promotion.Artifact{Kind: promotion.ArtifactZip, Path: co.build(sandboxtest.Code{Name: "bad", Handler: raising})}, "a")
			expect(t, c1.run(c1.at(sha("1"), good)), promotion.Promoted, promotion.ReasonVerified)
			expect(t, c2.run(c2.at(sha("2"), bad)), promotion.VerificationFailed, promotion.ReasonCheckFailed)
			expect(t, c3.run(c3.at(sha("3"), good)), promotion.Unchanged, promotion.ReasonNoChange)
			expect(t, again.run(again.at(sha("2"), bad)), promotion.Superseded, promotion.ReasonOlder)
			co.whole("a")
			if rec := co.book().Head.Functions["a"]; rec.Source.Commit != sha("3") || rec.Version != 2 {
				t.Errorf("recorded is %+v", rec)
			}
		})
	})

	t.Run("of two pipelines at once the older one is superseded, and versions never mix", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a", "b")
			older, newer := co.enter("1"), co.enter("2")
			one, two := older.at(sha("1"), co.request("one", "a", "b")), newer.at(sha("2"), co.request("two", "a", "b"))
			second := meanwhile(func() promotion.Outcome { return newer.run(two) })
			first := meanwhile(func() promotion.Outcome { time.Sleep(300 * time.Millisecond); return older.run(one) })
			a, b := <-second, <-first
			expect(t, a, promotion.Promoted, promotion.ReasonVerified)
			expect(t, b, promotion.Superseded, promotion.ReasonOlder)
			co.whole("a", "b")
			if n := older.network.count("UpdateFunctionCode"); n != 0 {
				t.Errorf("the older one changed the code %d times after the newer one had been promoted", n)
			}
			if co.answer("a") != co.answer("b") {
				t.Errorf("a answers %s and b %s", co.answer("a"), co.answer("b"))
			}
		})
	})

	t.Run("a lock that stays taken ends the wait with nothing changed", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			holder, p := co.enter("holder"), co.enter("1")
			held, err := holder.runner.Locks.Acquire(context.Background(), promotion.Lock{App: "shop"}, promotion.Contender{Holder: promotion.Holder{RunURL: "https://example/holder"}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			req := p.at(sha("1"), co.request("new", "a"))
			req.LockTimeout = time.Minute
			o := p.run(req)
			expect(t, o, promotion.LockTimeout, promotion.ReasonLockTimeout)
			if o.Holder == nil || o.Holder.RunURL != "https://example/holder" || !strings.Contains(o.Faults[0].What, "https://example/holder") {
				t.Errorf("it does not say who holds it: %+v, %v", o.Holder, o.Faults)
			}
			if co.alias("a") != "1" {
				t.Errorf("the alias holds %s", co.alias("a"))
			}
			if err := held.Release(context.Background(), true); err != nil {
				t.Fatal(err)
			}
		})
	})

	t.Run("where there are many functions, only the aliases that move are read in the quota that everybody shares", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			var names []string
			for i := range 30 {
				names = append(names, fmt.Sprintf("fn-%02d", i))
			}
			co.functions("old", names...)
			one, two, three := co.enter("1"), co.enter("2"), co.enter("3")
			req := co.request("new", names...)
			expect(t, one.run(one.at(sha("1"), req)), promotion.Promoted, promotion.ReasonVerified)
			expect(t, two.run(two.at(sha("1"), req)), promotion.Unchanged, promotion.ReasonNoChange)
			if n := two.network.count("GetAlias"); n != 0 {
				t.Errorf("%d aliases were read though nothing changed", n)
			}
			co.point("fn-07", "1")
			req.Functions[3].Artifact.Path = co.build(sandboxtest.Code{Name: "newer"})
			expect(t, three.run(three.at(sha("2"), req)), promotion.Promoted, promotion.ReasonVerified)
			if n := three.network.count("GetAlias"); n > 6 { // both that move: before, and after
				t.Errorf("%d aliases were read for two that move", n)
			}
			co.whole(names...)
		})
	})

	t.Run("an alias that somebody moved between two runs is taken over, and told", func(t *testing.T) {
		stage(t, func(t *testing.T, co *company) {
			co.functions("old", "a")
			one, two := co.enter("1"), co.enter("2")
			expect(t, one.run(one.at(sha("1"), co.request("one", "a"))), promotion.Promoted, promotion.ReasonVerified)
			co.point("a", "1")
			o := two.run(two.at(sha("2"), co.request("two", "a")))
			expect(t, o, promotion.Promoted, promotion.ReasonVerified)
			if len(o.Warnings) == 0 || !strings.Contains(o.Warnings[0].What, "past promote") {
				t.Errorf("the warnings are %v", o.Warnings)
			}
			co.whole("a")
		})
	})
}

// raising is a function that fails.
func raising(context.Context, runner.Input) (runner.Output, error) {
	return runner.Output{Payload: []byte(`{"errorMessage":"it is broken","errorType":"Broken"}`), FunctionError: "Unhandled"}, nil
}

// count counts the calls of one operation.
func (n *network) count(operation string) (count int) {
	for _, call := range n.seen {
		if strings.HasPrefix(call, operation+" ") {
			count++
		}
	}
	return count
}

// tables counts the party's calls of DynamoDB.
func (p *party) tables() int {
	n := 0
	for _, call := range p.network.seen {
		if strings.HasPrefix(call, "POST /") {
			n++
		}
	}
	return n
}
