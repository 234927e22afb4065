package lease_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// A waiting is a party that waits in a goroutine of its own.
type waiting struct {
	*party
	held  promotion.Held
	err   error
	after time.Duration // how long it took
	waits []promotion.Wait
	mu    sync.Mutex
	done  chan struct{}
}

// queue lets a party wait, and returns when it has its place in the line.
func (p *party) queue(ctx context.Context, tell func(promotion.Wait) error) *waiting {
	p.Helper()
	w := &waiting{party: p, done: make(chan struct{})}
	began, first := time.Now(), make(chan struct{})
	go func() {
		defer close(w.done)
		w.held, w.err = p.locks.Acquire(ctx, p.lock, p.contender(), func(s promotion.Wait) error {
			w.mu.Lock()
			w.waits = append(w.waits, s)
			n := len(w.waits)
			w.mu.Unlock()
			if n == 1 {
				close(first)
			}
			if tell != nil {
				return tell(s)
			}
			return nil
		})
		w.after = time.Since(began)
	}()
	p.Cleanup(func() {
		<-w.done
		if w.held != nil {
			p.end(w.held)
		}
	})
	select {
	case <-first:
	case <-w.done:
	}
	time.Sleep(200 * time.Millisecond) // it draws its ticket
	return w
}

func (w *waiting) told() []promotion.Wait {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.waits)
}

// got waits for the end of the waiting, which has to be the lock.
func (w *waiting) got() promotion.Held {
	w.Helper()
	<-w.done
	if w.err != nil {
		w.Fatalf("%s waits: %v", w.name, w.err)
	}
	return w.held
}

