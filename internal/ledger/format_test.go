package ledger_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/ledger"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

var (
	older  = table.Format{Number: 2, Reader: "v1.4.0"}
	newer  = table.Format{Number: 3, Reader: "v1.9.0"}
	newest = table.Format{Number: 4, Reader: "v2.0.0"}
)

const useNewer = "use promote v1.9.0 or newer in every workflow"

var formatCases = []ledgerCase{
	{"what the older format wrote is read and carried on by the newer", func(f *fixture) {
		ann, ben := f.partyOf("ann", older), f.partyOf("ben", newer)
		g := ann.seize()
		i := intent("i1", "checkout", 0, 1)
		f.must(ann.ledger.Deposit(f.Context(), f.release(1)))
		f.must(ann.ledger.Intend(f.Context(), g, promotion.Head{}, i))
		b, err := ben.ledger.Read(f.Context(), f.scope)
		f.must(err)
		same(f, "the intent", b.Open, &i)
		_, err = ben.ledger.Record(f.Context(), ben.seize(), b.Head, promotion.Writing{Next: i.Next, Entry: &i.Entry, Close: "i1"})
		f.must(err)
		entries, err := ben.ledger.History(f.Context(), f.scope, promotion.Query{})
		f.must(err)
		releases, err := ben.ledger.Releases(f.Context(), f.scope, promotion.ReleaseQuery{RunID: f.release(1).RunID})
		f.must(err)
		if len(entries) != 1 || len(releases) != 1 {
			f.Errorf("%d entries, %d releases", len(entries), len(releases))
		}
		f.must(ben.ledger.Conclude(f.Context(), f.scope, "r1", promotion.ReleasePromoted, ""))
	}},
	{"what the newer format wrote is refused by the older, which names the release to use and writes over nothing", func(f *fixture) {
		ann, ben := f.partyOf("ann", older), f.partyOf("ben", newer)
		seen, err := ann.ledger.Read(f.Context(), f.scope)
		f.must(err)
		g, i := ben.seize(), intent("i1", "checkout", 0, 1)
		f.must(ben.ledger.Deposit(f.Context(), f.release(1)))
		_, err = ben.ledger.Record(f.Context(), g, seen.Head, promotion.Writing{Next: i.Next, Entry: &i.Entry})
		f.must(err)

		_, err = ann.ledger.Read(f.Context(), f.scope)
		f.wantFault(err, "the head of "+f.scope.String()+" was written by a newer promote, in row format 3; this one reads formats up to 2", useNewer)
		_, err = ann.ledger.History(f.Context(), f.scope, promotion.Query{})
		f.wantFault(err, "entry 1 of the history of "+f.scope.String()+" was written by a newer promote", useNewer)
		_, err = ann.ledger.Releases(f.Context(), f.scope, promotion.ReleaseQuery{})
		f.wantFault(err, "release r1 of "+f.scope.String()+" was written by a newer promote", useNewer)
		f.wantFault(ann.ledger.Conclude(f.Context(), f.scope, "r1", promotion.ReleaseVoid, ""), "was written by a newer promote", useNewer)
		mine := ann.seize()
		err = ann.ledger.Intend(f.Context(), mine, seen.Head, i)
		f.want(err, promotion.ErrStale)
		f.wantFault(err, "was written by a newer promote", useNewer)
		_, err = ann.ledger.Record(f.Context(), mine, seen.Head, promotion.Writing{Entry: &i.Entry})
		f.wantFault(err, "was written by a newer promote", useNewer)

		b, err := ben.ledger.Read(f.Context(), f.scope)
		f.must(err)
		same(f, "the head", b.Head, promotion.Head{Number: 1, Fence: g.Fence, Functions: i.Next})
	}},
	{"the two can take turns until the newer has written", func(f *fixture) {
		ann, ben := f.partyOf("ann", older), f.partyOf("ben", newer)
		for n, p := range []*party{ann, ann, ben, ben} {
			b, err := p.ledger.Read(f.Context(), f.scope)
			f.must(err)
			e := entry("checkout", n, n+1)
			_, err = p.ledger.Record(f.Context(), p.seize(), b.Head, promotion.Writing{Entry: &e})
			f.must(err)
		}
		entries, err := ben.ledger.History(f.Context(), f.scope, promotion.Query{})
		if err != nil || len(entries) != 4 {
			f.Errorf("%d entries, %v", len(entries), err)
		}
	}},
	{"a format that is too old is refused", func(f *fixture) {
		ann, ben := f.partyOf("ann", older), f.partyOf("ben", newest)
		e := entry("checkout", 0, 1)
		_, err := ann.ledger.Record(f.Context(), ann.seize(), promotion.Head{}, promotion.Writing{Entry: &e})
		f.must(err)
		_, err = ben.ledger.Read(f.Context(), f.scope)
		f.wantFault(err, "is in row format 2; this promote reads 3 and 4", "knows both formats")
	}},
	{"a row that somebody has changed by hand is a fault", func(f *fixture) {
		for name, damage := range map[string]func(table.Item){
			"no JSON":       func(r table.Item) { r["json"] = table.S("{") },
			"two documents": func(r table.Item) { r["json"] = table.S("{}{}") },
			"a field that is not known": func(r table.Item) {
				r["json"] = table.S(`{"kind":"promotion","colour":"red"}`)
			},
			"no duration": func(r table.Item) {
				r["json"] = table.S(`{"kind":"promotion","proofs":[{"check":"a","verdict":"pass","took":"long"}]}`)
			},
			"nothing":          func(r table.Item) { delete(r, "json") },
			"not gzip":         func(r table.Item) { r["gzip"] = table.B([]byte("plain")) },
			"another number":   func(r table.Item) { r["number"] = table.N(70) },
			"a number as text": func(r table.Item) { r["number"] = table.S("1") },
		} {
			ann := f.party("ann")
			e := entry("checkout", 0, 1)
			number, err := ann.ledger.Record(f.Context(), ann.seize(), f.book().Head, promotion.Writing{Entry: &e})
			f.must(err)
			row := prefixed(f.rows("HIST#"), "HIST#")[number-1]
			good := table.Item{}
			for k, v := range row {
				good[k] = v
			}
			damage(row)
			f.must(f.raw().Put(f.Context(), row))
			_, err = ann.ledger.History(f.Context(), f.scope, promotion.Query{Limit: 1})
			var fault promotion.Fault
			if !errors.As(err, &fault) || fault.Hint == "" {
				f.Errorf("%s: %v", name, err)
			}
			f.must(f.raw().Put(f.Context(), good))
		}
	}},
}

