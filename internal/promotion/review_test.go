package promotion_test

import (
	"testing"

	"github.com/promote-on-success/promote/internal/promotion"
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
