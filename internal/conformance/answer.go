package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/promote-on-success/promote/internal/awserr"
)

// An answer is what came of a call.
type answer struct {
	status int // 0 if there was none
	code   string
	err    error
}

func answered(err error) answer {
	if err == nil {
		return answer{status: http.StatusOK}
	}
	return answer{status: awserr.Status(err), code: awserr.Code(err), err: err}
}

func (a answer) done() bool      { return a.err == nil }
func (a answer) throttled() bool { return a.status == http.StatusTooManyRequests }

// vague says that the answer does not tell what AWS thinks of the call.
func (a answer) vague() bool {
	return a.err != nil && (a.status == 0 || a.throttled() || a.status >= 500 || a.status == http.StatusForbidden)
}

// unknown says that the call may have been carried out, now or later.
func (a answer) unknown() bool { return a.err != nil && (a.status == 0 || a.status >= 500) }

func (a answer) String() string {
	switch {
	case a.err == nil:
		return "done"
	case a.status == 0:
		return fmt.Sprintf("no answer (%v)", a.err)
	}
	return fmt.Sprintf("%d %s", a.status, a.code)
}

// errThrottled ends a call that was throttled for too long.
var errThrottled = errors.New("throttled for too long: the account's quota is used by others")

// try makes a call, and makes it again while it is throttled.
func (e *Env) try(ctx context.Context, call func(context.Context) error) error {
	pause := 200 * time.Millisecond
	for range 20 {
		err := call(ctx)
		if err == nil || !answered(err).throttled() {
			return err
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, 3*time.Second)
	}
	return errThrottled
}

// arrange is try for what a point needs before it can ask: a failing of AWS does not end it.
func (e *Env) arrange(ctx context.Context, deed string, call func(context.Context) error) error {
	var err error
	for range 4 {
		if err = e.try(ctx, call); err == nil {
			return nil
		}
		if a := answered(err); !a.unknown() || ctx.Err() != nil {
			break
		}
		if wait(ctx, time.Second) != nil {
			break
		}
	}
	return fmt.Errorf("%s: %w", deed, err)
}

// until looks again and again until look says that it has seen enough.
func until(ctx context.Context, every, within time.Duration, what string, look func(context.Context) (bool, error)) error {
	begin := time.Now()
	for {
		enough, err := look(ctx)
		if err != nil {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
		if enough {
			return nil
		}
		if time.Since(begin) > within {
			return fmt.Errorf("wait for %s: not within %v", what, within)
		}
		if err := wait(ctx, every); err != nil {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
