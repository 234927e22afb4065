package github

import (
	"context"
	"sync"
	"time"
)

// A budget is how long the calls of a run may wait in all. Calls that wait at the same time are charged once.
type budget struct {
	mu    sync.Mutex
	left  time.Duration
	until time.Time // up to when waiting is paid for
}

func newBudget(d time.Duration) *budget {
	switch {
	case d == 0:
		d = DefaultBudget
	case d < 0:
		d = 0
	}
	return &budget{left: d}
}

// take pays for a wait from now on. It is false, and nothing is paid, if too little is left.
func (b *budget) take(wait time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	end := now.Add(wait)
	if b.until.Before(now) {
		b.until = now
	}
	charge := max(0, end.Sub(b.until))
	if charge > b.left {
		return false
	}
	b.left -= charge
	if end.After(b.until) {
		b.until = end
	}
	return true
}

// sleep waits, or returns ctx's error.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
