package lease_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

func keyOf(row table.Item) table.Key {
	return table.Key{PK: row.String("pk"), SK: row.String("sk")}
}

// once lets the next call that fits meet its fate, and no other.
func once(fits func(call) bool, what fate) func(call) fate {
	used := false
	return func(c call) fate {
		if used || !fits(c) {
			return fate{}
		}
		used = true
		return what
	}
}

func anyCall(call) bool { return true }

func isBeat(c call) bool { return c.operation == "UpdateItem" && c.about("LOCK#BEAT") }

// lostCases are what becomes of locks on a bad network.
var lostCases = []lockCase{
	{"an acquisition whose answer was lost is ours at once", func(f *fixture) {
		ann := f.party("ann")
		ann.wire.on(once(anyCall, fate{loseAnswer: true}))
		began := time.Now()
		h := ann.acquire()
		f.wantFence(h, 1, false)
		if took := time.Since(began); took > 2*time.Second+f.slack {
			f.Errorf("our own ghost was waited for: %s", took)
		}
		if done, err := ann.act(h.Grant()); !done {
			f.Error(err)
		}
	}},
	{"a takeover whose answer was lost is ours at once", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		ann.end(ann.acquire())
		w := ben.queue(f.Context(), nil)
		ben.wire.on(func(c call) fate { return fate{loseAnswer: c.operation == "TransactWriteItems"} })
		f.wantFence(w.got(), 2, true)
		if w.after > f.lease+8*time.Second+f.slack {
			f.Errorf("it took %s", w.after)
		}
	}},
	{"an exchange whose answer was lost is carried out once", func(f *fixture) {
		ann, code := f.party("ann"), promotion.Lock{App: f.lock.App}
		h := ann.keep(ann.locks.Acquire(f.Context(), code, ann.contender(), nil))
		ann.wire.on(once(anyCall, fate{loseAnswer: true}))
		next := ann.keep(ann.locks.Exchange(f.Context(), h, true, f.lock, ann.contender(), nil))
		f.wantFence(next, 1, false)
		if done, err := ann.act(next.Grant()); !done {
			f.Error(err)
		}
	}},
	{"a release whose answer was lost is a release", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		ann.wire.on(once(anyCall, fate{loseAnswer: true}))
		f.must(h.Release(f.Context(), true))
		f.wantFence(ben.acquire(), 2, false)
	}},
	{"a resumption whose answer was lost is carried out once", func(f *fixture) {
		ann := f.party("ann")
		h := ann.acquire()
		f.must(h.Park(f.Context(), f.lease, true))
		ann.wire.on(once(func(c call) bool { return c.operation == "TransactWriteItems" }, fate{loseAnswer: true}))
		resumed := ann.keep(ann.locks.Resume(f.Context(), f.lock, h.Grant().Owner, ann.contender()))
		f.wantFence(resumed, 2, false)
		if done, err := ann.act(resumed.Grant()); !done {
			f.Error(err)
		}
	}},
	{"a late repetition of a request does not take the lock for one that has left", func(f *fixture) {
		ann := f.party("ann")
		let := make(chan struct{})
		ann.wire.on(once(anyCall, fate{until: let}))
		h := ann.acquire() // by its second attempt
		f.wantFence(h, 1, false)
		f.must(h.Release(f.Context(), true))
		close(let)
		time.Sleep(100*time.Millisecond + f.slack/2)
		if seen, err := f.party("ben").locks.Look(f.Context(), f.lock); seen != nil || err != nil {
			f.Errorf("%+v holds it, %v", seen, err)
		}
	}},
	{"who gives up while its request may be carried out gives back what it got", func(f *fixture) {
		ann := f.party("ann")
		ann.wire.on(once(anyCall, fate{loseAnswer: true}))
		ctx, cancel := context.WithCancel(f.Context())
		ann.wire.after = func(call, *response) { cancel() }
		if h, err := ann.locks.Acquire(ctx, f.lock, ann.contender(), nil); err == nil {
			f.Fatalf("acquired: %v", h.Grant())
		}
		f.wantFence(f.party("ben").acquire(), 2, false)
	}},
	{"meeting other transactions delays and fails nothing", func(f *fixture) {
		ann, ben, code := f.party("ann"), f.party("ben"), promotion.Lock{App: f.lock.App}
		odd := func(c call) fate { return fate{contend: c.n%2 == 1} }
		ann.wire.on(odd)
		ben.wire.on(odd)
		h := ann.keep(ann.locks.Acquire(f.Context(), code, ann.contender(), nil))
		next := ann.keep(ann.locks.Exchange(f.Context(), h, true, f.lock, ann.contender(), nil))
		time.Sleep(f.lease / 2)
		f.stillHeld(next)
		seized := ben.keep(ben.locks.Seize(f.Context(), f.lock, ben.contender(), "rollback"))
		f.wantFence(seized, 2, true)
		f.must(seized.Release(f.Context(), true))
	}},
	{"a release that was held up and arrives after a takeover takes nothing from the successor", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		let := make(chan struct{})
		ann.wire.on(func(call) fate { return fate{until: let} })
		ctx, cancel := context.WithTimeout(f.Context(), time.Second)
		defer cancel()
		if err := h.Release(ctx, true); err == nil {
			f.Error("a release without an answer is told as one")
		}
		next := ben.queue(f.Context(), nil).got()
		f.wantFence(next, 2, true)
		close(let)
		time.Sleep(100*time.Millisecond + f.slack/2)
		if done, err := ben.act(next.Grant()); !done {
			f.Errorf("the successor lost it: %v", err)
		}
	}},
	{"a holder that cannot reach the table is told at two thirds of its lease, before anybody takes over", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		acquired := time.Now()
		h := ann.acquire()
		w := ben.queue(f.Context(), nil)
		ann.wire.on(func(call) fate { return fate{loseRequest: true} })
		f.lostWithin(h, f.lease*2/3+f.slack+500*time.Millisecond, promotion.ErrSilent)
		if after := time.Since(acquired); after < f.lease*2/3 {
			f.Errorf("told after %s", after)
		}
		select {
		case <-w.done:
			f.Error("taken over before its holder was told")
		default:
		}
		f.wantFence(w.got(), 2, true)
		ann.wire.on(nil)
		time.Sleep(f.lease*2/3 + f.slack)
		if cause := h.Cause(); !strings.Contains(cause.Error(), "taken over") {
			f.Errorf("when the network is back the cause is %v", cause)
		}
	}},
	{"a sign of life that arrives late brings nothing back", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		let := make(chan struct{})
		ann.wire.on(func(c call) fate {
			if isBeat(c) {
				return fate{until: let}
			}
			return fate{}
		})
		f.beat()
		f.must(h.Release(f.Context(), true))
		next := ben.acquire()
		f.wantFence(next, 2, false)
		f.beat()
		close(let)
		time.Sleep(200*time.Millisecond + f.slack/2)
		if done, err := ben.act(next.Grant()); !done {
			f.Errorf("the late sign took the lock: %v", err)
		}
		if beat := f.row("LOCK#BEAT"); beat.Uint("fence") != 2 {
			f.Errorf("the signs of life are of fence %d", beat.Uint("fence"))
		}
		time.Sleep(f.lease / 3)
		f.stillHeld(next)
	}},
}

