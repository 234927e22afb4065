package promotion

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// repair makes the environment whole before anything is decided: the barrier after a holder that did not leave cleanly,
// then what an open intent says was begun. It returns which versions it left the aliases of the repaired functions at.
func (s *story) repair(ctx context.Context, functions []Function) (map[string]Version, error) {
	if !s.unclean && s.book.Open == nil {
		return nil, nil
	}
	s.at(StageRepair)
	if s.unclean {
		if err := s.barrier(ctx, s.concerned(functions)); err != nil {
			return nil, err
		}
		s.unclean = false
	}
	if s.book.Open == nil {
		return nil, nil
	}
	return s.reconcile(ctx, *s.book.Open, s.book.Open.Entry.Kind == EntryRollback)
}

// concerned are the aliases that this run may write, and those that an open intent names.
func (s *story) concerned(functions []Function) []aliasRegister {
	var list []aliasRegister
	seen := map[string]bool{}
	add := func(name, alias string) {
		if key := name + " " + alias; !seen[key] {
			seen[key] = true
			list = append(list, s.register(name, alias))
		}
	}
	for _, f := range functions {
		add(f.Name, s.req.Environment.Alias)
	}
	if open := s.book.Open; open != nil {
		for _, m := range open.Entry.Moves {
			add(m.Name, open.Alias)
		}
	}
	return list
}

func (s *story) register(name, alias string) aliasRegister {
	return aliasRegister{aliases: s.Aliases, name: name, alias: alias, resolving: s.limits().Call, holds: s.holds}
}

// barrier writes each alias once without changing it. Whatever an overtaken holder has sent carries an older revision
// and is refused from then on: only after that may anything be read for a decision.
func (s *story) barrier(ctx context.Context, aliases []aliasRegister) error {
	s.say(StageRepair, "")("the holder before did not leave cleanly: fencing off %s", plural(len(aliases), "alias"))
	errs := compact(each(ctx, len(aliases), s.parallel(), true, func(i int) error { return aliases[i].fenceOff(ctx) }))
	if len(errs) == 0 && ctx.Err() != nil {
		errs = append(errs, context.Cause(ctx))
	}
	return errors.Join(errs...)
}

// fenceOff touches the alias until one touch is known to have been carried out. An alias that does not exist, or that
// points to $LATEST, has nothing to fence.
func (a aliasRegister) fenceOff(ctx context.Context) error {
	var lastErr error
	for range writeTries {
		found, err := a.read(ctx)
		if foreign(err) != "" {
			return nil
		}
		if err == nil {
			if _, err = a.aliases.Touch(ctx, a.name, a.alias, found.Revision); err == nil {
				return nil
			}
		}
		lastErr = err
		if ctx.Err() != nil {
			break
		}
		pause(ctx, retryPause)
	}
	return fmt.Errorf("fence off %s: %w", a.thing(), lastErr)
}

// A left is one alias of an open intent, and what the run that died has made of it.
type left struct {
	move    Recording
	alias   aliasRegister
	found   *Routing // nil: there is no alias
	foreign string   // what somebody else has put there
	fate    Fate
	err     error
}

func (l *left) applied() bool {
	return l.found != nil && l.foreign == "" && l.found.at(l.move.To, l.move.From)
}

// reconcile finishes or undoes what an intent says was begun, and closes it. A promotion whose aliases have all moved
// is finished: they were verified, unless its job has failed since. One that has moved some is undone. A rollback is finished; so forward is for those.
// It holds the environment's lock, and the barrier has been passed.
func (s *story) reconcile(ctx context.Context, in Intent, forward bool) (map[string]Version, error) {
	say := s.say(StageRepair, "")
	say("%s left a %s unfinished: looking at %s", runOf(in.Entry), in.Entry.Kind, plural(len(in.Entry.Moves), "alias"))
	work, err := s.survey(ctx, in)
	if err != nil {
		return nil, err
	}
	// Who was overtaken before this reading would move aliases on revisions that its successor vouches for.
	if err := s.holds(ctx); err != nil {
		return nil, err
	}
	applied, foreignOnes := 0, 0
	for _, l := range work {
		if l.applied() {
			applied++
		}
		if l.foreign != "" {
			foreignOnes++
		}
	}
	finished := applied == len(work) && !s.failed
	switch {
	case finished:
	case forward:
		s.carry(ctx, work, func(l *left) (Version, bool) { return l.move.To, l.foreign == "" && !l.applied() && l.found != nil })
		finished = true
	default:
		s.carry(ctx, work, func(l *left) (Version, bool) { return l.move.From, l.applied() && l.move.From != 0 })
	}
	for _, l := range work {
		if l.err != nil {
			s.unclean = true // its write may still be on its way
			return nil, fmt.Errorf("repair %s: %w", l.alias.thing(), l.err)
		}
	}
	return s.repaired(ctx, in, work, finished, applied > 0 || forward, foreignOnes > 0)
}

