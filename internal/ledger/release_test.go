package ledger_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

func (f *fixture) release(n int) promotion.Release {
	return promotion.Release{
		ID: fmt.Sprintf("r%d", n), Scope: f.scope, Alias: "live", Source: promotion.Source{Repository: "42", Commit: commit(n)}, Repository: "octo-org/shop",
		Ref: "refs/heads/main", RunID: fmt.Sprint(1000 + n/2), Attempt: fmt.Sprint(1 + n%2), RunURL: "https://github.com/octo-org/shop/actions/runs/1",
		Actor: "octocat", At: noon.Add(time.Duration(n) * time.Hour), State: promotion.ReleaseReady,
		Functions: []promotion.ReleasedFunction{{
			Function: "checkout", Name: "shop-checkout", Version: promotion.Version(n), Digest: "digest", Changed: true, Base: 1, Latest: "revision",
			LatestDigest: "latest", Provenance: "uploaded",
		}},
		Owner: "0123456789abcdef", HeldUntil: noon.Add(time.Hour),
	}
}

func ids(releases []promotion.Release) []string {
	var list []string
	for _, r := range releases {
		list = append(list, r.ID)
	}
	return list
}

var releaseCases = []ledgerCase{
	{"a release is found as it was left, by whoever looks for it", func(f *fixture) {
		ann, ben := f.party("ann"), f.party("ben")
		for n := range 5 {
			f.must(ann.ledger.Deposit(f.Context(), f.release(n+1)))
		}
		for _, c := range []struct {
			q     promotion.ReleaseQuery
			want  []string
			calls int
		}{
			{promotion.ReleaseQuery{}, []string{"r5", "r4", "r3", "r2", "r1"}, 1},
			{promotion.ReleaseQuery{Limit: 2}, []string{"r5", "r4"}, 1},
			{promotion.ReleaseQuery{ID: "r3"}, []string{"r3"}, 1},
			{promotion.ReleaseQuery{ID: "r"}, nil, 1},
			{promotion.ReleaseQuery{RunID: "1001"}, []string{"r3", "r2"}, 3},
			{promotion.ReleaseQuery{RunID: "100"}, nil, 1},
			{promotion.ReleaseQuery{RunID: "1001", ID: "r5"}, nil, 1},
		} {
			ben.wire.meet(nil)
			got, err := ben.ledger.Releases(f.Context(), f.scope, c.q)
			f.must(err)
			if calls := ben.wire.sent(); !reflect.DeepEqual(ids(got), c.want) || len(calls) != c.calls {
				f.Errorf("%+v: %v by %v, want %v", c.q, ids(got), calls, c.want)
			}
		}
		got, err := ben.ledger.Releases(f.Context(), f.scope, promotion.ReleaseQuery{ID: "r4"})
		f.must(err)
		same(f, "the release", got, []promotion.Release{f.release(4)})
	}},
	{"a release without run and owner is kept too", func(f *fixture) {
		r := f.release(1)
		r.RunID, r.Owner, r.HeldUntil, r.Functions = "", "", time.Time{}, nil
		ann := f.party("ann")
		f.must(ann.ledger.Deposit(f.Context(), r))
		got, err := ann.ledger.Releases(f.Context(), f.scope, promotion.ReleaseQuery{})
		f.must(err)
		same(f, "the release", got, []promotion.Release{r})
	}},
	{"what was promoted or void stays so", func(f *fixture) {
		ann := f.party("ann")
		f.must(ann.ledger.Deposit(f.Context(), f.release(1)))
		f.must(ann.ledger.Conclude(f.Context(), f.scope, "r1", promotion.ReleaseVoid, "the job failed"))
		f.must(ann.ledger.Conclude(f.Context(), f.scope, "r1", promotion.ReleasePromoted, "later"))
		got, err := ann.ledger.Releases(f.Context(), f.scope, promotion.ReleaseQuery{ID: "r1"})
		f.must(err)
		want := f.release(1)
		want.State, want.Why = promotion.ReleaseVoid, "the job failed"
		same(f, "the release", got, []promotion.Release{want})
		if got, err := ann.ledger.Releases(f.Context(), f.scope, promotion.ReleaseQuery{State: promotion.ReleaseReady}); err != nil || len(got) != 0 {
			f.Errorf("ready are %v, %v", ids(got), err)
		}
		f.want(ann.ledger.Conclude(f.Context(), f.scope, "r2", promotion.ReleaseVoid, ""), promotion.ErrNotFound)
	}},
	{"no release takes the place of another one", func(f *fixture) {
		ann := f.party("ann")
		f.must(ann.ledger.Deposit(f.Context(), f.release(1)))
		other := f.release(1)
		other.Actor = "mallory"
		err := ann.ledger.Deposit(f.Context(), other)
		if !errors.Is(err, promotion.ErrExists) || strings.Contains(err.Error(), other.Owner.Reveal()) {
			f.Errorf("the error is %v", err)
		}
		got, err := ann.ledger.Releases(f.Context(), f.scope, promotion.ReleaseQuery{})
		f.must(err)
		same(f, "the release", got, []promotion.Release{f.release(1)})
		f.wantFault(ann.ledger.Deposit(f.Context(), promotion.Release{Scope: f.scope}), "it has no id", "")
		f.wantFault(ann.ledger.Deposit(f.Context(), promotion.Release{Scope: f.scope, ID: "a#001"}), "cannot name rows", "")
	}},
	{"only releases end by themselves, after 90 days", func(f *fixture) {
		ann := f.party("ann")
		g := ann.seize()
		ann.promote(g, "checkout", 0, 3)
		f.must(ann.ledger.Intend(f.Context(), g, f.book().Head, intent("i4", "checkout", 3, 4)))
		f.must(ann.ledger.Deposit(f.Context(), f.release(1)))
		for _, row := range f.rows("LOCK", "BOOK#", "HIST#", "REL#", "RUN#") {
			sort := row.String("sk")
			ends, is := row.Uint("expires"), strings.HasPrefix(sort, "REL#") || strings.HasPrefix(sort, "RUN#")
			if is != row.Has("expires") {
				f.Errorf("%s ends at %d", sort, ends)
			}
			if in := time.Until(time.Unix(int64(ends), 0)); is && (in < 89*24*time.Hour || in > 91*24*time.Hour) {
				f.Errorf("%s ends in %s", sort, in)
			}
		}
	}},
}
