package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A deed is one write, and how to see whether it was carried out.
type deed struct {
	name, operation string
	prepare         func(p *party) promotion.Grant
	do              func(ctx context.Context, p *party, g promotion.Grant) error
	done            func(f *fixture) bool
}

// deeds are all writes of a ledger, after one promotion to version 1.
func deeds() []deed {
	promoted := func(p *party) promotion.Grant {
		g := p.seize()
		p.promote(g, "checkout", 0, 1)
		return g
	}
	intended := func(p *party) promotion.Grant {
		g := promoted(p)
		p.must(p.ledger.Intend(p.Context(), g, p.book().Head, intent("i2", "checkout", 1, 2)))
		return g
	}
	record := func(w promotion.Writing) func(context.Context, *party, promotion.Grant) error {
		return func(ctx context.Context, p *party, g promotion.Grant) error {
			number, err := p.ledger.Record(ctx, g, p.book().Head, w)
			if want := map[bool]uint64{true: 2, false: 1}[w.Entry != nil]; err == nil && number != want {
				return fmt.Errorf("its number is %d, not %d", number, want)
			}
			return err
		}
	}
	i := intent("i2", "checkout", 1, 2)
	recorded := func(f *fixture) bool { b := f.book(); return b.Head.Number == 2 && b.Open == nil }
	const transact = "TransactWriteItems"
	return []deed{
		{"an intent", transact, promoted, func(ctx context.Context, p *party, g promotion.Grant) error {
			return p.ledger.Intend(ctx, g, p.book().Head, i)
		}, func(f *fixture) bool { return f.book().Open != nil }},
		{"a record", transact, intended, record(promotion.Writing{Next: i.Next, Entry: &i.Entry, Close: "i2"}), recorded},
		{"a record that gives the lock back", transact, intended, record(promotion.Writing{Next: i.Next, Entry: &i.Entry, Close: "i2", GiveBack: true, Clean: true}), recorded},
		{"a record without an entry", transact, promoted, record(promotion.Writing{Next: i.Next}),
			func(f *fixture) bool { return f.book().Head.Functions["checkout"].Version == 2 }},
		{"the end of an intent, with the lock given back", transact, intended, record(promotion.Writing{Close: "i2", GiveBack: true}),
			func(f *fixture) bool { return f.book().Open == nil }},
		{"a release", transact, promoted, func(ctx context.Context, p *party, _ promotion.Grant) error {
			return p.ledger.Deposit(ctx, p.release(7))
		}, func(f *fixture) bool { return len(f.rows("REL#"))+len(f.rows("RUN#")) == 2 }},
		{"a release's end", "UpdateItem", func(p *party) promotion.Grant {
			p.must(p.ledger.Deposit(p.Context(), p.release(7)))
			return promotion.Grant{}
		}, func(ctx context.Context, p *party, _ promotion.Grant) error {
			return p.ledger.Conclude(ctx, p.scope, "r7", promotion.ReleasePromoted, "")
		}, func(f *fixture) bool { return f.row("REL#r7").String("state") == "promoted" }},
	}
}

// networkCases are every write, under every fate, once and until it is given up.
var networkCases = func() []ledgerCase {
	var cases []ledgerCase
	for _, d := range deeds() {
		for _, c := range []struct {
			name string
			fate fate
			once bool
			err  error // nil: it succeeds
			done bool
		}{
			{"that was lost once is carried out", lost, true, nil, true},
			{"whose answer was lost is known to be carried out", unanswered, true, nil, true},
			{"that failed once is carried out", failed, true, nil, true},
			{"that failed after it was carried out is known to be", failedLate, true, nil, true},
			{"that is throttled once is carried out", throttled, true, nil, true},
			{"that is always lost is not known to be carried out", lost, false, promotion.ErrUnknownEffect, false},
			{"whose answers are all lost is seen to be carried out", unanswered, false, nil, true},
			{"that always fails is not known to be carried out", failed, false, promotion.ErrUnknownEffect, false},
			{"that always fails after it was carried out is seen to be", failedLate, false, nil, true},
			{"that is always throttled is known not to be carried out", throttled, false, errThrottled, false},
		} {
			cases = append(cases, ledgerCase{d.name + " " + c.name, func(f *fixture) {
				ann := f.party("ann")
				g := d.prepare(ann)
				history := len(f.history(promotion.Query{}))
				decide := always(d.operation, c.fate)
				if c.once {
					decide = first(d.operation, c.fate)
				}
				ann.wire.meet(decide)
				err := d.do(f.Context(), ann, g)
				ann.wire.meet(nil)
				if want := c.err; want == errThrottled {
					if err == nil || errors.Is(err, promotion.ErrUnknownEffect) {
						f.Errorf("the error is %v", err)
					}
				} else if !errors.Is(err, want) {
					f.Errorf("the error is %v, want %v", err, want)
				}
				if done := d.done(f); done != c.done {
					f.Errorf("it was carried out: %t", done)
				}
				if entries := f.history(promotion.Query{}); len(entries) > history+1 {
					f.Errorf("the history has %d entries more", len(entries)-history)
				}
			}})
		}
		if d.operation == "UpdateItem" {
			continue
		}
		cases = append(cases, ledgerCase{d.name + " that meets other transactions is carried out", func(f *fixture) {
			ann := f.party("ann")
			g := d.prepare(ann)
			ann.wire.meet(func(n int, o string) fate {
				if o == d.operation && n < 4 {
					return contended
				}
				return delivered
			})
			f.must(d.do(f.Context(), ann, g))
			if !d.done(f) {
				f.Error("it is not there")
			}
		}})
		if d.name == "a release" {
			continue
		}
		cases = append(cases, ledgerCase{d.name + " that lands after the lock was taken is refused", func(f *fixture) {
			ann, ben := f.party("ann"), f.party("ben")
			g := d.prepare(ann)
			ann.wire.meet(always(d.operation, held))
			ctx, cancel := context.WithTimeout(f.Context(), time.Second)
			defer cancel()
			if err := d.do(ctx, ann, g); !errors.Is(err, promotion.ErrUnknownEffect) {
				f.Errorf("nobody knows whether it was carried out, and the error is %v", err)
			}
			ben.seize()
			before, entries := f.book(), f.history(promotion.Query{})
			ann.wire.land()
			if after := f.book(); !reflect.DeepEqual(after, before) || len(f.history(promotion.Query{})) != len(entries) {
				f.Errorf("the book is\n%+v\nafter\n%+v", after, before)
			}
		}})
		cases = append(cases, ledgerCase{d.name + " is known even if the run is interrupted while it waits for the answer", func(f *fixture) {
			ann := f.party("ann")
			g := d.prepare(ann)
			ctx, cancel := context.WithCancel(f.Context())
			ann.wire.meet(first(d.operation, unanswered))
			ann.wire.after = func(_ int, operation string) {
				if operation == d.operation {
					cancel()
				}
			}
			f.must(d.do(ctx, ann, g))
			if !d.done(f) {
				f.Error("it is not there")
			}
		}})
	}
	return append(cases, settledCases...)
}()

