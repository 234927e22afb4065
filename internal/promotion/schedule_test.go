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

// What has to have happened in some history, where there are so many, so that what was not found is not for want of trying.
var must = map[int][]string{
	150: {
		"takeovers", "412s", "touches", "late landings", "late writes of aliases refused", "repairs", "a stranger writes",
		"ended promoted", "ended superseded", "ended fenced", "ended rolled-back",
		"freeze", "kill", "kill after", "kill late", "lost request", "lost answer", "late", "until takeover", "unaware", "twice", "throttle", "no table", "no lambda",
	},
	1000: {"ended reconciled", "ended conflict", "ended needs-attention", "ended lock-timeout", "ended abort-asked", "ended unlocked"},
}

// TestRandomSchedules draws two to six runs and persons that overlap, with what goes wrong meanwhile, and holds what came
// of it against models of an alias, a lock and a ledger, and against the rules for every single write and for what is
// left in the end. -rapid.checks=N asks for 2N histories, or N with the race detector.
func TestRandomSchedules(t *testing.T) {
	sum, histories, first := map[string]int{}, 0, sync.Once{}
	rapid.Check(t, func(rt *rapid.T) {
		for _, s := range rapid.SliceOfN(schedules, perCheck, perCheck).Draw(rt, "schedules") {
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
	for least, list := range must {
		for _, what := range list {
			if histories >= least && sum[what] == 0 {
				t.Errorf("there was no case of: %s", what)
			}
		}
	}
}
