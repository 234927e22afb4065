package lease_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"pgregory.net/rapid"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A schedule is what several runs and persons do to one lock, and what goes wrong meanwhile. It is drawn before time
// begins.
type schedule struct {
	Runs    []run
	Persons []person
}

// A run comes, works under the lock, and leaves or dies.
type run struct {
	Arrives  time.Duration
	Patience time.Duration // how long it waits for the lock
	Lease    time.Duration
	Acts     []time.Duration // the work before each guarded write
	End      ending
	Freezes  time.Duration // after its arrival; what it sends from then on arrives later
	Thaws    time.Duration // after it froze; 0: it does not freeze
	Network  []mishap      // of its calls, in order; after the last, all is well
}

type ending int

const (
	leavesCleanly ending = iota
	leavesUncleanly
	dies
)

// A mishap is a fate that can be drawn.
type mishap struct {
	Kind  string // "", "lost request", "lost answer", "late", "conflict"
	Delay time.Duration
}

// A person intervenes.
type person struct {
	At   time.Duration
	Does string // "unlock", "seize", "stop"
}

func duration(most time.Duration) *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.IntRange(0, int(most/(100*time.Millisecond))), func(n int) time.Duration { return time.Duration(n) * 100 * time.Millisecond })
}

var mishaps = rapid.Custom(func(t *rapid.T) mishap {
	m := mishap{Kind: rapid.SampledFrom([]string{"", "", "", "", "", "lost answer", "lost answer", "lost request", "late", "conflict"}).Draw(t, "kind")}
	if m.Kind == "late" {
		m.Delay = duration(20*time.Second).Draw(t, "delay")
	}
	return m
})

var runs = rapid.Custom(func(t *rapid.T) run {
	r := run{
		Arrives:  duration(15*time.Second).Draw(t, "arrives"),
		Patience: 10*time.Second + duration(50*time.Second).Draw(t, "patience"),
		Lease:    5*time.Second + duration(5*time.Second).Draw(t, "lease"),
		Acts:     rapid.SliceOfN(duration(5*time.Second), 0, 4).Draw(t, "acts"),
		End:      rapid.SampledFrom([]ending{leavesCleanly, leavesCleanly, leavesUncleanly, dies}).Draw(t, "end"),
		Network:  rapid.SliceOfN(mishaps, 0, 30).Draw(t, "network"),
	}
	if rapid.IntRange(0, 2).Draw(t, "freezes") == 0 {
		r.Freezes, r.Thaws = duration(15*time.Second).Draw(t, "freezes after"), duration(25*time.Second).Draw(t, "thaws after")
	}
	return r
})

var schedules = rapid.Custom(func(t *rapid.T) schedule {
	return schedule{
		Runs: rapid.SliceOfN(runs, 2, 6).Draw(t, "runs"),
		Persons: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) person {
			return person{At: duration(40*time.Second).Draw(t, "at"), Does: rapid.SampledFrom([]string{"unlock", "seize", "stop"}).Draw(t, "does")}
		}), 0, 2).Draw(t, "persons"),
	}
})

// perform carries the schedule out and returns what was seen of it. Where time is real it should be short.
func (s schedule) perform(f *fixture, m mutant) *history {
	h := newHistory(f)
	var all sync.WaitGroup
	for i, r := range s.Runs {
		p := h.party(fmt.Sprintf("run-%d", i), m)
		began := time.Now()
		p.wire.on(func(c call) fate { return h.fate(r, c.n, time.Since(began)-r.Arrives) })
		all.Go(func() { r.perform(h, p) })
	}
	for i, who := range s.Persons {
		p := h.party(fmt.Sprintf("person-%d", i), m)
		all.Go(func() { who.perform(h, p) })
	}
	all.Wait()
	time.Sleep(30 * time.Second) // until everything late has arrived
	return h
}

// fate is what becomes of the nth call of a run, and counts what goes wrong.
func (h *history) fate(r run, n int, since time.Duration) fate {
	var m mishap
	if n <= len(r.Network) {
		m = r.Network[n-1]
	}
	f := fate{loseRequest: m.Kind == "lost request", loseAnswer: m.Kind == "lost answer", contend: m.Kind == "conflict", delay: m.Delay}
	if since >= r.Freezes && since < r.Freezes+r.Thaws {
		f.delay = max(f.delay, r.Freezes+r.Thaws-since)
		m.Kind = "late"
	}
	h.count(m.Kind)
	return f
}

func (r run) perform(h *history, p *party) {
	time.Sleep(r.Arrives)
	ctx, cancel := context.WithTimeout(h.ctx, r.Patience)
	defer cancel()
	c := p.contender()
	c.Lease = r.Lease
	held := h.acquire(p, func() (promotion.Held, error) { return p.locks.Acquire(ctx, p.lock, c, nil) })
	if held == nil {
		return
	}
	for _, work := range r.Acts {
		time.Sleep(work)
		h.act(p, held.Grant())
	}
	select {
	case <-held.Lost():
		h.count("told of the loss")
	default:
	}
	if r.End == dies {
		h.count("died")
		p.end(held)
		return
	}
	h.release(p, held, r.End == leavesCleanly)
}

func (who person) perform(h *history, p *party) {
	time.Sleep(who.At)
	switch who.Does {
	case "unlock":
		h.unlock(p)
	case "stop":
		_ = p.locks.RequestStop(h.ctx, p.lock, p.holder(), "a person wants it") // nobody may hold it
	case "seize":
		held := h.acquire(p, func() (promotion.Held, error) {
			return p.locks.Seize(h.ctx, p.lock, p.contender(), "a person wants it")
		})
		if held == nil {
			return
		}
		time.Sleep(2 * time.Second)
		h.act(p, held.Grant())
		h.release(p, held, true)
	}
}