// The hazards that other lock libraries have: what is read must not wait for what hangs.
func TestHazards(t *testing.T) {
	t.Run("a sign of life that hangs blinds nobody", func(t *testing.T) {
		bubble(t, func(f *fixture) {
			ann := f.party("ann")
			h := ann.acquire()
			other := ann.keep(ann.locks.Acquire(f.Context(), promotion.Lock{App: "other"}, ann.contender(), nil))
			ann.wire.on(func(c call) fate { return fate{loseRequest: isBeat(c) && c.about("shop/prod")} })
			time.Sleep(f.lease/6 + time.Second) // one hangs now
			at := time.Now()
			h.Tell(promotion.StageVerify)
			if h.Grant().Fence != 1 || h.Cause() != nil {
				f.Errorf("%v, %v", h.Grant(), h.Cause())
			}
			f.stillHeld(h)
			if waited := time.Since(at); waited != 0 {
				f.Errorf("reading waited for %s", waited)
			}
			f.lostWithin(h, f.lease/2, promotion.ErrSilent)
			time.Sleep(2 * f.lease)
			f.stillHeld(other) // its signs of life are its own
			at = time.Now()
			f.must(h.Release(f.Context(), true))
			if waited := time.Since(at); waited != 0 {
				f.Errorf("the release waited for %s", waited)
			}
		})
	})
	t.Run("waiting for one lock and giving another back do not keep signs of life from going out", func(t *testing.T) {
		bubble(t, func(f *fixture) {
			ann, ben := f.party("ann"), f.party("ben")
			ben.acquire()
			mine := ann.keep(ann.locks.Acquire(f.Context(), promotion.Lock{App: f.lock.App}, ann.contender(), nil))
			ctx, cancel := context.WithTimeout(f.Context(), 4*f.lease)
			defer cancel()
			w := ann.queue(ctx, nil)
			third := ann.keep(ann.locks.Acquire(f.Context(), promotion.Lock{App: "third"}, ann.contender(), nil))
			ann.wire.on(func(c call) fate { return fate{loseRequest: c.about(`"third"`)} })
			released := make(chan error, 1)
			go func() { released <- third.Release(ctx, true) }() // hangs
			<-w.done
			f.stillHeld(mine)
			if err := <-released; err == nil {
				f.Error("a release that never arrived is told as one")
			}
		})
	})
	t.Run("a holder that looks at its own lock keeps it", func(t *testing.T) {
		bubble(t, func(f *fixture) {
			ann := f.party("ann")
			h := ann.acquire()
			for range 10 {
				seen, err := ann.locks.Look(f.Context(), f.lock)
				f.must(err)
				if seen == nil || seen.Actor != "ann" {
					f.Errorf("it sees %+v", seen)
				}
				time.Sleep(f.lease / 4)
			}
			f.stillHeld(h)
			if done, err := ann.act(h.Grant()); !done {
				f.Error(err)
			}
		})
	})
	t.Run("rows that vanish end no program, and whoever acts learns of it", func(t *testing.T) {
		bubble(t, func(f *fixture) {
			ann := f.party("ann")
			h := ann.acquire()
			time.Sleep(f.lease / 2)
			for _, sort := range []string{"LOCK", "LOCK#BEAT"} {
				f.must(ann.table.Delete(f.Context(), keyOf(f.row(sort))))
			}
			ann.wire.on(func(c call) fate { return fate{contend: c.n%2 == 0} })
			time.Sleep(2 * f.lease)
			if done, err := ann.act(h.Grant()); done || err != nil {
				f.Errorf("acting without the lock's row: %t, %v", done, err)
			}
			f.must(h.Release(f.Context(), true))
			if row := f.row("LOCK"); row != nil {
				f.Errorf("the release made a row: %v", row)
			}
		})
	})
	t.Run("nothing is sent after a release", func(t *testing.T) {
		bubble(t, func(f *fixture) {
			ann := f.party("ann")
			h := ann.acquire()
			time.Sleep(f.lease)
			f.must(h.Release(f.Context(), true))
			f.must(h.Release(f.Context(), true))
			ann.wire.reset()
			time.Sleep(3 * f.lease)
			if calls := ann.wire.sent(); !slices.Equal(calls, nil) {
				f.Errorf("the calls are %v", calls)
			}
			f.stillHeld(h)
		})
	})
}