// FuzzRows: whatever rows hold, reading them gives a value or a fault.
func FuzzRows(f *testing.F) {
	f.Add(`{"functions":{"a":{"name":"a","alias":"live","version":1,"digest":"d"}}}`, []byte(nil), uint64(1), uint64(1), "", "w", "w")
	f.Add(`{"alias":"live","entry":{"kind":"promotion","at":"2026-11-20T12:00:00Z","proofs":[{"check":"c","verdict":"pass","took":"1s"}]},"next":{}}`, []byte(nil), uint64(1), uint64(3), "i", "w", "w")
	f.Add("", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xaa\xae\x05\x04\x00\x00\xff\xff\x43\xbf\xa6\xa3\x02\x00\x00\x00"), uint64(2), uint64(2), "", "w", "v")
	s := promotion.Scope{App: "shop", Environment: "prod"}
	l := ledger.New(table.New(nil, "promote", table.Format{Number: 1, Reader: "v1.0.0"}))
	f.Fuzz(func(t *testing.T, text string, packed []byte, parts, number uint64, open, mark, other string) {
		row := func(sort, mark string, more table.Item) table.Item {
			r := table.Format{Number: 1, Reader: "v1.0.0"}.Stamp(table.Item{"pk": table.S("shop/prod"), "sk": table.S(sort), "write": table.S(mark), "number": table.N(number)})
			if text != "" {
				r["json"] = table.S(text)
			}
			if packed != nil {
				r["gzip"], r["parts"] = table.B(packed), table.N(parts)
			}
			for k, v := range more {
				r[k] = v
			}
			return r
		}
		for _, sort := range []string{"HIST#000000000001", "REL#r1"} {
			rows := []table.Item{row(sort, mark, nil), row(sort+"#001", other, nil)}
			_, err := l.Entry(s, rows)
			judge(t, err)
			_, err = l.Release(s, rows)
			judge(t, err)
		}
		var id types.AttributeValue = table.S(open)
		b, err := l.Book(s, []table.Item{
			row("BOOK#HEAD", mark, table.Item{"open": id}), row("BOOK#HEAD#001", other, nil), row("BOOK#INTENT", mark, table.Item{"id": id}), row("BOOK#INTENT#001", other, nil),
		})
		judge(t, err)
		if err == nil && (b.Open != nil) != (open != "") {
			t.Errorf("intent %q is %+v", open, b.Open)
		}
	})
}

func judge(t *testing.T, err error) {
	t.Helper()
	var fault promotion.Fault
	if err != nil && !errors.As(err, &fault) && !errors.Is(err, ledger.ErrTorn) {
		t.Errorf("the error is %v, and no fault", err)
	}
}
