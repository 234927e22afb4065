package lease

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// The pace of signs of life.
const (
	beatsPerLease = 6
	beatWithin    = 5 * time.Second // the limit of one, or a third of the lease
)

// held implements promotion.Held. What it tells is read without waiting: signs of life are given by a goroutine that
// shares nothing with its readers but atomics and a channel, and a timer closes the channel whatever that goroutine
// waits for.
type held struct {
	locks *Locks
	grant promotion.Grant
	seen  map[string]uint64 // fences of other locks, by partition

	stage  atomic.Pointer[promotion.Stage]
	cause  atomic.Pointer[error]
	lost   chan struct{}
	close  sync.Once
	taken  atomic.Bool // the lock is somebody else's
	ended  atomic.Bool // it was given back, or parked
	alarm  *time.Timer // rings in the danger zone
	danger time.Duration
	stop   context.CancelFunc
}

var _ promotion.Held = (*held)(nil)

// hold begins to hold. asked is when the request was sent that made the lock ours: nobody can have watched it for longer.
func (s *Locks) hold(ctx context.Context, g promotion.Grant, c promotion.Contender, asked time.Time, seen map[string]uint64) *held {
	// The lock outlives whatever ends the acquiring: going back after an interruption happens under it.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	h := &held{locks: s, grant: g, seen: seen, lost: make(chan struct{}), stop: stop}
	h.stage.Store(&c.Holder.Stage)
	length := c.Lease
	if c.Hold > 0 {
		length = c.Hold
	}
	h.danger = length * 2 / 3
	h.alarm = time.AfterFunc(h.danger-time.Since(asked), func() {
		if !h.ended.Load() {
			h.lose(fmt.Errorf("%s: %w", g.Lock, promotion.ErrSilent))
		}
	})
	if c.Hold == 0 {
		go h.live(ctx, c.Lease) // ends with Release, Park, or the loss of the lock
	}
	return h
}

func (h *held) Grant() promotion.Grant     { return h.grant }
func (h *held) Lost() <-chan struct{}      { return h.lost }
func (h *held) Tell(stage promotion.Stage) { h.stage.Store(&stage) }

func (h *held) Cause() error {
	if cause := h.cause.Load(); cause != nil {
		return *cause
	}
	return nil
}

// lose says why the holder has to go home. The first reason stands, unless the lock was taken.
func (h *held) lose(cause error) {
	if !h.cause.CompareAndSwap(nil, &cause) && errors.Is(cause, promotion.ErrNotHeld) {
		h.cause.Store(&cause)
	}
	h.close.Do(func() { close(h.lost) })
}

// live gives signs of life until the lock is no longer held.
func (h *held) live(ctx context.Context, lease time.Duration) {
	every := lease / beatsPerLease
	next := every
	for {
		if pause(ctx, next) != nil {
			return
		}
		sent := time.Now()
		row, err := h.beat(ctx, min(beatWithin, lease/3))
		var no *table.Refused
		switch {
		case ctx.Err() != nil:
			return
		case errors.As(err, &no):
			h.gone(no.Actions[0].Row)
			return
		case err != nil:
			next = every / 2
			continue
		}
		next = every
		if h.alarm.Stop() { // it has not rung yet
			h.alarm.Reset(h.danger - time.Since(sent))
		}
		r := record{beat: row}
		if s := r.stop(h.grant.Owner); s != nil {
			h.askedToStop(s)
		}
	}
}

func (h *held) askedToStop(s table.Item) {
	h.lose(fmt.Errorf("%s: %w: %s: %s", h.grant.Lock, promotion.ErrStopRequested, s.String(attrBy), s.String(attrReason)))
}

// gone takes in that the signs of life are somebody else's.
func (h *held) gone(beat table.Item) {
	h.taken.Store(true)
	h.alarm.Stop()
	how := "somebody else holds it"
	if text := beat.String("how"); text != "" {
		how = fmt.Sprintf("%s: %s: %s", text, beat.String(attrBy), beat.String(attrReason))
	}
	h.lose(fmt.Errorf("%s: %w any more: %s", h.grant.Lock, promotion.ErrNotHeld, how))
}

