package lease_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

const (
	contenders = 30
	rounds     = 16
)

var errHeld = errors.New("somebody holds it")

// rush lets a crowd ask for a free lock at the same moment, again and again: each time one gets it, and acts.
func rush(f *fixture) {
	var crowd []*party
	for i := range contenders {
		crowd = append(crowd, f.party(fmt.Sprintf("c%d", i)))
	}
	for round := range rounds {
		var (
			mu   sync.Mutex
			held []promotion.Held
			all  sync.WaitGroup
		)
		for _, p := range crowd {
			all.Go(func() {
				h, err := p.locks.Acquire(f.Context(), p.lock, p.contender(), func(promotion.Wait) error { return errHeld })
				if err != nil {
					if !errors.Is(err, errHeld) {
						f.Errorf("round %d: %v", round, err)
					}
					return
				}
				if done, err := p.act(h.Grant()); !done {
					f.Errorf("round %d: %v", round, err)
				}
				mu.Lock()
				defer mu.Unlock()
				held = append(held, h)
			})
		}
		all.Wait()
		if len(held) != 1 || held[0].Grant().Fence != uint64(round+1) {
			f.Fatalf("round %d: %d hold it: %v", round, len(held), held)
		}
		f.must(held[0].Release(f.Context(), true))
	}
	f.Logf("%d contenders, %d rounds: one grant in each, fences 1 to %d", contenders, rounds, rounds)
}

// handOver lets a crowd wait in line, each so many times, and measures the time from a release to the next grant.
func handOver(f *fixture, times int) {
	var (
		mu       sync.Mutex
		released time.Time
		gaps     []time.Duration
		fence    uint64
		calls    int
		all      sync.WaitGroup
	)
	for i := range contenders {
		p := f.party(fmt.Sprintf("c%d", i))
		all.Go(func() {
			for range times {
				h, err := p.locks.Acquire(f.Context(), p.lock, p.contender(), nil)
				if err != nil {
					f.Error(err)
					return
				}
				mu.Lock()
				if h.Grant().Fence != fence+1 {
					f.Errorf("fence %d follows %d", h.Grant().Fence, fence)
				}
				fence = h.Grant().Fence
				if !released.IsZero() {
					gaps = append(gaps, time.Since(released))
				}
				mu.Unlock()
				time.Sleep(300 * time.Millisecond)
				mu.Lock()
				released = time.Now()
				mu.Unlock()
				f.must(h.Release(f.Context(), true))
			}
			mu.Lock()
			calls += len(p.wire.sent())
			mu.Unlock()
		})
	}
	all.Wait()
	slices.Sort(gaps)
	if len(gaps) != contenders*times-1 {
		f.Fatalf("%d hand-overs", len(gaps))
	}
	at := func(percent int) time.Duration { return gaps[(len(gaps)-1)*percent/100].Round(time.Millisecond) }
	f.Logf("%d hand-overs among %d waiters: from a release to the next grant %s (median), %s (95 of 100), %s at most; %d calls", len(gaps), contenders, at(50), at(95), at(100), calls)
	if at(50) > time.Second {
		f.Error("a released lock lies idle for too long")
	}
}

func TestCrowd(t *testing.T) {
	t.Run("rushes at a free lock", func(t *testing.T) { bubble(t, rush) })
	t.Run("waits in line", func(t *testing.T) { bubble(t, func(f *fixture) { handOver(f, 3) }) })
}

// TestFigures prints how many calls each deed costs while nobody competes, and for how long a lock lies idle for which
// somebody waits.
func TestFigures(t *testing.T) {
	bubble(t, costs)
	bubble(t, func(f *fixture) { idle(f, 50) })
}

func costs(f *fixture) {
	ann := f.party("ann")
	code := promotion.Lock{App: f.lock.App}
	told := func(deed string) {
		f.Logf("uncontended: %s: %d calls %v", deed, len(ann.wire.sent()), ann.wire.sent())
		ann.wire.reset()
	}
	for first := true; ; first = false { // the first exchange teaches the way
		ann.wire.reset()
		h := ann.keep(ann.locks.Acquire(f.Context(), code, ann.contender(), nil))
		if !first {
			told("acquire")
		}
		next := ann.keep(ann.locks.Exchange(f.Context(), h, true, f.lock, ann.contender(), nil))
		if !first {
			told("exchange")
		}
		f.must(next.Release(f.Context(), true))
		if !first {
			told("release (none where the ledger's last transaction gives the lock back)")
			return
		}
	}
}

// idle measures the time from the return of a release to the acquisition by the only one who waits.
func idle(f *fixture, times int) {
	var sum, worst time.Duration
	for range times {
		ann, ben := f.party("ann"), f.party("ben")
		h := ann.acquire()
		w := ben.queue(f.Context(), nil)
		time.Sleep(1500*time.Millisecond + rand.N(time.Second))
		released := time.Now()
		f.must(h.Release(f.Context(), true))
		next := w.got()
		gap := time.Since(released)
		sum, worst = sum+gap, max(worst, gap)
		f.must(next.Release(f.Context(), true))
	}
	f.Logf("from a release to the acquisition by the one who waits: %s on average, %s at most, of %d hand-overs one by one", (sum / time.Duration(times)).Round(time.Millisecond), worst.Round(time.Millisecond), times)
}
