package promotion

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	if s.req.JobStatus == "" || s.req.JobStatus == "success" {
		s.whole()
		return nil
	}
	releases, err := s.condemn(ctx, l)
	if err != nil {
		return err
	}
	if l.Mode == ModeDeploy || l.Mode == ModeLock {
		s.whole()
		return nil
	}
	if err := s.readBook(ctx); err != nil {
		return err
	}
	at, err := s.atWork(ctx, releases)
	if err != nil {
		return err
	}
	if !at {
		s.whole()
		return nil
	}
	if err := s.preempt(ctx, "its job has ended with "+s.req.JobStatus); err != nil {
		return err
	}
	if err := s.readBook(ctx); err != nil {
		return err
	}
	s.failed = s.begun(releases)
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

// atWork tells whether this very step has left something half done, or holds the environment's lock: its container may be
// alive yet, and about to promote what its job no longer stands for. Other jobs of the same run have releases of their own.
func (s *story) atWork(ctx context.Context, releases []string) (bool, error) {
	if s.begun(releases) {
		return true, nil
	}
	holder, err := s.Locks.Look(ctx, s.req.Scope().Lock())
	return holder != nil && s.mine(holder.RunID, holder.Attempt, holder.Release, releases), err
}

// begun tells whether the open intent is that of one of the releases.
func (s *story) begun(releases []string) bool {
	open := s.book.Open
	return open != nil && s.mine(open.Entry.RunID, open.Entry.Attempt, open.Entry.Release, releases)
}

func (s *story) mine(runID, attempt, release string, releases []string) bool {
	return s.req.RunID != "" && runID == s.req.RunID && attempt == s.req.Attempt && slices.Contains(releases, release)
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

// condemn makes the release of a job that was not green unfit for promotion, and gives its code lock back. It returns the
// ids of the releases that the step had to do with.
func (s *story) condemn(ctx context.Context, l Leftover) ([]string, error) {
	releases, query := []string{l.Release}, ReleaseQuery{ID: l.Release}
	if l.Release == "" {
		releases, query = nil, ReleaseQuery{RunID: s.req.RunID} // mode promote finds its release so
	}
	if query == (ReleaseQuery{}) {
		return releases, nil
	}
	found, err := s.Ledger.Releases(ctx, s.req.Scope(), query)
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		if l.Release == "" && !s.covers(r) {
			continue // another job's, about other functions
		}
		releases = append(releases, r.ID)
		if r.State == ReleaseReady {
			why := fmt.Sprintf("the job that deployed or tested it ended with %s (%s)", s.req.JobStatus, runName(s.req))
			if err := s.Ledger.Conclude(ctx, r.Scope, r.ID, ReleaseVoid, why); err != nil {
				return nil, err
			}
			s.say(StageRecord, "")("release %s is void: %s", r.ID, why)
		}
		if r.Owner == "" {
			continue
		}
		if err := s.giveUp(ctx, r.Owner, true); err != nil {
			return nil, err
		}
	}
	return releases, nil
}