var errThrottled = errors.New("throttled")

// settledCases are what is known of a write that was lost when the lock is somebody else's meanwhile, and of readings.
var settledCases = []ledgerCase{
	{"a record that was lost is known not to be there when the lock was lost too", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		g := ann.seize()
		head, e := f.book().Head, entry("checkout", 0, 1)
		ann.wire.meet(func(n int, o string) fate {
			if n == 1 && o == "TransactWriteItems" {
				ben.seize()
				return lost
			}
			return delivered
		})
		_, err := ann.ledger.Record(f.Context(), g, head, promotion.Writing{Entry: &e})
		f.want(err, promotion.ErrNotHeld)
		if errors.Is(err, promotion.ErrUnknownEffect) {
			f.Errorf("it is known: %v", err)
		}
	}},
	{"a table that cannot be reached is said to be", func(f *fixture) {
		ann := f.party("ann")
		ann.wire.meet(func(int, string) fate { return lost })
		_, err := ann.ledger.Read(f.Context(), f.scope)
		f.wantFault(err, "read what is recorded of "+f.scope.String(), "")
	}},
	{"a reading whose answer was lost is repeated", func(f *fixture) {
		ann := f.party("ann")
		ann.promote(ann.seize(), "checkout", 0, 1)
		ann.wire.meet(func(n int, _ string) fate { return map[bool]fate{true: lost, false: delivered}[n < 5] })
		b, err := ann.ledger.Read(f.Context(), f.scope)
		f.must(err)
		same(f, "the book", b, f.book())
	}},
}

// TestForgottenTokens is what is known of a write when its repetition comes so late that DynamoDB takes it for another one.
func TestForgottenTokens(t *testing.T) {
	for _, c := range []ledgerCase{
		{"a record whose answer was lost is known to be there, whoever has written since", func(f *fixture) {
			ann, ben := f.party("ann"), f.party("ben")
			g := ann.seize()
			head, e := f.book().Head, entry("checkout", 0, 1)
			ann.wire.meet(first("TransactWriteItems", unanswered))
			ann.forget(func() { ben.promote(ben.seize(), "checkout", 1, 2) })
			number, err := ann.ledger.Record(f.Context(), g, head, promotion.Writing{Entry: &e})
			if err != nil || number != 1 {
				f.Errorf("entry %d, %v", number, err)
			}
			if got := numbers(f.history(promotion.Query{})); !reflect.DeepEqual(got, []uint64{2, 1}) {
				f.Errorf("the history has %v", got)
			}
		}},
		{"an intent whose answer was lost is not known when somebody has written over it", func(f *fixture) {
			ann, ben := f.party("ann"), f.party("ben")
			g, i := ann.seize(), intent("i1", "checkout", 0, 1)
			ann.wire.meet(first("TransactWriteItems", unanswered))
			ann.forget(func() {
				g, b := ben.seize(), f.book()
				_, err := ben.ledger.Record(f.Context(), g, b.Head, promotion.Writing{Entry: &i.Entry, Close: b.Open.ID})
				f.must(err)
			})
			err := ann.ledger.Intend(f.Context(), g, promotion.Head{}, i)
			f.want(err, promotion.ErrNotHeld)
			f.want(err, promotion.ErrUnknownEffect)
		}},
	} {
		t.Run(c.name, func(t *testing.T) { bubble(t, c.run) })
	}
}

// forget does something after the next transaction was carried out, and lets the ten minutes pass for which DynamoDB
// knows a token.
func (p *party) forget(then func()) {
	p.wire.after = func(n int, operation string) {
		if n == 1 && operation == "TransactWriteItems" {
			then()
			time.Sleep(11 * time.Minute)
		}
	}
}
