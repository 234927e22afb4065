package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A remark is what a report tells besides functions, checks and faults: a sentence without a full stop, and a block
// that can be copied, or "". One that is aside may be left out where there is too much.
type remark struct {
	text, block string
	aside       bool
}

// remarks are what there is to say of this run in particular, the most important first.
func remarks(o promotion.Outcome, v voice) []remark {
	var list []remark
	say := func(format string, args ...any) { list = append(list, remark{text: fmt.Sprintf(format, args...)}) }
	aside := func(format string, args ...any) {
		list = append(list, remark{text: fmt.Sprintf(format, args...), aside: true})
	}

	if why := v.text(o.Request.Reason); why != "" {
		say("why: %s", why)
	}
	for _, s := range newerCommits(o, v) {
		say("%s", s)
	}
	if o.Holder != nil {
		say("%s %s", holderIs(o), heldBy(v, *o.Holder))
	}
	for _, r := range o.Repairs {
		say("%s", repaired(r, v))
	}
	for _, s := range goneBack(o, v) {
		say("%s", s)
	}
	if o.Kind == promotion.Deployed && o.Deposited != nil {
		list = append(list, howToPromote(o, v))
	}
	if s := someNames(v, unproven(o)); s != "" {
		say("provenance unproven: nothing shows where the code of %s came from; `expect-sha256`, `expect-commit` or mode `lock` would", s)
	}
	if s := someNames(v, adopted(o)); s != "" {
		say("adopted as the baseline: what %s held was found there, and was not promoted by promote", s)
	}
	if do := advice(o); do != "" {
		say("what to do: %s", do)
	}
	if o.Waited > 0 {
		aside("waited %s for locks", duration(o.Waited))
	}
	if e := o.Entry; e != nil && e.Number > 0 {
		aside("recorded as entry %d of the history (%s)", e.Number, e.Kind)
	}
	return list
}

// newerCommits name what a superseded run came too late for: what the ledger has of the functions.
func newerCommits(o promotion.Outcome, v voice) []string {
	if o.Kind != promotion.Superseded {
		return nil
	}
	var order []string
	functions := map[string][]string{}
	for _, f := range o.Functions {
		if c := f.PreviousSource.Commit; c != "" && c != o.Request.Commit {
			if functions[c] == nil {
				order = append(order, c)
			}
			functions[c] = append(functions[c], f.Function)
		}
	}
	var list []string
	for _, c := range order {
		list = append(list, fmt.Sprintf("commit %s is promoted for %s (%s)", v.commit("", c), someNames(v, functions[c]), v.span(o.Request.Commit, c)))
	}
	return list
}

// holderIs says what the holder is to this run.
func holderIs(o promotion.Outcome) string {
	switch o.Kind {
	case promotion.Planned, promotion.Unchanged:
		return "the lock is held by"
	case promotion.Fenced:
		if o.Reason == promotion.ReasonStopRequested {
			return "asked to stop by"
		}
		return "taken over by"
	case promotion.AbortAsked:
		return "asked to stop:"
	case promotion.Unlocked:
		return "the lock was that of"
	}
	return "the lock was held by"
}

// repaired tells what became of the work of a run that had died.
func repaired(r promotion.Repair, v voice) string {
	e := r.Intent.Entry
	who := "a run"
	if e.RunURL != "" {
		who = v.run(e.RunURL, e.Attempt)
	}
	if e.Actor != "" {
		who += " by " + v.name(e.Actor)
	}
	if e.Source.Commit != "" {
		who += ", commit " + v.commit(e.Repository, e.Source.Commit)
	}
	what := "its work was undone"
	if r.Finished {
		what = "its work was completed"
	}
	text := fmt.Sprintf("%s had died half way; %s", who, what)
	var moves []string
	for _, m := range e.Moves {
		moves = append(moves, fmt.Sprintf("%s %s → %s", m.Function, m.From, m.To))
	}
	if s := someNames(v, moves); s != "" {
		text += ": " + s
	} else {
		text += ": no alias had been moved"
	}
	if s := someNames(v, r.Foreign); s != "" {
		text += "; somebody else has moved " + s + " since, and that stands"
	}
	return text
}

// goneBack tells what a rollback chose, what it took back and which floor it leaves.
func goneBack(o promotion.Outcome, v voice) []string {
	if o.Request.Mode != promotion.ModeRollback {
		return nil
	}
	var list []string
	if p := o.Previous; p != nil {
		text := fmt.Sprintf("taken back: entry %d of %s", p.Number, minute(p.At))
		if p.Source.Commit != "" {
			text += ", commit " + v.commit(p.Repository, p.Source.Commit)
		}
		if p.Actor != "" {
			text += ", by " + v.name(p.Actor)
		}
		if p.RunURL != "" {
			text += ", " + v.run(p.RunURL, p.Attempt)
		}
		if n := countUndone(o); n > 1 {
			text += fmt.Sprintf(", and %d before it", n-1)
		}
		list = append(list, text)
	}
	if o.Changed() && len(o.Request.To) == 0 && o.Previous == nil {
		list = append(list, "an unfinished promotion was taken back: the aliases hold what was recorded last")
	}
	if o.Changed() && len(o.Request.To) > 0 {
		how := "the versions were named by a person"
		if o.Request.Unverified {
			how += ", and the history does not vouch for them"
		}
		list = append(list, how)
	}
	if floor := floorOf(o); floor != "" && o.Changed() && !o.Request.WithoutLock {
		list = append(list, fmt.Sprintf("floor: commit %s and those behind it are refused for %s until a commit ahead of it comes, or a person lifts the floor (mode `unlock`)",
			v.commit("", floor), v.name(o.Request.Environment.Name)))
	}
	return list
}

func countUndone(o promotion.Outcome) int {
	if o.Entry == nil {
		return 0
	}
	return len(o.Entry.Undoes)
}

// floorOf is the commit that a rollback went back from.
func floorOf(o promotion.Outcome) string {
	if o.Previous != nil && o.Previous.Source.Commit != "" {
		return o.Previous.Source.Commit
	}
	for _, f := range o.Functions {
		if f.Fate == promotion.FateMoved && f.PreviousSource.Commit != "" {
			return f.PreviousSource.Commit
		}
	}
	return ""
}

// howToPromote is what a workflow says to promote what was deployed.
func howToPromote(o promotion.Outcome, v voice) remark {
	r := o.Deposited
	text := "to promote it, once your tests have passed, in this job or in another one:"
	if !r.HeldUntil.IsZero() {
		text = fmt.Sprintf("the code lock is kept until %s; %s", minute(r.HeldUntil), text)
	}
	id := cmp.Or(r.ID, o.Request.Release)
	lines := []string{
		"- uses: promote-on-success/promote@v1", "  with:", "    mode: promote",
		"    environment: " + oneLine(o.Request.Environment.Name), "    release-id: " + oneLine(id),
	}
	return remark{text: text, block: strings.Join(lines, "\n")}
}

func unproven(o promotion.Outcome) []string {
	var list []string
	for _, f := range o.Functions {
		if f.Provenance == "unproven" && !still(f) {
			list = append(list, f.Function)
		}
	}
	return list
}

func adopted(o promotion.Outcome) []string {
	var list []string
	for _, f := range o.Functions {
		if f.Adopted {
			list = append(list, fmt.Sprintf("%s %s", f.Function, f.Previous))
		}
	}
	return list
}
