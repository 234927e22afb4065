package promotion

import (
	"context"
	"time"
)

// A Lock names what is held: an app's code (upload and publish, since functions share $LATEST) or one of its
// environments (promotion). Environment "" is the code lock.
type Lock struct{ App, Environment string }

func (l Lock) String() string {
	if l.Environment == "" {
		return "the code lock of " + l.App
	}
	return "the lock of " + l.App + "'s " + l.Environment
}

// A Holder is who holds a lock, for people: everything here is shown and nothing is decided by it.
type Holder struct {
	Repository string
	RunID      string
	Attempt    string
	RunURL     string
	Actor      string
	Commit     string
	Stage      Stage     // what it was doing when it last said so
	Since      time.Time // by its own clock
}

// A Grant is one holding of a lock. Owner is a random token, new for each grant and secret to its run; Fence grows with
// every grant and never goes back. Effects are checked against both, never against a clock.
type Grant struct {
	Lock  Lock
	Owner string
	Fence uint64
	// Unclean tells that the holder before this one did not leave cleanly: a write of its may still be carried out. The
	// barrier has to be passed before anything is read for a decision.
	Unclean bool
}

// A Contender is a run that wants a lock.
type Contender struct {
	Holder    Holder
	Functions []string      // keys of the functions that it would promote
	Lease     time.Duration // how long its record may stand still before others take it over
	Hold      time.Duration // instead of Lease: kept for so long without a sign of life (hold)
}

// A Wait is what a contender is told while somebody else holds the lock.
type Wait struct {
	Holder  Holder
	Since   time.Duration // for how long this contender has been waiting
	Waiters []Waiter      // the other live ones, in their order of arrival
}

// A Waiter is another contender for the same lock.
type Waiter struct {
	Commit    string
	Functions []string
	RunURL    string
}

// Locks are mutual exclusion between runs, in whatever repository. They save time and keep order; what keeps an alias
// right when a lock is lost is its revision.
type Locks interface {
	// Acquire waits until the lock is this contender's. wait is told who holds it, about every five seconds; an error that
	// it returns ends the waiting. A holder whose record stood still for its lease, measured here by a monotonic clock, is
	// taken over. It ends with ctx.
	Acquire(ctx context.Context, l Lock, c Contender, wait func(Wait) error) (Held, error)
	// Resume goes on under a grant of an earlier step or job, by its owner. It returns an error wrapping [ErrNotHeld] when
	// somebody has taken the lock since.
	Resume(ctx context.Context, l Lock, owner string, c Contender) (Held, error)
	// RequestStop asks the holder to stop and go home; it learns of it with its next sign of life.
	RequestStop(ctx context.Context, l Lock, by Holder, reason string) error
	// Unlock ends whatever grant there is and raises the fence, so that its holder can do no harm. The next grant is unclean.
	Unlock(ctx context.Context, l Lock, by Holder, reason string) (Grant, error)
	// Look reads who holds the lock; nil if nobody does.
	Look(ctx context.Context, l Lock) (*Holder, error)
}

// Held is a lock in the hands of this run. Signs of life are given beside the work, with deadlines of their own.
type Held interface {
	Grant() Grant
	// Lost is closed when the lock was taken, when it was asked to stop, or when no sign of life could be given for two
	// thirds of the lease; Cause then says which.
	Lost() <-chan struct{}
	Cause() error
	// Tell lets people see at which stage the holder is.
	Tell(stage Stage)
	// Release gives the lock back. clean is true only if no write of unknown effect is outstanding and no uncleanness was
	// inherited without passing the barrier. Releasing a lock that was lost is no error.
	Release(ctx context.Context, clean bool) error
}
