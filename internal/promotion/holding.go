package promotion

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// How long a run waits for a lock unless it is told otherwise, and how often it looks and speaks meanwhile.
const (
	defaultLockTimeout = 30 * time.Minute
	orderEvery         = 15 * time.Second
	tellEvery          = 30 * time.Second
)

// contender is this run as it is seen by others.
func (s *story) contender(stage Stage) Contender {
	return Contender{Holder: holderOf(s.req, stage), Functions: s.req.Keys(), Lease: s.req.Lease}
}

func holderOf(req Request, stage Stage) Holder {
	return Holder{
		Repository: req.Repository, RunID: req.RunID, Attempt: req.Attempt, RunURL: req.RunURL,
		Actor: req.Actor, Commit: req.Commit, Release: req.Release, Stage: stage, Since: time.Now(),
	}
}

// takeCode takes the app's code lock, or goes on under it where an earlier step has taken it.
func (s *story) takeCode(ctx context.Context) error {
	if !s.ledgered() {
		return nil
	}
	if s.code != nil {
		return nil // kept from an earlier telling
	}
	lock := Lock{App: s.req.App}
	if s.req.LockOwner != "" {
		held, err := s.Locks.Resume(ctx, lock, s.req.LockOwner.Reveal(), s.contender(StageDeploy))
		if errors.Is(err, ErrNotHeld) {
			return ends(Refused, ReasonLockLost, []Fault{{
				What: fmt.Sprintf("%s, which an earlier step took with mode lock, is not held any more", lock),
				Hint: "somebody else may have changed $LATEST meanwhile; take the lock anew, with a longer hold, and deploy again",
			}}, "%s was lost before this step; nothing was changed", lock)
		}
		if err != nil {
			return err
		}
		s.code = s.keep(ctx, held)
		return nil
	}
	held, err := s.acquire(ctx, lock, StageDeploy)
	s.code = held
	return err
}

// takeEnvironment takes the environment's lock. The code lock is given back with it, unless it is still needed.
func (s *story) takeEnvironment(ctx context.Context, keepCode bool) error {
	if !s.ledgered() {
		return nil
	}
	lock := s.req.Scope().Lock()
	if s.code == nil || keepCode || s.req.LockOwner != "" {
		held, err := s.acquire(ctx, lock, StageVerify)
		s.env = held
		return err
	}
	began, wait := time.Now(), s.waiting(ctx, lock)
	held, err := s.Locks.Exchange(ctx, s.code, true, lock, s.contender(StageVerify), wait)
	s.waitedFor(began)
	if err != nil {
		return s.lockFault(err, lock) // the code lock may be held yet: it is given back when the story ends
	}
	s.code, s.env = nil, s.keep(ctx, held)
	return nil
}

// acquire waits for a lock, for as long as the request allows and there is a point in it.
func (s *story) acquire(ctx context.Context, l Lock, stage Stage) (Held, error) {
	began := time.Now()
	held, err := s.Locks.Acquire(ctx, l, s.contender(stage), s.waiting(ctx, l))
	s.waitedFor(began)
	if err != nil {
		return nil, s.lockFault(err, l)
	}
	return s.keep(ctx, held), nil
}

// keep watches over a lock: when it is lost, the run's context ends.
func (s *story) keep(ctx context.Context, held Held) Held {
	s.unclean = s.unclean || held.Grant().Unclean && held.Grant().Lock.Environment != ""
	go func() {
		select {
		case <-held.Lost():
			s.cancel(held.Cause())
		case <-ctx.Done():
		}
	}()
	return held
}

func (s *story) waitedFor(began time.Time) {
	if s.waited {
		s.o.Waited += time.Since(began)
	}
}

// lockFault takes an error of a lock as the ending that it is, if it is one.
func (s *story) lockFault(err error, l Lock) error {
	var end *ending
	if errors.As(err, &end) {
		return end
	}
	return fmt.Errorf("acquire %s: %w", l, err)
}

