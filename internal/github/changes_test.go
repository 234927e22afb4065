package github_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
	hub "github.com/promote-on-success/promote/internal/sandbox/github"
)

// grown is a world whose main goes on from c3: d1 a squash of #10, d2 pushed by hand, d3 a merge of #11 with e1 and e2,
// d4 by a bot through #12, d5 pushed by hand by somebody without an account.
//
//	c3 -- d1 -- d2 -- d3 -- d4 -- d5   main
//	        \        /
//	         e1 -- e2
func grown(t *testing.T, w world) {
	t.Helper()
	add := func(name, author, message string, files []string, parents ...string) {
		one := hub.Commit{SHA: c(name), Message: message, Author: author, AuthorName: "git " + author, Branch: "main"}
		if strings.HasPrefix(name, "e") {
			one.Branch = "two"
		}
		for _, p := range parents {
			one.Parents = append(one.Parents, c(p))
		}
		for _, f := range files {
			one.Files = append(one.Files, hub.File{Path: f})
		}
		_, err := w.AddCommit(repository, one)
		must(t, err)
	}
	add("d1", "ada", "One thing (#10)\n\nwith a body", []string{"services/checkout/main.go"}, "c3")
	add("e1", "bob", "work", []string{"services/payments/a.go"}, "d1")
	add("d2", "eve", "By hand", []string{"docs/read.md"}, "d1")
	add("e2", "bob", "more work", []string{"services/payments/b.go"}, "e1")
	add("d3", "ada", "Merge pull request #11 from acme/two\n\nTwo things", nil, "d2", "e2")
	add("d4", "dependabot[bot]", "Bump it (#12)", []string{"go.mod"}, "d3")
	add("d5", "-", "By a stranger", []string{"services/checkout/x/y.go"}, "d4")
	must(t, w.PutIssue(repository, hub.Issue{Number: 3, Title: "it is broken", Closed: true}))
	for _, p := range []hub.PullRequest{
		{Number: 10, Title: "One thing", Author: "ada", MergeCommit: c("d1"), HeadSHA: c("d1"), Commits: []string{c("d1")}, Labels: []hub.Label{{Name: "feature"}}},
		{Number: 11, Title: "Two things", Author: "bob", MergeCommit: c("d3"), HeadSHA: c("e2"), Closes: []int{3}},
		{Number: 12, Title: "Bump it", Author: "dependabot[bot]", MergeCommit: c("d4"), HeadSHA: c("d4"), Commits: []string{c("d4")}},
	} {
		p.Merged, p.Head = true, fmt.Sprint("topic", p.Number)
		must(t, w.PutPull(repository, p))
	}
	must(t, w.PutPull(repository, hub.PullRequest{Number: 13, Title: "Open", Author: "eve", Head: "open", HeadSHA: c("e1"), Commits: []string{c("e1")}}))
	w.ClearCalls()
}

