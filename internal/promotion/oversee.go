package promotion

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How long mode abort watches whether the run that it asked goes home, and how often it looks. A holder learns of it
// with its next sign of life, six times in its lease.
const (
	abortWithin = 45 * time.Second
	abortLook   = 2 * time.Second
)

// Abort asks the running promotion of the environment to stop and go home, and watches for a while whether it does.
func (r *Runner) Abort(ctx context.Context, req Request) Outcome {
	return r.tell(ctx, req, func(ctx context.Context, s *story) {
		if err := s.abort(ctx); err != nil {
			s.close(ctx, err, ReasonLockFailed, "the running promotion could not be asked to stop")
		}
	})
}

func (s *story) abort(ctx context.Context) error {
	if !s.ledgered() {
		return s.needsTable("abort asks through the lock")
	}
	lock := s.req.Scope().Lock()
	holder, err := s.Locks.Look(ctx, lock)
	if err != nil {
		return err
	}
	if holder != nil {
		err = s.Locks.RequestStop(ctx, lock, holderOf(s.req, StageGoBack), s.req.Reason)
	}
	if holder == nil || errors.Is(err, ErrNotHeld) {
		s.o.end(Unchanged, ReasonNothingRunning, "nobody is promoting to %s: there is nothing to stop", s.req.Environment.Name)
		return nil
	}
	if err != nil {
		return err
	}
	s.o.Holder = holder
	asked := *holder
	s.say(StageLock, "")("asked %s to stop and go home", asked)
	for began := time.Now(); time.Since(began) < abortWithin && ctx.Err() == nil; {
		pause(ctx, abortLook)
		now, err := s.Locks.Look(ctx, lock)
		if err == nil && (now == nil || now.RunID != asked.RunID || !now.Since.Equal(asked.Since)) {
			s.o.end(AbortAsked, ReasonAbortAsked, "%s has stopped, and given %s back", asked, lock)
			return nil
		}
	}
	s.o.Warnings = append(s.o.Warnings, Fault{What: fmt.Sprintf("it still holds %s", lock), Hint: "if its runner is gone, the lock lapses by itself; mode rollback does not wait for it"})
	s.o.end(AbortAsked, ReasonAbortAsked, "%s was asked to stop and go home", asked)
	return nil
}

func (s *story) needsTable(what string) error {
	return ends(Refused, ReasonNeedsTable, []Fault{{Where: Where{Input: "lock-table"}, What: "mode " + what + ", and lock-table is none",
		Accepted: "the name of a DynamoDB table that `promote setup` has made"}}, "mode %s needs a lock table; nothing was changed", s.req.Mode)
}

// Unlock ends a lock by force, or lifts the floor that a rollback has set.
func (r *Runner) Unlock(ctx context.Context, req Request) Outcome {
	return r.tell(ctx, req, func(ctx context.Context, s *story) {
		if err := s.unlock(ctx); err != nil {
			s.close(ctx, err, ReasonLockFailed, "it could not be unlocked; nothing was changed")
		}
	})
}

func (s *story) unlock(ctx context.Context) error {
	if !s.ledgered() {
		return s.needsTable("unlock ends locks")
	}
	lock := s.req.Scope().Lock()
	switch s.req.UnlockTarget {
	case UnlockFloor:
		return s.liftFloor(ctx)
	case UnlockCode:
		lock = Lock{App: s.req.App}
	}
	holder, err := s.Locks.Look(ctx, lock)
	if err != nil {
		return err
	}
	grant, err := s.Locks.Unlock(ctx, lock, holderOf(s.req, StageLock), s.req.Reason)
	if errors.Is(err, ErrNotHeld) {
		s.o.end(Unchanged, ReasonNothingRunning, "nobody has ever held %s", lock)
		return nil
	}
	if err != nil {
		return err
	}
	s.o.Holder = holder
	whose := "nobody held it"
	if holder != nil {
		whose = "it was held by " + holder.String()
	}
	s.o.end(Unlocked, ReasonUnlocked, "%s is free, at fence %d; %s", lock, grant.Fence, whose)
	return nil
}

// liftFloor lets commits come back that a rollback keeps away.
func (s *story) liftFloor(ctx context.Context) error {
	if err := s.takeEnvironment(ctx, false); err != nil {
		return err
	}
	if err := s.readBook(ctx); err != nil {
		return err
	}
	if _, err := s.repair(ctx, s.req.Functions); err != nil {
		return err
	}
	next := map[string]Record{}
	e := s.entry(EntryFloor)
	for _, f := range s.req.Functions {
		rec, known := s.book.Head.Functions[f.Key]
		if !known || rec.Floor.Commit == "" {
			continue
		}
		e.Moves = append(e.Moves, Recording{Function: f.Key, Name: rec.Name, From: rec.Version, To: rec.Version, FromDigest: rec.Digest, Digest: rec.Digest, FromSource: rec.Floor, Fate: FateKept})
		rec.Floor = Source{}
		next[f.Key] = rec
	}
	if len(next) == 0 {
		s.o.end(Unchanged, ReasonNoChange, "no function of %s has a floor", s.req.Scope())
		return nil
	}
	if err := s.write(ctx, Writing{Next: next, Entry: &e}); err != nil {
		return err
	}
	s.o.end(Unlocked, ReasonUnlocked, "the floor of %s in %s is lifted: commits that were rolled back may come again", plural(len(next), "function"), s.req.Environment.Name)
	return nil
}