// waiting is asked while somebody else holds the lock: it tells whom the run waits for, and ends the waiting when the
// time is up, when a newer commit was promoted, or when one waits too that brings everything along.
func (s *story) waiting(ctx context.Context, l Lock) func(Wait) error {
	var told, asked time.Time
	limit := s.req.LockTimeout
	if limit == 0 {
		limit = defaultLockTimeout
	}
	return func(w Wait) error {
		s.waited, s.o.Holder = true, &w.Holder
		if asked.IsZero() {
			asked = time.Now()
		}
		if told.IsZero() || time.Since(told) >= tellEvery {
			told = time.Now()
			if s.Tell != nil {
				s.Tell(Event{Stage: StageLock, Waiting: &w.Holder,
					Text: fmt.Sprintf("waiting for %s, held by %s; this run gives up in %s", l, w.Holder, (limit - w.Since).Round(time.Second))})
			}
		}
		if w.Since >= limit {
			return ends(LockTimeout, ReasonLockTimeout, []Fault{{
				What: fmt.Sprintf("%s was held for longer than %s by %s", l, limit, w.Holder),
				Hint: "wait for that run, or ask it to stop with mode abort; lock-timeout allows more time; mode unlock ends a lock by force",
			}}, "%s was not free within %s; nothing was changed", l, limit)
		}
		if l.Environment != "" {
			mine := Waiter{Commit: s.req.Commit, Functions: s.req.Keys(), RunURL: s.req.RunURL}
			if to, yields := YieldTo(ctx, s.Commits, mine, w.Waiters); yields {
				return ends(Superseded, ReasonYielded, nil, "commit %s, which contains this one and everything it would promote, waits for %s too", shortCommit(to.Commit), l)
			}
		}
		if time.Since(asked) >= orderEvery && s.req.Environment.Name != "" {
			asked = time.Now()
			if s.readBook(ctx) == nil { // a reading that fails is made up for under the lock
				return s.order(ctx)
			}
		}
		return nil
	}
}

// String tells who the holder is, for a log.
func (h Holder) String() string {
	text := "another run"
	switch {
	case h.RunURL != "":
		text = h.RunURL
	case h.RunID != "":
		text = "run " + h.RunID
	}
	if h.Actor != "" {
		text += " of " + h.Actor
	}
	if h.Commit != "" {
		text += " (commit " + shortCommit(h.Commit) + ")"
	}
	if h.Stage != "" {
		text += ", at the stage " + string(h.Stage)
	}
	if !h.Since.IsZero() {
		text += ", since " + h.Since.UTC().Format(time.RFC3339)
	}
	return text
}

// leave gives back what is still held.
func (s *story) leave(ctx context.Context) {
	for _, held := range []Held{s.env, s.code} {
		if held == nil || s.passOn(ctx, held) {
			continue
		}
		clean := held.Grant().Lock.Environment == "" || !s.unclean
		within, cancel := lasting(ctx)
		if err := held.Release(within, clean); err != nil {
			s.o.Warnings = append(s.o.Warnings, Fault{
				What: fmt.Sprintf("%s could not be given back: %v", held.Grant().Lock, FaultOf(err).What),
				Hint: "it lapses by itself; nobody can be harmed by it",
			})
		}
		cancel()
	}
	s.env, s.code = nil, nil
}

// passOn keeps the code lock that mode lock took for the steps that follow: the job's end gives it back. It reports whether
// that is done.
func (s *story) passOn(ctx context.Context, held Held) bool {
	if s.req.LockOwner == "" || held != s.code {
		return false
	}
	within, cancel := lasting(ctx)
	defer cancel()
	return held.Park(within, cmp.Or(s.req.Hold, defaultHold), false) == nil
}

// leaveCode gives the code lock back once nobody's tests go through $LATEST any more.
func (s *story) leaveCode(ctx context.Context) {
	if s.code == nil || s.req.LockOwner != "" {
		return
	}
	code := s.code
	s.code = nil
	within, cancel := lasting(ctx)
	defer cancel()
	if err := code.Release(within, true); err != nil {
		s.say(StageLock, "")("%s could not be given back, and lapses by itself: %v", code.Grant().Lock, err)
	}
}
