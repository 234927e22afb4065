// Package lease is [promotion.Locks] on DynamoDB.
//
// A lock is one row with an owner and a fence, a whole number that only grows; the row is never deleted. Signs of life
// go into a row of their own, LOCK#BEAT, so that they do not conflict with the transactions that check the lock. Who
// finds a lock held watches both rows: if nothing in them moves for the length that the lock's row states, by the
// watcher's own monotonic clock, one transaction takes it over, on the condition that nothing has moved since. Times in
// rows are for people; no clock of another machine is read, and no clock says what may be done. That says the fence.
//
// A grant that was asked for twice, since the first answer was lost, is known by its owner, which is random. Should a
// lost request arrive when its sender has long gone, a lock is granted to nobody, and taken over after a lease: that
// costs time and nothing else.
package lease

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// The lengths that a contender may choose.
const (
	DefaultLease = time.Minute
	MinLease     = 5 * time.Second
	MaxLease     = 10 * time.Minute
	MaxHold      = time.Hour
)

// Locks implements promotion.Locks in one table.
type Locks struct {
	rows *table.Table
}

// New returns the locks of a table.
func New(t *table.Table) *Locks { return &Locks{rows: t} }

var _ promotion.Locks = (*Locks)(nil)

// check refuses names that would be another lock's key, and lengths out of bounds.
func check(l promotion.Lock, c *promotion.Contender) error {
	if err := checkLock(l); err != nil {
		return err
	}
	c.Lease = cmp.Or(c.Lease, DefaultLease)
	if c.Lease < MinLease || c.Lease > MaxLease {
		return promotion.Fault{What: fmt.Sprintf("acquire %s: a lease of %s is not possible", l, c.Lease), Accepted: fmt.Sprintf("%s to %s", MinLease, MaxLease)}
	}
	return checkHold(l, c.Hold)
}

func checkHold(l promotion.Lock, hold time.Duration) error {
	if hold < 0 || hold > MaxHold {
		return promotion.Fault{What: fmt.Sprintf("hold %s: %s is not possible", l, hold), Accepted: fmt.Sprintf("up to %s", MaxHold)}
	}
	return nil
}

func checkLock(l promotion.Lock) error {
	if err := table.CheckName("the app", l.App); err != nil {
		return err
	}
	if l.Environment == "" {
		return nil
	}
	return table.CheckName("the environment", l.Environment)
}

// token is a random name, 32 characters long.
func token() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: https://pkg.go.dev/crypto/rand#Read
	return hex.EncodeToString(b)
}

// tries is how often a single deed is tried that had no proper answer.
const tries = 4

// try repeats a deed that had no proper answer, with a little pause. Its error says what the deed was, unless it is a
// refusal, which is for the caller to judge.
func (s *Locks) try(ctx context.Context, deed string, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if err == nil || refused(err) {
			return err
		}
		if n == tries || !table.Transient(err) || pause(ctx, time.Duration(n)*200*time.Millisecond) != nil {
			return s.rows.Explain(err, deed)
		}
	}
}

func refused(err error) bool {
	var no *table.Refused
	return errors.As(err, &no)
}
