package ledger_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// many is a promotion of so many functions, with names, digests and revisions as long as they can be, none like another.
// release is the name of a function's release.
func many(n, round int, release func() string) promotion.Intent {
	digest := func(i, round int) promotion.Digest {
		sum := sha256.Sum256(fmt.Append(nil, i, round))
		return promotion.Digest(base64.StdEncoding.EncodeToString(sum[:]))
	}
	hash := func(i, round int) string {
		sum := sha256.Sum256(fmt.Append(nil, i, round, "hash"))
		return fmt.Sprintf("%x", sum[:20])
	}
	source := promotion.Source{Repository: "123456789", Commit: hash(0, round)}
	i := promotion.Intent{ID: fmt.Sprintf("intent-%d", round), Fence: 1, Alias: "live", Next: map[string]promotion.Record{}}
	i.Entry = entry("checkout", round, round+1)
	i.Entry.Source, i.Entry.Moves, i.Entry.Proofs = source, nil, nil
	for k := range n {
		key := fmt.Sprintf("function-%04d", k)
		name := fmt.Sprintf("%-64s", "shop-production-"+key)
		name = strings.ReplaceAll(name, " ", "x")
		to := promotion.Version(round + k)
		i.Entry.Moves = append(i.Entry.Moves, promotion.Recording{
			Function: key, Name: name, From: to - 1, To: to, Revision: promotion.Revision(hash(k, round)[:36]), FromDigest: digest(k, round-1), Digest: digest(k, round),
			FromSource: promotion.Source{Repository: "123456789", Commit: hash(k%40, round-1)}, Fate: promotion.FateMoved,
		})
		i.Entry.Proofs = append(i.Entry.Proofs, promotion.Proof{Check: "invoke " + key, Function: key, Version: to, Verdict: promotion.Pass, Took: 123456789})
		i.Next[key] = promotion.Record{
			Name: name, Alias: "live", Version: to, Digest: digest(k, round), Source: source, Release: release(), Entry: uint64(round),
			Floor: promotion.Source{Repository: "123456789", Commit: hash(k%40, round-2)},
		}
	}
	return i
}

// weigh is how many bytes of documents the rows hold, and how many rows.
func weigh(rows []table.Item) (bytes, n int) {
	for _, row := range rows {
		bytes += len(row.String("json")) + len(row.Bytes("gzip"))
	}
	return bytes, len(rows)
}

// carryMany records two promotions of n functions and returns the rows after the second intent.
func carryMany(f *fixture, n int, release func() string) []table.Item {
	f.Helper()
	ann := f.party("ann")
	g := ann.seize()
	first, second := many(n, 1, release), many(n, 2, release)
	f.must(ann.ledger.Intend(f.Context(), g, promotion.Head{}, first))
	_, err := ann.ledger.Record(f.Context(), g, promotion.Head{}, promotion.Writing{Next: first.Next, Entry: &first.Entry, Close: first.ID})
	f.must(err)
	head := f.book().Head
	same(f, "the head", len(head.Functions), n)
	f.must(ann.ledger.Intend(f.Context(), g, head, second))
	b := f.book()
	if !reflect.DeepEqual(*b.Open, second) || !reflect.DeepEqual(b.Head.Functions, first.Next) {
		f.Error("the book is not what was written")
	}
	rows := f.rows("LOCK", "BOOK#", "HIST#", "REL#", "RUN#")
	ann.wire.meet(nil)
	_, err = ann.ledger.Record(f.Context(), g, head, promotion.Writing{Next: second.Next, Entry: &second.Entry, Close: second.ID})
	f.must(err)
	if calls := ann.wire.sent(); len(calls) != 1 {
		f.Errorf("it took %v", calls)
	}
	if b := f.book(); b.Open != nil || !reflect.DeepEqual(b.Head.Functions, second.Next) {
		f.Error("the head is not what was written")
	}
	first.Entry.Number, second.Entry.Number = 1, 2
	if got := f.history(promotion.Query{Limit: 2}); !reflect.DeepEqual(got, []promotion.Entry{second.Entry, first.Entry}) {
		f.Error("the history is not what was written")
	}
	return rows
}

