package promotion

import (
	"context"
	"errors"
	"fmt"
)

// A Leftover is what a step has left to the end of its job.
type Leftover struct {
	Mode      Mode
	Release   string // that the step has deposited, or was promoting
	LockOwner Secret // of the code lock that mode lock took
}

// Post ends a step's part in its job, once the job's end is known: req.JobStatus. After a job that failed or was
// cancelled, what the step was in the middle of is undone, also while its container still lives; its release must not be
// promoted any more, and its locks are given back. After a green one, only what mode lock took is given back: a release
// and its hold live on for the job that promotes it.
func (r *Runner) Post(ctx context.Context, req Request, l Leftover) Outcome {
	return r.tell(ctx, req, func(ctx context.Context, s *story) {
		if err := s.post(ctx, l); err != nil {
			s.close(ctx, err, ReasonReadFailed, "what the job has left could not be cleared away; the next run, or mode reconcile, does it")
		}
	})
}

func (s *story) post(ctx context.Context, l Leftover) error {
	if !s.ledgered() {
		s.whole()
		return nil
	}
	if l.LockOwner != "" {
		if err := s.giveUp(ctx, l.LockOwner, l.Mode != ModeLock); err != nil {
			return err
		}
	}
	if s.req.JobStatus == "success" {
		s.whole()
		return nil
	}
	if err := s.condemn(ctx, l); err != nil {
		return err
	}
	if l.Mode == ModeDeploy || l.Mode == ModeLock {
		s.whole()
		return nil
	}
	if err := s.readBook(ctx); err != nil {
		return err
	}
	at, err := s.atWork(ctx)
	if err != nil {
		return err
	}
	if !at {
		s.whole()
		return nil
	}
	s.failed = true
	if err := s.preempt(ctx); err != nil {
		return err
	}
	if err := s.readBook(ctx); err != nil {
		return err
	}
	if _, err := s.repair(ctx, s.req.Functions); err != nil {
		return err
	}
	if len(s.o.Repairs) == 0 {
		s.whole()
		return nil
	}
	s.o.end(Reconciled, ReasonRepaired, "what this job had left half done in %s is repaired", s.req.Environment.Name)
	return nil
}

// atWork tells whether this very run has left something half done, or holds the environment's lock: its container may be
// alive yet, and about to promote what its job no longer stands for.
func (s *story) atWork(ctx context.Context) (bool, error) {
	mine := func(runID, attempt string) bool {
		return s.req.RunID != "" && runID == s.req.RunID && attempt == s.req.Attempt
	}
	if open := s.book.Open; open != nil && mine(open.Entry.RunID, open.Entry.Attempt) {
		return true, nil
	}
	holder, err := s.Locks.Look(ctx, s.req.Scope().Lock())
	return holder != nil && mine(holder.RunID, holder.Attempt), err
}

// giveUp gives a code lock back that was kept for later steps.
func (s *story) giveUp(ctx context.Context, owner Secret, clean bool) error {
	held, err := s.Locks.Resume(ctx, Lock{App: s.req.App}, owner.Reveal(), s.contender(StageLock))
	if errors.Is(err, ErrNotHeld) {
		return nil
	}
	if err != nil {
		return err
	}
	within, cancel := lasting(ctx)
	defer cancel()
	return held.Release(within, clean)
}

// condemn makes the release of a job that was not green unfit for promotion, and gives its code lock back.
func (s *story) condemn(ctx context.Context, l Leftover) error {
	query := ReleaseQuery{ID: l.Release}
	if l.Release == "" {
		query = ReleaseQuery{RunID: s.req.RunID} // mode promote finds its release so
	}
	if query == (ReleaseQuery{}) {
		return nil
	}
	found, err := s.Ledger.Releases(ctx, s.req.Scope(), query)
	if err != nil {
		return err
	}
	for _, r := range found {
		if r.State == ReleaseReady {
			why := fmt.Sprintf("the job that deployed or tested it ended with %s (%s)", s.req.JobStatus, runName(s.req))
			if err := s.Ledger.Conclude(ctx, r.Scope, r.ID, ReleaseVoid, why); err != nil {
				return err
			}
			s.say(StageRecord, "")("release %s is void: %s", r.ID, why)
		}
		if r.Owner == "" {
			continue
		}
		if err := s.giveUp(ctx, r.Owner, true); err != nil {
			return err
		}
	}
	return nil
}
