package github

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (p *PullRequest) state() string {
	if p.Closed {
		return "closed"
	}
	return "open"
}

// commitsOf are a pull request's own commits: what it says, else what its head has and its base had
// not before the merge.
func (r *repository) commitsOf(p *PullRequest) []*Commit {
	if len(p.Commits) > 0 {
		var list []*Commit
		for _, sha := range p.Commits {
			list = append(list, r.commits[sha])
		}
		return list
	}
	base := r.refs["refs/heads/"+p.Base]
	if p.Merged {
		base = ""
		if parents := r.commits[p.MergeCommit].Parents; len(parents) > 0 {
			base = parents[0]
		}
	}
	return r.between(base, p.HeadSHA)
}

func (r *repository) filesOfPull(p *PullRequest) []File {
	if len(p.Files) > 0 {
		return p.Files
	}
	return changes(r.commitsOf(p))
}

// pullsWith are the pull requests that a commit belongs to. On the default branch that is the merged
// one that introduced it; elsewhere it is every open or merged one.
// https://docs.github.com/rest/commits/commits#list-pull-requests-associated-with-a-commit
func (r *repository) pullsWith(sha string) []*PullRequest {
	introduced := r.reach(r.refs["refs/heads/"+r.DefaultBranch])[sha]
	var found []*PullRequest
	for _, p := range r.allPulls() {
		if introduced && !p.Merged || p.Closed && !p.Merged {
			continue
		}
		mine := func(c *Commit) bool { return c.SHA == sha }
		if p.Merged && p.MergeCommit == sha || slices.ContainsFunc(r.commitsOf(p), mine) {
			found = append(found, p)
		}
	}
	return found
}

// allPulls are in the order of their numbers.
func (r *repository) allPulls() []*PullRequest {
	var all []*PullRequest
	for _, n := range slices.Sorted(maps.Keys(r.pulls)) {
		all = append(all, r.pulls[n])
	}
	return all
}

// number is the address of something that has a number in a repository.
func number(root, kind string, n int) string { return root + "/" + kind + "/" + strconv.Itoa(n) }

func (q *request) pull(p *PullRequest) object {
	r := q.repo
	root, page := q.api+"/repos/"+r.fullName(), number(q.web+"/"+r.fullName(), "pull", p.Number)
	u, issue := number(root, "pulls", p.Number), number(root, "issues", p.Number)
	href := func(s string) object { return object{"href": s} }
	id := r.ID*100_000 + int64(p.Number)
	headOwner := cmp.Or(p.HeadOwner, r.Owner)
	headRepo := q.fullRepository(r)
	if p.HeadOwner != "" && p.HeadOwner != r.Owner {
		fork := *r
		fork.Owner, fork.ID = p.HeadOwner, r.ID+1_000_000_000
		headRepo = q.fullRepository(&fork)
		headRepo["fork"], headRepo["owner"] = true, q.user(p.HeadOwner)
	}
	baseSHA := cmp.Or(r.refs["refs/heads/"+p.Base], p.HeadSHA)
	if p.Merged {
		if parents := r.commits[p.MergeCommit].Parents; len(parents) > 0 {
			baseSHA = parents[0]
		}
	}
	return object{
		"id": id, "node_id": node("PullRequest", id), "number": p.Number, "state": p.state(), "locked": p.Locked,
		"title": p.Title, "body": nullable(p.Body), "user": q.user(p.Author), "draft": p.Draft,
		"created_at": stamp(p.CreatedAt), "updated_at": stamp(latest(p.CreatedAt, p.ClosedAt)),
		"closed_at": stamp(p.ClosedAt), "merged_at": stamp(p.MergedAt), "merge_commit_sha": nullable(p.MergeCommit),
		"assignee": nil, "assignees": []object{}, "requested_reviewers": []object{}, "requested_teams": []object{},
		"labels": q.labels(p.Labels), "milestone": nil, "auto_merge": nil, "active_lock_reason": nil,
		"author_association": association(r, p.Author), "url": u, "html_url": page, "diff_url": page + ".diff",
		"patch_url": page + ".patch", "issue_url": issue, "commits_url": u + "/commits",
		"review_comments_url": u + "/comments", "review_comment_url": root + "/pulls/comments{/number}",
		"comments_url": issue + "/comments", "statuses_url": root + "/statuses/" + p.HeadSHA,
		"head": object{"label": headOwner + ":" + p.Head, "ref": p.Head, "sha": p.HeadSHA, "user": q.user(headOwner), "repo": headRepo},
		"base": object{"label": r.Owner + ":" + p.Base, "ref": p.Base, "sha": baseSHA, "user": q.account(r.Owner), "repo": q.fullRepository(r)},
		"_links": object{
			"self": href(u), "html": href(page), "issue": href(issue), "comments": href(issue + "/comments"),
			"review_comments": href(u + "/comments"), "review_comment": href(root + "/pulls/comments{/number}"),
			"commits": href(u + "/commits"), "statuses": href(root + "/statuses/" + p.HeadSHA),
		},
	}
}

