package promotion

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// entry begins an entry of the history for this request.
func (s *story) entry(kind EntryKind) Entry {
	e := Entry{
		Kind: kind, At: time.Now(), Release: s.req.Release, Source: s.req.Source(), Repository: s.req.Repository, Ref: s.req.Ref,
		RunID: s.req.RunID, Attempt: s.req.Attempt, RunURL: s.req.RunURL, Actor: s.req.Actor, Reason: s.req.Reason,
	}
	if s.env != nil {
		e.Fence = s.env.Grant().Fence
	}
	return e
}

// intent is what is about to be done, with everything that somebody else needs to finish or to undo it.
func (s *story) intent(plan Plan, flips []*flip) Intent {
	e := s.entry(EntryPromotion)
	e.Proofs = proofs(s.o.Checks)
	if s.req.VerifyNone {
		e.Unproved = "verify: none"
	}
	next := s.standing(plan)
	for _, f := range flips {
		e.Moves = append(e.Moves, s.recording(f))
		next[f.step.Function.Key] = s.promoted(f)
	}
	return Intent{ID: fmt.Sprintf("%s-%d", s.req.Release, e.Fence), Fence: e.Fence, Alias: s.req.Environment.Alias, Entry: e, Next: next}
}

// recording is what the history will say of a flip.
func (s *story) recording(f *flip) Recording {
	st := f.step.State
	m := Recording{Function: f.step.Function.Key, Name: f.step.Function.Name, From: f.step.Previous(), To: f.candidate.Version, Digest: f.candidate.Digest, Fate: FateMoved}
	if st.Routing == nil {
		m.Fate = FateCreated
		return m
	}
	m.Revision = st.Routing.Revision
	if st.Stable != nil {
		m.FromDigest = st.Stable.Digest
	}
	rec, known := s.record(f.step.Function)
	m.Adopted = !known || rec.Version != m.From || rec.Adopted
	m.FromSource = rec.Source
	return m
}

// promoted is what the head will say of a function that was moved.
func (s *story) promoted(f *flip) Record {
	return Record{
		Name: f.step.Function.Name, Alias: s.req.Environment.Alias, Version: f.candidate.Version, Digest: f.candidate.Digest,
		Source: s.raised(f.step.Function), Release: s.req.Release, Entry: s.book.Head.Number + 1, Floor: s.floor(f.step.Function),
	}
}

// standing are the records of functions that this run does not move but says something new of: a commit that was found
// to be the same code, or a version that nobody has recorded. Without the first, a revert would not count, and the
// commit that it reverts could come back.
func (s *story) standing(plan Plan) map[string]Record {
	next := map[string]Record{}
	for _, step := range plan.Steps {
		if step.Action != ActionNone || step.State.Stable == nil {
			continue
		}
		rec, known := s.record(step.Function)
		now := rec
		if !known || rec.Version != step.State.Stable.Version {
			now = Record{
				Name: step.Function.Name, Alias: s.req.Environment.Alias, Version: step.State.Stable.Version, Digest: step.State.Stable.Digest,
				Entry: s.book.Head.Number + 1, Adopted: true,
			}
		}
		now.Source, now.Floor = s.raised(step.Function), s.floor(step.Function)
		if !known || now != rec {
			next[step.Function.Key] = now
		}
	}
	return next
}

// raised is whose code the function is from now on. A commit that is not known leaves what is known.
func (s *story) raised(f Function) Source {
	if s.req.Commit == "" {
		return s.book.Head.Functions[f.Key].Source
	}
	return s.req.Source()
}

// floor is the function's floor from now on: a commit ahead of it lifts it, or one that a person let through.
func (s *story) floor(f Function) Source {
	floor := s.book.Head.Functions[f.Key].Floor
	switch s.toFloor[f.Key] {
	case Ahead, Diverged: // diverged is here only if it was allowed
		return Source{}
	}
	return floor
}

func proofs(checks []CheckResult) []Proof {
	var list []Proof
	for _, c := range checks {
		if c.Skipped == "" {
			list = append(list, Proof{Check: c.Check, Function: c.Function, Version: c.Version, Verdict: c.Verdict, Took: c.Duration, Tests: c.Tests})
		}
	}
	return list
}

// intend records what is about to be done. An answer that was lost is no answer: nothing is done then.
func (s *story) intend(ctx context.Context, in Intent) error {
	if !s.ledgered() {
		return nil
	}
	return s.Ledger.Intend(ctx, s.env.Grant(), s.book.Head, in)
}

