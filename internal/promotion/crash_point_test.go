package promotion_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A successor is who comes next, after a run was cut.
type successor struct {
	name string
	play func(ctx context.Context, s *scene, pl crashPlay, p *party) promotion.Outcome
	ends []promotion.Kind // how it may end
}

var successors = []successor{
	{"the next commit", func(ctx context.Context, s *scene, pl crashPlay, p *party) promotion.Outcome {
		return s.heed(p.runner.Run(ctx, s.ask(p, 5, false, pl.names...)))
	}, []promotion.Kind{promotion.Promoted}},
	{"the same again", func(ctx context.Context, s *scene, pl crashPlay, p *party) promotion.Outcome {
		return pl.act(ctx, s, p)
	}, nil},
	{"reconcile", func(ctx context.Context, s *scene, _ crashPlay, p *party) promotion.Outcome { return mend(ctx, s, p) },
		[]promotion.Kind{promotion.Reconciled, promotion.Unchanged}},
	{"rollback", func(ctx context.Context, s *scene, _ crashPlay, p *party) promotion.Outcome { return back(ctx, s, p) },
		[]promotion.Kind{promotion.RolledBack, promotion.Unchanged, promotion.Refused}},
}

// A point is one run cut at one call in one way, and who came after it.
type point struct {
	play crashPlay
	at   moment
	how  string
	next successor
	land int // cutLate: before which call of the successor the held one is carried out; 0: when it is through
}

func (pt point) String() string {
	if strings.HasPrefix(pt.how, "told") {
		return fmt.Sprintf("%s: %s %s", pt.play.name, pt.how, pt.at)
	}
	text := fmt.Sprintf("%s: cut %s %s, then %s", pt.play.name, pt.how, pt.at, pt.next.name)
	if pt.land > 0 {
		text += fmt.Sprintf(", landing before its call %d", pt.land)
	}
	return text
}

// A tally counts what has happened, so that it is seen that it did.
type tally struct {
	mu       sync.Mutex
	points   map[string]int // by play, and how
	outcomes map[string]int // of successors
	landed   map[string]int // statuses of late landings that move aliases
	repairs  map[string]int
	sleepers map[string]int // outcomes of the suspended
}

func newTally() *tally {
	return &tally{points: map[string]int{}, outcomes: map[string]int{}, landed: map[string]int{}, repairs: map[string]int{}, sleepers: map[string]int{}}
}

func (c *tally) add(m map[string]int, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m[what]++
}

