package github_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	api "github.com/google/go-github/v60/github"
)

func TestPullRequestsOfACommit(t *testing.T) {
	_, base := newHub(t)
	gh := client(t, base, jobToken)
	for _, c := range []struct{ name, commit, numbers string }{
		{"a merge commit has the one that it merged", sha("m4"), "[12]"},
		{"a commit of a merged branch has it too", sha("t2"), "[12]"},
		{"a squash has its own", sha("c3"), "[11]"},
		{"a direct push has none", sha("c5"), "[]"},
		{"a commit that is only on a branch has the open one", sha("u1"), "[15]"},
		{"on the default branch open and abandoned ones do not count", sha("t1"), "[12]"},
		{"a branch's name stands for its tip", "main", "[13]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, _, err := gh.PullRequests.ListPullRequestsWithCommit(ctx, "acme", "shop", c.commit, nil)
			must(t, err)
			numbers := []int{}
			for _, p := range list {
				numbers = append(numbers, p.GetNumber())
			}
			equal(t, "numbers", fmt.Sprint(numbers), c.numbers)
		})
	}
	t.Run("an unknown commit is refused", func(t *testing.T) {
		_, _, err := gh.PullRequests.ListPullRequestsWithCommit(ctx, "acme", "shop", sha("none"), nil)
		e := failure(t, err)
		equal(t, "status", e.Response.StatusCode, 422)
		equal(t, "message", e.Message, "No commit found for SHA: "+sha("none"))
	})
}

func TestPullRequests(t *testing.T) {
	_, base := newHub(t)
	gh := client(t, base, jobToken)
	t.Run("tell what was merged", func(t *testing.T) {
		p, _, err := gh.PullRequests.Get(ctx, "acme", "shop", 12)
		must(t, err)
		equal(t, "merged", p.GetMerged(), true)
		equal(t, "merge commit", p.GetMergeCommitSHA(), sha("m4"))
		equal(t, "by", p.MergedBy.GetLogin(), "ada")
		equal(t, "base", p.Base.GetSHA(), sha("c3"))
		equal(t, "label", p.Labels[0].GetName(), "feature")
		equal(t, "commits", p.GetCommits(), 2)
		equal(t, "lines", fmt.Sprint(p.GetAdditions(), p.GetDeletions(), p.GetChangedFiles()), "7 1 1")
	})
	t.Run("from a fork name it", func(t *testing.T) {
		p, _, err := gh.PullRequests.Get(ctx, "acme", "shop", 13)
		must(t, err)
		equal(t, "label", p.Head.GetLabel(), "eve:rename")
		equal(t, "repo", p.Head.Repo.GetFullName(), "eve/shop")
		equal(t, "base", p.Base.Repo.GetFullName(), "acme/shop")
	})
	for filter, want := range map[string]string{"": "[15]", "state=closed": "[14 13 12 11]", "state=all&direction=asc": "[11 12 13 14 15]",
		"state=all&head=acme:topic": "[12]", "state=all&base=none": "[]", "state=all&head=eve:rename": "[13]"} {
		t.Run("are listed by "+filter, func(t *testing.T) {
			r := call(t, "GET", base+"/_github/api/v3/repos/acme/shop/pulls?"+filter, jobToken, "")
			var numbers []string
			for _, line := range strings.Split(string(r.body), `"number":`)[1:] {
				n, _, _ := strings.Cut(line, ",")
				numbers = append(numbers, n)
			}
			equal(t, "numbers", fmt.Sprint(numbers), want)
		})
	}
	t.Run("list their files", func(t *testing.T) {
		files, _, err := gh.PullRequests.ListFiles(ctx, "acme", "shop", 12, nil)
		must(t, err)
		equal(t, "files", len(files), 1)
		equal(t, "file", files[0].GetFilename()+" "+files[0].GetStatus(), "payments/main.go added")
	})
}