// prefixed are the rows of one thing.
func prefixed(rows []table.Item, prefix string) (these []table.Item) {
	for _, row := range rows {
		if strings.HasPrefix(row.String("sk"), prefix) {
			these = append(these, row)
		}
	}
	return these
}

var sizeCases = []ledgerCase{
	{"a thousand functions are recorded whole", func(f *fixture) {
		rows := carryMany(f, 1000, func() string { return "20261120T120000Z-1a2b3c4d5e6f" })
		for _, what := range []string{"BOOK#HEAD", "BOOK#INTENT", "HIST#"} {
			bytes, n := weigh(prefixed(rows, what))
			f.Logf("1000 functions: %-11s %6d bytes in %d row(s)", what, bytes, n)
			if n != 1 {
				f.Errorf("%s takes %d rows", what, n)
			}
		}
	}},
	{"what one row cannot hold is continued in others", func(f *fixture) {
		rows := carryMany(f, 400, func() string { return noise(1200) })
		for _, what := range []string{"BOOK#HEAD", "BOOK#INTENT"} {
			bytes, n := weigh(prefixed(rows, what))
			f.Logf("%s: %d bytes in %d rows", what, bytes, n)
			if n < 2 {
				f.Errorf("%s takes %d rows", what, n)
			}
		}
		// What the intent took beyond one row is left, and disturbs nobody.
		ann := f.party("ann")
		ann.promote(ann.seize(), "checkout", 0, 9)
		if b := f.book(); b.Open != nil || len(b.Head.Functions) != 401 {
			f.Errorf("%d functions, open is %v", len(b.Head.Functions), b.Open)
		}
	}},
	{"a part that is missing, or another write's, is noticed", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		e := entry("checkout", 0, 1)
		e.Reason = noise(500 << 10)
		_, err := ann.ledger.Record(f.Context(), g, promotion.Head{}, promotion.Writing{Entry: &e})
		f.must(err)
		part := f.row("HIST#000000000001#001")
		for _, break_ := range []func(){
			func() { part["write"] = table.S("another"); f.must(f.raw().Put(f.Context(), part)) },
			func() { f.must(f.raw().Delete(f.Context(), f.key("HIST#000000000001#001"))) },
		} {
			break_()
			_, err := ann.ledger.History(f.Context(), f.scope, promotion.Query{})
			f.wantFault(err, "read the history of "+f.scope.String()+": parts of it are missing", "restore all of the table")
		}
	}},
	{"a long release is continued in other rows", func(f *fixture) {
		ann := f.party("ann")
		r := f.release(4)
		r.Actor = noise(500 << 10)
		f.must(ann.ledger.Deposit(f.Context(), r))
		f.must(ann.ledger.Deposit(f.Context(), f.release(5)))
		for _, q := range []promotion.ReleaseQuery{{ID: "r4"}, {RunID: r.RunID}, {}} {
			got, err := ann.ledger.Releases(f.Context(), f.scope, q)
			f.must(err)
			if last := got[len(got)-1]; !reflect.DeepEqual(last, r) {
				f.Errorf("%+v finds %v", q, ids(got))
			}
		}
	}},
	{"what no transaction can hold is refused before anything is sent", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		e := entry("checkout", 0, 1)
		e.Reason = noise(5700 << 10)
		_, err := ann.ledger.Record(f.Context(), g, promotion.Head{}, promotion.Writing{Entry: &e})
		f.wantFault(err, "record the promotion in "+f.scope.String()+": it takes 5 MB, and DynamoDB writes at most 4 MB at once", "several apps")
		if calls := ann.wire.sent(); len(calls) != 0 {
			f.Errorf("it sent %v", calls)
		}
	}},
}

// noise is a text of so many bytes that cannot be compressed to less than three quarters.
func noise(n int) string {
	b := make([]byte, n*3/4)
	_, _ = rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}
