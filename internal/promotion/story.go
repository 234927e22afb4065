package promotion

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A story is one run: what it was asked, what it knows, what it holds, and what will be said of it.
type story struct {
	*Runner
	o      *Outcome
	req    Request
	cancel context.CancelCauseFunc // ends the run's context when a lock is lost

	book    Book      // as it was read last; zero without a ledger
	read    time.Time // when that was
	code    Held      // nil while it is not held
	env     Held
	unclean bool                // a write of this run's may still be carried out, or an inherited one that was not fenced off
	barred  int                 // functions that a rollback had to leave out
	failed  bool                // the job of a promotion that is half done has failed: it is undone however far it came
	waited  bool                // for a lock, since the book was read: others were at work
	toFloor map[string]Relation // how the commit stands to each function's floor, by key
}

// ledgered tells whether the run has locks and a ledger: lock-table is not none.
func (r *Runner) ledgered() bool { return r.Locks != nil && r.Ledger != nil }

// tell tells one story from its beginning to its end, and gives back whatever it still holds then. Its context ends
// also when a lock is lost.
func (r *Runner) tell(ctx context.Context, req Request, chapters func(context.Context, *story)) Outcome {
	s := &story{Runner: r, o: begin(req), req: req}
	ctx, s.cancel = context.WithCancelCause(ctx)
	defer s.cancel(nil)
	chapters(ctx, s)
	s.leave(ctx)
	return *s.o
}

// An ending is an error that says how the run ends.
type ending struct {
	kind     Kind
	reason   Reason
	sentence string
	faults   []Fault
}

func (e *ending) Error() string { return e.sentence }

func ends(k Kind, reason Reason, faults []Fault, format string, args ...any) *ending {
	return &ending{kind: k, reason: reason, faults: faults, sentence: fmt.Sprintf(format, args...)}
}

// errPlanAnew: what was decided on has changed by rights, so that the plan has to be made anew.
var errPlanAnew = errors.New("what was decided on has changed")

// close ends the outcome on a road where no alias was moved: by the error's own ending, by the loss of a lock or an
// interruption, or else as a failure.
func (s *story) close(ctx context.Context, err error, reason Reason, format string, args ...any) Outcome {
	var end *ending
	if errors.As(err, &end) {
		s.o.Faults = append(s.o.Faults, end.faults...)
		return s.o.end(end.kind, end.reason, "%s", end.sentence)
	}
	if ctx.Err() == nil && errors.Is(err, ErrNoTable) {
		s.o.fault(err)
		return s.o.end(Refused, ReasonNeedsTable, "there is no lock table that can be used; nothing was changed")
	}
	if ctx.Err() == nil && errors.Is(err, ErrNotHeld) {
		s.cancel(err)
	}
	if ctx.Err() == nil {
		s.o.fault(err)
	}
	return s.o.stopped(ctx, Failed, reason, format, args...)
}

// holds asks whether the environment's lock is still this run's. A write with a revision that was read anew is allowed
// only after that: in this order, a holder that was overtaken can do no harm.
func (s *story) holds(ctx context.Context) error {
	if s.env == nil {
		return nil
	}
	return s.env.Confirm(ctx)
}

// at tells people, those who wait for the lock too, at which stage the run is.
func (s *story) at(stage Stage) {
	for _, h := range []Held{s.code, s.env} {
		if h != nil {
			h.Tell(stage)
		}
	}
}

// What a record or a release of a lock may take, also after an interruption: an exit has six seconds in all.
const (
	recordWithin      = 20 * time.Second
	recordInterrupted = 1200 * time.Millisecond
)

// lasting gives the time to write down what has happened: cancellation does not reach it.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := recordWithin
	if ctx.Err() != nil {
		limit = recordInterrupted
	}
	return context.WithTimeout(Urgent(context.WithoutCancel(ctx)), limit)
}
