package lease_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/lease"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

type lockCase struct {
	name string
	run  func(f *fixture)
}

// TestLocks runs the cases in virtual time.
func TestLocks(t *testing.T) {
	for _, c := range slices.Concat(basicCases, waitingCases, preemptCases, lostCases) {
		t.Run(c.name, func(t *testing.T) { bubble(t, c.run) })
	}
}

var basicCases = []lockCase{
	{"a free lock is one call to acquire and one to release", func(f *fixture) {
		ann := f.party("ann")
		for i := range 3 {
			ann.wire.reset()
			h := ann.acquire()
			f.wantFence(h, uint64(i+1), false)
			f.must(h.Release(f.Context(), true))
			if got := ann.wire.sent(); !slices.Equal(got, []string{"UpdateItem", "UpdateItem"}) {
				f.Errorf("the calls are %v", got)
			}
		}
	}},
	{"a held lock shows its holder and its stage, and lets its holder act", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		h.Tell(promotion.StageVerify)
		f.beat()
		seen, err := ben.locks.Look(f.Context(), f.lock)
		f.must(err)
		if seen == nil || seen.Actor != "ann" || seen.Commit != "commit-of-ann" || seen.Stage != promotion.StageVerify || time.Since(seen.Since) > time.Minute {
			f.Errorf("ben sees %+v", seen)
		}
		if done, err := ann.act(h.Grant()); !done || err != nil {
			f.Errorf("the holder may not act: %v", err)
		}
		f.must(h.Release(f.Context(), true))
		if seen, err := ben.locks.Look(f.Context(), f.lock); seen != nil || err != nil {
			f.Errorf("after the release ben sees %+v, %v", seen, err)
		}
		if done, err := ann.act(h.Grant()); done || err != nil {
			f.Errorf("after the release the former holder acts: %t, %v", done, err)
		}
	}},
	{"what was left uncleanly is unclean until a clean release", func(f *fixture) {
		ann := f.party("ann")
		for _, step := range []struct{ unclean, clean bool }{{false, false}, {true, false}, {true, true}, {false, true}, {false, true}} {
			h := ann.acquire()
			if h.Grant().Unclean != step.unclean {
				f.Errorf("%v: unclean is %t", h.Grant(), h.Grant().Unclean)
			}
			f.must(h.Release(f.Context(), step.clean))
		}
	}},
	{"a release by a transaction of somebody else's is a release", func(f *fixture) {
		ann := f.party("ann")
		h := ann.acquire()
		f.must(ann.table.Transact(f.Context(), "finish-"+f.lock.App, ann.table.GiveBack(h.Grant(), true, nil)))
		h.(interface{ GivenBack() }).GivenBack()
		ann.wire.reset()
		f.must(h.Release(f.Context(), false))
		if calls := ann.wire.sent(); len(calls) != 0 {
			f.Errorf("the release was told already, and calls %v", calls)
		}
		f.wantFence(ann.acquire(), 2, false)
	}},
	{"the code lock and an environment's are two", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		ann.acquire()
		ben.keep(ben.locks.Acquire(f.Context(), promotion.Lock{App: f.lock.App}, ben.contender(), nil))
	}},
	{"a parked lock is kept without signs of life, and resumed by its owner alone", func(f *fixture) {
		ann, later, ben := f.party("ann"), f.party("later"), f.party("ben")
		h := ann.acquire()
		f.must(h.Park(f.Context(), f.lease*3, true))
		ann.wire.reset()
		time.Sleep(f.lease)
		if calls := ann.wire.sent(); len(calls) != 0 {
			f.Errorf("signs of life go on: %v", calls)
		}
		if _, err := ben.locks.Resume(f.Context(), f.lock, "0123456789abcdef0123456789abcdef", ben.contender()); !errors.Is(err, promotion.ErrNotHeld) {
			f.Errorf("somebody else resumes: %v", err)
		}
		resumed := later.keep(later.locks.Resume(f.Context(), f.lock, h.Grant().Owner, later.contender()))
		f.wantFence(resumed, 2, false)
		if done, _ := ann.act(h.Grant()); done {
			f.Error("the earlier step can act yet")
		}
		if done, err := later.act(resumed.Grant()); !done {
			f.Errorf("the later step cannot act: %v", err)
		}
		if err := h.Park(f.Context(), f.lease, true); !errors.Is(err, promotion.ErrNotHeld) {
			f.Errorf("parked again: %v", err)
		}
		f.must(resumed.Release(f.Context(), true))
		if _, err := later.locks.Resume(f.Context(), f.lock, h.Grant().Owner, later.contender()); !errors.Is(err, promotion.ErrNotHeld) {
			f.Errorf("resumed after the release: %v", err)
		}
		f.wantFence(ben.acquire(), 3, false)
	}},
	{"of two who resume the same grant the later one holds it", func(f *fixture) {
		ann := f.party("ann")
		h := ann.acquire()
		f.must(h.Park(f.Context(), f.lease*3, true))
		first, second := f.party("first"), f.party("second")
		one := first.keep(first.locks.Resume(f.Context(), f.lock, h.Grant().Owner, first.contender()))
		two := second.keep(second.locks.Resume(f.Context(), f.lock, h.Grant().Owner, second.contender()))
		f.wantFence(two, 3, true) // the first did not leave
		f.lostWithin(one, f.lease/3, promotion.ErrNotHeld)
		if done, _ := first.act(one.Grant()); done {
			f.Error("the first can act yet")
		}
	}},
	{"an exchange is one call, once the way is known", func(f *fixture) {
		ann, code := f.party("ann"), promotion.Lock{App: f.lock.App}
		for round := range 4 {
			h := ann.keep(ann.locks.Acquire(f.Context(), code, ann.contender(), nil))
			ann.wire.reset()
			next := ann.keep(ann.locks.Exchange(f.Context(), h, true, f.lock, ann.contender(), nil))
			f.wantFence(next, uint64(round+1), false)
			if calls := ann.wire.sent(); !slices.Equal(calls, []string{"TransactWriteItems"}) {
				f.Errorf("round %d: the calls are %v", round, calls)
			}
			if done, err := ann.act(next.Grant()); !done {
				f.Errorf("round %d: %v", round, err)
			}
			if seen, _ := ann.locks.Look(f.Context(), code); seen != nil {
				f.Errorf("round %d: the code lock is held yet", round)
			}
			f.must(next.Release(f.Context(), true))
		}
		// Somebody goes another way: the guess is wrong, once, also about cleanness.
		h := ann.acquire()
		f.must(h.Release(f.Context(), false))
		h = ann.keep(ann.locks.Acquire(f.Context(), code, ann.contender(), nil))
		ann.wire.reset()
		next := ann.keep(ann.locks.Exchange(f.Context(), h, true, f.lock, ann.contender(), nil))
		f.wantFence(next, 6, true)
		if calls := ann.wire.sent(); len(calls) != 2 {
			f.Errorf("after a wrong guess the calls are %v", calls)
		}
	}},
	{"an exchange for a lock that is held gives back first, and waits", func(f *fixture) {
		ann, ben, code := f.party("ann"), f.party("ben"), promotion.Lock{App: f.lock.App}
		holder := ben.acquire()
		h := ann.keep(ann.locks.Acquire(f.Context(), code, ann.contender(), nil))
		var once sync.Once
		next := ann.keep(ann.locks.Exchange(f.Context(), h, true, f.lock, ann.contender(), func(w promotion.Wait) error {
			once.Do(func() {
				if w.Holder.Actor != "ben" {
					f.Errorf("waiting for %+v", w.Holder)
				}
				if seen, err := ben.locks.Look(f.Context(), code); seen != nil || err != nil {
					f.Errorf("the code lock is held while its holder waits: %v, %v", seen, err)
				}
				f.must(holder.Release(f.Context(), true))
			})
			return nil
		}))
		f.wantFence(next, 2, false)
	}},
	{"an exchange of a lock that was lost gets nothing", func(f *fixture) {
		ann, ben, code := f.party("ann"), f.party("ben"), promotion.Lock{App: f.lock.App}
		h := ann.keep(ann.locks.Acquire(f.Context(), code, ann.contender(), nil))
		_, err := ben.locks.Unlock(f.Context(), code, ben.holder(), "enough")
		f.must(err)
		if _, err := ann.locks.Exchange(f.Context(), h, true, f.lock, ann.contender(), nil); !errors.Is(err, promotion.ErrNotHeld) {
			f.Errorf("the error is %v", err)
		}
		if seen, _ := ben.locks.Look(f.Context(), f.lock); seen != nil {
			f.Errorf("the next lock is held by %+v", seen)
		}
	}},
	{"an owner is never printed", func(f *fixture) {
		ann := f.party("ann")
		h := ann.acquire()
		owner := h.Grant().Owner
		_, err := f.party("ben").locks.Unlock(f.Context(), f.lock, ann.holder(), "enough")
		f.must(err)
		f.lostWithin(h, f.lease/3, promotion.ErrNotHeld)
		for _, text := range []string{fmt.Sprintf("%v %+v %#v", h.Grant(), h.Grant(), h.Grant()), h.Cause().Error()} {
			if strings.Contains(text, owner) || !strings.Contains(text, f.lock.Environment) {
				f.Errorf("printed as %q", text)
			}
		}
	}},
	{"impossible names and lengths are refused without a call", func(f *fixture) {
		ann := f.party("ann")
		for _, bad := range []struct {
			lock  promotion.Lock
			lease time.Duration
			hold  time.Duration
		}{
			{lock: promotion.Lock{App: "shop/prod"}}, {lock: promotion.Lock{App: ""}}, {lock: promotion.Lock{App: "shop", Environment: "a b"}},
			{lock: f.lock, lease: time.Second}, {lock: f.lock, lease: 11 * time.Minute}, {lock: f.lock, hold: 61 * time.Minute},
		} {
			_, err := ann.locks.Acquire(f.Context(), bad.lock, promotion.Contender{Lease: bad.lease, Hold: bad.hold}, nil)
			var fault promotion.Fault
			if !errors.As(err, &fault) || fault.Accepted == "" {
				f.Errorf("%+v: %v", bad, err)
			}
		}
		if calls := ann.wire.sent(); len(calls) != 0 {
			f.Errorf("the calls are %v", calls)
		}
	}},
	{"a lock that a newer promote wrote is refused, naming the release to use, and left alone", func(f *fixture) {
		old, newer := f.party("old"), f.partyOf("newer", table.Format{Number: 3, Reader: "v9.1.0"})
		h := newer.acquire()
		f.must(h.Release(f.Context(), true))
		before := f.row("LOCK")
		ctx, by := f.Context(), old.holder()
		for name, deed := range map[string]func() error{
			"acquire":      func() error { _, err := old.locks.Acquire(ctx, f.lock, old.contender(), nil); return err },
			"look":         func() error { _, err := old.locks.Look(ctx, f.lock); return err },
			"resume":       func() error { _, err := old.locks.Resume(ctx, f.lock, h.Grant().Owner, old.contender()); return err },
			"seize":        func() error { _, err := old.locks.Seize(ctx, f.lock, old.contender(), "because"); return err },
			"unlock":       func() error { _, err := old.locks.Unlock(ctx, f.lock, by, "because"); return err },
			"request stop": func() error { return old.locks.RequestStop(ctx, f.lock, by, "because") },
		} {
			var fault promotion.Fault
			if err := deed(); !errors.As(err, &fault) || !strings.Contains(fault.What, "row format 3") || !strings.Contains(fault.Hint, "promote v9.1.0 or newer") {
				f.Errorf("%s: %v; hint %q", name, err, fault.Hint)
			}
		}
		if after := f.row("LOCK"); !reflect.DeepEqual(after, before) {
			f.Error("the row was changed")
		}
		// The release between the two reads both.
		between := f.partyOf("between", table.Format{Number: 2, Reader: "v5.0.0"})
		if _, err := between.locks.Look(ctx, f.lock); err == nil {
			f.Error("format 3 is newer than format 2 too")
		}
		f.lock.Environment += "-2"
		mine := old.acquire()
		f.must(mine.Release(ctx, true))
		f.wantFence(between.acquire(), 2, false)
	}},
	{"a copy of the table in another region is no lock", func(f *fixture) {
		ann := f.party("ann")
		f.must(ann.acquire().Release(f.Context(), true))
		row := f.row("LOCK")
		row["region"] = table.S("us-east-1")
		f.must(ann.table.Put(f.Context(), row))
		_, err := ann.locks.Acquire(f.Context(), f.lock, ann.contender(), nil)
		if err == nil || !strings.Contains(err.Error(), "lives in us-east-1") {
			f.Errorf("the error is %v", err)
		}
	}},
	{"without the table it is said how to get it", func(f *fixture) {
		ann := f.party("ann")
		ctx, cancel := context.WithTimeout(f.Context(), time.Minute)
		defer cancel()
		missing := table.New(f.client(f.inner), "no-such-table", table.Current())
		ann.locks = lease.New(missing)
		_, err := ann.locks.Acquire(ctx, f.lock, ann.contender(), nil)
		var fault promotion.Fault
		if !errors.As(err, &fault) || !strings.Contains(fault.What, `there is no DynamoDB table "no-such-table" in eu-west-1`) || !strings.Contains(fault.Hint, "promote setup") {
			f.Errorf("the error is %v", err)
		}
	}},
}