// beat gives one sign of life and returns the row. It never touches the lock's own row, so it cannot bring back a lock
// that was given back or taken.
func (h *held) beat(ctx context.Context, within time.Duration) (table.Item, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	const update = "SET #schema = :schema, #reader = :reader, #fence = :fence, #owner = :owner, #stage = :stage, #at = :at ADD #n :one"
	const condition = "attribute_not_exists(#fence) OR #fence < :fence OR (#fence = :fence AND #owner = :owner)"
	f := h.locks.rows.Format()
	return h.locks.rows.Update(ctx, types.Update{
		TableName: aws.String(h.locks.rows.Name()), Key: beatKey(h.grant.Lock).Item(),
		UpdateExpression: aws.String(update), ConditionExpression: aws.String(condition), ExpressionAttributeNames: table.Names(update, condition),
		ExpressionAttributeValues: table.Item{
			":schema": table.N(f.Number), ":reader": table.S(f.Reader), ":fence": table.N(h.grant.Fence), ":owner": table.S(h.grant.Owner),
			":stage": table.S(string(*h.stage.Load())), ":at": clock(time.Now()), ":one": table.N(1),
		},
	})
}

// end stops the signs of life, without waiting for one that is on its way: it can do no harm.
func (h *held) end() (first bool) {
	h.stop()
	h.alarm.Stop()
	return h.ended.CompareAndSwap(false, true)
}

// Release implements promotion.Held. It is one call.
func (h *held) Release(ctx context.Context, clean bool) error {
	if !h.end() || h.taken.Load() {
		return nil
	}
	update := h.locks.rows.GiveBack(h.grant, clean, nil).Update
	err := h.locks.try(ctx, "release "+h.grant.Lock.String(), func() error {
		_, err := h.locks.rows.Update(ctx, *update)
		return err
	})
	if refused(err) { // lost, or given back by a request whose answer was lost
		return nil
	}
	return err
}

// GivenBack tells that a transaction of somebody else's has given the lock back, by [table.Table.GiveBack]. Signs of life
// stop, and Release does nothing.
func (h *held) GivenBack() { h.end() }

// Confirm implements promotion.Held. Once the lock was seen to be somebody else's, nothing is asked.
func (h *held) Confirm(ctx context.Context) error {
	deed := "confirm " + h.grant.Lock.String()
	if h.taken.Load() {
		return h.notHeld("confirm")
	}
	r, err := h.locks.see(ctx, deed, h.grant.Lock)
	if err != nil {
		return err
	}
	if r.owner() != h.grant.Owner || r.fence() != h.grant.Fence {
		return h.notHeld("confirm")
	}
	return nil
}

// Park implements promotion.Held.
func (h *held) Park(ctx context.Context, hold time.Duration, clean bool) error {
	if err := checkHold(h.grant.Lock, hold); err != nil {
		return err
	}
	if !h.end() || h.taken.Load() {
		return h.notHeld("park")
	}
	const update = "SET #lease = :lease, #dirty = :dirty, #turn = #turn + :one"
	const condition = "#owner = :owner AND #fence = :fence"
	err := h.locks.try(ctx, "park "+h.grant.Lock.String(), func() error {
		_, err := h.locks.rows.Update(ctx, types.Update{
			TableName: aws.String(h.locks.rows.Name()), Key: table.LockKey(h.grant.Lock).Item(),
			UpdateExpression: aws.String(update), ConditionExpression: aws.String(condition), ExpressionAttributeNames: table.Names(update, condition),
			ExpressionAttributeValues: table.Item{
				":owner": table.S(h.grant.Owner), ":fence": table.N(h.grant.Fence), ":one": table.N(1),
				":lease": table.N(hold.Milliseconds()), ":dirty": table.Bool(!clean),
			},
		})
		return err
	})
	if refused(err) {
		return h.notHeld("park")
	}
	return err
}

func (h *held) notHeld(deed string) error {
	return fmt.Errorf("%s %s: %w", deed, h.grant.Lock, promotion.ErrNotHeld)
}
