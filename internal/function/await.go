package function

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/promotion"
)

const (
	firstWord  = 3 * time.Second // a wait shorter than this is not worth a word
	everyWord  = 10 * time.Second
	appearance = 5 * time.Second // a version that was just published may not be found everywhere at once
)

// Await waits until the version is active. It polls by itself: the SDK's waiters begin at 5 s and back off to minutes.
func (a *Account) Await(ctx context.Context, name string, v promotion.Version, say promotion.Say) (promotion.Snapshot, error) {
	thing := fmt.Sprintf("version %s of %s", v, name)
	c, err := a.wait(ctx, waiting{
		name: name, version: v, thing: thing, say: say, patient: true,
		until: func(c *types.FunctionConfiguration) bool {
			return failure(c) != "" || idle(c.State) && c.LastUpdateStatus != types.LastUpdateStatusInProgress
		},
	})
	if err != nil {
		return promotion.Snapshot{}, err
	}
	s, err := a.snapshot(name, c)
	if err == nil && s.Failed != "" {
		err = fault("nothing was promoted; repair the cause and run again", "%s cannot be used: %s", thing, s.Failed)
	}
	return s, err
}

// waiting is one wait: for what, and what ends it.
type waiting struct {
	name    string
	version promotion.Version // 0 is $LATEST
	thing   string
	say     promotion.Say
	until   func(*types.FunctionConfiguration) bool
	patient bool // a fault of the connection does not end even the first read
}

// wait reads until the wait is over. A fault of the other side or of the connection does not end it; the deadline does.
// A state that is not known is waited out, since Lambda gets new ones.
func (a *Account) wait(ctx context.Context, w waiting) (*types.FunctionConfiguration, error) {
	began, told := time.Now(), time.Duration(0)
	limit := a.options.UpdateTimeout
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTooLong)
	defer cancel()
	a.pace.waiting.Add(1)
	defer a.pace.waiting.Add(-1)

	state, seen := "not there yet", false
	for {
		c, transient, err := a.read(ctx, w.name, w.version)
		passed := time.Since(began)
		switch {
		case err == nil && w.until(c):
			return c, nil
		case err == nil:
			state, seen = condition(c), true
		case ctx.Err() != nil:
			return nil, w.ended(ctx, state, limit)
		case transient && (w.patient || seen):
			state = err.Error()
		case errors.Is(err, promotion.ErrNotFound) && w.patient && w.version != 0 && !seen && passed < appearance:
		default:
			return nil, err
		}
		if passed >= firstWord && (told == 0 || passed-told >= everyWord) {
			w.say("waiting for %s: %s, %s", w.thing, state, seconds(passed))
			told = passed
		}
		if !sleep(ctx, a.pace.next()) {
			return nil, w.ended(ctx, state, limit)
		}
	}
}

var errTooLong = errors.New("it took too long")

// ended says why a wait ended without what it waited for.
func (w waiting) ended(ctx context.Context, state string, limit time.Duration) error {
	cause := context.Cause(ctx)
	if cause == errTooLong {
		return fault("look at the function in the console: what keeps it busy is stated there; a longer limit can be configured",
			"%s was not ready within %s: %s", w.thing, seconds(limit), state)
	}
	return fmt.Errorf("wait for %s: %w", w.thing, cause)
}

// condition is what Lambda says that it is doing: "Pending (Creating)".
func condition(c *types.FunctionConfiguration) string {
	if c.LastUpdateStatus == types.LastUpdateStatusInProgress && idle(c.State) {
		return reasoned("an update is in progress", string(c.LastUpdateStatusReasonCode), nil)
	}
	return reasoned(string(c.State), string(c.StateReasonCode), nil)
}

// A pace keeps all waits together below a rate of calls, and one wait at a quarter of a second and a little
// more: a read that comes late is wall time, and one that is not needed costs nothing in GetFunction's own quota.
type pace struct {
	rate    float64 // calls a second
	waiting atomic.Int64
}

// next is how long to wait before the next read.
func (p *pace) next() time.Duration {
	alone := time.Duration(250+rand.IntN(51)) * time.Millisecond
	share := float64(p.waiting.Load()) / p.rate * float64(time.Second)
	return max(alone, time.Duration(share*(0.9+0.2*rand.Float64())))
}

// sleep tells whether the whole time has passed.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
