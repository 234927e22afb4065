package promotion_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/sandbox"
)

// A run is told to stop before, instead of and after every one of its calls. It ends in time, the end of its job clears
// away what is left, and whoever comes next waits for nobody.
func TestSignalAtEveryCallUnderLocks(t *testing.T) {
	eachPoint(t, func(pl crashPlay, calls []moment, run func(point) []moment) {
		for i, m := range calls {
			for j, how := range []string{signalBefore, signalInstead, signalAfter} {
				if allPoints || i%9 == 4*j { // 0, 4 and 8
					run(point{play: pl, at: m, how: how})
				}
			}
		}
	})
}

// interrupted plays a point where the run is told to stop.
func (pt point) interrupted(t *testing.T, c *tally) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, pt.play.names)
		pt.play.stage(s)
		if s.was == nil {
			s.was = s.holds()
		}
		p := s.party("cut")
		k := p.tapped()
		k.at, k.how, k.slow, k.latency = pt.at, pt.how, crashWork, 100*time.Millisecond
		ctx, kill := context.WithCancelCause(t.Context())
		defer kill(nil)
		k.kill = kill
		o := pt.play.act(ctx, s, p)
		if k.told.IsZero() {
			t.Fatalf("the call was never made; the run ended %s: %s", o.Kind, o.Sentence)
		}
		if took := time.Since(k.told); took > allowed {
			t.Errorf("it went on for %s", took)
		}
		c.add(c.outcomes, string(o.Kind))
		// An alias that was to be created when the signal came may come to be later, and nothing fences it. A rollback does not
		// go back: the end of its job finishes it.
		unsure := pt.how == signalInstead && (strings.HasPrefix(pt.at.call, "CreateAlias") || pt.play.name == "rollback" && pt.at.movesAlias())
		if o.Kind == promotion.NeedsAttention && !unsure {
			t.Errorf("a signal alone left it %s: %s %v", o.Kind, o.Sentence, o.Faults)
		}
		quiet := pt.how != signalInstead && !pt.play.dirty // a call that was never answered, or what was left before, may have to lapse
		if quiet {
			s.atRest("after the signal", pt.play)
		}

		end := s.enter("post")
		req := p.at(commit(2), s.requestFor(promotion.Artifact{}, pt.play.names...))
		req.JobStatus = "cancelled"
		left := promotion.Leftover{Mode: s.mode, Release: req.Release, LockOwner: s.owner}
		if last := end.runner.Post(t.Context(), req, left); last.ExitCode() != 0 {
			t.Errorf("the end of the job ended %s: %s %v", last.Kind, last.Sentence, last.Faults)
		}
		if !pt.play.dirty {
			s.atRest("after the job", pt.play)
		}
		if quiet {
			s.free("after the job")
		}
		s.audit("after the job")

		next := s.party("next")
		o = s.heed(next.runner.Run(t.Context(), s.ask(next, 5, false, pt.play.names...)))
		if o.Kind != promotion.Promoted || o.Waited > 0 && quiet {
			t.Errorf("the next run ended %s, having waited for %s: %s %v\n%v\n%v", o.Kind, o.Waited, o.Sentence, o.Faults, p.told, next.told)
		}
		s.agrees("in the end")
		s.free("in the end")
		s.audit("in the end")
		if t.Failed() {
			t.Logf("the run was told %v", p.told)
		}
	})
}

// Many functions under AWS's own quota, told to stop while their aliases move: up to forty are home in time. Of more, the end
// of the job brings home from the journal what is not.
func TestSignalToMany(t *testing.T) {
	for _, many := range []struct {
		functions int
		after     []int // of how many moves the signal comes
	}{{40, []int{1, 13, 27, 40}}, {120, []int{60, 90}}} {
		for _, after := range many.after {
			t.Run(fmt.Sprintf("%d functions, at move %d", many.functions, after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					names := manyNames(many.functions)
					s := newSceneIn(t, sandbox.Options{Latency: 40 * time.Millisecond, RateLimit: 15}, names)
					s.found(true, names...)
					s.was = s.holds()
					s.signalAmong(after)
				})
			})
		}
	}
}

func (s *scene) signalAmong(moves int) {
	t := s.t
	p, end := s.enter("cut"), s.enter("post")
	for _, one := range []*party{p, end} {
		th := *s.theatre
		th.network, th.runner = one.network, one.runner
		th.quota(10)
	}
	req := s.ask(p, 2, false, s.names...)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var told time.Time
	p.network.disturb(&disturbance{operation: "UpdateAlias", nth: moves, do: first(func() {
		told = time.Now()
		cancel(errors.New("interrupt"))
	})})
	o := s.heed(p.runner.Run(ctx, req))
	took := time.Since(told)
	if took > allowed {
		t.Errorf("it went on for %s", took)
	}
	t.Logf("%s (%s) within %s: %s", o.Kind, o.Reason, took.Round(time.Millisecond), o.Sentence)
	if len(s.names) <= 40 {
		if o.Kind != promotion.RolledBack && o.Kind != promotion.Promoted {
			t.Errorf("it ended %s: %s %v", o.Kind, o.Sentence, o.Faults)
		}
		s.agrees("after the signal")
		s.free("after the signal")
	}
	last := req
	last.JobStatus = "cancelled"
	if o := end.runner.Post(t.Context(), last, promotion.Leftover{Mode: promotion.ModeRun, Release: req.Release}); o.ExitCode() != 0 {
		t.Errorf("the end of the job ended %s: %s %v", o.Kind, o.Sentence, o.Faults)
	} else {
		t.Logf("the end of the job: %s: %s", o.Kind, o.Sentence)
	}
	s.agrees("after the job")
	s.free("after the job")
	s.audit("after the job")
	for name, now := range s.holds() {
		if home := now == s.was[name]; home == (o.Kind == promotion.Promoted) {
			t.Errorf("the run ended %s, and after the job the alias of %s holds %s", o.Kind, name, now)
		}
	}
}
