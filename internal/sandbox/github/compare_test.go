package github_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

func TestCompareFollowsAncestry(t *testing.T) {
	_, base := newHub(t)
	gh := client(t, base, jobToken)
	for _, c := range []struct {
		name, base, head, status, fork string
		ahead, behind                  int
	}{
		{"a descendant is ahead", sha("c2"), "main", "ahead", "c2", 6, 0},
		{"an ancestor is behind", "main", "v1.0.0", "behind", "c2", 0, 6},
		{"the same commit by another name is identical", "refs/heads/main", sha("c6"), "identical", "c6", 0, 0},
		{"a sibling has diverged", "main", "open/one", "diverged", "t1", 1, 5},
		{"one commit behind has diverged all the same", sha("c3"), "topic", "diverged", "c2", 2, 1},
		{"a merged branch is behind", "main", "topic", "behind", "t2", 0, 4},
		{"an abbreviated commit is found", sha("c1")[:8], sha("c2")[:8], "ahead", "c1", 1, 0},
		{"the owner may stand before a branch", "acme:topic", "acme:main", "ahead", "t2", 4, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _, err := gh.Repositories.CompareCommits(context.Background(), "acme", "shop", c.base, c.head, nil)
			must(t, err)
			equal(t, "status", got.GetStatus(), c.status)
			equal(t, "ahead", got.GetAheadBy(), c.ahead)
			equal(t, "behind", got.GetBehindBy(), c.behind)
			equal(t, "total", got.GetTotalCommits(), c.ahead)
			equal(t, "commits", len(got.Commits), c.ahead)
			equal(t, "merge base", got.MergeBaseCommit.GetSHA(), sha(c.fork))
		})
	}
}

func TestCompareLists(t *testing.T) {
	_, base := newHub(t)
	gh := client(t, base, jobToken)
	got, _, err := gh.Repositories.CompareCommits(context.Background(), "acme", "shop", "v1.0.0", "main", nil)
	must(t, err)
	t.Run("commits with parents before children", func(t *testing.T) {
		var order []string
		for _, c := range got.Commits {
			order = append(order, strings.TrimSuffix(strings.SplitN(c.Commit.GetMessage(), ":", 2)[0], ":"))
		}
		equal(t, "order", strings.Join(order, " "), "t1 t2 c3 m4 c5 c6")
		equal(t, "author", got.Commits[2].Author.GetLogin(), "dependabot[bot]")
		if got.Commits[4].Author != nil {
			t.Error("a person without an account has an author")
		}
	})
	t.Run("files as one diff", func(t *testing.T) {
		var files []string
		for _, f := range got.Files {
			files = append(files, fmt.Sprintf("%s %s +%d-%d", f.GetStatus(), f.GetFilename(), f.GetAdditions(), f.GetDeletions()))
		}
		equal(t, "files", strings.Join(files, ", "), "renamed READ.md +1-0, added go.mod +1-0, added payments/main.go +7-1")
	})
}

func TestCompareRefuses(t *testing.T) {
	hub, base := newHub(t)
	orphan, err := hub.AddCommit("acme/shop", github.Commit{Message: "another root", Branch: "pages"})
	must(t, err)
	for name, basehead := range map[string]string{
		"an unknown commit": sha("none") + "...main", "an unknown head": "main...none", "two dots": "main..topic", "no common ancestor": "main..." + orphan,
	} {
		t.Run(name, func(t *testing.T) {
			r := call(t, "GET", base+"/_github/api/v3/repos/acme/shop/compare/"+basehead, jobToken, "")
			equal(t, "status", r.status, 404)
		})
	}
}

// line adds n commits to the branch "line" and returns the last one.
func line(t *testing.T, hub *github.Service, n int) (last string) {
	for i := range n {
		var err error
		last, err = hub.AddCommit("acme/shop", github.Commit{SHA: sha(fmt.Sprint("line", i)), Message: fmt.Sprint(i), Author: "ada", Branch: "line",
			Files: []github.File{{Path: fmt.Sprintf("f%03d", i), Status: "added", Additions: 1}}})
		must(t, err)
	}
	return last
}

