package promotion

import (
	"context"
	"fmt"
	"time"
)

// readBook reads what is recorded of the environment.
func (s *story) readBook(ctx context.Context) error {
	if !s.ledgered() {
		return nil
	}
	book, err := s.Ledger.Read(ctx, s.req.Scope())
	if err != nil {
		return err
	}
	s.book, s.read = book, time.Now()
	return s.fence()
}

// fence refuses a lock that is older than what was recorded under it: the table was restored from a backup, or its rows
// were deleted.
func (s *story) fence() error {
	if s.env == nil || s.env.Grant().Fence >= s.book.Head.Fence {
		return nil
	}
	g := s.env.Grant()
	return ends(Refused, ReasonFenceBehind, []Fault{{
		What: fmt.Sprintf("%s has fence %d, and %s was recorded under fence %d: the lock's row is older than the ledger's", g.Lock, g.Fence, s.req.Scope(), s.book.Head.Fence),
		Hint: "the table was restored, or rows were deleted by hand; restore all of it, or raise the fence with mode unlock until it is ahead",
	}}, "the lock table went back in time; nothing was changed")
}

// record is what the ledger says of a function's alias; false if it knows nothing of it.
func (s *story) record(f Function) (Record, bool) {
	rec, known := s.book.Head.Functions[f.Key]
	return rec, known && rec.Name == f.Name && rec.Alias == s.req.Environment.Alias
}

// order asks whether the request's commit may take the place of what is promoted. Its error is the ending if not.
func (s *story) order(ctx context.Context) error {
	if !s.ledgered() {
		return nil
	}
	var standings []Standing
	for _, f := range s.req.Functions {
		if rec, known := s.record(f); known {
			standings = append(standings, Standing{Function: f.Key, Promoted: rec.Source, Floor: rec.Floor})
		}
	}
	asked := AskOrder(ctx, s.Commits, s.req.Source(), standings)
	order := JudgeOrder(s.req.Source(), asked, s.req.Order)
	s.o.Order, s.toFloor = &order, map[string]Relation{}
	for _, st := range asked {
		s.toFloor[st.Function] = st.ToFloor.Relation
	}
	switch order.Ruling {
	case OrderSuperseded:
		return ends(Superseded, ReasonOlder, nil, "%s; nothing was moved", order.Sentence)
	case OrderRefused:
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return ends(Refused, ReasonOrderRefused, order.Faults, "%s; nothing was changed", order.Sentence)
	}
	return nil
}

// orderWarnings writes into the report what the policy let through, once.
func (s *story) orderWarnings() {
	if s.o.Order != nil {
		s.o.Warnings = append(s.o.Warnings, s.o.Order.Warnings...)
	}
}
