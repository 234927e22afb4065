package github

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/github/graphql"
)

func (q *request) queryRef(ref string) any {
	sha, ok := q.repo.refs[ref]
	if !ok {
		return nil
	}
	prefix := ref[:strings.Index(ref[len("refs/"):], "/")+len("refs/")+1]
	return graphql.Value{"__typename": "Ref", "id": node("Ref", q.repo.fullName()+":"+ref), "name": strings.TrimPrefix(ref, prefix),
		"prefix": prefix, "target": lazy(func() any { return q.queryObject(sha) })}
}

// queryObject is a commit or an annotated tag; null for anything else.
func (q *request) queryObject(sha string) any {
	if t := q.repo.objects[sha]; t != nil {
		return graphql.Value{"__typename": "Tag", "id": node("Tag", sha), "oid": sha, "abbreviatedOid": sha[:7], "name": t.Name,
			"commitUrl": q.web + "/" + q.repo.fullName() + "/commit/" + t.SHA, "message": t.Message,
			"target": lazy(func() any { return q.queryObject(t.SHA) })}
	}
	if c := q.repo.commits[sha]; c != nil {
		return q.queryCommit(c)
	}
	return nil
}

func (q *request) queryCommit(c *Commit) graphql.Value {
	r := q.repo
	headline, body, _ := strings.Cut(c.Message, "\n")
	page := q.web + "/" + r.fullName() + "/commit/" + c.SHA
	person := func(login string, git object) graphql.Value {
		v := graphql.Value{"__typename": "GitActor", "name": git["name"], "email": git["email"], "date": git["date"], "user": nil}
		if !isBot(login) {
			v["user"] = lazy(func() any { return q.actor(login) })
		}
		return v
	}
	sum := func(of func(File) int) any {
		return lazy(func() any {
			n := 0
			for _, f := range r.filesOf(c) {
				n += of(f)
			}
			return n
		})
	}
	return graphql.Value{
		"__typename": "Commit", "id": node("Commit", c.SHA), "oid": c.SHA, "abbreviatedOid": c.SHA[:7], "commitUrl": page, "url": page,
		"message": c.Message, "messageHeadline": headline, "messageBody": strings.TrimLeft(body, "\n"),
		"committedDate": stamp(c.Date), "authoredDate": stamp(c.Date),
		"author": person(c.Author, c.gitAuthor()), "committer": person(c.committer(), c.gitCommitter()),
		"additions":               sum(func(f File) int { return f.Additions }),
		"deletions":               sum(func(f File) int { return f.Deletions }),
		"changedFilesIfAvailable": sum(func(File) int { return 1 }),
		"parents": q.need("contents=read", connection("Parents", func(map[string]any) []*Commit {
			var list []*Commit
			for _, p := range c.Parents {
				list = append(list, r.commits[p])
			}
			return list
		}, q.queryCommit)),
		"history": q.need("contents=read", connection("History", func(args map[string]any) []*Commit { return q.history(c, args) }, q.queryCommit)),
		"associatedPullRequests": q.need("pull_requests=read", connection("AssociatedPullRequests",
			func(args map[string]any) []*PullRequest { return ordered(r.pullsWith(c.SHA), args) }, q.queryPull)),
	}
}

func (q *request) history(c *Commit, args map[string]any) []*Commit {
	moment := func(name string) time.Time {
		text, _ := args[name].(string)
		t, _ := time.Parse(time.RFC3339, text)
		return t
	}
	since, until := moment("since"), moment("until")
	path, _ := args["path"].(string)
	list := q.repo.between("", c.SHA)
	slices.Reverse(list)
	return slices.DeleteFunc(list, func(c *Commit) bool {
		return path != "" && !touches(c, path) || c.Date.Before(since) || !until.IsZero() && c.Date.After(until)
	})
}

func (p *PullRequest) queryState() string {
	switch {
	case p.Merged:
		return "MERGED"
	case p.Closed:
		return "CLOSED"
	default:
		return "OPEN"
	}
}