// told is what there is to read of changes, a line each.
func told(found github.Changes) string {
	var b strings.Builder
	for _, one := range found.Commits {
		fmt.Fprintf(&b, "%s by %s", one.Title, one.Author)
		if one.PullRequest != 0 {
			fmt.Fprintf(&b, " in #%d", one.PullRequest)
		}
		b.WriteString("\n")
	}
	for _, p := range found.PullRequests {
		fmt.Fprintf(&b, "#%d %s by %s %v", p.Number, p.Title, p.Author, p.Labels)
		for _, i := range p.Closes {
			fmt.Fprintf(&b, " closes #%d %s", i.Number, i.Title)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestChanges(t *testing.T) {
	all := `One thing (#10) by ada in #10
work by bob in #11
By hand by eve
more work by bob in #11
Merge pull request #11 from acme/two by ada in #11
Bump it (#12) by dependabot[bot] in #12
By a stranger by 
#10 One thing by ada [feature]
#11 Two things by bob [] closes #3 it is broken
#12 Bump it by dependabot[bot] []
`
	for name, tt := range map[string]struct {
		base, head string
		paths      []string
		want       string
		calls      int
	}{
		"commits and their pull requests":  {"c3", "d5", nil, all, 3},
		"one commit":                       {"d3", "d4", nil, "Bump it (#12) by dependabot[bot] in #12\n#12 Bump it by dependabot[bot] []\n", 3},
		"commits without any":              {"d4", "d5", nil, "By a stranger by \n", 2},
		"nothing, of the same commit":      {"d5", "d5", nil, "", 0},
		"nothing, of an older one":         {"d5", "c3", nil, "", 1},
		"nothing, where nothing is common": {"root", "d5", nil, "", 1},
		"of one folder":                    {"c3", "d5", []string{"services/checkout/"}, "One thing (#10) by ada in #10\nBy a stranger by \n#10 One thing by ada [feature]\n", 4},
		"of a file and a folder":           {"c3", "d5", []string{"go.mod", "docs"}, "By hand by eve\nBump it (#12) by dependabot[bot] in #12\n#12 Bump it by dependabot[bot] []\n", 4},
		"of a pattern": {"c3", "d5", []string{"services/*/b.go"}, `work by bob in #11
more work by bob in #11
Merge pull request #11 from acme/two by ada in #11
By a stranger by ` + "\n#11 Two things by bob [] closes #3 it is broken\n", 4},
		"of every path":                {"c3", "d5", []string{"docs", "./"}, all, 3},
		"of a folder that has nothing": {"c3", "d5", []string{"service"}, "", 4},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, w world) {
				grown(t, w)
				found, err := w.open(t, nil).Changes(t.Context(), c(tt.base), c(tt.head), github.ChangesOptions{Paths: tt.paths})
				must(t, err)
				if got := told(found); got != tt.want || found.ByTitle != nil || found.Truncated {
					t.Errorf("got\n%swant\n%s%v", got, tt.want, found.ByTitle)
				}
				if n := len(w.Calls()); n != tt.calls {
					t.Errorf("%d calls, want %d: %v", n, tt.calls, w.Calls())
				}
				if len(found.Commits) > 0 && !strings.HasSuffix(found.URL, "/acme/shop/compare/"+c(tt.base)+"..."+c(tt.head)) {
					t.Errorf("address %s", found.URL)
				}
			})
		})
	}
	t.Run("without the permission for issues, there are none", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			grown(t, w)
			must(t, w.AddToken(hub.Token{Value: "ghs_noissues", Permissions: map[string]string{"contents": "read", "pull-requests": "read"}, Repositories: []string{repository}}))
			found, err := w.open(t, nil, "GITHUB_TOKEN", "ghs_noissues").Changes(t.Context(), c("c3"), c("d5"), github.ChangesOptions{})
			must(t, err)
			if got, want := told(found), strings.Replace(all, " closes #3 it is broken", "", 1); got != want || found.ByTitle != nil {
				t.Errorf("got\n%s%v", got, found.ByTitle)
			}
		})
	})
	byTitle := `One thing (#10) by ada in #10
work by bob
By hand by eve
more work by bob
Merge pull request #11 from acme/two by ada in #11
Bump it (#12) by dependabot[bot] in #12
By a stranger by 
#10 One thing by ada []
#11 Two things by  []
#12 Bump it by dependabot[bot] []
`
	t.Run("without the permission for pull requests, titles have to do", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			grown(t, w)
			must(t, w.AddToken(hub.Token{Value: "ghs_nopulls", Permissions: map[string]string{"contents": "read"}, Repositories: []string{repository}}))
			found, err := w.open(t, nil, "GITHUB_TOKEN", "ghs_nopulls").Changes(t.Context(), c("c3"), c("d5"), github.ChangesOptions{})
			must(t, err)
			if got := told(found); got != byTitle {
				t.Errorf("got\n%s", got)
			}
			w.tells(t, found.ByTitle, "find the pull requests from "+c("c3")[:7]+" to "+c("d5")[:7]+" in acme/shop: the token may not do this", "pull-requests: read")
			if p := found.PullRequests[0]; !strings.HasSuffix(p.URL, "/acme/shop/pull/10") || strings.Contains(p.URL, "/api/") {
				t.Errorf("address %s", p.URL)
			}
		})
	})
	t.Run("of a server that is too old for the query, titles have to do", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			grown(t, w)
			client := w.open(t, func(o *github.Options) {
				o.HTTPClient = &http.Client{Transport: older{w.client.Transport}}
			})
			found, err := client.Changes(t.Context(), c("c3"), c("d5"), github.ChangesOptions{})
			must(t, err)
			if got := told(found); got != byTitle {
				t.Errorf("got\n%s", got)
			}
			w.tells(t, found.ByTitle, "this GitHub does not know what was asked for", "Enterprise Server")
		})
	})
	t.Run("that cannot be had are told", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			client := w.open(t, nil)
			_, err := client.Changes(t.Context(), c("gone"), c("c3"), github.ChangesOptions{})
			w.tells(t, err, "find what changed from "+c("gone")[:7]+" to "+c("c3")[:7]+" in acme/shop: GitHub has no such thing", "force-push")
			_, err = client.Changes(t.Context(), "main", c("c3"), github.ChangesOptions{})
			w.tells(t, err, "no commit", "")
		})
	})
}

// older is a server without the field that leads from commits to pull requests.
type older struct{ next http.RoundTripper }

func (o older) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(strings.NewReader(strings.ReplaceAll(string(body), "associatedPullRequests", "associatedPullRequestsOfLater")))
	}
	return o.next.RoundTrip(r)
}