// defaultHold is how long mode lock keeps the code lock unless it is told otherwise.
const defaultHold = 30 * time.Minute

// Lock takes the app's code lock before another tool changes $LATEST, and leaves it to the steps that follow: they go on
// under it by its owner's token, which the outcome carries.
func (r *Runner) Lock(ctx context.Context, req Request) (Outcome, Secret) {
	var owner Secret
	o := r.tell(ctx, req, func(ctx context.Context, s *story) {
		var err error
		if owner, err = s.lock(ctx); err != nil {
			s.close(ctx, err, ReasonLockFailed, "%s could not be taken; nothing was changed", Lock{App: req.App})
		}
	})
	return o, owner
}

func (s *story) lock(ctx context.Context) (Secret, error) {
	if !s.ledgered() {
		return "", s.needsTable("lock takes the code lock")
	}
	if err := s.takeCode(ctx); err != nil {
		return "", err
	}
	hold := s.req.Hold
	if hold == 0 {
		hold = defaultHold
	}
	owner := Secret(s.code.Grant().Owner)
	// Another tool works under it: whoever takes it over when nobody has come back cannot know what that tool still does.
	if err := s.code.Park(ctx, hold, false); err != nil {
		return "", err
	}
	lock := s.code.Grant().Lock
	s.code = nil
	s.o.end(Locked, ReasonLocked, "%s is held for %s, for the steps that follow", lock, hold)
	return owner, nil
}

// Reconcile repairs what dead runs left in the environment. It does not wait for one that lives.
func (r *Runner) Reconcile(ctx context.Context, req Request) Outcome {
	return r.tell(ctx, req, func(ctx context.Context, s *story) {
		if err := s.reconcileAlone(ctx); err != nil {
			s.close(ctx, err, ReasonReadFailed, "what was left in %s could not be repaired; running it again goes on", req.Environment.Name)
		}
	})
}

func (s *story) reconcileAlone(ctx context.Context) error {
	if !s.ledgered() {
		return s.needsTable("reconcile reads the journal")
	}
	if err := s.readBook(ctx); err != nil {
		return err
	}
	lock := s.req.Scope().Lock()
	holder, err := s.Locks.Look(ctx, lock)
	if err != nil {
		return err
	}
	if s.book.Open == nil && holder == nil {
		s.whole()
		return nil
	}
	held, err := s.Locks.Acquire(ctx, lock, s.contender(StageRepair), s.patient(lock))
	if err != nil {
		return s.lockFault(err, lock)
	}
	s.env = s.keep(ctx, held)
	if err := s.readBook(ctx); err != nil {
		return err
	}
	unclean := s.unclean
	if _, err := s.repair(ctx, s.req.Functions); err != nil {
		return err
	}
	switch {
	case len(s.o.Repairs) > 0:
		s.o.end(Reconciled, ReasonRepaired, "what %s had left in %s is repaired", runOf(s.o.Repairs[0].Intent.Entry), s.req.Environment.Name)
	case unclean:
		s.o.end(Reconciled, ReasonRepaired, "the lock that a dead run had held on %s is free again; it had left nothing half done", s.req.Environment.Name)
	default:
		s.whole()
	}
	return nil
}

func (s *story) whole() {
	s.o.end(Unchanged, ReasonNothingRunning, "%s is whole: nothing was left to repair", s.req.Environment.Name)
}

// patient waits for a holder that may be dead, and leaves one that shows itself to be alive alone.
func (s *story) patient(l Lock) func(Wait) error {
	var first *Holder
	return func(w Wait) error {
		s.o.Holder = &w.Holder
		if first == nil {
			first = &w.Holder
			s.say(StageRepair, "")("%s is held by %s: waiting to see whether it lives", l, w.Holder)
		}
		longest := 2*max(w.Lease, time.Minute) + 30*time.Second
		if w.Holder.Stage != first.Stage || !w.Holder.Since.Equal(first.Since) || w.Since >= longest {
			return ends(Unchanged, ReasonNothingRunning, nil, "%s is at work on %s: there is nothing to repair", w.Holder, s.req.Environment.Name)
		}
		return nil
	}
}
