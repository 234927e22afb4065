package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// compareAndSet is the promise that two runs at once never mix up versions.
func compareAndSet(ctx context.Context, e *Env) (Result, error) {
	const rounds, writers = 20, 50
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	h := &history{}
	fair, heard, throttled, overlap := 0, 0, 0, writers
	for round := range rounds {
		judged := len(h.operations)
		c, err := s.contest(ctx, round, writers, h)
		if err != nil {
			return Result{}, err
		}
		c.judge(&f, round)
		throttled += c.throttled
		heard += c.won + c.refused
		if c.fair() {
			fair++
			overlap = min(overlap, c.overlap)
		}
		if c.lost > 0 {
			// What became of this round cannot be told. The next one begins behind a barrier, with another history.
			h.operations = h.operations[:judged]
			f.hold(len(f.against) > 0 || h.linear(), "the history up to round %d is not that of a register", round)
			h = &history{}
			if _, err := s.set(ctx, "1", nil); err != nil {
				f.doubt("%v", err)
				return f.result()
			}
		}
	}
	if len(f.against) == 0 { // with two winners in a round the search would not end
		f.hold(h.linear(), "the history is not that of a compare-and-set register")
	}
	if fair < rounds/2 {
		f.doubt("only in %d of %d rounds two writers or more were let through", fair, rounds)
	}
	f.saw("one winner in each round, the history is linearizable")
	f.figure("%d rounds of %d writers, %d let through, %d throttled, at least %d in flight at once", rounds, writers, heard, throttled, overlap)
	return f.result()
}

// readAfterWrite is the promise that the read after the last write tells where the aliases stand.
func readAfterWrite(ctx context.Context, e *Env) (Result, error) {
	const rounds, readers = 25, 3
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	h := &history{}
	begin := h.now()
	now, err := s.look(ctx)
	if err != nil {
		return Result{}, err
	}
	h.add(0, begin, h.now(), "", now.revision)
	stale, reads := 0, 0
	for round := range rounds {
		type call struct {
			begin, end int64
			routing
			answer
		}
		calls := make([]call, readers+1)
		err := s.burst(ctx, len(calls), func(ctx context.Context, i int) {
			c := &calls[i]
			c.begin = h.now()
			var err error
			if i == 0 {
				c.routing, err = s.send(ctx, write{description: aws.String(mark(round, 0)), revision: &now.revision})
			} else {
				c.routing, err = s.glance(ctx)
			}
			c.end, c.answer = h.now(), answered(err)
		})
		if err != nil {
			return Result{}, err
		}
		wrote := calls[0]
		switch {
		case wrote.throttled():
			continue
		case !wrote.done():
			f.accepted(wrote.err, "a write with the alias's own revision")
			return f.result()
		}
		h.add(0, wrote.begin, wrote.end, now.revision, wrote.revision)
		for i, c := range calls[1:] {
			if c.done() {
				reads++
				h.add(i+1, c.begin, c.end, "", c.revision)
			}
		}
		begin := h.now()
		after, err := s.look(ctx)
		if err != nil {
			return Result{}, err
		}
		reads++
		h.add(0, begin, h.now(), "", after.revision)
		if after.revision != wrote.revision {
			stale++
		}
		now = wrote.routing
	}
	if f.hold(stale == 0, "%d of %d reads after an answered write were stale", stale, rounds) {
		f.hold(h.linear(), "reads during writes went back and forth: the history is not that of a register")
	}
	f.saw("no stale read; reads and writes are linearizable")
	f.figure("%d writes, %d reads", rounds, reads)
	return f.result()
}

// throttledWrite is the promise that a throttled write may be sent again as if it had never been sent.
func throttledWrite(ctx context.Context, e *Env) (Result, error) {
	const bursts, writers = 4, 60
	s, err := e.released(ctx)
	if err != nil {
		return Result{}, err
	}
	var f findings
	h := &history{} // judged by compareAndSet; here it only orders events
	throttled, reason := 0, ""
	var last contest
	for round := range bursts {
		if last, err = s.contest(ctx, round, writers, h); err != nil {
			return Result{}, err
		}
		last.judge(&f, round)
		if last.throttled > 0 {
			throttled, reason = throttled+last.throttled, last.reason
		}
	}
	if err := wait(ctx, 10*time.Second); err != nil {
		return Result{}, err
	}
	later, err := s.look(ctx)
	if err != nil {
		return Result{}, err
	}
	f.hold(later.revision == last.after.revision, "10 s after the last burst the alias moved from %s to %s: a throttled write was carried out late", last.after, later)
	if throttled == 0 {
		f.doubt("none of %d bursts of %d writes was throttled", bursts, writers)
	}
	f.saw("no throttled write left a trace")
	f.figure("%d of %d writes throttled (%s)", throttled, bursts*writers, reason)
	return f.result()
}

// throttleReason is what AWS says of a 429: whose limit it was, and when to come again.
func throttleReason(err error) string {
	var t *types.TooManyRequestsException
	if !errors.As(err, &t) {
		return answered(err).code
	}
	if t.RetryAfterSeconds == nil {
		return string(t.Reason)
	}
	return fmt.Sprintf("%s, retry after %s s", t.Reason, *t.RetryAfterSeconds)
}