// recordPromotion writes down that the aliases were moved. They were, and stay; should it not be possible, the intent is
// there for the next run, which does it.
func (s *story) recordPromotion(ctx context.Context, in Intent, flips []*flip) {
	if !s.ledgered() {
		return
	}
	entry := in.Entry
	entry.Moves = append([]Recording(nil), in.Entry.Moves...)
	next := map[string]Record{}
	for key, rec := range in.Next {
		next[key] = rec
	}
	for i, f := range flips {
		entry.Moves[i].Fate = f.fate
		if f.fate == FateForeign {
			delete(next, f.step.Function.Key)
		}
	}
	s.unrecorded(s.write(ctx, Writing{Next: next, Entry: &entry, Close: in.ID}), "the promotion")
}

// putBack closes the intent of a promotion that was put back, and reports whether it is closed. While it is not known
// what an alias holds, or a write may still be carried out, the intent stays open: whoever comes next repairs what there is.
func (s *story) putBack(ctx context.Context, in Intent, flips []*flip) bool {
	if !s.ledgered() {
		return false
	}
	entry, moved := in.Entry, false
	entry.Kind, entry.Moves = EntryUndone, append([]Recording(nil), in.Entry.Moves...)
	for i, f := range flips {
		entry.Moves[i].Fate = f.fate
		moved = moved || f.fate != FateKept
		if f.fate == FateUnknown || isUnproved(f.err) && f.fate != FateBack {
			s.unclean = true
			return false
		}
	}
	if errors.Is(context.Cause(ctx), ErrNotHeld) || overtaken(flips) {
		return false
	}
	w := Writing{Close: in.ID}
	if moved {
		w.Entry = &entry
	}
	err := s.write(ctx, w)
	s.unrecorded(err, "that the promotion was put back")
	return err == nil
}

// raise ends a run that has nothing to move. What it has found is recorded, if that is news.
func (s *story) raise(ctx context.Context, plan Plan) error {
	news := s.ledgered() && len(s.standing(plan)) > 0
	if s.ledgered() && (news || s.book.Open != nil) {
		if s.env == nil {
			if err := s.takeEnvironment(ctx, false); err != nil {
				s.close(ctx, err, ReasonLockFailed, "%s could not be taken; nothing was changed", s.req.Scope().Lock())
				return nil
			}
			settled, err := s.settle(ctx, plan, nil)
			if err != nil {
				return s.unless(ctx, err, "what is promoted could not be established; nothing was changed")
			}
			plan = settled
		}
		if next := s.standing(plan); len(next) > 0 {
			switch err := s.recordStanding(ctx, plan, next); {
			case errors.Is(err, ErrStale):
				return errPlanAnew
			case err != nil: // an older commit could come back, since this one would not count
				s.close(ctx, err, ReasonLedgerFailed, "%s already holds what is wanted, but the commit could not be recorded; running it again does that", s.req.Environment.Name)
				return nil
			}
		}
	}
	routes, cancel := outlive(ctx)
	defer cancel()
	s.addRoutes(routes, s.o, plan)
	s.promotedRelease(ctx)
	s.unchanged(plan)
	return nil
}

// recordStanding records what was found without a move.
func (s *story) recordStanding(ctx context.Context, plan Plan, next map[string]Record) error {
	e := s.entry(EntryRaised)
	for _, step := range plan.Steps {
		rec, is := next[step.Function.Key]
		if !is {
			continue
		}
		e.Moves = append(e.Moves, Recording{
			Function: step.Function.Key, Name: step.Function.Name, From: rec.Version, To: rec.Version, FromDigest: rec.Digest, Digest: rec.Digest,
			FromSource: s.book.Head.Functions[step.Function.Key].Source, Adopted: rec.Adopted, Fate: FateKept,
		})
	}
	return s.write(ctx, Writing{Next: next, Entry: &e})
}

// write writes the ledger and gives the environment's lock back with it.
func (s *story) write(ctx context.Context, w Writing) error {
	s.at(StageRecord)
	w.GiveBack, w.Clean = true, !s.unclean
	within, cancel := lasting(ctx)
	defer cancel()
	number, err := s.Ledger.Record(within, s.env.Grant(), s.book.Head, w)
	if err != nil {
		return err
	}
	s.env.GivenBack()
	s.env = nil
	if w.Entry != nil {
		e := *w.Entry
		e.Number = number
		s.o.Entry = &e
	}
	return nil
}

// unrecorded warns that what was done could not be written down. What was recorded before, the intent, lets the next run
// make up for it.
func (s *story) unrecorded(err error, what string) {
	if err == nil {
		return
	}
	f := FaultOf(err)
	f.What = fmt.Sprintf("%s could not be recorded: %s", what, f.What)
	if f.Hint == "" {
		f.Hint = "the next run, or mode reconcile, makes up for it"
	}
	s.o.Warnings = append(s.o.Warnings, f)
}
