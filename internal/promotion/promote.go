package promotion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A flip is the move of one alias: what it held, what became of it.
type flip struct {
	step      Step
	candidate Candidate
	alias     aliasRegister
	after     Routing // once it has moved
	seen      bool    // it was read back
	warming   bool    // Lambda keeps its callers at the version before
	theirs    bool    // somebody else moved it to the candidate, so it is not ours to put back
	appeared  bool    // it was to be created, and is there, at another version
	fate      Fate
	err       error
}

// promote moves every alias to its candidate, or none: when one cannot be moved, those that were are put back. What is
// about to be done is recorded before, and what came of it after. Its error is [errPlanAnew]; on every other road the
// outcome is closed.
func (s *story) promote(ctx context.Context, plan Plan, candidates map[string]Candidate) error {
	plan = plan.without(candidates)
	moves, creations := s.flips(plan, candidates)
	flips := append(moves, creations...)
	if len(flips) == 0 {
		return s.raise(ctx, plan)
	}
	intent := s.intent(plan, flips)
	if err := s.intend(ctx, intent); err != nil {
		if errors.Is(err, ErrStale) {
			return errPlanAnew // somebody has recorded something since: at the latest here it shows
		}
		s.close(ctx, err, ReasonLedgerFailed, "what was about to be done could not be recorded, so nothing was done; no alias was moved")
		return nil
	}

	// Creations come last: a new alias has nothing to go back to.
	work := s.work(StagePromote, len(flips))
	if !s.flipAll(ctx, moves, work) || !s.flipAll(ctx, creations, work) {
		s.goBack(ctx, s.o, flips)
		if s.putBack(ctx, intent, flips) && onlyAppeared(flips) && ctx.Err() == nil {
			return errPlanAnew
		}
		return nil
	}
	s.o.flipped(flips)
	whole := s.readBack(ctx, s.o, flips)
	s.recordPromotion(ctx, intent, flips)
	s.promotedRelease(ctx)
	if whole {
		routes, cancel := outlive(ctx)
		defer cancel()
		s.addRoutes(routes, s.o, plan)
		s.done(s.o.count(FateMoved, FateCreated))
	}
	return nil
}

// flips lists the aliases that have to be moved, and those that have to be created.
func (s *story) flips(plan Plan, candidates map[string]Candidate) (moves, creations []*flip) {
	for _, step := range plan.Promoting() {
		c := candidates[step.Function.Key]
		f := &flip{step: step, candidate: c, fate: FateKept, alias: s.register(step.Function.Name, s.req.Environment.Alias)}
		if step.Action == ActionCreate {
			creations = append(creations, f)
		} else {
			moves = append(moves, f)
		}
	}
	return moves, creations
}

// without takes the functions out of the plan for which Lambda gave the version that the alias holds already: nothing was
// different after all.
func (p Plan) without(candidates map[string]Candidate) Plan {
	p.Steps = slices.Clone(p.Steps)
	for i, step := range p.Steps {
		if step.Action == ActionMove && step.State.Routing.Same(Routing{Version: candidates[step.Function.Key].Version}) {
			p.Steps[i].Action = ActionNone
		}
	}
	return p
}

// flipAll moves aliases with bounded parallelism, and reports whether every one of them stands at its candidate. It
// starts no more when one has failed or ctx has ended; what is on its way is resolved all the same.
func (r *Runner) flipAll(ctx context.Context, flips []*flip, work *work) bool {
	errs := each(ctx, len(flips), r.parallel(), true, func(i int) error {
		work.doing(flips[i].step.Function.Key, "moving %s", flips[i].alias.thing())
		defer work.over(flips[i].step.Function.Key)
		r.flip(ctx, flips[i])
		return flips[i].err
	})
	for i, f := range flips {
		f.err = errs[i] // a panic's too, whose flip is left at [FateUnknown]
	}
	return !slices.ContainsFunc(flips, func(f *flip) bool { return f.fate != FateMoved && f.fate != FateCreated })
}

func (r *Runner) flip(ctx context.Context, f *flip) {
	say := r.say(StagePromote, f.step.Function.Key)
	ctx, cancel := outlive(ctx)
	defer cancel()
	f.fate = FateUnknown
	if f.step.Action == ActionCreate {
		f.after, f.err = f.alias.create(ctx, f.candidate.Version)
		switch {
		case f.err == nil:
			f.fate = FateCreated
			say("alias %s created at version %s", f.alias.alias, f.candidate.Version)
		case isConflict(f.err):
			f.appeared = f.after.Whole() && f.after.Version != 0
		}
	} else {
		var ours bool
		if f.after, ours, f.err = f.alias.point(ctx, *f.step.State.Routing, f.candidate.Version); f.err == nil {
			f.fate, f.theirs = FateMoved, !ours
			say("alias %s moved from version %s to %s", f.alias.alias, f.step.Previous(), f.candidate.Version)
		}
	}
	switch {
	case f.err == nil, isUnproved(f.err):
	case isConflict(f.err):
		f.fate = FateForeign
	default:
		f.fate = FateKept
	}
	if f.err != nil {
		say("alias %s was not moved: %v", f.alias.alias, f.err)
	}
}

// onlyAppeared tells whether nothing else went wrong than that an alias was there which was to be created. Nothing fences
// an alias that does not exist: a request of a run that died may have made it late. What is there now can be planned with.
func onlyAppeared(flips []*flip) bool {
	appeared := false
	for _, f := range flips {
		switch {
		case f.appeared:
			appeared = true
		case f.fate == FateUnknown, f.fate == FateForeign, f.err != nil:
			return false
		}
	}
	return appeared
}

// callGrace is how long a write on its way may still take once the run was told to stop.
const callGrace = 1500 * time.Millisecond

// outlive gives a context that an interruption does not cut short but bounds: a write that was sent has to be resolved.
// It has no other end, since waiting for a turn among the account's calls is nobody's fault.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	return outliveBy(ctx, callGrace)
}

func outliveBy(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	bounded, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-bounded.Done():
		}
	})
	return bounded, func() { stop(); cancel() }
}

// flipped writes the moves into the report.
func (o *Outcome) flipped(flips []*flip) {
	for _, f := range flips {
		entry := o.function(f.step.Function.Key)
		entry.Fate = f.fate
		if f.fate == FateMoved {
			entry.Commands = []string{pointCommand(f.step.Function.Name, o.Request.Environment, f.step.Previous(), f.after.Revision)}
		}
	}
}

func isUnproved(err error) bool {
	u := (*unproved)(nil)
	return errors.As(err, &u)
}

func isConflict(err error) bool {
	c := (*Conflict)(nil)
	return errors.As(err, &c)
}

// addRoutes makes the environment's routes that are missing. The aliases stand already, so a failure here is told and
// left to the next run.
func (r *Runner) addRoutes(ctx context.Context, o *Outcome, plan Plan) {
	keys := plan.Endpoints.AddEnvironment
	if len(keys) == 0 {
		return
	}
	if err := r.Routes.AddEnvironment(ctx, o.Request, keys, r.say(StagePromote, "")); err != nil {
		w := FaultOf(err)
		w.What = fmt.Sprintf("the routes of the %s endpoint are not complete: %s", o.Request.Environment.Name, w.What)
		if w.Hint == "" {
			w.Hint = "the next run makes what is missing"
		}
		o.Warnings = append(o.Warnings, w)
	}
}
