package account

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/promote-on-success/promote/internal/awserr"
)

// A class is the calls that share one quota. Two buckets: usual calls take from both, urgent calls from the wider
// one alone, so that they never queue behind what is waiting for the narrower.
type class struct {
	name        string
	usual, full *rate.Limiter // nil: no limit

	mu     sync.Mutex
	resume time.Time // no call before this moment, as AWS asked
	slow   time.Time // no usual call before this moment
}

// burst is how many calls may go out at once: enough for one function's, so that a small run never waits.
const burst = 5

// newClass makes a class of perSecond calls for usual work, within AWS's quota of its own.
func newClass(name string, perSecond, quota float64) *class {
	c := &class{name: name}
	if !math.IsInf(perSecond, 1) {
		c.usual = bucket(perSecond)
		c.full = bucket(max(perSecond, quota))
	}
	return c
}

func bucket(perSecond float64) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(perSecond), int(max(1, min(burst, perSecond))))
}

// wait returns when the call may go out. Its error says that it never did.
func (c *class) wait(ctx context.Context, urgent bool) error {
	for {
		if err := sleep(ctx, c.rest(urgent)); err != nil {
			return c.noEffect(err)
		}
		if !urgent {
			if err := take(ctx, c.usual); err != nil {
				return c.noEffect(err)
			}
		}
		if err := take(ctx, c.full); err != nil {
			return c.noEffect(err)
		}
		// A pause that began in the meantime holds. Queueing anew keeps those whose turns came during the pause
		// from all going out at its end.
		if c.rest(urgent) == 0 {
			return nil
		}
	}
}

func (c *class) noEffect(err error) error {
	return &awserr.NoEffect{Err: fmt.Errorf("wait for a turn among the calls of %s: %w", c.name, err)}
}

// rest is how long the class still has to be left alone, spread a little so that not all come back at once.
func (c *class) rest(urgent bool) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	until := c.resume
	if !urgent && c.slow.After(until) {
		until = c.slow
	}
	if d := time.Until(until); d > 0 {
		return d + rand.N(250*time.Millisecond)
	}
	return 0
}

// pause leaves the class alone for d when AWS asks for it, for everybody. When it only throttles, usual calls make
// room for half a second. It tells whether AWS's wish is news.
func (c *class) pause(d time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if slow := now.Add(500 * time.Millisecond); slow.After(c.slow) {
		c.slow = slow
	}
	news := d > 0 && !now.Before(c.resume)
	if resume := now.Add(d); d > 0 && resume.After(c.resume) {
		c.resume = resume
	}
	return news
}

func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// take waits for the bucket's next token. A deadline that passes before is an error at once.
func take(ctx context.Context, l *rate.Limiter) error {
	if l == nil {
		return nil
	}
	if err := l.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return context.DeadlineExceeded
	}
	return nil
}