// run plays the point in an account of its own, and returns the calls that the successor made.
func (pt point) run(t *testing.T, c *tally) (calls []moment) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, pt.play.names)
		if pt.how == cutSuspended && pt.next.name == "rollback" {
			s.lease = 10 * time.Minute // it does not wait for the lease, so who is suspended knows of nothing
		}
		pt.play.stage(s)
		if s.was == nil {
			s.was = s.holds()
		}
		fence := s.fence()

		cut := s.party("cut")
		k := cut.tapped()
		k.at, k.how, k.slow = pt.at, pt.how, crashWork
		ctx, kill := context.WithCancelCause(t.Context())
		defer kill(nil)
		k.kill = kill
		over := meanwhile(func() promotion.Outcome { return pt.play.act(ctx, s, cut) })
		var first promotion.Outcome
		select {
		case <-k.struck:
			if pt.how != cutSuspended {
				first = <-over
			}
		case o := <-over:
			t.Fatalf("the call was never made; the run ended %s: %s", o.Kind, o.Sentence)
		}
		dead := s.fence()

		next := s.party("next")
		n := next.tapped()
		decided := false
		land := func() {
			before := s.holds()
			status := k.letGo()
			if pt.at.movesAlias() {
				c.add(c.landed, strconv.Itoa(status))
			}
			if after := s.holds(); pt.at.movesAlias() && decided && fmt.Sprint(before) != fmt.Sprint(after) {
				t.Errorf("a late write of the dead run has changed %v to %v after its successor had decided", before, after)
			}
		}
		n.before = func(m moment) {
			decided = decided || m.intends()
			if calls = append(calls, m); pt.how == cutLate && len(calls) == pt.land {
				land()
			}
		}
		o := pt.next.play(t.Context(), s, pt.play, next)
		if pt.how == cutLate && o.Reason == promotion.ReasonNothingRunning && o.Holder != nil {
			o = pt.next.play(t.Context(), s, pt.play, next) // a late grant to a dead run looked like somebody at work
		}
		decided = true
		c.add(c.outcomes, pt.next.name+": "+string(o.Kind))
		for _, r := range o.Repairs {
			c.add(c.repairs, map[bool]string{true: "finished", false: "undone"}[r.Finished])
		}
		s.ended(pt, o)
		if t.Failed() {
			t.Logf("the cut run ended %s: %s\nit was told %v\nthe next was told %v", first.Kind, first.Sentence, cut.told, next.told)
		}
		s.atRest("after "+pt.next.name, pt.play)

		switch pt.how {
		case cutLate:
			if pt.land == 0 || len(calls) < pt.land {
				land()
			}
			s.atRest("after the late landing", pt.play)
		case cutSuspended:
			before := s.holds()
			if len(s.asked) > 0 {
				s.asked = append(s.asked, time.Now()) // a person's wish that was held up is a wish
			}
			k.letGo()
			first = <-over
			c.add(c.sleepers, string(first.Kind))
			s.atRest("after the sleeper awoke", pt.play)
			s.awake(first, before)
		}
		s.audit("at rest")
		if now := s.fence(); now < dead || dead < fence {
			t.Errorf("the fence went from %d over %d to %d", fence, dead, now)
		}

		last := s.party("last")
		o = s.heed(last.runner.Run(t.Context(), s.ask(last, 6, false, pt.play.names...)))
		if o.Kind != promotion.Promoted {
			t.Errorf("the last run ended %s: %s %v\n%v", o.Kind, o.Sentence, o.Faults, last.told)
		}
		s.agrees("in the end")
		s.free("in the end")
		s.audit("in the end")
		for name, v := range s.holds() {
			if s.place(name, v) != 6 {
				t.Errorf("in the end %s holds version %s", name, v)
			}
		}
		if now := s.fence(); now <= fence {
			t.Errorf("the fence was %d and is %d", fence, now)
		}
	})
	return calls
}

// ended asserts that a successor came to a good end.
func (s *scene) ended(pt point, o promotion.Outcome) {
	s.t.Helper()
	kinds := pt.next.ends
	if kinds == nil {
		kinds = []promotion.Kind{promotion.Promoted, promotion.Unchanged, promotion.Deployed, promotion.Reconciled, promotion.RolledBack, promotion.Locked, promotion.Superseded}
	}
	if !slices.Contains(kinds, o.Kind) || o.Kind == promotion.Refused && o.Reason != promotion.ReasonNothingToUndo {
		s.t.Errorf("%s ended %s (%s): %s %v", pt.next.name, o.Kind, o.Reason, o.Sentence, o.Faults)
	}
}

// atRest asserts what holds whenever nobody is at work.
func (s *scene) atRest(when string, pl crashPlay) {
	s.t.Helper()
	moving := pl.release
	if moving == nil {
		moving = pl.names
	}
	s.agrees(when)
	s.together(when, moving)
}

// awake asserts that a run that slept through its successor has done no harm: what it has moved, it had the right to.
func (s *scene) awake(o promotion.Outcome, before map[string]string) {
	t := s.t
	t.Helper()
	now := s.holds()
	for name := range now {
		if before[name] == "none" {
			before[name] = now[name] // nothing fences an alias that does not exist
		}
	}
	if fmt.Sprint(before) == fmt.Sprint(now) {
		return
	}
	switch o.Kind {
	case promotion.Promoted, promotion.RolledBack, promotion.Reconciled:
	default:
		t.Errorf("the sleeper awoke, ended %s (%s), and has changed %v to %v", o.Kind, o.Sentence, before, now)
	}
}
