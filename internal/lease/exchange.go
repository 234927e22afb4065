package lease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// Exchange implements promotion.Locks. A transaction does not tell what it wrote, so the fence of the next lock has to be
// known beforehand. The row of the lock that is given back remembers it from the last time that a holder went the same
// way: as long as all do, an exchange is one call. A wrong guess costs one more, and teaches the right one.
func (s *Locks) Exchange(ctx context.Context, from promotion.Held, clean bool, next promotion.Lock, c promotion.Contender, tell func(promotion.Wait) error) (promotion.Held, error) {
	if err := check(next, &c); err != nil {
		return nil, err
	}
	h, ok := from.(*held)
	if !ok || h.locks != s || h.grant.Lock == next {
		return nil, fmt.Errorf("exchange %s for %s: they are not two locks of one table", from.Grant().Lock, next)
	}
	deed := fmt.Sprintf("exchange %s for %s", h.grant.Lock, next)
	a := s.attempt(next, c)
	guess := guessed(next, h.seen)
	for range tries {
		got, row, err := h.exchange(ctx, deed, a, clean, guess)
		switch {
		case err != nil:
			a.abandon(ctx)
			return nil, err
		case got != nil:
			h.end()
			return got, nil
		}
		guess = &record{lock: next, row: row}
		if guess.held() || guess.lined() {
			break
		}
	}
	// Somebody is to be waited for, which must not keep others from what this run no longer needs.
	if err := h.Release(ctx, clean); err != nil {
		return nil, err
	}
	return a.wait(ctx, tell)
}

// guessed is what is to be expected of a lock whose last holder left as it should.
func guessed(l promotion.Lock, seen map[string]uint64) *record {
	fence, known := seen[table.Partition(l.App, l.Environment)]
	if !known {
		return &record{lock: l}
	}
	return &record{lock: l, row: table.Item{attrFence: table.N(fence), attrDirty: table.Bool(false)}}
}

// exchange tries the transaction on the ground of a guess. Without a grant and without an error it returns what the next
// lock's row holds instead.
func (h *held) exchange(ctx context.Context, deed string, a *attempt, clean bool, guess *record) (*held, table.Item, error) {
	back := h.locks.rows.GiveBack(h.grant, clean, table.Item{seenPrefix + table.Partition(a.lock.App, a.lock.Environment): table.N(guess.next())})
	condition, more := absent, table.Item{":fence": table.N(guess.next())}
	if guess.row != nil {
		condition = free + " AND " + unlined + " AND " + unmoved + " AND #dirty = :dirty"
		more[":seen"], more[":dirty"] = table.N(guess.fence()), table.Bool(guess.row.Bool(attrDirty))
	}
	take, once := a.grant(raise, condition, more), token()
	a.asked = time.Now()
	err := h.locks.try(ctx, deed, func() error {
		return h.locks.rows.Transact(ctx, once, back, types.TransactWriteItem{Update: &take})
	})
	if err == nil {
		return a.granted(ctx, table.Item{attrFence: table.N(guess.next()), attrInherited: table.Bool(guess.row.Bool(attrDirty))}), nil, nil
	}
	var no *table.Refused
	errors.As(err, &no)
	got, row, err := a.refused(ctx, 1, err)
	if got == nil && err == nil && no.Actions[0].Failed {
		err = h.notHeld(deed)
	}
	return got, row, err
}
