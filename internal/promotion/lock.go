package promotion

import (
	"context"
	"errors"
	"fmt"
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

// A Holder is who holds a lock, for people: nothing is decided by it, but whether a job that failed holds it itself.
type Holder struct {
	Repository string
	RunID      string
	Attempt    string
	RunURL     string
	Actor      string
	Commit     string
	Release    string    // that it promotes, or its own id
	Stage      Stage     // what it was doing when it last said so
	Since      time.Time // by its own clock
}

// A Grant is one holding of a lock. Owner is a random token, secret to its run; it stays when a later step resumes the
// holding. Fence grows with every grant, a resumed one too, and never goes back. Effects are checked against both, never
// against a clock.
type Grant struct {
	Lock  Lock
	Owner string
	Fence uint64
	// Unclean tells that the holder before this one did not leave cleanly: a write of its may still be carried out. The
	// barrier has to be passed before anything is read for a decision.
	Unclean bool
}

// String names the grant without its owner, which must not get into a log.
func (g Grant) String() string { return fmt.Sprintf("%s, fence %d", g.Lock, g.Fence) }

// GoString is String, for %#v.
func (g Grant) GoString() string { return g.String() }

// ErrSilent: no sign of life could be given for so long that somebody else may take the lock over soon. It may still be
// held: whatever checks owner and fence knows.
var ErrSilent = errors.New("no sign of life could be given in time")

// A Contender is a run that wants a lock.
type Contender struct {
	Holder    Holder
	Functions []string      // keys of the functions that it would promote
	Lease     time.Duration // how long its record may stand still before others take it over; 0 is a minute
	Hold      time.Duration // instead of Lease: kept for so long without a sign of life (hold)
}

// A Wait is what a contender is told while somebody else holds the lock.
type Wait struct {
	Holder  Holder
	Since   time.Duration // for how long this contender has been waiting
	Lease   time.Duration // how long the holder's record may stand still before it is taken over
	Waiters []Waiter      // the others that were seen to be alive while this one waited, in their order of arrival
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
	// Acquire waits until the lock is this contender's. wait is told who holds it, at once and then about every five
	// seconds; an error that it returns ends the waiting. A holder whose record stood still for the length that the record
	// itself states, measured here by a monotonic clock, is taken over. It ends with ctx. Those who wait are served in
	// their order of arrival; the dead among them are passed over.
	Acquire(ctx context.Context, l Lock, c Contender, wait func(Wait) error) (Held, error)
	// Exchange gives one lock back, as Release does, and acquires the next, in a single transaction where nobody holds
	// that. Where somebody does, the first is given back before the waiting begins. It returns an error wrapping
	// [ErrNotHeld] if the first was lost; then the next is not held either.
	Exchange(ctx context.Context, from Held, clean bool, next Lock, c Contender, wait func(Wait) error) (Held, error)
	// Resume goes on under a grant of an earlier step or job, by its owner. The fence is raised, so that of two who resume
	// the same grant only the later one holds it. It returns an error wrapping [ErrNotHeld] when somebody has taken the
	// lock since.
	Resume(ctx context.Context, l Lock, owner string, c Contender) (Held, error)
	// Seize takes the lock at once, whoever holds it and whoever waits, and raises the fence. The grant is unclean if
	// somebody held it.
	Seize(ctx context.Context, l Lock, c Contender, reason string) (Held, error)
	// RequestStop asks the holder to stop and go home; it learns of it with its next sign of life. It returns an error
	// wrapping [ErrNotHeld] if there is no holder.
	RequestStop(ctx context.Context, l Lock, by Holder, reason string) error
	// Unlock ends whatever grant there is and raises the fence, so that its holder can do no harm. The next grant is
	// unclean. The one that it returns is nobody's and tells the fence that holds now. It returns an error wrapping
	// [ErrNotHeld] for a lock that nobody has ever held.
	Unlock(ctx context.Context, l Lock, by Holder, reason string) (Grant, error)
	// Look reads who holds the lock; nil if nobody does.
	Look(ctx context.Context, l Lock) (*Holder, error)
}

// Held is a lock in the hands of this run. Signs of life are given beside the work, with deadlines of their own; nothing
// here but Park and Release waits for an answer.
type Held interface {
	Grant() Grant
	// Lost is closed when the lock was taken, when its holder was asked to stop, or when no sign of life could be given
	// for two thirds of the lease.
	Lost() <-chan struct{}
	// Cause is nil before Lost is closed. After that it wraps [ErrNotHeld], [ErrStopRequested] or [ErrSilent]; in the
	// latter two cases the lock may be held yet, signs of life go on, and the cause may still become ErrNotHeld.
	Cause() error
	// Tell lets people see at which stage the holder is.
	Tell(stage Stage)
	// Park keeps the lock for so long without signs of life, for a later step or job to resume. clean is Release's, for
	// whoever takes the lock over when nobody has resumed it: it is false where another tool works under the lock
	// meanwhile. It returns an error wrapping [ErrNotHeld] if the lock was lost.
	Park(ctx context.Context, hold time.Duration, clean bool) error
	// Confirm asks the table whether the grant is still good. It returns an error wrapping [ErrNotHeld] if it is not,
	// and any other error if that could not be read.
	Confirm(ctx context.Context) error
	// GivenBack tells that the lock was given back in a transaction of the ledger: signs of life end.
	GivenBack()
	// Release gives the lock back. clean is true only if no write of unknown effect is outstanding and no uncleanness was
	// inherited without passing the barrier. Releasing a lock that was lost is no error.
	Release(ctx context.Context, clean bool) error
}
