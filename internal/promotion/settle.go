package promotion

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// trustedFor is how long a reading of the book is taken for fresh while nobody competes. Nothing rests on it: the
// transaction that records the intent compares. It saves verifying what must not be promoted any more.
const trustedFor = 30 * time.Second

// settle makes sure, once the environment is this run's, that what was decided before still holds: what a dead run has
// left is repaired, the order is asked again, and the plan is compared with what the aliases hold now. It returns the
// plan as it is then, or [errPlanAnew] where candidates are missing for it.
func (s *story) settle(ctx context.Context, plan Plan, candidates map[string]Candidate) (Plan, error) {
	if !s.ledgered() {
		return plan, nil
	}
	// An alias that was moved after the book was read may be explained by what was recorded since.
	if !s.waited && !s.unclean && s.book.Open == nil && time.Since(s.read) < trustedFor && len(s.strayed(plan)) == 0 {
		return plan, s.fence()
	}
	return s.resettle(ctx, plan, candidates)
}

func (s *story) resettle(ctx context.Context, plan Plan, candidates map[string]Candidate) (Plan, error) {
	if err := s.readBook(ctx); err != nil {
		return plan, err
	}
	repaired, err := s.repair(ctx, s.req.Functions)
	if err != nil {
		return plan, err
	}
	if err := s.order(ctx); err != nil {
		return plan, err
	}
	s.waited = false
	return s.replan(ctx, plan, candidates, repaired)
}

// replan reads the aliases again and plans with them. What the ledger does not explain, somebody else has done.
func (s *story) replan(ctx context.Context, plan Plan, candidates map[string]Candidate, repaired map[string]Version) (Plan, error) {
	world := World{Functions: map[string]State{}, Endpoints: plan.Endpoints.State}
	states := make([]State, len(plan.Steps))
	errs := each(ctx, len(plan.Steps), s.parallel(), false, func(i int) (err error) {
		states[i] = plan.Steps[i].State
		states[i].Routing, states[i].Stable, err = s.observeAlias(ctx, plan.Steps[i].Function, s.req.Environment)
		return err
	})
	if errs = compact(errs); len(errs) > 0 {
		return plan, errors.Join(errs...)
	}
	var foreign []Fault
	for i, step := range plan.Steps {
		world.Functions[step.Function.Key] = states[i]
		if expected, found, is := s.unexplained(step, states[i].Routing, repaired); is {
			foreign = append(foreign, FaultOf(&Conflict{Thing: fmt.Sprintf("alias %s of %s", s.req.Environment.Alias, step.Function.Name), Expected: expected, Found: found}))
		}
	}
	if len(foreign) > 0 {
		return plan, ends(ConflictFound, ReasonAliasMoved, foreign, "an alias of %s was changed by somebody else; theirs is left alone, and nothing was moved", s.req.Environment.Name)
	}
	next := NewPlan(s.req, world)
	if len(next.Refusals) > 0 {
		return plan, ends(Refused, ReasonPlanRefused, next.Refusals, "what was found does not allow a promotion to %s; no alias was moved", s.req.Environment.Name)
	}
	for _, step := range next.Promoting() {
		if c, ready := candidates[step.Function.Key]; !ready || c.Digest != step.Wanted {
			return plan, errPlanAnew
		}
	}
	s.replanned(next)
	return next, nil
}

// unexplained tells whether an alias holds something else than when the plan was made, by nobody's doing that the
// ledger knows of.
func (s *story) unexplained(step Step, now *Routing, repaired map[string]Version) (expected, found string, is bool) {
	before := step.State.Routing
	switch {
	case before == nil && now == nil, before != nil && now != nil && now.Same(*before):
		return "", "", false
	case before == nil && now.Whole():
		return "", "", false // nothing fences an alias that does not exist: a dead run's creation of it may come late
	case now != nil && now.Whole():
		if v, was := repaired[step.Function.Key]; was && v == now.Version {
			return "", "", false
		}
		if rec, known := s.record(step.Function); known && rec.Version == now.Version {
			return "", "", false
		}
	}
	expected, found = "no alias", "no alias: it was deleted"
	if before != nil {
		expected = before.String()
	}
	if now != nil {
		found = now.String()
	}
	return expected, found, true
}

// replanned brings the report in line with the new plan.
func (s *story) replanned(p Plan) {
	for _, step := range p.Steps {
		f := s.o.function(step.Function.Key)
		f.Action, f.Method, f.Previous = step.Action, step.Method, step.Previous()
		if step.State.Stable != nil {
			f.PreviousDigest = step.State.Stable.Digest
		}
		if rec, known := s.record(step.Function); known {
			f.PreviousSource = rec.Source
		}
	}
}
