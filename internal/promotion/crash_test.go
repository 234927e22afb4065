package promotion_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// allPoints tells whether every call is cut in every way and meets every successor. Otherwise a sample is played, the same
// every time.
var allPoints = os.Getenv("PROMOTE_CRASH_POINTS") == "all"

// callsOfPlay plays it undisturbed, and returns its calls.
func callsOfPlay(t *testing.T, pl crashPlay) (calls []moment) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, pl.names)
		pl.stage(s)
		p := s.party("cut")
		k := p.tapped()
		k.slow = crashWork
		if o := pl.act(t.Context(), s, p); o.ExitCode() != 0 {
			t.Fatalf("%s ended %s: %s %v", pl.name, o.Kind, o.Sentence, o.Faults)
		}
		calls = slices.DeleteFunc(k.made(), moment.waits)
		s.agrees("undisturbed")
		s.audit("undisturbed")
	})
	return calls
}

// eachPoint plays points of every play. choose tells which of its calls, and how.
func eachPoint(t *testing.T, choose func(pl crashPlay, calls []moment, run func(point) []moment)) {
	c := newTally()
	t.Run("points", func(t *testing.T) {
		for _, pl := range plays {
			t.Run(pl.name, func(t *testing.T) {
				t.Parallel()
				choose(pl, callsOfPlay(t, pl), func(pt point) (calls []moment) {
					t.Run(pt.String(), func(t *testing.T) {
						if strings.HasPrefix(pt.how, "told") {
							pt.interrupted(t, c)
						} else {
							calls = pt.run(t, c)
						}
						c.add(c.points, pl.name)
					})
					return calls
				})
			})
		}
	})
	total := 0
	for _, n := range c.points {
		total += n
	}
	t.Logf("%d points enumerated: %v", total, c.points)
	for what, count := range map[string]map[string]int{"outcomes": c.outcomes, "repairs": c.repairs, "outcomes of sleepers": c.sleepers, "late moves of aliases, by the answer": c.landed} {
		if len(count) > 0 {
			t.Logf("%s: %v", what, count)
		}
	}
}

// Every kind of run is cut before and after every one of its calls, by a death like SIGKILL's. Who comes next repairs it.
func TestCrashPoints(t *testing.T) {
	eachPoint(t, func(pl crashPlay, calls []moment, run func(point) []moment) {
		for i, m := range calls {
			for j, how := range []string{cutBefore, cutAfter} {
				for n, next := range successors {
					// In a sample every second call is cut in one of the ways, and every second time the next commit follows.
					if allPoints || i%4 == 2*j && (n == 0) == (i%8 < 4) && (n == 0 || n == 1+i%3) {
						run(point{play: pl, at: m, how: how, next: next})
					}
				}
			}
		}
	})
}

// A write is held when its run dies, and is carried out when a successor is at work, or through. Once that has decided, the
// write changes no alias.
func TestLateLandings(t *testing.T) {
	eachPoint(t, func(pl crashPlay, calls []moment, run func(point) []moment) {
		calls = slices.DeleteFunc(calls, func(m moment) bool { return !m.writes() })
		for i, m := range calls {
			alias := strings.Contains(m.call, "Alias")
			for n, next := range successors {
				if !allPoints && !(alias && n == 0 || !alias && i%3 == 0 && n == (i/3)%len(successors)) {
					continue
				}
				pt := point{play: pl, at: m, how: cutLate, next: next}
				made := run(pt)
				for pt.land = 1; pt.land <= len(made); pt.land++ {
					// A late move of an alias lands before every call; in a sample, when the successor has recorded what it is
					// about to do. Other writes, which are refused by the table, land now and then.
					if alias && (allPoints || pt.land > 1 && made[pt.land-2].intends()) || !alias && allPoints && pt.land%7 == 1+i%6 {
						run(pt)
					}
				}
			}
		}
	})
}

// A run is suspended before every one of its calls, and goes on when its successor is through.
func TestSleepers(t *testing.T) {
	eachPoint(t, func(pl crashPlay, calls []moment, run func(point) []moment) {
		for i, m := range calls {
			for n, next := range successors {
				if next.name == "rollback" && strings.Contains(m.call, "#BEAT") {
					continue // it meets a long lease, without a sign of life in time
				}
				if allPoints || i%4 == 1 && n == (i/4)%len(successors) {
					run(point{play: pl, at: m, how: cutSuspended, next: next})
				}
			}
		}
	})
}
