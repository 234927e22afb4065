package promotion

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// A target is where one function is to go back to.
type target struct {
	function Function
	to       Version
	from     Version // what its alias has to hold for that; 0: whatever it holds
	source   Source  // whose code the target is, as far as it is known
	release  string
	undoes   []uint64
}

// choose finds where to go back to: the versions that were named, or what was before the newest promotion.
func (s *story) choose(ctx context.Context) ([]target, error) {
	// The newest entries mostly suffice, and years of them would cost the seconds that count here.
	entries, err := s.Ledger.History(ctx, s.req.Scope(), Query{Limit: overviewEntries})
	if err != nil {
		return nil, err
	}
	choice, undone := Undo(entries, s.book.Head, s.req.Keys())
	if len(entries) == overviewEntries && (undone == nil || len(s.req.To) > 0) {
		if entries, err = s.Ledger.History(ctx, s.req.Scope(), Query{}); err != nil {
			return nil, err
		}
		choice, undone = Undo(entries, s.book.Head, s.req.Keys())
	}
	if len(s.req.To) > 0 {
		return s.named(entries)
	}
	if undone == nil {
		return nil, ends(Refused, ReasonNothingToUndo, []Fault{{What: fmt.Sprintf("the history of %s has no promotion to undo for %s", s.req.Scope(), someOf(s.req.Keys())),
			Hint: "name the versions by to, with unverified and a reason"}}, "there is nothing to go back to; nothing was changed")
	}
	s.o.Previous = undone
	var list []target
	for _, f := range s.req.Functions {
		c, is := choice[f.Key]
		switch {
		case !is:
		case c.To == 0:
			s.o.Warnings = append(s.o.Warnings, Fault{Where: f.Where, What: fmt.Sprintf("alias %s of %s was created by that promotion: there is nothing before it to go back to", s.req.Environment.Alias, f.Name)})
		default:
			list = append(list, target{function: f, to: c.To, from: c.From, source: c.Source, release: c.Release, undoes: c.Undoes})
		}
	}
	if len(list) == 0 {
		return nil, ends(Refused, ReasonNothingToUndo, []Fault{{What: fmt.Sprintf("entry %d of %s created these aliases: nothing was there before", undone.Number, s.req.Scope()),
			Hint: "name the versions by to, with unverified and a reason"}}, "there is nothing to go back to; nothing was changed")
	}
	return list, nil
}

// named takes the versions that a person names: those that the history knows, or any where that was said.
func (s *story) named(entries []Entry) ([]target, error) {
	var list []target
	var faults []Fault
	for _, f := range s.req.Functions {
		to, is := s.req.To[f.Key]
		if !is {
			continue
		}
		known, source, release := lookUp(entries, f.Key, to)
		if !known && !s.req.Unverified {
			faults = append(faults, Fault{Where: Where{Input: "to"}, What: fmt.Sprintf("the history of %s knows no version %s of %s: nobody has verified it there", s.req.Scope(), to, f.Key),
				Accepted: "a version that was promoted there, or any with unverified and a reason"})
		}
		list = append(list, target{function: f, to: to, source: source, release: release})
	}
	if len(faults) > 0 {
		return nil, ends(Refused, ReasonNothingToUndo, faults, "a version is not known; nothing was changed")
	}
	return list, nil
}

// lookUp finds what the history, newest first, knows of a version.
func lookUp(entries []Entry, key string, v Version) (known bool, source Source, release string) {
	for _, e := range entries {
		for _, m := range e.Moves {
			switch {
			case m.Function != key:
			case m.To == v && m.Fate != FateForeign && e.Kind == EntryPromotion:
				return true, e.Source, e.Release
			case m.From == v:
				known, source = true, m.FromSource
			}
		}
	}
	return known, source, release
}

// A Choice is what undoing means for one function.
type Choice struct {
	From, To Version // To is 0 where the promotion created the alias
	Source   Source  // whose code To is
	Release  string
	Undoes   []uint64 // numbers of the entries that are undone by it, newest first
}

// Undo decides what undoing the newest promotion means: only for the functions that it moved, of those that are asked
// about, and past versions that were rolled back before. entries are newest first. It returns the entry that is undone,
// nil if there is none.
func Undo(entries []Entry, head Head, keys []string) (map[string]Choice, *Entry) {
	undone := takenBack{}
	for _, e := range entries {
		undone.add(e)
	}
	for i, e := range entries {
		if e.Kind != EntryPromotion {
			continue
		}
		choice := map[string]Choice{}
		for _, m := range e.Moves {
			if slices.Contains(keys, m.Function) && (m.Fate == FateMoved || m.Fate == FateCreated) && head.Functions[m.Function].Version == m.To && !undone.has(e, m.Function) {
				choice[m.Function] = before(entries[i:], m, undone)
			}
		}
		if len(choice) > 0 {
			return choice, &entries[i]
		}
	}
	return nil, nil
}