func TestCommitsAndRefs(t *testing.T) {
	hub, base := newHub(t)
	gh := client(t, base, jobToken)
	t.Run("a commit by branch, tag and beginning", func(t *testing.T) {
		for _, ref := range []string{"main", "heads/main", sha("c6"), sha("c6")[:7]} {
			c, _, err := gh.Repositories.GetCommit(ctx, "acme", "shop", ref, nil)
			must(t, err)
			equal(t, ref, c.GetSHA(), sha("c6"))
		}
		got, _, err := gh.Repositories.GetCommitSHA1(ctx, "acme", "shop", "v1.0.0", "")
		must(t, err)
		equal(t, "plain", got, sha("c2"))
	})
	t.Run("a merge shows what it brought", func(t *testing.T) {
		c, _, err := gh.Repositories.GetCommit(ctx, "acme", "shop", sha("m4"), nil)
		must(t, err)
		equal(t, "parents", len(c.Parents), 2)
		equal(t, "file", c.Files[0].GetFilename(), "payments/main.go")
		equal(t, "total", c.Stats.GetTotal(), 8)
	})
	t.Run("an unknown commit is 422, as GitHub has it", func(t *testing.T) {
		_, _, err := gh.Repositories.GetCommit(ctx, "acme", "shop", sha("none"), nil)
		equal(t, "status", failure(t, err).Response.StatusCode, 422)
	})
	t.Run("commits by path, author and page", func(t *testing.T) {
		list, _, err := gh.Repositories.ListCommits(ctx, "acme", "shop", &api.CommitsListOptions{Path: "payments"})
		must(t, err)
		equal(t, "path", len(list), 2)
		list, _, err = gh.Repositories.ListCommits(ctx, "acme", "shop", &api.CommitsListOptions{Author: "ada"})
		must(t, err)
		equal(t, "author", len(list), 3)
		list, res, err := gh.Repositories.ListCommits(ctx, "acme", "shop", &api.CommitsListOptions{ListOptions: api.ListOptions{PerPage: 3, Page: 2}})
		must(t, err)
		equal(t, "page", fmt.Sprint(len(list), res.PrevPage, res.NextPage, res.LastPage, res.FirstPage), "3 1 3 3 1")
	})
	t.Run("an annotated tag leads to its commit by its object", func(t *testing.T) {
		ref, _, err := gh.Git.GetRef(ctx, "acme", "shop", "tags/v1.0.0")
		must(t, err)
		equal(t, "type", ref.Object.GetType(), "tag")
		tag, _, err := gh.Git.GetTag(ctx, "acme", "shop", ref.Object.GetSHA())
		must(t, err)
		equal(t, "commit", tag.Object.GetSHA(), sha("c2"))
		light, _, err := gh.Git.GetRef(ctx, "acme", "shop", "refs/tags/nightly")
		must(t, err)
		equal(t, "light", light.Object.GetType()+light.Object.GetSHA(), "commit"+sha("m4"))
		_, res, _ := gh.Git.GetRef(ctx, "acme", "shop", "tags/none")
		equal(t, "none", res.StatusCode, 404)
	})
	t.Run("a moved branch shows its new tip", func(t *testing.T) {
		must(t, hub.SetRef("acme/shop", "refs/heads/main", sha("c5")))
		b, _, err := gh.Repositories.GetBranch(ctx, "acme", "shop", "main", 1)
		must(t, err)
		equal(t, "tip", b.Commit.GetSHA(), sha("c5"))
	})
}

