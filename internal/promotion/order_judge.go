package promotion

import "fmt"

// An OrderPolicy is what a person allows. Its zero value allows nothing.
type OrderPolicy struct {
	BestEffort    bool // order-check: best-effort. An unknown order is let through with a warning
	AllowDiverged bool // allow-diverged. A commit that does not contain the promoted one may replace it
}

// A Ruling is what the order of commits says about a promotion.
type Ruling string

const (
	OrderGo         Ruling = "go"         // nothing newer is promoted
	OrderIdentical  Ruling = "identical"  // this very commit is promoted; doing it again changes nothing
	OrderSuperseded Ruling = "superseded" // a newer commit is promoted
	OrderRefused    Ruling = "refused"    // it must not be, or it is not known that it may be
)

// An Order is the ruling for a release.
type Order struct {
	Ruling Ruling
	// Sentence says why, without a full stop; "" for [OrderGo].
	Sentence  string
	Functions map[string]Ruling // by key
	Faults    []Fault           // why it is refused
	Warnings  []Fault           // what the policy let through
}

// JudgeOrder decides whether the candidate's commit may take the place of what is promoted. All functions of a release
// move together, so one that must not move holds them all: a release is superseded if a newer commit is promoted for
// some of its functions and this very one for the others. One that is behind for some and has news for others is
// refused: passing over it would lose the news, and promoting it would go backwards or mix versions.
func JudgeOrder(candidate Source, standings []Standing, policy OrderPolicy) Order {
	o := Order{Functions: map[string]Ruling{}}
	var found concerns
	count := map[Ruling]int{}
	for _, s := range standings {
		ruling, concern, other := judgeFunction(candidate, s, policy)
		o.Functions[s.Function] = ruling
		count[ruling]++
		found.add(ruling, concern, other, s.Function)
	}
	for _, c := range found {
		switch {
		case c.ruling == OrderRefused:
			o.Faults = append(o.Faults, c.fault(candidate))
		case c.ruling == OrderGo && c.kind != concernNone:
			o.Warnings = append(o.Warnings, c.fault(candidate))
		}
	}
	newer := found.with(OrderSuperseded)
	switch {
	case count[OrderRefused] > 0:
		o.Ruling, o.Sentence = OrderRefused, o.Faults[0].What
	case count[OrderSuperseded] > 0 && count[OrderGo] > 0:
		o.Ruling = OrderRefused
		o.Sentence = fmt.Sprintf("commit %s is behind what is promoted (%s), but has news for %s", shortCommit(candidate.Commit), newer, found.with(OrderGo).functions())
		o.Faults = []Fault{{What: o.Sentence,
			Hint: fmt.Sprintf("run the newest commit for all of these functions, or this one with only: %s", found.with(OrderGo).functions())}}
	case count[OrderSuperseded] > 0:
		o.Ruling, o.Sentence = OrderSuperseded, fmt.Sprintf("commit %s is behind what is promoted: %s", shortCommit(candidate.Commit), newer)
	case count[OrderIdentical] > 0 && count[OrderGo] == 0:
		o.Ruling, o.Sentence = OrderIdentical, fmt.Sprintf("commit %s is promoted already", shortCommit(candidate.Commit))
	default:
		o.Ruling = OrderGo
	}
	return o
}

// A concern is what a person should know of one function's order.
type concern string

const (
	concernNone     concern = ""
	concernFloor    concern = "floor" // at or behind what was rolled back
	concernDiverged concern = "diverged"
	concernUnknown  concern = "unknown"
)

// judgeFunction decides for one function, and names the commit that decided. What is sure comes first: a commit that was rolled
// back stays away whatever else is known, and one that is behind is superseded even if its floor could not be asked.
func judgeFunction(candidate Source, s Standing, policy OrderPolicy) (Ruling, concern, comparedSource) {
	floor := comparedSource{s.Floor, s.ToFloor, true}
	promoted := comparedSource{s.Promoted, s.ToPromoted, false}
	if floor.Commit != "" && (floor.Relation == Identical || floor.Relation == Behind) {
		return OrderRefused, concernFloor, floor
	}
	if promoted.Commit != "" && promoted.Relation == Behind {
		return OrderSuperseded, concernNone, promoted
	}
	ruling, warned, by := OrderGo, concernNone, comparedSource{}
	for _, other := range []comparedSource{floor, promoted} {
		kind, allowed := concernUnknown, policy.BestEffort
		switch {
		case other.Commit == "" || other.Relation == Ahead || other.Relation == Identical:
			continue
		case other.Relation == Diverged:
			kind, allowed = concernDiverged, policy.AllowDiverged
		}
		if !allowed {
			return OrderRefused, kind, other
		}
		warned, by = kind, other
	}
	if promoted.Commit != "" && promoted.Relation == Identical && warned == concernNone {
		ruling, by = OrderIdentical, promoted
	}
	return ruling, warned, by
}

// A comparedSource is a promoted commit, or a floor, with the candidate's standing to it.
type comparedSource struct {
	Source
	Comparison
	floor bool
}