// takenBack are the promotions that rollbacks took back, function by function: one may be about some of them only.
type takenBack map[uint64]map[string]bool

func (t takenBack) add(e Entry) {
	for _, n := range e.Undoes {
		if t[n] == nil {
			t[n] = map[string]bool{}
		}
		for _, m := range e.Moves {
			t[n][m.Function] = t[n][m.Function] || m.Fate == FateMoved
		}
	}
}

func (t takenBack) has(e Entry, key string) bool { return t[e.Number][key] }

// before finds the version before a move, and goes on past those that were promoted and rolled back.
func before(entries []Entry, m Recording, undone takenBack) Choice {
	c := Choice{From: m.To, To: m.From, Source: m.FromSource, Undoes: []uint64{entries[0].Number}}
	for _, e := range entries[1:] {
		for _, earlier := range e.Moves {
			if earlier.Function != m.Function || earlier.To != c.To || earlier.From == earlier.To || e.Kind != EntryPromotion {
				continue
			}
			if !undone.has(e, m.Function) {
				c.Release = e.Release
				return c
			}
			c.To, c.Source = earlier.From, earlier.FromSource
		}
	}
	return c
}

// goThere moves the aliases to the targets. A rollback goes on past an alias that cannot be moved: each one that is
// back is one less that is wrong.
func (s *story) goThere(ctx context.Context, choice []target) error {
	flips, err := s.aim(ctx, choice)
	if err != nil {
		return err
	}
	e, next := s.entryBack(choice, flips)
	if len(flips) == 0 {
		return s.alreadyBack(ctx, e, next)
	}
	in := Intent{ID: fmt.Sprintf("rollback-%s-%d", s.req.Release, e.Fence), Fence: e.Fence, Alias: s.req.Environment.Alias, Entry: e, Next: next}
	alone := s.env == nil
	if !alone {
		if err := s.intend(ctx, in); err != nil {
			s.close(ctx, err, ReasonLedgerFailed, "the rollback could not be recorded, so nothing was done; without-lock goes without")
			return nil
		}
	}
	work := s.work(StageGoBack, len(flips))
	each(ctx, len(flips), s.parallel(), false, func(i int) error {
		work.doing(flips[i].step.Function.Key, "moving %s", flips[i].alias.thing())
		defer work.over(flips[i].step.Function.Key)
		s.flip(ctx, flips[i])
		return nil
	})
	s.flippedBack(flips)
	if alone {
		return nil
	}
	for _, f := range flips {
		i := slices.IndexFunc(e.Moves, func(m Recording) bool { return m.Function == f.step.Function.Key })
		e.Moves[i].Fate = f.fate
		if f.fate != FateMoved {
			delete(next, f.step.Function.Key)
		}
		if f.fate == FateUnknown {
			s.unclean = true
			return nil // the intent stays open: whoever comes next goes on from it
		}
	}
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), ErrNotHeld) {
		return nil
	}
	s.recordRollback(ctx, Writing{Next: next, Entry: &e, Close: in.ID})
	return nil
}

// alreadyBack ends a rollback that finds every alias where it was to go: somebody moved them past the ledger. That is
// recorded, with the floor, or else what they went back from would be promoted again.
func (s *story) alreadyBack(ctx context.Context, e Entry, next map[string]Record) error {
	env := s.req.Environment.Name
	if s.env != nil && len(next) > 0 {
		if err := s.write(ctx, Writing{Next: next, Entry: &e}); err != nil {
			return err
		}
		s.o.end(RolledBack, ReasonAsked, "%s already held what it was to go back to; it is recorded now, and what it went back from stays away", env)
		return nil
	}
	s.o.end(Unchanged, ReasonNoChange, "%s already holds what it was to go back to", env)
	return nil
}

