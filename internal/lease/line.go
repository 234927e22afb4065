package lease

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// Those who wait draw tickets from the lock's row, and show by a row each that they are alive: its count moves. The line
// is a courtesy, and is never allowed to stall: a waiter that shows no life is passed over, and so is one that does not
// take a free lock when it could. Nobody's clock is compared with another's.
const (
	showEvery = 3 * time.Second  // how often a waiter shows that it is alive
	goneAfter = 10 * time.Second // it is not, if nothing was seen to move for so long
	hesitate  = 1500 * time.Millisecond
	maxHold   = 10 * time.Second // the longest that one holds back for those before it
	rowLives  = time.Hour        // after which DynamoDB may remove the row of a waiter that died
)

// A line is the place of one contender among those who wait.
type line struct {
	a      *attempt
	id     string
	ticket uint64 // 0: none drawn yet
	count  uint64
	shown  time.Time

	others map[string]*neighbour
	free   time.Time // since when the lock is seen to be free
	fence  uint64    // as it was seen last
}

// A neighbour is another waiter, as this one sees it.
type neighbour struct {
	ticket, count uint64
	moved         time.Time // when it was first seen, or last seen to move
	alive         bool      // it was seen to move
	waiter        promotion.Waiter
}

func newLine(a *attempt) *line {
	return &line{a: a, id: token()[:16], others: map[string]*neighbour{}}
}

// saw takes in what a look has shown.
func (q *line) saw(r *record, now time.Time) {
	found := map[string]*neighbour{}
	for _, row := range r.wait {
		id := strings.TrimPrefix(row.String(table.SK), waitPrefix)
		if id == q.id {
			continue
		}
		n := &neighbour{ticket: row.Uint(attrTicket), count: row.Uint(attrCount), moved: now, waiter: waiterOf(row)}
		if before := q.others[id]; before != nil {
			n.alive = before.alive || before.count != n.count
			if before.count == n.count {
				n.moved = before.moved
			}
		}
		found[id] = n
	}
	q.others = found
	switch {
	case r.held():
		q.free = time.Time{}
	case q.free.IsZero() || r.fence() != q.fence: // somebody may have had it between two looks
		q.free = now
	}
	q.fence = r.fence()
}

func waiterOf(row table.Item) promotion.Waiter {
	return promotion.Waiter{Commit: row.String("commit"), Functions: row.Strings(attrFunctions), RunURL: row.String("url")}
}

// live are the others that were seen to be alive, in their order of arrival.
func (q *line) live(now time.Time) []promotion.Waiter {
	var list []*neighbour
	for _, n := range q.others {
		if n.alive && now.Sub(n.moved) < goneAfter {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b *neighbour) int { return cmp.Compare(a.ticket, b.ticket) })
	var waiters []promotion.Waiter
	for _, n := range list {
		waiters = append(waiters, n.waiter)
	}
	return waiters
}

// before counts those who came earlier and may be alive.
func (q *line) before(now time.Time) int {
	count := 0
	for _, n := range q.others {
		if now.Sub(n.moved) < goneAfter && (q.ticket == 0 || n.ticket < q.ticket) {
			count++
		}
	}
	return count
}

// turn tells whether the free lock may be taken: nobody is before this contender, or those who are had their time.
func (q *line) turn(now time.Time) bool {
	return now.Sub(q.free) >= min(time.Duration(q.before(now))*hesitate, maxHold)
}

// last tells whether nobody else seems to be waiting, so that newcomers need not line up.
func (q *line) last(now time.Time) bool {
	for _, n := range q.others {
		if now.Sub(n.moved) < goneAfter {
			return false
		}
	}
	return true
}

// keep draws a ticket where there is something to wait for, and shows now and then that this waiter is alive.
func (q *line) keep(ctx context.Context, r *record) error {
	if q.ticket == 0 {
		if !r.held() && len(q.others) == 0 {
			return nil
		}
		if err := q.draw(ctx); err != nil || q.ticket == 0 {
			return err
		}
	}
	if !q.shown.IsZero() && time.Since(q.shown) < showEvery {
		return nil
	}
	q.count++
	q.shown = time.Now()
	h := q.a.c.Holder
	row := q.a.rows.Format().Stamp(waitKey(q.a.lock, q.id).Item())
	row[attrTicket], row[attrCount], row["commit"], row["url"] = table.N(q.ticket), table.N(q.count), table.S(h.Commit), table.S(h.RunURL)
	row[attrFunctions], row["since"] = table.Strings(q.a.c.Functions), clock(h.Since)
	row[table.Expires] = table.N(q.shown.Add(rowLives).Unix())
	return q.a.rows.Put(ctx, row)
}

// draw takes the next ticket. That the lock's row is gone, or is no longer ours to read, shows at the next look.
func (q *line) draw(ctx context.Context) error {
	const update, condition = "SET #tickets = if_not_exists(#tickets, :zero) + :one, #served = if_not_exists(#served, :zero)", "attribute_exists(#pk) AND #schema <= :schema"
	row, err := q.a.rows.Update(ctx, types.Update{
		TableName: aws.String(q.a.rows.Name()), Key: table.LockKey(q.a.lock).Item(),
		UpdateExpression: aws.String(update), ConditionExpression: aws.String(condition), ExpressionAttributeNames: table.Names(update, condition),
		ExpressionAttributeValues: table.Item{":zero": table.N(0), ":one": table.N(1), ":schema": table.N(q.a.rows.Format().Number)},
	})
	var no *table.Refused
	if errors.As(err, &no) {
		return nil
	}
	q.ticket = row.Uint(attrTickets)
	return err
}

// leave removes the waiter's row. One that stays is passed over and expires.
func (q *line) leave(ctx context.Context) {
	if q.shown.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), partingWithin)
	defer cancel()
	_ = q.a.rows.Delete(ctx, waitKey(q.a.lock, q.id))
}