// survey reads every alias of the intent.
func (s *story) survey(ctx context.Context, in Intent) ([]*left, error) {
	work := make([]*left, len(in.Entry.Moves))
	errs := compact(each(ctx, len(work), s.parallel(), false, func(i int) error {
		m := in.Entry.Moves[i]
		l := &left{move: m, alias: s.register(m.Name, in.Alias), fate: FateKept}
		work[i] = l
		found, err := l.alias.read(ctx)
		switch {
		case errors.Is(err, ErrNotFound):
			if m.From != 0 {
				l.foreign = foreign(err)
			}
		case foreign(err) != "":
			l.foreign = foreign(err)
		case err != nil:
			return err
		default:
			l.found = &found
			if !found.at(m.To, m.From) && !found.at(m.From, m.To) {
				l.foreign = found.String()
			}
		}
		switch {
		case l.applied() && m.From == 0:
			l.fate = FateCreated
		case l.applied():
			l.fate = FateMoved
		}
		if l.foreign != "" {
			l.fate = FateForeign
		}
		return nil
	}))
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return work, errors.Join(errs...)
}

// carry moves those that have to be moved.
func (s *story) carry(ctx context.Context, work []*left, to func(*left) (Version, bool)) {
	slices.Reverse(work)
	each(ctx, len(work), s.parallel(), false, func(i int) error {
		l := work[i]
		target, is := to(l)
		if !is {
			return nil
		}
		within, cancel := outlive(ctx)
		defer cancel()
		var after Routing
		if after, _, l.err = l.alias.point(within, *l.found, target); l.err != nil {
			if isConflict(l.err) {
				l.foreign, l.fate, l.err = l.err.Error(), FateForeign, nil
			}
			return nil
		}
		l.found, l.fate = &after, FateBack
		if target == l.move.To {
			l.fate = FateMoved
		}
		s.say(StageRepair, l.move.Function)("alias %s put to version %s", l.alias.alias, target)
		return nil
	})
	slices.Reverse(work)
	if ctx.Err() != nil {
		for _, l := range work {
			if _, is := to(l); is && l.err == nil && l.foreign == "" {
				l.err = context.Cause(ctx)
			}
		}
	}
}

// repaired records what came of an intent and closes it.
func (s *story) repaired(ctx context.Context, in Intent, work []*left, finished, told, conflict bool) (map[string]Version, error) {
	entry := in.Entry
	entry.Repaired, entry.Fence = runName(s.req), s.env.Grant().Fence
	entry.Moves = nil
	w := Writing{Close: in.ID}
	result, repair := map[string]Version{}, Repair{Intent: in, Finished: finished}
	next := map[string]Record{}
	for _, l := range work {
		m := l.move
		m.Fate = l.fate
		entry.Moves = append(entry.Moves, m)
		if l.found != nil && l.foreign == "" {
			result[m.Function] = l.found.Version
		}
		if l.foreign != "" {
			repair.Foreign = append(repair.Foreign, m.Function)
		} else if rec, is := in.Next[m.Function]; is && finished {
			rec.Entry = s.book.Head.Number + 1
			next[m.Function] = rec
		}
	}
	if finished {
		// Functions that the intent raises without moving them.
		for key, rec := range in.Next {
			if !slices.ContainsFunc(entry.Moves, func(m Recording) bool { return m.Function == key }) {
				next[key] = rec
			}
		}
	} else {
		entry.Kind = EntryUndone
	}
	repair.Intent.Entry.Moves = slices.DeleteFunc(slices.Clone(entry.Moves), func(m Recording) bool { return m.Fate == FateKept })
	w.Next = next
	if told {
		w.Entry = &entry
	}
	number, err := s.Ledger.Record(ctx, s.env.Grant(), s.book.Head, w)
	if err != nil {
		return nil, fmt.Errorf("record the repair: %w", err)
	}
	s.book = Book{Head: s.book.Head.with(w, number, s.env.Grant().Fence)}
	s.o.Repairs = append(s.o.Repairs, repair)
	verb := "undone"
	if finished {
		verb = "finished"
	}
	s.say(StageRepair, "")("what %s had left is %s", runOf(in.Entry), verb)
	if conflict && s.touches(repair.Foreign) {
		return nil, foreignFound(work)
	}
	return result, nil
}

func (s *story) touches(keys []string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { _, is := s.req.Function(key); return is })
}

func foreignFaults(work []*left) []Fault {
	var faults []Fault
	for _, l := range work {
		if l.foreign != "" {
			faults = append(faults, FaultOf(&Conflict{Thing: l.alias.thing(), Expected: fmt.Sprintf("version %s or %s", l.move.From, l.move.To), Found: l.foreign}))
		}
	}
	return faults
}

func foreignFound(work []*left) error {
	return ends(ConflictFound, ReasonAliasMoved, foreignFaults(work), "somebody else has changed an alias that a dead run was moving; theirs is left alone, and the next run goes on from it")
}

// with is the head after a writing.
func (h Head) with(w Writing, number, fence uint64) Head {
	next := Head{Number: h.Number, Fence: fence, Functions: map[string]Record{}}
	if w.Entry != nil {
		next.Number = number
	}
	for key, rec := range h.Functions {
		next.Functions[key] = rec
	}
	for key, rec := range w.Next {
		next.Functions[key] = rec
	}
	return next
}

func runOf(e Entry) string {
	switch {
	case e.RunURL != "":
		return e.RunURL
	case e.RunID != "":
		return "run " + e.RunID
	}
	return "an earlier run"
}

func runName(req Request) string {
	switch {
	case req.RunURL != "":
		return req.RunURL
	case req.RunID != "":
		return "run " + req.RunID
	case req.Actor != "":
		return req.Actor
	}
	return "another run"
}