func (l links) labels(labels []Label) []object {
	list := []object{}
	for _, x := range labels {
		id := userID("label " + x.Name)
		list = append(list, object{
			"id": id, "node_id": node("Label", id), "name": x.Name, "color": cmp.Or(x.Color, "ededed"),
			"description": x.Description, "default": false, "url": l.api + "/labels/" + escapePath(x.Name),
		})
	}
	return list
}

func association(r *repository, login string) string {
	switch {
	case login == r.Owner:
		return "OWNER"
	case isBot(login):
		return "NONE"
	default:
		return "CONTRIBUTOR"
	}
}

func (q *request) getPull() *reply {
	p := q.repo.pulls[int(q.integer("pull_number"))]
	if p == nil {
		return notFound()
	}
	o := q.pull(p)
	added, deleted, files := 0, 0, q.repo.filesOfPull(p)
	for _, f := range files {
		added, deleted = added+f.Additions, deleted+f.Deletions
	}
	comments := 0
	for _, c := range q.repo.comments {
		if c.issue == p.Number {
			comments++
		}
	}
	maps.Copy(o, object{
		"merged": p.Merged, "merged_by": q.user(p.MergedBy), "mergeable": nil, "rebaseable": nil, "mergeable_state": "unknown",
		"comments": comments, "review_comments": 0, "maintainer_can_modify": false, "commits": len(q.repo.commitsOf(p)),
		"additions": added, "deletions": deleted, "changed_files": len(files),
	})
	if !p.Closed {
		o["mergeable"], o["mergeable_state"] = true, "clean"
	}
	return ok(o)
}

func (q *request) listPulls() *reply {
	state := cmp.Or(q.query("state"), "open")
	if !slices.Contains([]string{"open", "closed", "all"}, state) {
		return invalid(detail("PullRequest", "state", "invalid", ""))
	}
	var found []*PullRequest
	for _, p := range q.repo.allPulls() {
		owner, branch, _ := strings.Cut(q.query("head"), ":")
		switch {
		case state != "all" && p.state() != state:
		case q.query("base") != "" && p.Base != q.query("base"):
		case branch != "" && (p.Head != branch || cmp.Or(p.HeadOwner, q.repo.Owner) != owner):
		default:
			found = append(found, p)
		}
	}
	if q.query("sort") == "updated" {
		slices.SortStableFunc(found, func(a, b *PullRequest) int {
			return latest(a.CreatedAt, a.ClosedAt).Compare(latest(b.CreatedAt, b.ClosedAt))
		})
	}
	// The newest come first, unless another order is asked for.
	if d := q.query("direction"); d == "desc" || d == "" && (q.query("sort") == "" || q.query("sort") == "created") {
		slices.Reverse(found)
	}
	return list(q, found, q.pull)
}

func (q *request) listPullFiles() *reply {
	p := q.repo.pulls[int(q.integer("pull_number"))]
	if p == nil {
		return notFound()
	}
	files := q.repo.filesOfPull(p)
	some, header := cut(q, files[:min(3000, len(files))])
	return &reply{status: http.StatusOK, header: header, body: q.files(q.repo, p.HeadSHA, some)}
}

func (q *request) listPullCommits() *reply {
	p := q.repo.pulls[int(q.integer("pull_number"))]
	if p == nil {
		return notFound()
	}
	commits := q.repo.commitsOf(p)
	return list(q, commits[:min(250, len(commits))], func(c *Commit) object { return q.commit(q.repo, c) })
}

func (q *request) listPullsWithCommit() *reply {
	sha := q.repo.resolve(q.vars["commit_sha"])
	if sha == "" {
		return noCommit(q.vars["commit_sha"])
	}
	return list(q, q.repo.pullsWith(sha), q.pull)
}