// aim reads the aliases and the versions that they are to go to.
func (s *story) aim(ctx context.Context, choice []target) ([]*flip, error) {
	flips := make([]*flip, len(choice))
	errs := compact(each(ctx, len(choice), s.parallel(), false, func(i int) error {
		c := choice[i]
		routing, stable, err := s.observeAlias(ctx, c.function, s.req.Environment)
		if routing == nil && err == nil {
			return Fault{Where: c.function.Where, What: fmt.Sprintf("there is no alias %s of %s", s.req.Environment.Alias, c.function.Name)}
		}
		if routing == nil {
			return err // what it holds may be broken or gone; where it is to go is what counts
		}
		wanted, err := s.Functions.Version(ctx, c.function.Name, c.to)
		if errors.Is(err, ErrNotFound) {
			return Fault{Where: c.function.Where, What: fmt.Sprintf("version %s of %s does not exist any more", c.to, c.function.Name), Hint: "name another one by to"}
		}
		if err != nil {
			return err
		}
		if wanted.Failed != "" {
			return Fault{Where: c.function.Where, What: fmt.Sprintf("version %s of %s cannot serve: %s", c.to, c.function.Name, wanted.Failed), Hint: "name another one by to"}
		}
		f := s.o.entry(c.function.Key, c.function.Name)
		f.Action, f.Previous, f.Candidate, f.Digest, f.ARN = ActionMove, routing.Version, c.to, wanted.Digest, wanted.ARN
		if stable != nil {
			f.PreviousDigest = stable.Digest
		}
		f.PreviousSource = s.book.Head.Functions[c.function.Key].Source
		if routing.Same(Routing{Version: c.to}) {
			f.Action = ActionNone
			return nil
		}
		if c.from != 0 && routing.Version != c.from {
			return &Conflict{Thing: fmt.Sprintf("alias %s of %s", s.req.Environment.Alias, c.function.Name), Expected: "version " + c.from.String(), Found: routing.String()}
		}
		flips[i] = &flip{
			step:      Step{Function: c.function, Action: ActionMove, State: State{Routing: routing, Stable: stable}},
			candidate: Candidate{Function: c.function.Key, Name: c.function.Name, Snapshot: wanted},
			fate:      FateKept, alias: s.register(c.function.Name, s.req.Environment.Alias),
		}
		return nil
	}))
	flips = slices.DeleteFunc(flips, func(f *flip) bool { return f == nil })
	if len(errs) == 0 {
		return flips, nil
	}
	if isConflict(errors.Join(errs...)) {
		return nil, ends(ConflictFound, ReasonAliasMoved, faultsOf(errs), "an alias of %s does not hold what the history says; name the versions by to. Nothing was moved", s.req.Environment.Name)
	}
	var known Fault
	if errors.As(errs[0], &known) && ctx.Err() == nil {
		return nil, ends(Refused, ReasonPlanRefused, faultsOf(errs), "not every version to go back to is there; nothing was moved")
	}
	return nil, errors.Join(errs...)
}

func faultsOf(errs []error) []Fault {
	faults := make([]Fault, len(errs))
	for i, err := range errs {
		faults[i] = FaultOf(err)
	}
	return faults
}

// entryBack is what the history, and the head, will say of a rollback. It sets the floor: what was rolled back stays
// away until something ahead of it comes.
func (s *story) entryBack(choice []target, flips []*flip) (Entry, map[string]Record) {
	e := s.entry(EntryRollback)
	e.Source = Source{}
	if s.req.Unverified {
		e.Unproved = "unverified"
	}
	next := map[string]Record{}
	for _, c := range choice {
		rec, known := s.record(c.function)
		i := slices.IndexFunc(flips, func(f *flip) bool { return f.step.Function.Key == c.function.Key })
		switch {
		case i >= 0:
			e.Moves = append(e.Moves, s.recording(flips[i]))
		case known && rec.Version != c.to: // it is there already, and the ledger does not know
			e.Moves = append(e.Moves, Recording{Function: c.function.Key, Name: c.function.Name, From: rec.Version, To: c.to, FromDigest: rec.Digest,
				Digest: s.o.function(c.function.Key).Digest, FromSource: rec.Source, Fate: FateKept})
		default:
			continue
		}
		for _, n := range c.undoes {
			if !slices.Contains(e.Undoes, n) {
				e.Undoes = append(e.Undoes, n)
			}
		}
		floor := rec.Source
		if floor.Commit == "" || floor == c.source {
			floor = rec.Floor
		}
		next[c.function.Key] = Record{
			Name: c.function.Name, Alias: s.req.Environment.Alias, Version: c.to, Digest: s.o.function(c.function.Key).Digest,
			Source: c.source, Release: c.release, Entry: s.book.Head.Number + 1, Floor: floor, Adopted: s.req.Unverified && c.release == "",
		}
	}
	return e, next
}

// flippedBack ends the outcome of a rollback.
func (s *story) flippedBack(flips []*flip) {
	trouble, foreign := s.barred, 0
	for _, f := range flips {
		entry := s.o.function(f.step.Function.Key)
		entry.Fate = f.fate
		if f.fate == FateMoved {
			continue
		}
		s.o.fault(f.err)
		entry.Commands = s.attention(f, s.req.Environment)
		if f.fate == FateForeign {
			foreign++
		}
		trouble++
	}
	back, env := s.o.count(FateMoved), s.req.Environment.Name
	switch {
	case trouble == 0:
		s.o.end(RolledBack, ReasonAsked, "%s of %s put back", plural(back, "alias"), env)
	case foreign == trouble && back == 0:
		s.o.end(ConflictFound, ReasonAliasMoved, "somebody else changed the aliases of %s at the same time; theirs is left alone", env)
	default:
		s.o.end(NeedsAttention, ReasonUnproved, "%s of %s put back, and %d could not be: the commands are in the report", plural(back, "alias"), env, trouble)
	}
}
