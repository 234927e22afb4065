package lease

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// Look implements promotion.Locks. It changes nothing, for a holder that looks at its own lock neither.
func (s *Locks) Look(ctx context.Context, l promotion.Lock) (*promotion.Holder, error) {
	r, err := s.see(ctx, "look at "+l.String(), l)
	if err != nil || !r.held() {
		return nil, err
	}
	h := r.holder()
	return &h, nil
}

// see reads the lock for a single deed.
func (s *Locks) see(ctx context.Context, deed string, l promotion.Lock) (r *record, err error) {
	if err := checkLock(l); err != nil {
		return nil, err
	}
	err = s.try(ctx, deed, func() (err error) {
		r, err = s.read(ctx, l)
		return err
	})
	return r, err
}

// Resume implements promotion.Locks.
func (s *Locks) Resume(ctx context.Context, l promotion.Lock, owner string, c promotion.Contender) (promotion.Held, error) {
	if err := check(l, &c); err != nil {
		return nil, err
	}
	deed := "resume " + l.String()
	r, err := s.see(ctx, deed, l)
	if err != nil {
		return nil, err
	}
	if owner == "" || r.owner() != owner {
		return nil, r.notHeld(deed)
	}
	a := &attempt{Locks: s, lock: l, c: c, owner: owner, asked: time.Now()}
	actions, once := a.takeover(r, "resumed", "a later step goes on under it"), token()
	err = s.try(ctx, deed, func() error { return s.rows.Transact(ctx, once, actions...) })
	if refused(err) {
		return nil, r.notHeld(deed)
	}
	if err != nil {
		return nil, err
	}
	h := a.overtook(ctx, r)
	if stop := r.stop(owner); stop != nil {
		h.askedToStop(stop)
	}
	return h, nil
}

func (r *record) notHeld(deed string) error {
	if r.held() {
		return fmt.Errorf("%s: %w any more: %s has it", deed, promotion.ErrNotHeld, who(r.holder()))
	}
	return fmt.Errorf("%s: %w", deed, promotion.ErrNotHeld)
}

// Seize implements promotion.Locks.
func (s *Locks) Seize(ctx context.Context, l promotion.Lock, c promotion.Contender, reason string) (promotion.Held, error) {
	if err := check(l, &c); err != nil {
		return nil, err
	}
	deed := "seize " + l.String()
	a := s.attempt(l, c)
	h, err := decide(ctx, s, deed, l, func(r *record) (h *held, err error) {
		if r.owner() == a.owner {
			return a.granted(ctx, r.row), nil
		}
		if r.held() {
			return a.overtake(ctx, r, "seized", reason)
		}
		h, _, err = a.ask(ctx, a.fresh(r, false))
		return h, err
	})
	if err != nil {
		a.abandon(ctx)
		return nil, err
	}
	return h, nil
}

// decide reads the lock and does a deed on the ground of what it read, again and again while others are quicker: do
// then returns neither a result nor an error.
func decide[T any](ctx context.Context, s *Locks, deed string, l promotion.Lock, do func(*record) (*T, error)) (*T, error) {
	const rounds = 20 // each of which somebody else's success has spoilt
	for range rounds {
		var out *T
		err := s.try(ctx, deed, func() error {
			r, err := s.read(ctx, l)
			if err != nil {
				return err
			}
			out, err = do(r)
			if refused(err) {
				return nil
			}
			return err
		})
		if out != nil || err != nil {
			return out, err
		}
		if err := pause(ctx, rand.N(100*time.Millisecond)); err != nil {
			return nil, fmt.Errorf("%s: %w", deed, err)
		}
	}
	return nil, promotion.Fault{What: fmt.Sprintf("%s: it changed hands each time that it was tried", deed), Hint: "run it again"}
}

// RequestStop implements promotion.Locks.
func (s *Locks) RequestStop(ctx context.Context, l promotion.Lock, by promotion.Holder, reason string) error {
	deed := "ask the holder of " + l.String() + " to stop"
	r, err := s.see(ctx, deed, l)
	if err != nil {
		return err
	}
	if !r.held() {
		return r.notHeld(deed)
	}
	const update = "SET #schema = :schema, #reader = :reader, #stop = :stop"
	f := s.rows.Format()
	return s.try(ctx, deed, func() error {
		_, err := s.rows.Update(ctx, types.Update{
			TableName: aws.String(s.rows.Name()), Key: beatKey(l).Item(), UpdateExpression: aws.String(update), ExpressionAttributeNames: table.Names(update),
			ExpressionAttributeValues: table.Item{":schema": table.N(f.Number), ":reader": table.S(f.Reader), ":stop": table.M(table.Item{
				attrOwner: table.S(r.owner()), attrBy: table.S(who(by)), attrReason: table.S(reason), attrAt: clock(time.Now()),
			})},
		})
		return err
	})
}

// Unlock implements promotion.Locks.
func (s *Locks) Unlock(ctx context.Context, l promotion.Lock, by promotion.Holder, reason string) (promotion.Grant, error) {
	if err := checkLock(l); err != nil {
		return promotion.Grant{}, err
	}
	deed := "unlock " + l.String()
	g, err := decide(ctx, s, deed, l, func(r *record) (*promotion.Grant, error) {
		if r.row == nil {
			return nil, r.notHeld(deed)
		}
		lock, beat := s.vacate(r, by, reason), s.silence(r, "", "unlocked", by, reason)
		err := s.rows.Transact(ctx, token(), types.TransactWriteItem{Update: &lock}, types.TransactWriteItem{Update: &beat})
		if err != nil {
			return nil, err
		}
		return &promotion.Grant{Lock: l, Fence: r.next(), Unclean: true}, nil
	})
	if err != nil {
		return promotion.Grant{}, err
	}
	return *g, nil
}

// vacate takes the lock from whoever has it and gives it to nobody.
func (s *Locks) vacate(r *record, by promotion.Holder, reason string) types.Update {
	const update = "SET #schema = :schema, #reader = :reader, " + raise + ", #dirty = :yes, #ended = :ended REMOVE #owner"
	f := s.rows.Format()
	condition, values := unheld+" AND "+unmoved, table.Item{
		":schema": table.N(f.Number), ":reader": table.S(f.Reader), ":fence": table.N(r.next()), ":seen": table.N(r.fence()),
		":yes": table.Bool(true), ":ended": r.ended("unlocked", by, reason),
	}
	if r.held() {
		condition = "#owner = :was AND " + unmoved
		values[":was"] = table.S(r.owner())
	}
	return types.Update{
		TableName: aws.String(s.rows.Name()), Key: table.LockKey(r.lock).Item(),
		UpdateExpression: aws.String(update), ConditionExpression: &condition, ExpressionAttributeNames: table.Names(update, condition),
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}
