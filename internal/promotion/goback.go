package promotion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

type urgentKey struct{}

// Urgent marks a context whose calls put aliases back: no rate limit of ours may hold them up.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

// IsUrgent tells whether a context was marked by [Urgent].
func IsUrgent(ctx context.Context) bool { return ctx.Value(urgentKey{}) != nil }

// backShare is what each alias adds to the time for going back: AWS takes fifteen calls a second, of everybody.
const backShare = 150 * time.Millisecond

// goBack undoes what was moved, in reverse, each alias with the revision that this run wrote, and closes the outcome.
// It never writes over somebody else's change, and it goes on past an alias that it cannot bring home.
func (r *Runner) goBack(ctx context.Context, o *Outcome, flips []*flip) {
	interrupted := ctx.Err() != nil
	var out []*flip
	for _, f := range flips {
		if f.err != nil {
			o.fault(f.err)
		}
		if f.fate == FateMoved || f.fate == FateUnknown {
			out = append(out, f)
		}
	}
	slices.Reverse(out)

	limit := r.limits().GoBack + time.Duration(len(out))*backShare
	if interrupted {
		limit = r.limits().Interrupted
	}
	// A signal that comes only now leaves no more time than one that came before.
	bounded, cancel := outliveBy(ctx, r.limits().Interrupted)
	defer cancel()
	home, cancel := context.WithTimeout(Urgent(bounded), limit)
	defer cancel()
	trouble := false
	for i, err := range each(home, len(out), r.parallel(), false, func(i int) error { r.bringHome(home, out[i]); return nil }) {
		if err != nil { // a panic's: nobody knows how far it came
			out[i].fate, out[i].err = FateUnknown, err
		}
	}
	o.flipped(flips)
	for _, f := range flips {
		entry := o.function(f.step.Function.Key)
		switch f.fate {
		case FateUnknown:
			trouble = true
			entry.Commands = r.attention(f, o.Request.Environment)
		case FateForeign:
			entry.Commands = []string{lookCommand(f.step.Function.Name, o.Request.Environment)}
		}
		if f.fate == FateForeign && slices.Contains(out, f) {
			trouble = true
		}
		if (f.fate == FateForeign || f.fate == FateUnknown) && slices.Contains(out, f) {
			o.fault(fmt.Errorf("putting alias %s of %s back: %w", f.alias.alias, f.alias.name, f.err))
		}
	}

	env := o.Request.Environment.Name
	created, back := o.count(FateCreated), o.count(FateBack)
	conflict := slices.ContainsFunc(flips, func(f *flip) bool { return f.fate == FateForeign })
	why, reason, kind := "an alias could not be moved", ReasonMoveFailed, Failed
	if interrupted {
		kind, reason, why = interruption(ctx)
	}
	if overtaken(flips) {
		kind, reason, why = Fenced, ReasonLockLost, "somebody else has taken over"
	}
	switch {
	case reason == ReasonLockLost && o.count(FateUnknown) > 0:
		o.end(Fenced, reason, "%s; what this run has moved and not put back is left to whoever did, who finds it in the journal", why)
	case trouble:
		o.end(NeedsAttention, ReasonUnproved, "%s, and not every alias of %s could be put back: the commands are in the report", why, env)
	case conflict && back == 0:
		o.end(ConflictFound, ReasonAliasMoved, "an alias of %s was changed by somebody else; theirs is left alone, and there was nothing to put back", env)
	case conflict:
		o.end(ConflictFound, ReasonAliasMoved, "an alias of %s was changed by somebody else; %s put back, theirs left alone", env, plural(back, "alias"))
	case created > 0:
		o.end(kind, reason, "%s; %s put back, and %s created by this run stays at its verified candidate", why, plural(back, "alias"), plural(created, "alias"))
	case back > 0:
		o.end(RolledBack, reason, "%s; %s put back, %s holds what it held before", why, plural(back, "alias"), env)
	default:
		o.end(kind, reason, "%s; no alias of %s was moved", why, env)
	}
}

// overtaken tells whether the lock turned out to be somebody else's when an alias was to be written.
func overtaken(flips []*flip) bool {
	return slices.ContainsFunc(flips, func(f *flip) bool { return errors.Is(f.err, ErrNotHeld) })
}

// bringHome puts one alias back, or says why it is not.
func (r *Runner) bringHome(ctx context.Context, f *flip) {
	say := r.say(StageGoBack, f.step.Function.Key)
	switch {
	case f.step.Action == ActionCreate:
		f.settleCreation(ctx)
		return
	case f.theirs:
		f.fate = FateForeign
		f.err = &Conflict{Thing: f.alias.thing(), Expected: f.step.State.Routing.String(), Found: f.after.String() + ", where somebody else put it"}
		return
	}
	var revision Revision
	if f.fate == FateMoved {
		revision = f.after.Revision
	}
	back, err := f.alias.home(ctx, *f.step.State.Routing, f.candidate.Version, revision)
	switch {
	case err == nil:
		f.after, f.fate = back, FateBack
		say("alias %s put back to version %s", f.alias.alias, f.step.Previous())
	case isConflict(err):
		f.fate, f.err = FateForeign, err
		say("alias %s left alone: %v", f.alias.alias, err)
	default:
		f.fate, f.err = FateUnknown, err
		say("alias %s could not be put back: %v", f.alias.alias, err)
	}
}

// settleCreation looks once more at an alias whose creation has no known result. An alias is never deleted: once it is
// there, it stays at its verified candidate.
func (f *flip) settleCreation(ctx context.Context) {
	found, err := f.alias.read(ctx)
	if err == nil && found.Same(Routing{Version: f.candidate.Version}) {
		f.fate, f.after = FateCreated, found
	}
}

// attention is what a person types when the state of an alias could not be proved: look, and send it home.
func (r *Runner) attention(f *flip, env Environment) []string {
	commands := []string{lookCommand(f.step.Function.Name, env)}
	if f.step.State.Routing != nil {
		revision := f.after.Revision
		if revision == "" {
			revision = "REVISION-ID-OF-THE-FIRST-COMMAND"
		}
		commands = append(commands, pointCommand(f.step.Function.Name, env, f.step.Previous(), revision))
	}
	return commands
}
