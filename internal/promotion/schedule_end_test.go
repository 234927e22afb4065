package promotion_test

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/promotion"
)

// end waits until nothing is under way any more and lets a run that nobody disturbs put everything right.
func (pf *performance) end() {
	p, ctx := pf.play("mender", nil)
	req := actor{Commit: "9", Lease: 30 * time.Second}.request(pf, p)
	mend := in(promotion.ModeReconcile, req)
	mend.Commit, mend.Checks = "", nil
	if o := p.runner.Reconcile(ctx, mend); o.Kind != promotion.Reconciled && o.Kind != promotion.Unchanged && o.Kind != promotion.ConflictFound {
		pf.wrong("the mender ended %s: %s %v", o.Kind, o.Sentence, o.Faults)
	}
	pf.late.Wait()
	var o promotion.Outcome
	for n := range 3 {
		p, ctx = pf.play("last-"+strconv.Itoa(n), nil)
		if o = p.runner.Run(ctx, p.at(sha("9"), req)); o.Kind != promotion.ConflictFound {
			break
		}
	}
	if o.Kind != promotion.Promoted && o.Kind != promotion.Unchanged {
		pf.wrong("the last run ended %s (%s): %s %v", o.Kind, o.Reason, o.Sentence, o.Faults)
	}
	pf.atRest()
}

// atRest holds what is left in the end to the rules.
func (pf *performance) atRest() {
	book := pf.book()
	if book.Open != nil {
		pf.wrong("in the end the intent %s is open", book.Open.ID)
	}
	for _, l := range []promotion.Lock{{App: "shop"}, {App: "shop", Environment: "prod"}} {
		if holder, err := pf.enter("reader").runner.Locks.Look(context.Background(), l); err != nil || holder != nil {
			pf.wrong("in the end %s is held by %v (%v)", l, holder, err)
		}
	}
	for _, f := range pf.functions {
		rec := book.Head.Functions[f]
		if holds := pf.alias(f); rec.Version.String() != holds || rec.Source.Commit != sha("9") {
			pf.wrong("in the end the alias of %s holds %s, and version %s of commit %.1s is recorded", f, holds, rec.Version, rec.Source.Commit)
		}
		out, err := pf.cloud.Lambda().Invoke(pf.t.Context(), &lambda.InvokeInput{FunctionName: &f, Qualifier: aws.String("prod"), Payload: []byte("{}")})
		if err != nil || string(out.Payload) != `"`+codes["9"]+`"` {
			pf.wrong("in the end %s answers %v (%v)", f, out, err)
		}
		if slices.ContainsFunc(pf.history(f), func(v aliasValue) bool { return len(v.Weights) > 0 || v.Deleted }) {
			pf.wrong("the alias of %s had weights, or was deleted", f)
		}
	}
	promoted := map[string]int{}
	for _, e := range pf.entries() {
		if e.Kind == promotion.EntryPromotion {
			if promoted[e.Release]++; promoted[e.Release] > 1 {
				pf.wrong("%s is promoted twice in the history", e.Release)
			}
		}
	}
	pf.wrongs = append(pf.faults, pf.door.faults...)
}
