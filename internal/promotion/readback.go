package promotion

import (
	"context"
	"fmt"
	"time"
)

// readBack reads each alias once, after the last write. What somebody did after our write is told, and left alone.
// It reports whether every alias sends its callers to the candidate; if not, the outcome is closed.
func (r *Runner) readBack(ctx context.Context, o *Outcome, flips []*flip) bool {
	// A signal ends the reading soon, and what it has not come to is only told: each of these writes was acknowledged.
	each(context.WithoutCancel(ctx), len(flips), r.parallel(), true, func(i int) error { return r.lookAgain(ctx, flips[i]) })
	o.flipped(flips)
	var unread []string
	foreign, warming := 0, 0
	for _, f := range flips {
		entry := o.function(f.step.Function.Key)
		switch {
		case f.fate == FateForeign:
			foreign++
			o.fault(f.err)
			entry.Commands = []string{lookCommand(f.step.Function.Name, o.Request.Environment)}
		case f.warming:
			warming++
			o.fault(f.err)
			entry.Commands = append([]string{lookCommand(f.step.Function.Name, o.Request.Environment)}, entry.Commands...)
		case f.err != nil:
			w := FaultOf(f.err)
			w.What = "the alias was moved, but reading it back failed: " + w.What
			o.Warnings = append(o.Warnings, w)
		case !f.seen:
			unread = append(unread, f.step.Function.Name)
		}
	}
	if len(unread) > 0 {
		o.Warnings = append(o.Warnings, Fault{What: "moved as Lambda said, but not read back since another alias could not be read: " + someOf(unread)})
	}
	switch {
	case foreign > 0:
		o.end(ConflictFound, ReasonReadBack, "%s promoted, and then somebody else moved %s", plural(len(flips), "function"), plural(foreign, "alias"))
	case warming > 0:
		o.end(NeedsAttention, ReasonUnproved, "%s promoted, but Lambda still keeps the callers of %s at the version before", plural(len(flips), "function"), plural(warming, "alias"))
	}
	return foreign+warming == 0
}

// warmPause is how long lies between two looks at an alias that Lambda warms up.
const warmPause = time.Second

// lookAgain reads one alias that was moved or created, and waits while Lambda warms the new version up. Its error says
// that the alias could not be read.
func (r *Runner) lookAgain(ctx context.Context, f *flip) error {
	read, cancel := outlive(ctx)
	defer cancel()
	to, previous := f.candidate.Version, f.step.Previous()
	for began, told := time.Now(), false; ; told = true {
		found, err := f.alias.read(read)
		switch {
		case foreign(err) != "":
			f.fate, f.err = FateForeign, f.alias.conflict(f.after, foreign(err))
			return nil
		case err != nil:
			f.err = err
			return err
		}
		f.seen = true
		switch {
		case previous != 0 && found.warming(to, previous):
			f.after = found
			if ctx.Err() != nil || time.Since(began) > r.limits().Update {
				f.warming, f.err = true, f.cold()
				return nil
			}
			if !told {
				r.say(StagePromote, f.step.Function.Key)("alias %s points to version %s, and Lambda keeps its callers at version %s until provisioned concurrency is ready", f.alias.alias, to, previous)
			}
			pause(ctx, warmPause)
		case found.Same(Routing{Version: to}):
			f.after = found
			return nil
		case f.step.State.Routing != nil && found.Revision == f.step.State.Routing.Revision:
			return nil // a reading that lags behind: it shows the very revision that our write replaced
		default:
			f.fate, f.err = FateForeign, f.alias.conflict(f.after, found.String())
			return nil
		}
	}
}

// cold says that Lambda has not let the callers go to the candidate.
func (f *flip) cold() error {
	return Fault{
		What: fmt.Sprintf("%s points to version %s, but its callers stay at version %s while provisioned concurrency is not ready", f.alias.thing(), f.candidate.Version, f.step.Previous()),
		Hint: "Lambda lets them go by itself once it is ready; if the new version cannot start, it never does: `aws lambda get-provisioned-concurrency-config` has the reason",
	}
}
