package lease

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// The pace of waiting.
const (
	lookEvery = time.Second     // how often the lock is looked at
	headEvery = lookEvery / 3   // by the next in line: what a release waits for
	tellEvery = 5 * time.Second // how often the caller is told
	patience  = time.Minute     // how long the table may not answer while one waits
)

// Acquire implements promotion.Locks. Where nobody holds the lock and nobody waits for it, it is one call.
func (s *Locks) Acquire(ctx context.Context, l promotion.Lock, c promotion.Contender, tell func(promotion.Wait) error) (promotion.Held, error) {
	if err := check(l, &c); err != nil {
		return nil, err
	}
	a := s.attempt(l, c)
	var h *held
	err := s.try(ctx, "acquire "+l.String(), func() (err error) {
		h, _, err = a.ask(ctx, a.blind())
		return err
	})
	switch {
	case err != nil:
		a.abandon(ctx)
		return nil, err
	case h != nil:
		return h, nil
	}
	return a.wait(ctx, tell)
}

// wait looks at the lock until it is the contender's.
func (a *attempt) wait(ctx context.Context, tell func(promotion.Wait) error) (promotion.Held, error) {
	q := newLine(a)
	h, err := a.waiting(ctx, q, tell)
	q.leave(ctx)
	if err != nil {
		a.abandon(ctx)
		return nil, err
	}
	return h, nil
}

func (a *attempt) waiting(ctx context.Context, q *line, tell func(promotion.Wait) error) (*held, error) {
	var (
		began    = time.Now()
		answered = began // when the table last gave a proper answer
		told     time.Time
		w        watch
	)
	for {
		sent := time.Now()
		r, err := a.look(ctx)
		if err == nil {
			received := time.Now()
			q.saw(r, received)
			still := w.still(r, sent, received)
			if r.held() && (told.IsZero() || received.Sub(told) >= tellEvery) && tell != nil {
				told = received
				if err := tell(promotion.Wait{Holder: r.holder(), Since: received.Sub(began), Lease: r.length(), Waiters: q.live(received)}); err != nil {
					return nil, err
				}
			}
			var h *held
			if h, err = a.step(ctx, q, r, still); h != nil {
				return h, nil
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("wait for %s: %w", a.lock, context.Cause(ctx))
		case err == nil:
			answered = time.Now()
		case !table.Transient(err) || time.Since(answered) > patience:
			return nil, a.rows.Explain(err, "wait for "+a.lock.String())
		}
		pace := lookEvery
		if q.before(time.Now()) == 0 {
			pace = headEvery
		}
		if err := pause(ctx, pace*4/5+rand.N(pace*2/5)); err != nil {
			return nil, fmt.Errorf("wait for %s: %w", a.lock, err)
		}
	}
}

// step does what the record allows: take a free lock when it is this contender's turn, take over one that stood still,
// or keep the place in the line.
func (a *attempt) step(ctx context.Context, q *line, r *record, still time.Duration) (*held, error) {
	if r.owner() == a.owner { // the answer was lost, or late
		return a.granted(ctx, r.row), nil
	}
	if err := q.keep(ctx, r); err != nil {
		return nil, err
	}
	now := time.Now()
	switch {
	case !r.held() && q.turn(now):
		h, _, err := a.ask(ctx, a.fresh(r, q.last(now)))
		return h, err
	case r.held() && still >= r.length():
		return a.overtake(ctx, r, "taken over", fmt.Sprintf("its holder gave no sign of life for %s", still.Round(time.Second)))
	}
	return nil, nil
}

// read reads the lock, the signs of life and who waits.
func (s *Locks) read(ctx context.Context, l promotion.Lock) (*record, error) {
	rows, err := s.rows.Rows(ctx, table.Partition(l.App, l.Environment), table.LockSort)
	if err != nil {
		return nil, err
	}
	r := split(l, rows)
	return r, s.readable(l, r.row)
}

func (a *attempt) look(ctx context.Context) (*record, error) { return a.read(ctx, a.lock) }

// A watch measures for how long a record has stood still, by the monotonic clock of this machine.
type watch struct {
	mark  mark
	since time.Time // when the answer arrived that showed the mark first
}

// still returns for how long the record was seen to be unmoved at least: what an answer shows was so at some moment
// after its request was sent and before it arrived.
func (w *watch) still(r *record, sent, received time.Time) time.Duration {
	if m := r.mark(); w.since.IsZero() || m != w.mark {
		w.mark, w.since = m, received
		return 0
	}
	return sent.Sub(w.since)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// clock is a time as rows show it to people.
func clock(t time.Time) types.AttributeValue { return table.S(t.UTC().Format(time.RFC3339)) }
