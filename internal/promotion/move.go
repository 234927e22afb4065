package promotion

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How often a write of an alias is tried again over an unchanged value, and how often a reading is.
const (
	writeTries = 5
	readTries  = 3
	retryPause = 200 * time.Millisecond
)

// An unproved error says that it could not be established what an alias holds, or that a write of ours may still land.
type unproved struct{ err error }

func (u *unproved) Error() string { return u.err.Error() }
func (u *unproved) Unwrap() error { return u.err }

// An aliasRegister is one alias, written by compare-and-set.
type aliasRegister struct {
	aliases     Aliases
	name, alias string
	resolving   time.Duration // how long it may take to find out what became of a write
	// holds asks whether the environment is still this run's, after the alias was read and before it is written with
	// the revision found: a write by somebody who was overtaken in between is refused by its revision, or not sent.
	holds func(context.Context) error
}

func (a aliasRegister) thing() string { return fmt.Sprintf("alias %s of %s", a.alias, a.name) }

// point sends the alias from one routing to one version. It returns the routing as it is then, and whether this write
// put it there: somebody else may have wanted the same. It returns a [*Conflict] when somebody else's other value stands
// there, an *unproved when it cannot tell, or another error when nothing has changed.
//
// A result of unknown effect is resolved by reading, never by hoping. Where the old value is still there, the same
// compare-and-set is sent again: only one of the two can succeed, since the first to land moves the revision. A
// refusal over an unchanged value (somebody's touch, or a description) is tried again with the revision read anew.
func (a aliasRegister) point(ctx context.Context, from Routing, to Version) (after Routing, ours bool, err error) {
	revision, outstanding := from.Revision, false
	var lastErr error
	for try := range writeTries {
		after, err := a.aliases.Move(ctx, a.name, a.alias, revision, to)
		if err == nil {
			return after, true, nil
		}
		lastErr = err
		if try == 0 {
			var cancel context.CancelFunc
			ctx, cancel = a.resolve(ctx)
			defer cancel()
		}
		switch {
		case errors.Is(err, ErrUnknownEffect):
			outstanding = true
		case errors.Is(err, ErrStale), errors.Is(err, ErrNotFound):
		case outstanding:
			return Routing{}, false, &unproved{err} // this one had no effect, but an earlier one may have
		default:
			return Routing{}, false, err
		}
		found, err := a.read(ctx)
		switch {
		case foreign(err) != "":
			return Routing{}, false, a.conflict(from, foreign(err))
		case err != nil:
			return Routing{}, false, &unproved{unsettled(lastErr, err)}
		case found.at(to, from.Version):
			found.Revision = "" // it may be a successor's touch: whoever goes back reads it anew, and asks for the lock
			return found, outstanding, nil
		case !found.Same(from):
			return Routing{}, false, a.conflict(from, found.String())
		case errors.Is(lastErr, ErrNotFound) && !outstanding:
			return Routing{}, false, a.gone(to, lastErr)
		}
		pause(ctx, retryPause)
		if err := a.holds(ctx); err != nil {
			return Routing{}, false, stillOut(outstanding, err)
		}
		revision = found.Revision
	}
	if outstanding {
		return Routing{}, false, &unproved{lastErr}
	}
	return Routing{}, false, lastErr
}

// create makes the alias at the version. That it does not exist is what fences it. With a [*Conflict] it returns what
// is there instead, zero where that is no version.
func (a aliasRegister) create(ctx context.Context, at Version) (Routing, error) {
	outstanding := false
	var lastErr error
	for try := range writeTries {
		after, err := a.aliases.Create(ctx, a.name, a.alias, at)
		if err == nil {
			return after, nil
		}
		lastErr = err
		if try == 0 {
			var cancel context.CancelFunc
			ctx, cancel = a.resolve(ctx)
			defer cancel()
		}
		switch {
		case errors.Is(err, ErrUnknownEffect):
			outstanding = true
		case errors.Is(err, ErrExists):
		case outstanding:
			return Routing{}, &unproved{err}
		default:
			return Routing{}, err
		}
		found, err := a.read(ctx)
		switch {
		case errors.Is(err, ErrNotFound):
			pause(ctx, retryPause)
			if err := a.holds(ctx); err != nil {
				return Routing{}, stillOut(outstanding, err)
			}
		case errors.Is(err, ErrNoVersion):
			return Routing{}, &Conflict{Thing: a.thing(), Expected: "no alias", Found: foreign(err)}
		case err != nil:
			return Routing{}, &unproved{unsettled(lastErr, err)}
		case found.Same(Routing{Version: at}):
			return found, nil
		default:
			return found, &Conflict{Thing: a.thing(), Expected: "no alias", Found: found.String()}
		}
	}
	return Routing{}, &unproved{lastErr}
}

