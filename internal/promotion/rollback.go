package promotion

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// How long a rollback gives a running promotion to go home by itself, and how often it looks.
const (
	stopWithin = 5 * time.Second
	stopLook   = 500 * time.Millisecond
)

// Rollback moves aliases back: to the versions that were named, to what is recorded where a promotion is half done, or
// before the newest promotion. It never waits behind a running promotion, and never asks for the order of commits.
func (r *Runner) Rollback(ctx context.Context, req Request) Outcome {
	return r.tell(ctx, req, func(ctx context.Context, s *story) {
		ctx = Urgent(ctx)
		if err := s.rollback(ctx); err != nil {
			s.close(ctx, err, ReasonReadFailed, "what to go back to could not be established; no alias of %s was moved", req.Environment.Name)
			s.pointToTheWayWithoutLock(err)
		}
	})
}

// pointToTheWayWithoutLock is for whom the lock table keeps from going back.
func (s *story) pointToTheWayWithoutLock(err error) {
	var end *ending
	if errors.As(err, &end) || s.env != nil {
		return
	}
	s.o.Warnings = append(s.o.Warnings, Fault{What: "the lock table does not let this rollback through",
		Hint: "without-lock goes without it, by the revisions of the aliases alone; it needs to and a reason"})
}

func (s *story) rollback(ctx context.Context) error {
	if s.req.WithoutLock || !s.ledgered() {
		return s.rollbackAlone(ctx)
	}
	if err := s.preempt(ctx, cmp.Or(s.req.Reason, "a rollback")); err != nil {
		return err
	}
	if err := s.readBook(ctx); err != nil {
		return err
	}
	if s.unclean {
		if err := s.fenceOffAll(ctx); err != nil {
			return err
		}
	}
	if s.book.Open != nil {
		if done, err := s.rollbackOpen(ctx, *s.book.Open); done || err != nil {
			return err
		}
	}
	choice, err := s.choose(ctx)
	if err != nil {
		return err
	}
	return s.goThere(ctx, choice)
}

// fenceOffAll is the barrier of a rollback. A function that it cannot be passed for is left out, and told: it does not keep
// the others from going home, unless a promotion is half done, which goes back as a whole.
func (s *story) fenceOffAll(ctx context.Context) error {
	aliases := s.concerned(s.req.Functions)
	s.say(StageRepair, "")("the holder before did not leave cleanly: fencing off %s", plural(len(aliases), "alias"))
	errs := each(ctx, len(aliases), s.parallel(), false, func(i int) error { return aliases[i].fenceOff(ctx) })
	failed := compact(errs)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.unclean = len(failed) > 0; !s.unclean {
		return nil
	}
	barred := map[string]bool{}
	for i, err := range errs {
		barred[aliases[i].name] = err != nil
	}
	able := slices.DeleteFunc(slices.Clone(s.req.Functions), func(f Function) bool { return barred[f.Name] })
	if len(able) == 0 || s.book.Open != nil {
		return errors.Join(failed...)
	}
	s.o.fault(failed...)
	s.barred, s.req.Functions = len(s.req.Functions)-len(able), able
	return nil
}

// preempt takes the environment's lock at once. Who holds it is asked to go home first, and given a few seconds for it.
func (s *story) preempt(ctx context.Context, reason string) error {
	lock := s.req.Scope().Lock()
	holder, err := s.Locks.Look(ctx, lock)
	if err != nil {
		return err
	}
	if holder != nil {
		s.o.Holder = holder
		s.say(StageLock, "")("asking %s to stop", holder)
		err = s.Locks.RequestStop(ctx, lock, holderOf(s.req, StageGoBack), reason)
		for began := time.Now(); err == nil && time.Since(began) < stopWithin && ctx.Err() == nil; {
			pause(ctx, stopLook)
			if holder, err = s.Locks.Look(ctx, lock); holder == nil {
				break
			}
		}
		if err != nil && !errors.Is(err, ErrNotHeld) {
			s.say(StageLock, "")("it could not be asked: %v", err)
		}
	}
	held, err := s.Locks.Seize(ctx, lock, s.contender(StageGoBack), reason)
	if err != nil {
		return fmt.Errorf("take over %s: %w", lock, err)
	}
	s.env = s.keep(ctx, held)
	return nil
}

