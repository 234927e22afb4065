package lease_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

var preemptCases = []lockCase{
	{"unlock raises the fence, tells the victim why, and leaves the lock unclean", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		g, err := ben.locks.Unlock(f.Context(), f.lock, ben.holder(), "the runner is on fire")
		f.must(err)
		if g.Fence != 2 || !g.Unclean || g.Owner != "" || g.Lock != f.lock {
			f.Errorf("unlock leaves %#v", g)
		}
		if done, err := ann.act(h.Grant()); done || err != nil {
			f.Errorf("the victim acts: %t, %v", done, err)
		}
		f.lostWithin(h, f.lease/3, promotion.ErrNotHeld)
		if text := h.Cause().Error(); !strings.Contains(text, "the runner is on fire") || !strings.Contains(text, "runs/ben") {
			f.Errorf("the victim is told %q", text)
		}
		next := ben.acquire()
		f.wantFence(next, 3, true)
		f.must(h.Release(f.Context(), true)) // the victim's: no error, no effect
		if done, err := ben.act(next.Grant()); !done {
			f.Errorf("the victim's release took the lock from its next holder: %v", err)
		}
	}},
	{"what happened to a lock is remembered, and not without end", func(f *fixture) {
		ann := f.party("ann")
		f.must(ann.acquire().Release(f.Context(), true))
		for i := range 25 {
			_, err := ann.locks.Unlock(f.Context(), f.lock, ann.holder(), fmt.Sprintf("reason %d", i))
			f.must(err)
		}
		ended := f.row("LOCK").Maps("ended")
		if len(ended) != 20 || ended[19].String("reason") != "reason 24" || ended[0].String("reason") != "reason 5" || !strings.Contains(ended[0].String("by"), "ann") {
			f.Errorf("%d are remembered: %v", len(ended), ended)
		}
		f.wantFence(ann.acquire(), 27, true)
	}},
	{"what nobody has ever held cannot be unlocked or stopped", func(f *fixture) {
		ann := f.party("ann")
		if _, err := ann.locks.Unlock(f.Context(), f.lock, ann.holder(), "?"); !errors.Is(err, promotion.ErrNotHeld) {
			f.Errorf("unlock: %v", err)
		}
		if err := ann.locks.RequestStop(f.Context(), f.lock, ann.holder(), "?"); !errors.Is(err, promotion.ErrNotHeld) {
			f.Errorf("request stop: %v", err)
		}
		if row := f.row("LOCK"); row != nil {
			f.Errorf("a row came to be: %v", row)
		}
	}},
	{"a request to stop reaches the holder with its next sign of life, and takes nothing from it", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		f.must(ben.locks.RequestStop(f.Context(), f.lock, ben.holder(), "a rollback is to begin"))
		f.lostWithin(h, f.lease/6+time.Second+f.slack, promotion.ErrStopRequested)
		if text := h.Cause().Error(); !strings.Contains(text, "a rollback is to begin") || !strings.Contains(text, "runs/ben") {
			f.Errorf("the holder is told %q", text)
		}
		// It goes home under its lock, and signs of life go on meanwhile.
		ann.wire.reset()
		time.Sleep(f.lease / 2)
		if done, err := ann.act(h.Grant()); !done {
			f.Errorf("the holder cannot go home: %v", err)
		}
		if beats := len(ann.wire.sent()); beats < 2 {
			f.Errorf("%d signs of life", beats)
		}
		f.must(h.Release(f.Context(), true))
		// The request was meant for that holder alone.
		next := ben.acquire()
		time.Sleep(f.lease / 3)
		f.stillHeld(next)
	}},
	{"a request to stop waits for a parked lock's next step", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		f.must(h.Park(f.Context(), f.lease, true))
		f.must(ben.locks.RequestStop(f.Context(), f.lock, ben.holder(), "abort"))
		resumed := ann.keep(ann.locks.Resume(f.Context(), f.lock, h.Grant().Owner, ann.contender()))
		f.lostWithin(resumed, time.Millisecond, promotion.ErrStopRequested)
	}},
	{"a lock that is taken after its holder was asked to stop is told as taken", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		f.must(ben.locks.RequestStop(f.Context(), f.lock, ben.holder(), "rollback"))
		f.lostWithin(h, f.lease/6+time.Second+f.slack, promotion.ErrStopRequested)
		seized := ben.keep(ben.locks.Seize(f.Context(), f.lock, ben.contender(), "rollback"))
		f.wantFence(seized, 2, true)
		f.beat()
		if !errors.Is(h.Cause(), promotion.ErrNotHeld) {
			f.Errorf("the cause is %v", h.Cause())
		}
	}},
	{"a lock is seized at once, from whoever holds it and before whoever waits", func(f *fixture) {
		ann, ben, cat := f.party("ann"), f.party("ben"), f.party("cat")
		h := ann.acquire()
		w := cat.queue(f.Context(), nil)
		time.Sleep(2 * time.Second)
		began := time.Now()
		seized := ben.keep(ben.locks.Seize(f.Context(), f.lock, ben.contender(), "rollback to version 12"))
		if took := time.Since(began); took > time.Second+f.slack {
			f.Errorf("it took %s", took)
		}
		f.wantFence(seized, 2, true)
		if done, _ := ann.act(h.Grant()); done {
			f.Error("the victim acts")
		}
		f.lostWithin(h, f.lease/3, promotion.ErrNotHeld)
		if text := h.Cause().Error(); !strings.Contains(text, "seized") || !strings.Contains(text, "rollback to version 12") {
			f.Errorf("the victim is told %q", text)
		}
		f.must(seized.Release(f.Context(), true))
		f.wantFence(w.got(), 3, false)
		f.must(w.held.Release(f.Context(), true))
		free := ben.keep(ben.locks.Seize(f.Context(), f.lock, ben.contender(), "once more"))
		f.wantFence(free, 4, false)
	}},
	{"rows that were deleted by hand do not let the fence begin anew unnoticed", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		f.beat()
		f.must(h.Release(f.Context(), true))
		for range 3 {
			f.must(ann.acquire().Release(f.Context(), true))
		}
		last := ann.acquire()
		f.beat() // its fence is in the signs of life
		f.must(last.Release(f.Context(), true))
		f.must(ann.table.Delete(f.Context(), keyOf(f.row("LOCK"))))
		again := ben.acquire()
		f.lostWithin(again, f.lease/6+time.Second+f.slack, promotion.ErrNotHeld)
		g, err := ben.locks.Unlock(f.Context(), f.lock, ben.holder(), "the row was deleted")
		f.must(err)
		if g.Fence != 6 {
			f.Errorf("the fence is %d", g.Fence)
		}
		mended := ben.acquire()
		time.Sleep(f.lease / 3)
		f.stillHeld(mended)
	}},
}