var waitingCases = []lockCase{
	{"who waits is told of the holder, and has the lock within moments of its release", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		w := ben.queue(f.Context(), nil)
		time.Sleep(12 * time.Second)
		released := time.Now()
		f.must(h.Release(f.Context(), true))
		f.wantFence(w.got(), 2, false)
		if gap := time.Since(released); gap > 1500*time.Millisecond+f.slack {
			f.Errorf("the lock was taken %s after its release", gap)
		}
		told := w.told()
		if len(told) < 2 || len(told) > 3 || told[0].Since > time.Second+f.slack || told[0].Holder.Actor != "ann" || !strings.Contains(told[0].Holder.RunURL, "runs/ann") {
			f.Errorf("told %d times: %+v", len(told), told)
		}
		for i := 1; i < len(told); i++ {
			if gap := told[i].Since - told[i-1].Since; gap < 5*time.Second || gap > 6500*time.Millisecond+f.slack {
				f.Errorf("told after another %s", gap)
			}
		}
		if row := f.row("LOCK#BEAT"); row == nil && f.lease < time.Minute {
			f.Error("the holder gave no sign of life")
		}
	}},
	{"a living holder is never taken over", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		w := ben.queue(f.Context(), nil)
		time.Sleep(f.lease * 5 / 2)
		f.stillHeld(h)
		select {
		case <-w.done:
			f.Errorf("ben has it after %s: %v", w.after, w.err)
		default:
		}
		f.must(h.Release(f.Context(), true))
		w.got()
	}},
	{"a dead holder is taken over when its record stood still for its lease, and not before", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		f.beat() // one sign of life
		ann.end(h)
		began := time.Now()
		w := ben.queue(f.Context(), nil)
		f.wantFence(w.got(), 2, true)
		if took := time.Since(began); took < f.lease || took > f.lease+3*time.Second+f.slack {
			f.Errorf("taken over after %s", took)
		}
		if ended := f.row("LOCK").Maps("ended"); len(ended) != 1 || ended[0].String("how") != "taken over" || !strings.Contains(ended[0].String("whose"), "runs/ann") {
			f.Errorf("the row remembers %v", ended)
		}
	}},
	{"the length that counts is the one that the record states, not the waiter's own", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		c := ann.contender()
		c.Hold = f.lease * 2
		h := ann.keep(ann.locks.Acquire(f.Context(), f.lock, c, nil))
		ann.end(h)
		began := time.Now()
		f.wantFence(ben.queue(f.Context(), nil).got(), 2, true)
		if took := time.Since(began); took < 2*f.lease || took > 2*f.lease+3*time.Second+f.slack {
			f.Errorf("taken over after %s", took)
		}
	}},
	{"a hold gives no signs of life, and warns its holder before it lapses", func(f *fixture) {
		ann := f.party("ann")
		c := ann.contender()
		c.Hold = f.lease
		h := ann.keep(ann.locks.Acquire(f.Context(), f.lock, c, nil))
		time.Sleep(f.lease / 2)
		f.stillHeld(h)
		f.lostWithin(h, f.lease/3, promotion.ErrSilent)
		if calls := ann.wire.sent(); len(calls) != 1 {
			f.Errorf("the calls are %v", calls)
		}
		f.must(h.Release(f.Context(), true))
	}},
	{"a record that moves once is watched anew", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		f.must(h.Park(f.Context(), f.lease, false))
		w := ben.queue(f.Context(), nil)
		time.Sleep(f.lease * 3 / 4)
		later := f.party("later")
		resumed := later.keep(later.locks.Resume(f.Context(), f.lock, h.Grant().Owner, later.contender()))
		later.end(resumed)
		moved := time.Now()
		f.wantFence(w.got(), 3, true)
		if took := time.Since(moved); took < f.lease-f.slack {
			f.Errorf("taken over %s after the record had moved", took)
		}
	}},
	{"waiting ends with the context, or with the caller's error, and leaves no trace", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		ctx, cancel := context.WithTimeoutCause(f.Context(), 7*time.Second, errors.New("lock-timeout"))
		defer cancel()
		w := ben.queue(ctx, nil)
		<-w.done
		if w.err == nil || !strings.Contains(w.err.Error(), "lock-timeout") || !strings.Contains(w.err.Error(), f.lock.String()) {
			f.Errorf("the error is %v", w.err)
		}
		enough := errors.New("superseded")
		w = ben.queue(f.Context(), func(s promotion.Wait) error {
			if s.Since > 4*time.Second {
				return enough
			}
			return nil
		})
		if <-w.done; !errors.Is(w.err, enough) {
			f.Errorf("the error is %v", w.err)
		}
		rows, err := ben.table.Rows(f.Context(), table.Partition(f.lock.App, f.lock.Environment), "LOCK#WAIT#")
		f.must(err)
		if len(rows) != 0 {
			f.Errorf("rows stay: %v", rows)
		}
		f.stillHeld(h)
		f.must(h.Release(f.Context(), true))
		// A line that nobody stands in any more is no obstacle.
		began := time.Now()
		f.wantFence(ben.acquire(), 2, false)
		if took := time.Since(began); took > time.Second+f.slack {
			f.Errorf("a free lock was taken after %s", took)
		}
	}},
	{"those who wait are served in their order of arrival, and a newcomer lines up", func(f *fixture) {
		ann := f.party("ann")
		h := ann.acquire()
		var (
			mu    sync.Mutex
			order []string
			all   []*waiting
			gone  atomic.Int32
		)
		arrive := func(name string) {
			p := f.party(name)
			w := p.queue(f.Context(), nil)
			all = append(all, w)
			go func() {
				<-w.done
				if w.held == nil {
					return
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				gone.Add(1)
				_ = w.held.Release(f.Context(), true) // the wire may be cut: the order is what counts
			}()
		}
		for i := range 4 {
			arrive(fmt.Sprintf("w%d", i))
		}
		time.Sleep(5 * time.Second) // everybody has seen everybody
		f.must(h.Release(f.Context(), true))
		arrive("newcomer")
		for _, w := range all {
			w.got()
		}
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		if want := []string{"w0", "w1", "w2", "w3", "newcomer"}; !slices.Equal(order, want) {
			f.Errorf("served in the order %v", order)
		}
	}},
	{"a waiter that died does not hold up those behind it, and is not told of", func(f *fixture) {
		ann, dead, ben := f.party("ann"), f.party("dead"), f.party("ben")
		h := ann.acquire()
		d := dead.queue(f.Context(), nil)
		time.Sleep(2 * time.Second)
		dead.wire.cut()
		<-d.done // it fails, and cannot take its row away
		w := ben.queue(f.Context(), nil)
		time.Sleep(8 * time.Second)
		for _, told := range w.told() {
			if len(told.Waiters) != 0 {
				f.Errorf("told of %v, who never moved", told.Waiters)
			}
		}
		released := time.Now()
		f.must(h.Release(f.Context(), true))
		w.got()
		if took := time.Since(released); took > 4*time.Second+f.slack {
			f.Errorf("the dead waiter held ben up for %s", took)
		}
	}},
	{"living waiters are told of, in order, with what they would promote", func(f *fixture) {
		ann := f.party("ann")
		h := ann.acquire()
		first, second := f.party("first").queue(f.Context(), nil), f.party("second").queue(f.Context(), nil)
		third := f.party("third").queue(f.Context(), nil)
		time.Sleep(11 * time.Second)
		told := third.told()
		last := told[len(told)-1].Waiters
		if len(last) != 2 || last[0].Commit != "commit-of-first" || last[1].Commit != "commit-of-second" || !slices.Equal(last[0].Functions, []string{"checkout", "payments"}) {
			f.Errorf("told of %+v", last)
		}
		if len(told[0].Waiters) != 0 {
			f.Errorf("at first sight nobody has been seen to live: %+v", told[0].Waiters)
		}
		f.must(h.Release(f.Context(), true))
		for _, w := range []*waiting{first, second, third} {
			f.must(w.got().Release(f.Context(), true))
		}
	}},
	{"a table that does not answer for a while ends no waiting", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		w := ben.queue(f.Context(), nil)
		ben.wire.on(func(c call) fate { return fate{loseAnswer: true} })
		time.Sleep(6 * time.Second)
		ben.wire.on(nil)
		f.must(h.Release(f.Context(), true))
		f.wantFence(w.got(), 2, false)
	}},
}
