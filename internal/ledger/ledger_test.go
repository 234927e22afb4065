package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

type ledgerCase struct {
	name string
	run  func(f *fixture)
}

var allCases = slices.Concat(bookCases, historyCases, releaseCases, networkCases, sizeCases, formatCases)

// TestLedger runs the cases in virtual time.
func TestLedger(t *testing.T) {
	for _, c := range allCases {
		t.Run(c.name, func(t *testing.T) { bubble(t, c.run) })
	}
}

var bookCases = []ledgerCase{
	{"of an environment without rows nothing is known", func(f *fixture) {
		b := f.book()
		if b.Head.Number != 0 || b.Head.Fence != 0 || len(b.Head.Functions) != 0 || b.Open != nil {
			f.Errorf("it reads %+v", b)
		}
		if entries := f.history(promotion.Query{}); len(entries) != 0 {
			f.Errorf("its history is %+v", entries)
		}
	}},
	{"an intent is read as it was written, and the head is what it was", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		i := intent("i1", "checkout", 0, 3)
		f.must(ann.ledger.Intend(f.Context(), g, promotion.Head{}, i))
		b := f.book()
		if b.Head.Number != 0 || len(b.Head.Functions) != 0 {
			f.Errorf("the head is %+v", b.Head)
		}
		same(f, "the intent", b.Open, &i)
	}},
	{"a record closes the intent, moves the head and adds to the history, at once", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		i := intent("i1", "checkout", 0, 3)
		f.must(ann.ledger.Intend(f.Context(), g, promotion.Head{}, i))
		number, err := ann.ledger.Record(f.Context(), g, promotion.Head{}, promotion.Writing{Next: i.Next, Entry: &i.Entry, Close: "i1"})
		f.must(err)
		want := i.Entry
		want.Number = 1
		if number != 1 {
			f.Errorf("the entry's number is %d", number)
		}
		same(f, "the book", f.book(), promotion.Book{Head: promotion.Head{Number: 1, Fence: g.Fence, Functions: i.Next}})
		same(f, "the history", f.history(promotion.Query{}), []promotion.Entry{want})
		if rows := f.rows("BOOK#"); len(rows) != 1 {
			f.Errorf("%d rows are left of the book", len(rows))
		}
	}},
	{"a record changes its functions and leaves the others", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		ann.promote(g, "checkout", 0, 3)
		ann.promote(g, "payments", 0, 4)
		ann.promote(g, "checkout", 3, 5)
		b := f.book()
		if b.Head.Number != 3 || b.Head.Functions["checkout"].Version != 5 || b.Head.Functions["payments"].Version != 4 {
			f.Errorf("the head is %+v", b.Head)
		}
	}},
	{"a record without an entry leaves number and history", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		ann.promote(g, "checkout", 0, 3)
		ben := f.party("ben")
		g = ben.seize()
		next := map[string]promotion.Record{"checkout": record("checkout", 4)}
		number, err := ben.ledger.Record(f.Context(), g, f.book().Head, promotion.Writing{Next: next})
		f.must(err)
		same(f, "the head", f.book().Head, promotion.Head{Number: 1, Fence: g.Fence, Functions: next})
		if entries := f.history(promotion.Query{}); number != 1 || len(entries) != 1 {
			f.Errorf("entry %d of %d", number, len(entries))
		}
	}},
	{"a record gives the lock back, cleanly or not", func(f *fixture) {
		for _, clean := range []bool{true, false} {
			ann := f.party("ann")
			g := ann.seize()
			e := entry("checkout", 1, 2)
			_, err := ann.ledger.Record(f.Context(), g, f.book().Head, promotion.Writing{Entry: &e, GiveBack: true, Clean: clean})
			f.must(err)
			h, err := ann.locks.Acquire(f.Context(), f.scope.Lock(), promotion.Contender{Hold: time.Minute}, nil)
			f.must(err)
			if g := h.Grant(); g.Unclean == clean {
				f.Errorf("after a clean=%t record the next grant is %v, unclean %t", clean, g, g.Unclean)
			}
			f.must(h.Release(f.Context(), true))
			if _, err := ann.ledger.Record(f.Context(), g, f.book().Head, promotion.Writing{Entry: &e}); !errors.Is(err, promotion.ErrNotHeld) {
				f.Errorf("who gave the lock back records: %v", err)
			}
		}
	}},
	{"who has lost the lock writes nothing", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		old := ann.seize()
		f.must(ann.ledger.Intend(f.Context(), old, promotion.Head{}, intent("i1", "checkout", 0, 3)))
		before := f.book()
		ben.seize()
		f.want(ann.ledger.Intend(f.Context(), old, before.Head, intent("i2", "checkout", 0, 3)), promotion.ErrNotHeld)
		e := entry("checkout", 0, 3)
		for _, w := range []promotion.Writing{{Entry: &e, Close: "i1"}, {Entry: &e, Close: "i1", GiveBack: true}, {Next: map[string]promotion.Record{"checkout": record("checkout", 3)}}} {
			_, err := ann.ledger.Record(f.Context(), old, before.Head, w)
			f.wantText(err, promotion.ErrNotHeld, fmt.Sprintf("in %s: %s is not held any more", f.scope, f.scope.Lock()))
		}
		same(f, "the book", f.book(), before)
	}},
	{"who reads before somebody else's write does not write after it", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		ann.promote(ann.seize(), "checkout", 0, 3)
		seen := f.book().Head
		ben.promote(ben.seize(), "checkout", 3, 4)
		g, e := ann.seize(), entry("checkout", 3, 5)
		before := f.book()
		f.want(ann.ledger.Intend(f.Context(), g, seen, intent("i5", "checkout", 3, 5)), promotion.ErrStale)
		_, err := ann.ledger.Record(f.Context(), g, seen, promotion.Writing{Entry: &e})
		f.want(err, promotion.ErrStale)
		_, err = ann.ledger.Record(f.Context(), g, promotion.Head{}, promotion.Writing{Entry: &e})
		f.want(err, promotion.ErrStale)
		same(f, "the book", f.book(), before)
	}},
	{"a write that left the number alone is noticed too", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		ann.promote(ann.seize(), "checkout", 0, 3)
		seen := f.book().Head
		_, err := ben.ledger.Record(f.Context(), ben.seize(), seen, promotion.Writing{Next: map[string]promotion.Record{"payments": record("payments", 9)}})
		f.must(err)
		e := entry("checkout", 3, 5)
		_, err = ann.ledger.Record(f.Context(), ann.seize(), seen, promotion.Writing{Entry: &e})
		f.want(err, promotion.ErrStale)
		if f.book().Head.Functions["payments"].Version != 9 {
			f.Error("ben's record is gone")
		}
	}},
	{"a run's own write that it has not read again is noticed too", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		ann.promote(g, "checkout", 0, 3)
		seen := f.book().Head
		_, err := ann.ledger.Record(f.Context(), g, seen, promotion.Writing{Next: map[string]promotion.Record{"payments": record("payments", 9)}})
		f.must(err)
		err = ann.ledger.Intend(f.Context(), g, seen, intent("i4", "checkout", 3, 4))
		f.wantText(err, promotion.ErrStale, "what is recorded of its functions has changed since it was read")
		f.must(ann.ledger.Intend(f.Context(), g, f.book().Head, intent("i4", "checkout", 3, 4)))
	}},
	{"nothing is recorded twice from one reading", func(f *fixture) {
		ann := f.party("ann")
		g, e := ann.seize(), entry("checkout", 0, 3)
		from := promotion.Head{}
		for range 2 { // the first time there is no head yet
			_, err := ann.ledger.Record(f.Context(), g, from, promotion.Writing{Entry: &e})
			f.must(err)
			_, err = ann.ledger.Record(f.Context(), g, from, promotion.Writing{Entry: &e})
			f.wantText(err, promotion.ErrStale, "is the newest, not")
			from = f.book().Head
		}
		if entries := f.history(promotion.Query{}); len(entries) != 2 {
			f.Errorf("the history has %d entries", len(entries))
		}
	}},
	{"what is no UTF-8 stops nobody from going on", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		odd := record("checkout", 3)
		odd.Release = "r\xff \ufffd \\ufffd"
		_, err := ann.ledger.Record(f.Context(), g, promotion.Head{}, promotion.Writing{Next: map[string]promotion.Record{"checkout": odd}})
		f.must(err)
		ann.promote(g, "payments", 0, 4)
		if got := f.book().Head.Functions["checkout"].Release; got != "r\ufffd \ufffd \\ufffd" {
			f.Errorf("it reads %q", got)
		}
	}},
	{"while an intent is open there is no other, and no record but its own", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		f.must(ann.ledger.Intend(f.Context(), g, promotion.Head{}, intent("i1", "checkout", 0, 3)))
		e := entry("checkout", 0, 3)
		err := ann.ledger.Intend(f.Context(), g, promotion.Head{}, intent("i2", "checkout", 0, 3))
		f.wantText(err, promotion.ErrStale, "half done there, intent i1")
		for _, id := range []string{"", "i2"} {
			_, err := ann.ledger.Record(f.Context(), g, promotion.Head{}, promotion.Writing{Entry: &e, Close: id})
			f.want(err, promotion.ErrStale)
		}
		if b := f.book(); b.Open == nil || b.Open.ID != "i1" {
			f.Errorf("the book is %+v", b)
		}
	}},
	{"an intent is closed once", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		ann.promote(g, "checkout", 0, 3)
		e := entry("checkout", 0, 3)
		_, err := ann.ledger.Record(f.Context(), g, f.book().Head, promotion.Writing{Entry: &e, Close: "intent-3"})
		f.want(err, promotion.ErrStale)
	}},
	{"somebody else closes what a dead run has left open", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		ann.promote(ann.seize(), "checkout", 0, 3)
		f.must(ann.ledger.Intend(f.Context(), ann.seize(), f.book().Head, intent("i4", "checkout", 3, 4)))
		g, b := ben.seize(), f.book()
		e := b.Open.Entry
		e.Kind, e.Repaired = promotion.EntryUndone, "ben"
		number, err := ben.ledger.Record(f.Context(), g, b.Head, promotion.Writing{Entry: &e, Close: b.Open.ID})
		f.must(err)
		after := f.book()
		if number != 2 || after.Open != nil || after.Head.Functions["checkout"].Version != 3 || after.Head.Fence != g.Fence {
			f.Errorf("entry %d, the book is %+v", number, after)
		}
	}},
	{"a fence that went back writes nothing", func(f *fixture) {
		ann := f.party("ann")
		ann.seize()
		ann.seize()
		ann.promote(ann.seize(), "checkout", 0, 3)
		for _, sort := range []string{"LOCK", "LOCK#BEAT"} { // as after a restoration
			f.must(f.raw().Delete(f.Context(), f.key(sort)))
		}
		h, err := ann.locks.Acquire(f.Context(), f.scope.Lock(), promotion.Contender{Hold: time.Hour}, nil)
		f.must(err)
		g, head, e := h.Grant(), f.book().Head, entry("checkout", 3, 4)
		err = ann.ledger.Intend(f.Context(), g, head, intent("i4", "checkout", 3, 4))
		f.wantText(err, promotion.ErrStale, "under fence 3, and this run's is 1")
		_, err = ann.ledger.Record(f.Context(), g, head, promotion.Writing{Entry: &e})
		f.want(err, promotion.ErrStale)
		f.must(h.Release(f.Context(), true))
	}},
	{"reading, intending and recording are one call each", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		i := intent("i1", "checkout", 0, 3)
		ann.wire.meet(nil)
		b, err := ann.ledger.Read(f.Context(), f.scope)
		f.must(err)
		f.must(ann.ledger.Intend(f.Context(), g, b.Head, i))
		_, err = ann.ledger.Record(f.Context(), g, b.Head, promotion.Writing{Next: i.Next, Entry: &i.Entry, Close: "i1", GiveBack: true, Clean: true})
		f.must(err)
		_, err = ann.ledger.Read(f.Context(), f.scope)
		f.must(err)
		if got, want := ann.wire.sent(), []string{"Query", "TransactWriteItems", "TransactWriteItems", "Query"}; !slices.Equal(got, want) {
			f.Errorf("the calls are %v", got)
		}
	}},
	{"what is read in the middle of a write is read again", func(f *fixture) {
		ann := f.party("ann")
		f.must(ann.ledger.Intend(f.Context(), ann.seize(), promotion.Head{}, intent("i1", "checkout", 0, 3)))
		mine := f.row("BOOK#INTENT")
		f.must(f.raw().Delete(f.Context(), f.key("BOOK#INTENT"))) // as a query sees it that has passed there too early
		ann.wire.meet(nil)
		ann.wire.after = func(n int, _ string) {
			if n == 2 {
				f.must(f.raw().Put(f.Context(), mine))
			}
		}
		b, err := ann.ledger.Read(f.Context(), f.scope)
		f.must(err)
		if calls := ann.wire.sent(); b.Open == nil || b.Open.ID != "i1" || len(calls) != 3 {
			f.Errorf("the book is %+v, after %v", b, calls)
		}
	}},
	{"what never fits together is a fault", func(f *fixture) {
		ann := f.party("ann")
		f.must(ann.ledger.Intend(f.Context(), ann.seize(), promotion.Head{}, intent("i1", "checkout", 0, 3)))
		row := f.row("BOOK#INTENT")
		row["id"] = table.S("i0")
		f.must(f.raw().Put(f.Context(), row))
		_, err := ann.ledger.Read(f.Context(), f.scope)
		f.wantFault(err, "read what is recorded of "+f.scope.String()+": parts of it are missing", "restore all of the table")
		f.must(f.raw().Delete(f.Context(), f.key("BOOK#HEAD")))
		_, err = ann.ledger.Read(f.Context(), f.scope)
		f.wantFault(err, "parts of it are missing", "")
	}},
	{"an entry that the head does not know of is not written over", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		ann.promote(g, "checkout", 0, 3)
		f.must(f.raw().Delete(f.Context(), f.key("BOOK#HEAD")))
		e := entry("checkout", 0, 9)
		_, err := ann.ledger.Record(f.Context(), g, promotion.Head{}, promotion.Writing{Entry: &e})
		f.wantFault(err, "the history has an entry 1 already", "restore all of the table")
		if got := f.history(promotion.Query{}); len(got) != 1 || got[0].Release != "r3" {
			f.Errorf("the history is %+v", got)
		}
	}},
	{"environments are listed, and code locks are not", func(f *fixture) {
		for _, s := range []promotion.Scope{{App: f.scope.App, Environment: "dev"}, f.scope} {
			p := (&fixture{T: f.T, env: f.env, inner: f.inner, table: f.table, scope: s}).party("ann")
			p.promote(p.seize(), "checkout", 0, 1)
		}
		ann := f.party("ann")
		h, err := ann.locks.Acquire(f.Context(), promotion.Lock{App: f.scope.App}, promotion.Contender{Hold: time.Hour}, nil)
		f.must(err)
		scopes, err := ann.ledger.Scopes(f.Context())
		f.must(err)
		same(f, "the list", slices.DeleteFunc(scopes, func(s promotion.Scope) bool { return s.App != f.scope.App }),
			[]promotion.Scope{{App: f.scope.App, Environment: "dev"}, {App: f.scope.App, Environment: "prod"}})
		f.must(h.Release(f.Context(), true))
	}},
	{"names that would be other rows' keys are refused", func(f *fixture) {
		ann := f.party("ann")
		for _, s := range []promotion.Scope{{App: "shop"}, {App: "a/b", Environment: "prod"}, {App: "shop", Environment: "x#y"}} {
			_, err := ann.ledger.Read(f.Context(), s)
			f.wantFault(err, "cannot name rows", "")
			_, err = ann.ledger.History(f.Context(), s, promotion.Query{})
			f.wantFault(err, "cannot name rows", "")
			f.wantFault(ann.ledger.Intend(f.Context(), promotion.Grant{Lock: s.Lock()}, promotion.Head{}, intent("i", "checkout", 0, 1)), "cannot name rows", "")
		}
	}},
	{"an absent table is named, with the deed", func(f *fixture) {
		f.table = "elsewhere"
		ann := f.party("ann")
		_, err := ann.ledger.Read(f.Context(), f.scope)
		f.wantFault(err, "read what is recorded of "+f.scope.String()+`: there is no DynamoDB table "elsewhere"`, "promote setup")
		e := entry("checkout", 0, 1)
		_, err = ann.ledger.Record(f.Context(), promotion.Grant{Lock: f.scope.Lock(), Owner: "me", Fence: 1}, promotion.Head{}, promotion.Writing{Entry: &e})
		f.wantFault(err, "record the promotion in "+f.scope.String()+": there is no DynamoDB table", "promote setup")
		f.wantNotKinded(err)
	}},
	{"a permission that is missing is named, with the deed", func(f *fixture) {
		ann := f.party("ann")
		g, e := ann.seize(), entry("checkout", 0, 1)
		ann.wire.meet(func(int, string) fate { return denied })
		_, err := ann.ledger.Record(f.Context(), g, promotion.Head{}, promotion.Writing{Entry: &e})
		f.wantFault(err, "record the promotion in "+f.scope.String()+": role release-prod may not dynamodb:TransactWriteItems", "add to the role's policy")
		f.wantNotKinded(err)
		_, err = ann.ledger.Read(f.Context(), f.scope)
		f.wantFault(err, "role release-prod may not dynamodb:Query", "add to the role's policy")
		_, err = ann.ledger.Scopes(f.Context())
		f.wantFault(err, "role release-prod may not dynamodb:Scan", "add to the role's policy")
		if calls := ann.wire.sent(); len(calls) != 3 {
			f.Errorf("what is denied is asked again: %v", calls)
		}
	}},
	{"a small row can be read by a person", func(f *fixture) {
		ann := f.party("ann")
		ann.promote(ann.seize(), "checkout", 0, 3)
		if text := f.row("BOOK#HEAD").String("json"); !strings.Contains(text, `"checkout":{"name":"shop-checkout","alias":"live","version":3`) {
			f.Errorf("the head is %s", text)
		}
		row := f.row("HIST#000000000001")
		if text := row.String("json"); !strings.Contains(text, `"reason":"because <it> & \"that\""`) || row.String("at") != "2026-11-20T15:00:00.123456789Z" {
			f.Errorf("the entry is %s, at %s", text, row.String("at"))
		}
	}},
}

// wantNotKinded wants an error on which the story does not branch.
func (f *fixture) wantNotKinded(err error) {
	f.Helper()
	for _, kind := range []error{promotion.ErrNotHeld, promotion.ErrStale, promotion.ErrUnknownEffect, promotion.ErrNotFound, context.Canceled} {
		if errors.Is(err, kind) {
			f.Errorf("%v is taken for %v", err, kind)
		}
	}
}
