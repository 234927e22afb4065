package promotion_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// must lists what has to have happened in some history, so that what was not found is not for want of trying.
var must = []string{
	"takeovers", "412s", "touches", "late landings", "late writes of aliases refused", "repairs", "a stranger writes",
	"ended promoted", "ended superseded", "ended fenced", "ended rolled-back", "ended reconciled", "ended conflict",
	"freeze", "kill", "kill after", "kill late", "lost request", "lost answer", "late", "until takeover", "twice", "throttle", "no table", "no lambda",
}

// TestRandomSchedules draws two to six runs and persons that overlap, with what goes wrong meanwhile, and holds what came
// of it against models of an alias, a lock and a ledger, and against the rules for every single write and for what is
// left in the end. -rapid.checks=N asks for 2N histories.
func TestRandomSchedules(t *testing.T) {
	sum, histories, first := map[string]int{}, 0, sync.Once{}
	rapid.Check(t, func(rt *rapid.T) {
		for _, s := range rapid.SliceOfN(schedules, 2, 2).Draw(rt, "schedules") {
			pf := s.perform(t)
			if fault := pf.fault(); fault != "" {
				// What follows are attempts to find a smaller one, and goroutines need not do the same again.
				first.Do(func() { t.Logf("history %d: %s\n%+v", histories+1, fault, s) })
				rt.Fatal(fault)
			}
			for what, n := range pf.counts {
				sum[what] += n
			}
			histories++
		}
	})
	var list []string
	for _, what := range slices.Sorted(maps.Keys(sum)) {
		list = append(list, fmt.Sprintf("%s %d", what, sum[what]))
	}
	t.Logf("%d histories: %s", histories, strings.Join(list, ", "))
	if t.Failed() {
		return
	}
	for _, what := range must {
		if sum[what] == 0 {
			t.Errorf("there was no case of: %s", what)
		}
	}
}
