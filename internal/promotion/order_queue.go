package promotion

import (
	"context"
	"slices"
)

// Yields tells whether mine leaves the queue to other, a live waiter for the same lock: only if other's commit is ahead,
// so that it brings mine along, and if it would promote all that mine would. relation is how other's commit stands to
// mine's. Since nobody is ahead of those who are ahead of everybody, somebody always stays.
func Yields(mine, other Waiter, relation Relation) bool {
	return relation == Ahead && includes(other.Functions, mine.Functions)
}

// YieldTo finds the waiter that mine leaves the queue to. Of waiters in doubt, those whose order is unknown, it finds none.
func YieldTo(ctx context.Context, h History, mine Waiter, others []Waiter) (to Waiter, yields bool) {
	if h == nil || mine.Commit == "" {
		return Waiter{}, false
	}
	for _, other := range others {
		if other.Commit == "" || other.Commit == mine.Commit || !includes(other.Functions, mine.Functions) {
			continue
		}
		// An error is the reason of an unknown relation, for which nobody yields.
		relation, _ := h.Compare(ctx, mine.Commit, other.Commit)
		if Yields(mine, other, relation) {
			return other, true
		}
	}
	return Waiter{}, false
}

// includes tells whether every one of the few is among the many. Of no functions nothing is known.
func includes(many, few []string) bool {
	return len(few) > 0 && !slices.ContainsFunc(few, func(f string) bool { return !slices.Contains(many, f) })
}