// home sends the alias back to where it was before this run, from wherever a write of ours may have left it. A write
// of unknown effect is fenced by it: the alias is written once more even where it already holds the old value, so that
// its revision moves and the late write is refused. It returns a [*Conflict] when somebody else's value stands there.
func (a aliasRegister) home(ctx context.Context, before Routing, ours Version, revision Revision) (Routing, error) {
	var lastErr, unread error
	for range writeTries {
		if revision != "" {
			after, err := a.aliases.Move(ctx, a.name, a.alias, revision, before.Version)
			if err == nil {
				return after, nil
			}
			if !errors.Is(err, ErrStale) && !errors.Is(err, ErrUnknownEffect) && !errors.Is(err, ErrNotFound) {
				lastErr = err
				pause(ctx, retryPause)
				continue // a refusal or a throttle: nothing changed, and this is worth another try
			}
			lastErr = err
		}
		found, err := a.read(ctx)
		switch {
		case foreign(err) != "":
			return Routing{}, a.conflict(Routing{Version: ours}, foreign(err))
		case err != nil:
			unread = err
		case !found.at(before.Version, ours) && !found.at(ours, before.Version):
			return Routing{}, a.conflict(Routing{Version: ours}, found.String())
		case errors.Is(lastErr, ErrNotFound):
			return Routing{}, &unproved{a.gone(before.Version, lastErr)}
		default:
			if err := a.holds(ctx); err != nil {
				return Routing{}, &unproved{err}
			}
			revision, unread = found.Revision, nil
		}
		pause(ctx, retryPause)
	}
	return Routing{}, &unproved{unsettled(lastErr, unread)}
}

// stillOut keeps in mind that a write of unknown effect may still be carried out.
func stillOut(outstanding bool, err error) error {
	if outstanding {
		return &unproved{err}
	}
	return err
}

// unsettled tells why it is not known what came of a write, and why that could not be read either. One of them may be nil.
func unsettled(write, read error) error {
	switch {
	case read == nil:
		return write
	case write == nil:
		return read
	}
	return fmt.Errorf("%w; and then %w", write, read)
}

// conflict says what stands where something else was expected.
func (a aliasRegister) conflict(expected Routing, found string) error {
	return &Conflict{Thing: a.thing(), Expected: expected.String(), Found: found}
}

// gone says that a version is not there any more: Lambda did not find something, and the alias is not it.
func (a aliasRegister) gone(v Version, err error) error {
	return fmt.Errorf("version %s of %s does not exist any more: %w", v, a.name, err)
}

// foreign says what somebody else made of an alias that was read, "" where the error tells of no such thing.
func foreign(err error) string {
	switch {
	case errors.Is(err, ErrNotFound):
		return "no alias: it was deleted"
	case errors.Is(err, ErrNoVersion):
		return "$LATEST"
	}
	return ""
}

// resolve gives the time, and the right of way, that it takes to find out what became of a write.
func (a aliasRegister) resolve(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(Urgent(ctx), a.resolving)
}

// read reads the alias, more than once if need be. [ErrNotFound] and [ErrNoVersion] are answers.
func (a aliasRegister) read(ctx context.Context) (Routing, error) {
	var err error
	for range readTries {
		var found Routing
		if found, err = a.aliases.Read(ctx, a.name, a.alias); err == nil || foreign(err) != "" {
			return found, err
		}
		pause(ctx, retryPause)
	}
	return Routing{}, err
}

// pause waits a moment before a try, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
