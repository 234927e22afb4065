package main

import (
	"context"
	"time"

	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/promotion"
)

// lastWord tells people of a run whose container ended without a word, from its post-entrypoint: by what the ledger has
// of it, and by what was found when its leftovers were cleared away. It returns what could not be told.
func (w wiring) lastWord(ctx context.Context, t config.Target, cleared promotion.Outcome) []promotion.Fault {
	h := w.newHub(t)
	if runner, acct, err := w.runner(ctx, t); err == nil {
		h.ledger, h.account, h.aws = runner.Ledger, acct.ID, acct.Config
	}
	_, faults, _ := h.end(ctx, h.silent(ctx, cleared))
	return faults
}

// silent is the outcome of a run that has told none.
func (h *hub) silent(ctx context.Context, cleared promotion.Outcome) promotion.Outcome {
	now := time.Now()
	o := promotion.Outcome{
		Kind: promotion.Failed, Reason: promotion.ReasonInterrupted, Sentence: "the run ended without a word: see its log",
		Request: h.req, Started: now, Finished: now, Repairs: cleared.Repairs, Faults: cleared.Faults,
	}
	if cleared.Kind == promotion.NeedsAttention {
		o.Kind, o.Reason, o.Sentence, o.Functions = cleared.Kind, cleared.Reason, cleared.Sentence, cleared.Functions
	}
	if e := h.recordedByThis(ctx); e != nil {
		o.Kind, o.Reason, o.Entry, o.Sentence = promotion.Promoted, promotion.ReasonVerified, e, "it was promoted, and the run ended before it could say so: see its log"
		if e.Unproved != "" {
			o.Reason = promotion.ReasonUnverified
		}
		for _, m := range e.Moves {
			o.Functions = append(o.Functions, promotion.FunctionOutcome{
				Function: m.Function, Name: m.Name, Fate: m.Fate, Previous: m.From, PreviousDigest: m.FromDigest, PreviousSource: m.FromSource,
				Candidate: m.To, Digest: m.Digest, Adopted: m.Adopted,
			})
		}
	}
	return o
}

// recordedByThis is the promotion that the ledger has of this attempt of the run; nil if there is none.
func (h *hub) recordedByThis(ctx context.Context) *promotion.Entry {
	if h.ledger == nil || h.req.RunID == "" || !h.promotes() {
		return nil
	}
	entries, err := h.ledger.History(ctx, h.req.Scope(), promotion.Query{Limit: entriesRead, Kind: promotion.EntryPromotion})
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.RunID == h.req.RunID && e.Attempt == h.req.Attempt && (h.req.Release == "" || e.Release == h.req.Release) {
			return &e
		}
	}
	return nil
}