func (q *request) queryPull(p *PullRequest) graphql.Value {
	r := q.repo
	id := r.ID*100_000 + int64(p.Number)
	rest := q.pull(p) // the branches' tips and the times are the same
	base, _ := rest["base"].(object)
	path := fmt.Sprintf("/%s/pull/%d", r.fullName(), p.Number)
	sum := func(of func(File) int) any {
		n := 0
		for _, f := range r.filesOfPull(p) {
			n += of(f)
		}
		return n
	}
	v := graphql.Value{
		"__typename": "PullRequest", "id": node("PullRequest", id), "databaseId": id, "fullDatabaseId": fmt.Sprint(id), "number": p.Number,
		"title": p.Title, "body": p.Body, "url": q.web + path, "resourcePath": path, "state": p.queryState(), "isDraft": p.Draft,
		"merged": p.Merged, "closed": p.Closed, "locked": p.Locked, "isCrossRepository": p.HeadOwner != "" && p.HeadOwner != r.Owner,
		"createdAt": rest["created_at"], "updatedAt": rest["updated_at"], "mergedAt": rest["merged_at"], "closedAt": rest["closed_at"],
		"author": q.actor(p.Author), "mergedBy": q.actor(p.MergedBy), "authorAssociation": rest["author_association"],
		"baseRefName": p.Base, "baseRefOid": base["sha"], "headRefName": p.Head, "headRefOid": p.HeadSHA,
		"additions":    sum(func(f File) int { return f.Additions }),
		"deletions":    sum(func(f File) int { return f.Deletions }),
		"changedFiles": sum(func(File) int { return 1 }),
		"repository":   lazy(func() any { return q.queryRepository() }), "baseRepository": lazy(func() any { return q.queryRepository() }),
		"mergeCommit": q.need("contents=read", func(map[string]any) (any, error) {
			if !p.Merged {
				return nil, nil
			}
			return q.queryCommit(r.commits[p.MergeCommit]), nil
		}),
		"labels": graphql.Resolver(connection("Labels", func(map[string]any) []Label { return p.Labels }, q.queryLabel)),
		"files": graphql.Resolver(connection("Files", func(map[string]any) []File { return r.filesOfPull(p) }, func(f File) graphql.Value {
			change := map[string]string{"removed": "DELETED"}[f.Status]
			if change == "" {
				change = strings.ToUpper(f.Status)
			}
			return graphql.Value{"__typename": "PullRequestChangedFile", "path": f.Path, "additions": f.Additions, "deletions": f.Deletions, "changeType": change}
		})),
		"commits": q.need("contents=read", connection("Commits", func(map[string]any) []*Commit { return r.commitsOf(p) }, func(c *Commit) graphql.Value {
			return graphql.Value{"__typename": "PullRequestCommit", "id": node("PullRequestCommit", c.SHA),
				"url": q.web + path + "/commits/" + c.SHA, "commit": lazy(func() any { return q.queryCommit(c) })}
		})),
		"comments": graphql.Resolver(connection("Comments", func(map[string]any) []*comment { return q.commentsOf(p.Number) }, q.queryComment)),
		"closingIssuesReferences": q.need("issues=read", connection("ClosingIssuesReferences", func(map[string]any) []*Issue {
			var list []*Issue
			for _, n := range p.Closes {
				list = append(list, r.issues[n])
			}
			return list
		}, q.queryIssue)),
	}
	return v
}

func (q *request) commentsOf(n int) []*comment {
	return slices.DeleteFunc(slices.Clone(q.repo.comments), func(c *comment) bool { return c.issue != n })
}

func (q *request) queryLabel(l Label) graphql.Value {
	id := userID("label " + l.Name)
	o := q.labels([]Label{l})[0]
	return graphql.Value{"__typename": "Label", "id": node("Label", id), "name": l.Name, "color": o["color"],
		"description": nullable(l.Description), "url": q.web + "/" + q.repo.fullName() + "/labels/" + escapePath(l.Name)}
}

func (q *request) queryIssue(i *Issue) graphql.Value {
	rest := q.issue(i)
	path := fmt.Sprintf("/%s/issues/%d", q.repo.fullName(), i.Number)
	return graphql.Value{
		"__typename": "Issue", "id": rest["node_id"], "databaseId": rest["id"], "number": i.Number, "title": i.Title, "body": i.Body,
		"url": q.web + path, "resourcePath": path, "state": strings.ToUpper(fmt.Sprint(rest["state"])), "closed": i.Closed, "locked": i.Locked,
		"author": q.actor(i.Author), "createdAt": rest["created_at"], "updatedAt": rest["updated_at"], "closedAt": rest["closed_at"],
		"repository": lazy(func() any { return q.queryRepository() }),
		"labels":     graphql.Resolver(connection("Labels", func(map[string]any) []Label { return i.Labels }, q.queryLabel)),
		"comments":   graphql.Resolver(connection("Comments", func(map[string]any) []*comment { return q.commentsOf(i.Number) }, q.queryComment)),
	}
}

func (q *request) queryComment(c *comment) graphql.Value {
	rest := q.comment(c)
	return graphql.Value{"__typename": "IssueComment", "id": rest["node_id"], "databaseId": c.id, "fullDatabaseId": fmt.Sprint(c.id), "body": c.body,
		"author": q.actor(c.author), "url": rest["html_url"], "createdAt": rest["created_at"], "updatedAt": rest["updated_at"], "isMinimized": false}
}

func (q *request) queryRelease(r *release) any {
	if r == nil {
		return nil
	}
	rest := q.release(r)
	return graphql.Value{"__typename": "Release", "id": rest["node_id"], "databaseId": r.id, "name": rest["name"], "tagName": r.tag,
		"description": r.body, "url": rest["html_url"], "isDraft": r.draft, "isPrerelease": r.prerelease,
		"isLatest": q.repo.latestRelease() == r, "createdAt": rest["created_at"], "publishedAt": rest["published_at"]}
}
