package promotion_test

import (
	"time"

	"pgregory.net/rapid"
)

// A schedule is what several runs and persons do to one environment at once, and what goes wrong meanwhile. It is drawn
// before time begins.
type schedule struct {
	Functions int
	Fresh     bool          // no alias exists yet
	Settling  time.Duration // how long an update takes, and so when a revision moves by itself
	Verifying time.Duration // how long a candidate takes to answer
	Actors    []actor
	Strangers []stranger
}

// An actor is one run of the program, from its arrival to its end.
type actor struct {
	Does     string // "run", "deploy and promote", "rollback", "rollback alone", "reconcile", "abort", "unlock"
	Commit   string // a letter of [familyOf]
	Diverges bool   // allow-diverged
	Only     int    // 0: all functions, else that one
	Arrives  time.Duration
	After    cue // what it waits for besides
	Lease    time.Duration
	Patience time.Duration // lock-timeout
	Hold     time.Duration // of a deployment
	Between  time.Duration // deployment and promotion: somebody's tests
	Post     bool          // its job's end comes after it, and was not green
	Strikes  []strike
}

// A cue is the moment when an actor first does something.
type cue struct {
	Actor int // -1: none
	Does  string
}

// A strike is something that goes wrong with the nth call of a kind.
type strike struct {
	On   string // "" is any call
	Nth  int
	What string
	For  time.Duration
}

// A stranger changes something past the program.
type stranger struct {
	Does     string // "overwrites", "compares and writes", "touches", "uploads"
	Function int
	At       time.Duration
	After    cue
}

// one draws one of these, all alike: rapid's numbers are mostly small.
func one[T any](t *rapid.T, label string, list ...T) T { return rapid.SampledFrom(list).Draw(t, label) }

const second = time.Second

// What can be struck: mostly the moments that decide.
var struck = []string{"", "", "UpdateAlias", "UpdateAlias", "UpdateAlias", "UpdateAlias", "CreateAlias", "GetAlias", "Invoke", "UpdateFunctionCode",
	"Intend", "Intend", "Record", "Record", "Lock", "Release", "Beat", "Read"}

var strikes = rapid.Custom(func(t *rapid.T) strike {
	s := strike{
		On:  one(t, "on", struck...),
		Nth: one(t, "nth", 1, 1, 1, 1, 2, 2, 3),
		What: one(t, "what", "freeze", "freeze", "freeze", "kill", "kill after", "kill late", "lost request", "lost answer", "late", "late", "until takeover",
			"until takeover", "unaware", "unaware", "twice", "throttle", "no table", "no table", "no lambda", "no lambda"),
		For: one(t, "for", second/5, second, 3*second, 8*second, 15*second, 30*second, 70*second, 150*second, 150*second),
	}
	if s.On == "" {
		s.Nth = one(t, "of all", 1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 35, 40)
	}
	return s
})

// A cue that somebody waits for is one that decides, too, and mostly the first run's.
func cues(t *rapid.T, actors int) cue {
	if one(t, "no cue", true, false, false) {
		return cue{Actor: -1}
	}
	return cue{one(t, "whom", 0, 0, 0, 1, 2, 3, 4) % actors, one(t, "doing", "Invoke", "Intend", "UpdateAlias", "UpdateAlias", "Record", "Lock", "UpdateFunctionCode")}
}

var deeds = []string{"run", "run", "run", "run", "run", "run", "run", "run", "deploy and promote", "deploy and promote", "rollback", "rollback", "rollback", "rollback alone",
	"reconcile", "reconcile", "abort", "unlock"}

// Mostly later actors have later commits, so that there is something to promote for each.
func actors(t *rapid.T, i, n int) actor {
	line := []string{"1", "1", "2", "3", "5", "6", "7", "7", "7"}
	a := actor{
		Does:     one(t, "does", deeds...),
		Commit:   one(t, "commit", line[i], line[i], line[i+1], line[i+1], line[i+1], line[i+2], line[i+2], line[i+3], "4", "d"),
		Diverges: one(t, "diverges", true, false, false),
		Arrives:  one(t, "arrives", 0, second/5, second, 2*second, 3*second, 5*second, 8*second, 20*second),
		After:    cues(t, n),
		Lease:    one(t, "lease", 5*second, 8*second, 15*second, 30*second),
		Patience: one(t, "patience", 20*second, 60*second, 240*second),
		Post:     one(t, "post", true, false, false, false),
	}
	strikesOf := []int{0, 1, 1, 2, 3}
	if i == 0 { // whom most of the others have to do with
		a.Does, a.After, a.Only, strikesOf = one(t, "does first", "run", "run", "run", "deploy and promote"), cue{Actor: -1}, 0, []int{1, 1, 2, 3}
	}
	for range one(t, "strikes", strikesOf...) {
		a.Strikes = append(a.Strikes, strikes.Draw(t, "strike"))
	}
	if one(t, "some", true, false, false, false, false) {
		a.Only = one(t, "only", 1, 2, 3)
	}
	if a.Does == "deploy and promote" {
		a.Between = one(t, "between", 0, second, 10*second, 40*second)
		a.Hold = one(t, "hold", 0, 60*second)
	}
	return a
}

var schedules = rapid.Custom(func(t *rapid.T) schedule {
	n := one(t, "actors", 2, 3, 3, 4, 4, 5, 6)
	s := schedule{
		Functions: one(t, "functions", 1, 2, 2, 3),
		Fresh:     one(t, "fresh", true, false, false, false, false),
		Settling:  one(t, "settling", 0, 0, 300*time.Millisecond, second),
		Verifying: one(t, "verifying", 0, 0, 4*second, 20*second),
	}
	for i := range n {
		s.Actors = append(s.Actors, actors(t, i, n))
	}
	for range one(t, "others", 0, 0, 0, 1, 2) {
		s.Strangers = append(s.Strangers, stranger{
			Does:     one(t, "stranger", "overwrites", "compares and writes", "touches", "touches", "uploads"),
			Function: one(t, "function", 1, 2, 3), At: one(t, "at", 0, second/5, second, 4*second, 10*second), After: cues(t, n),
		})
	}
	return s
})