// rollbackOpen goes back from a promotion that is half done to what is recorded: all of it, whatever the request names,
// since a mixture must not stay. A rollback that is half done is finished. It reports whether that was all: where
// versions were named, they come after it.
func (s *story) rollbackOpen(ctx context.Context, in Intent) (done bool, err error) {
	forward := in.Entry.Kind == EntryRollback
	if len(s.req.To) > 0 || forward {
		if _, err := s.reconcile(ctx, in, forward); err != nil || len(s.req.To) > 0 {
			return false, err
		}
		s.o.end(RolledBack, ReasonAsked, "the rollback of %s that %s had begun is finished", s.req.Environment.Name, runOf(in.Entry))
		return true, nil
	}
	work, err := s.survey(ctx, in)
	if err != nil {
		return false, err
	}
	if err := s.holds(ctx); err != nil { // after the reading, as in reconcile
		return false, err
	}
	s.carry(ctx, work, func(l *left) (Version, bool) { return l.move.From, l.applied() && l.move.From != 0 })
	for _, l := range work {
		if l.fate == FateBack { // to the rollback this is the move that was asked for
			l.fate = FateMoved
		}
	}
	if s.reportBack(work); s.o.count(FateUnknown) > 0 {
		s.unclean = true
		s.o.end(NeedsAttention, ReasonUnproved, "not every alias of %s could be put back: the commands are in the report", s.req.Environment.Name)
		return true, nil
	}
	e := s.entry(EntryRollback)
	next := map[string]Record{}
	for _, l := range work {
		if l.move.From == 0 { // there was no alias before: one that was created stays
			continue
		}
		m := l.move
		m.From, m.To, m.FromDigest, m.Digest, m.Fate = l.move.To, l.move.From, l.move.Digest, l.move.FromDigest, l.fate
		e.Moves = append(e.Moves, m)
		if l.foreign == "" {
			next[m.Function] = s.returned(l.move, in)
		}
	}
	s.recordRollback(ctx, Writing{Next: next, Entry: &e, Close: in.ID})
	back, env := s.o.count(FateMoved), s.req.Environment.Name
	foreign := foreignFaults(work)
	s.o.Faults = append(s.o.Faults, foreign...)
	switch {
	case len(foreign) == 0:
		s.o.end(RolledBack, ReasonAsked, "%s of %s put back from the unfinished promotion of %s", plural(back, "alias"), env, runOf(in.Entry))
	case back == 0:
		s.o.end(ConflictFound, ReasonAliasMoved, "somebody else has changed an alias of %s that an unfinished promotion was moving; theirs is left alone, and there was nothing to put back", env)
	default:
		s.o.end(NeedsAttention, ReasonUnproved, "%s of %s put back, and %d left as somebody else has changed it: the commands are in the report", plural(back, "alias"), env, len(foreign))
	}
	return true, nil
}

// returned is what the head says of a function that an unfinished promotion was moving: what it said before, or the
// baseline that nobody had recorded, with that promotion as the floor.
func (s *story) returned(m Recording, in Intent) Record {
	rec := s.book.Head.Functions[m.Function]
	if rec.Version != m.From {
		rec = Record{Name: m.Name, Alias: in.Alias, Version: m.From, Digest: m.FromDigest, Adopted: true, Source: m.FromSource, Entry: s.book.Head.Number + 1}
	}
	if in.Entry.Source.Commit != "" {
		rec.Floor = in.Entry.Source
	}
	return rec
}

// reportBack writes into the outcome where the aliases of an intent were left.
func (s *story) reportBack(work []*left) {
	for _, l := range work {
		f := s.o.entry(l.move.Function, l.move.Name)
		f.Previous, f.PreviousDigest, f.Candidate, f.Digest, f.Fate = l.move.To, l.move.Digest, l.move.From, l.move.FromDigest, l.fate
		if l.fate == FateCreated {
			f.Previous, f.PreviousDigest, f.Candidate, f.Digest = 0, "", l.move.To, l.move.Digest
		}
		if l.err != nil {
			s.o.fault(l.err)
			f.Fate = FateUnknown
		}
		if f.Fate == FateUnknown || f.Fate == FateForeign {
			f.Commands = []string{lookCommand(l.move.Name, s.req.Environment)}
		}
	}
}

// entry finds the entry of a function, or adds it: what is repaired may be more than what was asked for.
func (o *Outcome) entry(key, name string) *FunctionOutcome {
	if f := o.function(key); f != nil {
		return f
	}
	o.Functions = append(o.Functions, FunctionOutcome{Function: key, Name: name, Fate: FateKept})
	return &o.Functions[len(o.Functions)-1]
}

// recordRollback records a rollback. The aliases are where a person wants them: that it is not recorded is a warning.
func (s *story) recordRollback(ctx context.Context, w Writing) {
	s.unrecorded(s.write(ctx, w), "the rollback")
}

// rollbackAlone moves aliases back without lock and ledger, by their revisions alone: to the versions that a person names.
func (s *story) rollbackAlone(ctx context.Context) error {
	var choice []target
	var faults []Fault
	for _, f := range s.req.Functions {
		v, named := s.req.To[f.Key]
		if !named {
			continue
		}
		choice = append(choice, target{function: f, to: v})
	}
	if len(choice) == 0 {
		faults = append(faults, Fault{Where: Where{Input: "to"}, What: "no version is named, and without the lock table nobody knows what was promoted before",
			Accepted: "a version's number, or a list of function=version"})
		return ends(Refused, ReasonNothingToUndo, faults, "no version is named; nothing was changed")
	}
	s.o.Warnings = append(s.o.Warnings, Fault{What: "moved without the lock and without a record: a promotion that runs may move the aliases again",
		Hint: "when the lock table can be reached, the next run takes over what is there"})
	return s.goThere(ctx, choice)
}