func TestLongComparison(t *testing.T) {
	hub, base := newHub(t)
	last := line(t, hub, 430)
	gh := client(t, base, jobToken)
	first := sha("line0")
	t.Run("unpaged has the last 250 commits and no link", func(t *testing.T) {
		got, res, err := gh.Repositories.CompareCommits(context.Background(), "acme", "shop", first, last, nil)
		must(t, err)
		equal(t, "commits", len(got.Commits), 250)
		equal(t, "total", got.GetTotalCommits(), 429)
		equal(t, "last", got.Commits[249].GetSHA(), last)
		equal(t, "files", len(got.Files), 300)
		equal(t, "next page", res.NextPage, 0)
	})
	t.Run("paged runs from the oldest to the end, files on the first page alone", func(t *testing.T) {
		var all []string
		for page, pages := 1, 0; page != 0; pages++ {
			got, res, err := gh.Repositories.CompareCommits(context.Background(), "acme", "shop", first, last, &api.ListOptions{Page: page, PerPage: 100})
			must(t, err)
			for _, c := range got.Commits {
				all = append(all, c.GetSHA())
			}
			if hasFiles := len(got.Files) > 0; hasFiles != (page == 1) {
				t.Errorf("page %d: %d files", page, len(got.Files))
			}
			equal(t, "last page", res.LastPage, map[bool]int{true: 5, false: 0}[page < 5])
			page = res.NextPage
			if pages > 5 {
				t.Fatal("paging does not end")
			}
		}
		equal(t, "commits", len(all), 429)
		equal(t, "first", all[0], sha("line1"))
		equal(t, "last", all[428], last)
	})
	t.Run("links name the repository by its number and can be followed", func(t *testing.T) {
		r := call(t, "GET", base+"/_github/api/v3/repos/acme/shop/compare/"+first+"..."+last+"?per_page=3&page=2", jobToken, "")
		next, _, _ := strings.Cut(strings.TrimPrefix(strings.Split(r.header.Get("Link"), ", ")[1], "<"), ">")
		if !strings.Contains(next, "/repositories/77/compare/") {
			t.Errorf("link %s", r.header.Get("Link"))
		}
		page := call(t, "GET", next, jobToken, "").object(t)
		equal(t, "first of page 3", dig(page, "commits", 0, "sha"), any(sha("line7")))
	})
}

// Git itself is the judge of ancestry, on random graphs with merges and several roots.
func TestAncestryAgreesWithGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed here; CI has it")
	}
	random := rand.New(rand.NewPCG(3, 14))
	compared := 0
	for range 6 {
		hub, base := newHub(t)
		dir := t.TempDir()
		git := func(stdin string, args ...string) string {
			cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
			cmd.Stdin = strings.NewReader(stdin)
			out, err := cmd.Output()
			if err != nil && args[0] != "merge-base" { // which fails where there is none
				t.Fatalf("git %v: %v", args, err)
			}
			return strings.TrimSpace(string(out))
		}
		git("", "init", "-q", "--bare")
		var stream bytes.Buffer
		n := 14 + random.IntN(10)
		ours := make([]string, n)
		for i := range n {
			when := start.Add(time.Duration(i) * time.Minute)
			fmt.Fprintf(&stream, "commit refs/heads/b%d\nmark :%d\ncommitter a <a@example.com> %d +0000\ndata 1\nx\n", i, i+1, when.Unix())
			c := github.Commit{SHA: sha(fmt.Sprint("random", i)), Message: "x", Date: when}
			for _, p := range random.Perm(i)[:min(i, random.IntN(10)/4)] {
				if i-p > 6 {
					continue // old commits seldom get children
				}
				c.Parents = append(c.Parents, ours[p])
				fmt.Fprintf(&stream, "%s :%d\n", map[bool]string{true: "from", false: "merge"}[len(c.Parents) == 1], p+1)
			}
			if len(c.Parents) == 0 {
				fmt.Fprintf(&stream, "M 100644 inline f%d\ndata 1\n%c\n", i, 'a'+i)
			}
			_, err := hub.AddCommit("acme/shop", c)
			must(t, err)
			ours[i] = c.SHA
		}
		git(stream.String(), "fast-import", "--quiet")
		names := strings.Fields(git("", "for-each-ref", "--format=%(refname:short)=%(objectname)", "refs/heads"))
		theirs := map[string]string{}
		for _, pair := range names {
			name, object, _ := strings.Cut(pair, "=")
			theirs[object] = name
		}
		gh := client(t, base, jobToken)
		for range 24 {
			a, b := random.IntN(n), random.IntN(n)
			bases := strings.Fields(git("", "merge-base", "--all", fmt.Sprint("b", a), fmt.Sprint("b", b)))
			got, res, err := gh.Repositories.CompareCommits(context.Background(), "acme", "shop", ours[a], ours[b], nil)
			compared++
			if len(bases) == 0 {
				if res == nil || res.StatusCode != 404 {
					t.Errorf("b%d...b%d: no common ancestor, but %v", a, b, err)
				}
				continue
			}
			must(t, err)
			counts := strings.Fields(git("", "rev-list", "--left-right", "--count", fmt.Sprintf("b%d...b%d", a, b)))
			equal(t, "behind and ahead", fmt.Sprint(got.GetBehindBy(), " ", got.GetAheadBy()), counts[0]+" "+counts[1])
			fork := fmt.Sprint("b", slices.Index(ours, got.MergeBaseCommit.GetSHA()))
			if !slices.ContainsFunc(bases, func(o string) bool { return theirs[o] == fork }) {
				t.Errorf("b%d...b%d: merge base %s is none of git's %v", a, b, fork, bases)
			}
		}
	}
	t.Logf("%d comparisons agree", compared)
}
