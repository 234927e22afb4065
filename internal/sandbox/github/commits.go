package github

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

func email(login string) string {
	if login == "" || login == "-" {
		return "somebody@example.com"
	}
	return fmt.Sprintf("%d+%s@users.noreply.github.com", userID(login), login)
}

func unsigned() object {
	return object{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
}

func (c *Commit) committer() string { return cmp.Or(c.Committer, c.Author) }

// name and address are those of git's own author, which need not be an account's.
func (c *Commit) authorName() string {
	if c.Author == "-" {
		return cmp.Or(c.AuthorName, "Somebody")
	}
	return cmp.Or(c.AuthorName, c.Author, "unknown")
}

func (c *Commit) gitAuthor() object {
	return object{"name": c.authorName(), "email": cmp.Or(c.AuthorEmail, email(c.Author)), "date": stamp(c.Date)}
}

func (c *Commit) gitCommitter() object {
	if c.Committer == "" {
		return c.gitAuthor()
	}
	return object{"name": c.Committer, "email": email(c.Committer), "date": stamp(c.Date)}
}

// commit is a commit as lists and comparisons show it.
func (l links) commit(r *repository, c *Commit) object {
	u, page := l.api+"/repos/"+r.fullName(), l.web+"/"+r.fullName()
	return object{
		"sha": c.SHA, "node_id": node("Commit", c.SHA), "url": u + "/commits/" + c.SHA, "html_url": page + "/commit/" + c.SHA,
		"comments_url": u + "/commits/" + c.SHA + "/comments",
		"author":       l.user(c.Author), "committer": l.user(c.committer()), "parents": l.parents(r, c, "/commits/"),
		"commit": object{
			"author": c.gitAuthor(), "committer": c.gitCommitter(), "message": c.Message, "comment_count": 0,
			"tree": l.treeOf(r, c), "url": u + "/git/commits/" + c.SHA, "verification": unsigned(),
		},
	}
}

func (l links) treeOf(r *repository, c *Commit) object {
	sha := SHA("tree " + c.SHA)
	return object{"sha": sha, "url": l.api + "/repos/" + r.fullName() + "/git/trees/" + sha}
}

func (l links) parents(r *repository, c *Commit, under string) []object {
	parents := []object{}
	for _, p := range c.Parents {
		parents = append(parents, object{
			"sha": p, "url": l.api + "/repos/" + r.fullName() + under + p,
			"html_url": l.web + "/" + r.fullName() + "/commit/" + p,
		})
	}
	return parents
}

func (l links) files(r *repository, sha string, files []File) []object {
	list := []object{}
	for _, f := range files {
		o := object{
			"sha": SHA("blob " + sha + f.Path), "filename": f.Path, "status": f.Status,
			"additions": f.Additions, "deletions": f.Deletions, "changes": f.Additions + f.Deletions,
			"blob_url":     fmt.Sprintf("%s/%s/blob/%s/%s", l.web, r.fullName(), sha, escapePath(f.Path)),
			"raw_url":      fmt.Sprintf("%s/%s/raw/%s/%s", l.web, r.fullName(), sha, escapePath(f.Path)),
			"contents_url": fmt.Sprintf("%s/repos/%s/contents/%s?ref=%s", l.api, r.fullName(), escapePath(f.Path), sha),
		}
		if f.Previous != "" {
			o["previous_filename"] = f.Previous
		}
		if f.Patch != "" {
			o["patch"] = f.Patch
		}
		list = append(list, o)
	}
	return list
}

func (q *request) getCommit() *reply {
	sha := q.repo.resolve(q.vars["ref"])
	if sha == "" {
		return noCommit(q.vars["ref"])
	}
	if strings.Contains(q.r.Header.Get("Accept"), "sha") {
		if q.r.Header.Get("If-None-Match") == `"`+sha+`"` {
			return &reply{status: http.StatusNotModified, header: http.Header{}}
		}
		return &reply{status: http.StatusOK, header: http.Header{
			"Content-Type": {"application/vnd.github.sha; charset=utf-8"}}, raw: []byte(sha)}
	}
	c := q.repo.commits[sha]
	files := q.repo.filesOf(c)
	some, header := cut(q, files)
	if q.query("per_page") == "" { // up to 300 files come without asking
		some = files[:min(300, len(files))]
		header = http.Header{}
	}
	added, deleted := 0, 0
	for _, f := range files {
		added, deleted = added+f.Additions, deleted+f.Deletions
	}
	o := q.commit(q.repo, c)
	o["stats"] = object{"total": added + deleted, "additions": added, "deletions": deleted}
	o["files"] = q.files(q.repo, sha, some)
	return &reply{status: http.StatusOK, header: header, body: o}
}

func (q *request) getGitCommit() *reply {
	c := q.repo.commits[q.vars["commit_sha"]]
	if c == nil {
		return notFound()
	}
	return ok(object{
		"sha": c.SHA, "node_id": node("Commit", c.SHA), "message": c.Message,
		"url":      q.api + "/repos/" + q.repo.fullName() + "/git/commits/" + c.SHA,
		"html_url": q.web + "/" + q.repo.fullName() + "/commit/" + c.SHA,
		"author":   c.gitAuthor(), "committer": c.gitCommitter(), "tree": q.treeOf(q.repo, c),
		"parents": q.parents(q.repo, c, "/git/commits/"), "verification": unsigned(),
	})
}

func (q *request) listCommits() *reply {
	from := cmp.Or(q.query("sha"), q.repo.DefaultBranch)
	sha := q.repo.resolve(from)
	if sha == "" {
		if len(q.repo.order) == 0 {
			return refuse(http.StatusConflict, "Git Repository is empty.")
		}
		return notFound()
	}
	since, _ := time.Parse(time.RFC3339, q.query("since"))
	until, _ := time.Parse(time.RFC3339, q.query("until"))
	path, author := q.query("path"), q.query("author")
	var found []*Commit
	for _, c := range slices.Backward(q.repo.between("", sha)) {
		if !since.IsZero() && c.Date.Before(since) || !until.IsZero() && c.Date.After(until) ||
			author != "" && author != c.Author && author != c.AuthorEmail || path != "" && !touches(c, path) {
			continue
		}
		found = append(found, c)
	}
	return list(q, found, func(c *Commit) object { return q.commit(q.repo, c) })
}

// touches tells whether a commit changed a path or something below it.
func touches(c *Commit, path string) bool {
	path = strings.Trim(path, "/")
	return slices.ContainsFunc(c.Files, func(f File) bool {
		return f.Path == path || strings.HasPrefix(f.Path, path+"/") || f.Previous == path
	})
}

// compare answers how head lies to base. Without paging it lists the last 250 commits; with it, pages
// from the oldest on, the files on the first only.
// https://docs.github.com/rest/commits/commits#compare-two-commits
func (q *request) compare() *reply {
	left, right, ok := strings.Cut(q.vars["basehead"], "...")
	base, head := q.repo.resolve(q.own(left)), q.repo.resolve(q.own(right))
	if !ok || base == "" || head == "" {
		return notFound()
	}
	fork := q.repo.mergeBase(base, head)
	if fork == "" {
		return refuse(http.StatusNotFound, "No common ancestor between "+left+" and "+right+".")
	}
	ahead, behind := q.repo.between(base, head), q.repo.between(head, base)
	status := "diverged"
	switch {
	case base == head:
		status = "identical"
	case len(behind) == 0:
		status = "ahead"
	case len(ahead) == 0:
		status = "behind"
	}
	some, header := ahead[max(0, len(ahead)-250):], http.Header{}
	if q.query("page") != "" || q.query("per_page") != "" {
		some, header = cut(q, ahead)
	}
	commits := []object{}
	for _, c := range some {
		commits = append(commits, q.commit(q.repo, c))
	}
	page := fmt.Sprintf("%s/%s/compare/", q.web, q.repo.fullName())
	o := object{
		"url":      fmt.Sprintf("%s/repos/%s/compare/%s...%s", q.api, q.repo.fullName(), left, right),
		"html_url": page + left + "..." + right, "diff_url": page + left + "..." + right + ".diff",
		"patch_url":     page + left + "..." + right + ".patch",
		"permalink_url": fmt.Sprintf("%s%s:%.7s...%s:%.7s", page, q.repo.Owner, base, q.repo.Owner, head),
		"base_commit":   q.commit(q.repo, q.repo.commits[base]), "merge_base_commit": q.commit(q.repo, q.repo.commits[fork]),
		"status": status, "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead), "commits": commits,
	}
	if p, _ := q.pages(); p == 1 {
		files := changes(q.repo.between(fork, head))
		o["files"] = q.files(q.repo, head, files[:min(300, len(files))])
	}
	return &reply{status: http.StatusOK, header: header, body: o}
}

// own takes "owner:" from a name when it is this repository's.
func (q *request) own(name string) string {
	if rest, ok := strings.CutPrefix(name, q.repo.Owner+":"); ok {
		return rest
	}
	return name
}
