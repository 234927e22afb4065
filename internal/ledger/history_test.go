package ledger_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// chronicle records n promotions, an hour apart, of two functions in turn; every fifth entry is a rollback.
func chronicle(f *fixture, n int) {
	f.Helper()
	ann := f.party("ann")
	g := ann.seize()
	for i := 1; i <= n; i++ {
		e := entry([]string{"checkout", "payments"}[i%2], i-1, i)
		if i%5 == 0 {
			e.Kind = promotion.EntryRollback
		}
		from := promotion.Head{Number: uint64(i - 1)}
		if i > 1 {
			from.Fence = g.Fence
		}
		if _, err := ann.ledger.Record(f.Context(), g, from, promotion.Writing{Entry: &e}); err != nil {
			f.Fatal(err)
		}
	}
}

func numbers(entries []promotion.Entry) []uint64 {
	var list []uint64
	for _, e := range entries {
		list = append(list, e.Number)
	}
	return list
}

var historyCases = []ledgerCase{
	{"the history is read newest first, by what is asked", func(f *fixture) {
		chronicle(f, 12)
		at := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
		for _, c := range []struct {
			q    promotion.Query
			want []uint64
		}{
			{promotion.Query{}, []uint64{12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}},
			{promotion.Query{Limit: 2}, []uint64{12, 11}},
			{promotion.Query{Limit: 2, Before: 3}, []uint64{2, 1}},
			{promotion.Query{Before: 1}, nil},
			{promotion.Query{Before: 2}, []uint64{1}},
			{promotion.Query{Before: 1 << 60, Limit: 1}, []uint64{12}},
			{promotion.Query{Since: at(10), Until: at(11)}, []uint64{11, 10}},
			{promotion.Query{Kind: promotion.EntryRollback}, []uint64{10, 5}},
			{promotion.Query{Function: "payments", Limit: 3}, []uint64{11, 9, 7}},
			{promotion.Query{Function: "search"}, nil},
			{promotion.Query{Commit: commit(4)}, []uint64{4}},
			{promotion.Query{WithRelease: "r6"}, []uint64{6}},
		} {
			if got := numbers(f.history(c.q)); !reflect.DeepEqual(got, c.want) {
				f.Errorf("%+v: %v, want %v", c.q, got, c.want)
			}
		}
	}},
	{"no more of the history is read than is needed", func(f *fixture) {
		chronicle(f, 120)
		for _, c := range []struct {
			q     promotion.Query
			calls int
		}{
			{promotion.Query{Limit: 5}, 1},
			{promotion.Query{Limit: 1, Kind: promotion.EntryRollback}, 1},
			{promotion.Query{Limit: 1, Commit: commit(30)}, 2},
			{promotion.Query{Limit: 10, Since: noon.Add(100 * time.Hour)}, 1},
		} {
			ann := f.party("ann")
			if _, err := ann.ledger.History(f.Context(), f.scope, c.q); err != nil {
				f.Fatal(err)
			}
			if calls := ann.wire.sent(); len(calls) != c.calls {
				f.Errorf("%+v took %v", c.q, calls)
			}
		}
	}},
	{"clocks that are some hours apart hide nothing", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		for i, hours := range []int{10, -5, 11, -6} { // by the number
			e := entry("checkout", i, i+1)
			e.At = noon.Add(time.Duration(hours) * time.Hour)
			if _, err := ann.ledger.Record(f.Context(), g, f.book().Head, promotion.Writing{Entry: &e}); err != nil {
				f.Fatal(err)
			}
		}
		if got := numbers(f.history(promotion.Query{Since: noon})); !reflect.DeepEqual(got, []uint64{3, 1}) {
			f.Errorf("it finds %v", got)
		}
	}},
}

func TestHistoryOverManyPages(t *testing.T) {
	bubble(t, func(f *fixture) {
		const entries = 120 // of about 10 KB, of which DynamoDB gives 1 MB at a time
		ann := f.party("ann")
		g := ann.seize()
		e := entry("checkout", 1, 2)
		e.Reason = noise(10 << 10)
		from := promotion.Head{}
		for range entries {
			number, err := ann.ledger.Record(f.Context(), g, from, promotion.Writing{Entry: &e})
			f.must(err)
			from = promotion.Head{Number: number, Fence: g.Fence}
		}
		ann.wire.meet(nil)
		got, err := ann.ledger.History(f.Context(), f.scope, promotion.Query{})
		f.must(err)
		for i, e := range got {
			if e.Number != uint64(entries-i) {
				f.Fatalf("entry %d comes at place %d", e.Number, i)
			}
		}
		if calls := ann.wire.sent(); len(got) != entries || len(calls) != 2 {
			f.Errorf("%d entries by %v", len(got), calls)
		}
		ann.wire.meet(nil)
		scopes, err := ann.ledger.Scopes(f.Context())
		if calls := ann.wire.sent(); err != nil || len(scopes) != 1 || scopes[0] != f.scope || len(calls) != 2 {
			f.Errorf("it lists %v by %v, %v", scopes, calls, err)
		}
	})
}