// long is a main with n commits after c3, of which each of the first pulls is a pull request of its own.
func long(t *testing.T, w world, n, pulls int) (head string) {
	t.Helper()
	for i := range n {
		name := fmt.Sprint("n", i)
		folder := []string{"services/checkout", "services/payments"}[i%2]
		_, err := w.AddCommit(repository, hub.Commit{SHA: c(name), Message: fmt.Sprintf("Change %d (#%d)", i, 1000+i), Author: "ada", Branch: "main",
			Files: []hub.File{{Path: fmt.Sprintf("%s/f%d.go", folder, i)}}})
		must(t, err)
		if i >= n-pulls {
			must(t, w.PutPull(repository, hub.PullRequest{Number: 1000 + i, Title: fmt.Sprint("Change ", i), Author: "ada", Head: "x", HeadSHA: c(name),
				Merged: true, MergeCommit: c(name), Commits: []string{c(name)}}))
		}
		head = c(name)
	}
	w.ClearCalls()
	return head
}

func TestManyChanges(t *testing.T) {
	for name, tt := range map[string]struct {
		commits, pulls         int
		paths                  []string
		wantCommits, wantPulls int
		truncated              bool
		most                   int
	}{
		"250 commits and 200 pull requests": {250, 200, nil, 250, 200, false, 10},
		"a pull request for each":           {250, 250, nil, 250, 250, false, 11},
		"by paths":                          {250, 200, []string{"services/checkout"}, 125, 100, false, 12},
		"more than that, the newest":        {300, 200, nil, 250, 200, true, 10},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, w world) {
				head := long(t, w, tt.commits, tt.pulls)
				found, err := w.open(t, nil).Changes(t.Context(), c("c3"), head, github.ChangesOptions{Paths: tt.paths})
				must(t, err)
				if len(found.Commits) != tt.wantCommits || len(found.PullRequests) != tt.wantPulls || found.Truncated != tt.truncated || found.Total != tt.commits || found.ByTitle != nil {
					t.Errorf("%d commits, %d pull requests, truncated %v of %d, %v", len(found.Commits), len(found.PullRequests), found.Truncated, found.Total, found.ByTitle)
				}
				newest := func(one github.Commit) bool { return one.SHA == head || tt.paths != nil }
				if !slices.ContainsFunc(found.Commits, newest) || found.Relation != promotion.Ahead {
					t.Error("the newest is missing")
				}
				if n := len(w.Calls()); n > tt.most {
					t.Errorf("%d calls, more than %d", n, tt.most)
				}
			})
		})
	}
}

func TestPullRequests(t *testing.T) {
	timeless(t, func(t *testing.T, w world) {
		grown(t, w)
		proposed(t, w)
		must(t, w.PutPull(repository, hub.PullRequest{Number: 14, Title: "Fork", Author: "eve", Head: "topic", HeadOwner: "eve", HeadSHA: c("t1"), MergeCommit: c("c3")}))
		client := w.open(t, nil)
		for name, tt := range map[string]struct {
			commit string
			want   []int
		}{
			"a squash":                   {c("d1"), []int{10}},
			"a merge":                    {c("d3"), []int{11}},
			"the head of open ones":      {c("t1"), []int{7, 14}},
			"one in the middle of one":   {c("e1"), nil},
			"one that is of none":        {c("d2"), nil},
			"the trial merge of another": {c("c3"), nil},
		} {
			found, err := client.PullRequestsOf(t.Context(), tt.commit)
			must(t, err)
			var got []int
			for _, p := range found {
				got = append(got, p.Number)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: got %v, want %v", name, got, tt.want)
			}
		}
		p, err := client.PullRequest(t.Context(), 14)
		must(t, err)
		if !p.Open || !p.Fork || p.Merged || p.Head != c("t1") || p.Base != "main" || p.MergeCommit != "" || p.Author != "eve" || !strings.HasSuffix(p.URL, "/pull/14") {
			t.Errorf("got %+v", p)
		}
		if p, err = client.PullRequest(t.Context(), 10); err != nil || p.Open || p.Fork || !p.Merged || p.MergeCommit != c("d1") || !slices.Equal(p.Labels, []string{"feature"}) {
			t.Errorf("got %+v, %v", p, err)
		}
		_, err = client.PullRequest(t.Context(), 99)
		w.tells(t, err, "read pull request #99 of acme/shop: GitHub has no such thing", "pull-requests: read")
		_, err = client.PullRequest(t.Context(), 0)
		w.tells(t, err, "there is none of that number", "")
		_, err = client.PullRequestsOf(t.Context(), "../1")
		w.tells(t, err, "no commit", "")
	})
}