func TestContents(t *testing.T) {
	_, base := newHub(t)
	gh := client(t, base, jobToken)
	read := func(path, ref string) (string, error) {
		f, _, _, err := gh.Repositories.GetContents(ctx, "acme", "shop", path, &api.RepositoryContentGetOptions{Ref: ref})
		if err != nil {
			return "", err
		}
		return f.GetContent()
	}
	for _, c := range []struct{ path, ref, want string }{
		{"README.md", sha("c1"), "# shop\n"}, {"README.md", "nightly", "# shop\n"}, {"README.md", sha("c5"), "# shop 2\n"},
		{"READ.md", "", "# shop 2\n"}, {".github/workflows/promote.yml", "main", "name: promote\n"}, {"payments/main.go", sha("t1"), "package main\n"},
	} {
		t.Run(c.path+" at "+c.ref, func(t *testing.T) {
			got, err := read(c.path, c.ref)
			must(t, err)
			equal(t, "content", got, c.want)
		})
	}
	t.Run("a file that was renamed is not found", func(t *testing.T) {
		_, err := read("README.md", "main")
		equal(t, "status", failure(t, err).Response.StatusCode, 404)
	})
	t.Run("a file without a defined content is not pretended", func(t *testing.T) {
		_, err := read("go.mod", "main")
		equal(t, "status", failure(t, err).Response.StatusCode, 501)
	})
	t.Run("a directory is listed, and its files can be downloaded", func(t *testing.T) {
		_, dir, _, err := gh.Repositories.GetContents(ctx, "acme", "shop", ".github", nil)
		must(t, err)
		equal(t, "entry", dir[0].GetPath()+" "+dir[0].GetType(), ".github/workflows dir")
		body, _, err := gh.Repositories.DownloadContents(ctx, "acme", "shop", ".github/workflows/promote.yml", nil)
		must(t, err)
		defer func() { _ = body.Close() }()
		out, err := io.ReadAll(body)
		must(t, err)
		equal(t, "content", string(out), "name: promote\n")
	})
}

func TestRuns(t *testing.T) {
	_, base := newHub(t)
	gh := client(t, base, jobToken)
	run, _, err := gh.Actions.GetWorkflowRunByID(ctx, "acme", "shop", 9001)
	must(t, err)
	equal(t, "run", fmt.Sprint(run.GetRunAttempt(), run.GetStatus(), run.GetHeadSHA()), "2in_progress"+sha("c6"))
	jobs := func(filter string) string {
		list, _, err := gh.Actions.ListWorkflowJobs(ctx, "acme", "shop", 9001, &api.ListWorkflowJobsOptions{Filter: filter})
		must(t, err)
		var all []string
		for _, j := range list.Jobs {
			all = append(all, j.GetName()+":"+j.GetStatus()+":"+j.GetConclusion())
		}
		return strings.Join(all, " ")
	}
	equal(t, "latest", jobs(""), "deploy:in_progress:")
	equal(t, "all", jobs("all"), "deploy:completed:failure deploy:in_progress:")
	_, res, _ := gh.Actions.GetWorkflowRunByID(ctx, "acme", "shop", 1)
	equal(t, "unknown", res.StatusCode, 404)
}

func TestFormerNameRedirects(t *testing.T) {
	_, base := newHub(t)
	old := base + "/_github/api/v3/repos/acme/store"
	r := call(t, "GET", old+"/commits?per_page=1", jobToken, "")
	equal(t, "status", r.status, 301)
	equal(t, "location", r.header.Get("Location"), base+"/_github/api/v3/repositories/77/commits?per_page=1")
	equal(t, "a write keeps its method", call(t, "POST", old+"/issues/12/comments", jobToken, `{"body":"x"}`).status, 307)
	gh := client(t, base, jobToken)
	c, _, err := gh.Issues.CreateComment(ctx, "acme", "store", 12, &api.IssueComment{Body: api.String("moved")})
	must(t, err)
	if !strings.Contains(c.GetURL(), "/acme/shop/") {
		t.Error(c.GetURL())
	}
	equal(t, "an unknown number", call(t, "GET", base+"/_github/api/v3/repositories/1", jobToken, "").status, 404)
}

func TestUnknownPathsAreNamed(t *testing.T) {
	_, base := newHub(t)
	r := call(t, "PUT", base+"/_github/api/v3/repos/acme/shop/topics", jobToken, "")
	equal(t, "status", r.status, 501)
	equal(t, "message", dig(r.object(t), "message"), any("the sandbox does not implement PUT /repos/acme/shop/topics"))
}
