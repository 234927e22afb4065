package github

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// commentLimit is the most characters of a comment that GitHub's refusal names. It has been seen to
// take more of them where they are short, so a client that keeps to this is safe on both.
const commentLimit = 65536

type comment struct {
	id               int64
	issue            int
	author, body     string
	created, updated time.Time
}

func latest(times ...time.Time) time.Time {
	return slices.MaxFunc(times, time.Time.Compare)
}

func (q *request) getIssue() *reply {
	n := int(q.integer("issue_number"))
	i, p := q.repo.issues[n], q.repo.pulls[n]
	switch {
	case i != nil:
		return ok(q.issue(i))
	case p != nil:
		o := q.issue(&Issue{Number: n, Title: p.Title, Body: p.Body, Author: p.Author, Labels: p.Labels, Closed: p.Closed,
			Locked: p.Locked, CreatedAt: p.CreatedAt, ClosedAt: p.ClosedAt})
		pull := q.pull(p)
		o["html_url"], o["draft"] = pull["html_url"], p.Draft
		o["pull_request"] = object{"url": pull["url"], "html_url": pull["html_url"], "diff_url": pull["diff_url"],
			"patch_url": pull["patch_url"], "merged_at": pull["merged_at"]}
		return ok(o)
	default:
		return notFound()
	}
}

func (q *request) issue(i *Issue) object {
	root := q.api + "/repos/" + q.repo.fullName()
	u, id := number(root, "issues", i.Number), q.repo.ID*100_000+int64(i.Number)
	comments := 0
	for _, c := range q.repo.comments {
		if c.issue == i.Number {
			comments++
		}
	}
	state, reason := "open", any(nil)
	if i.Closed {
		state, reason = "closed", "completed"
	}
	return object{
		"id": id, "node_id": node("Issue", id), "number": i.Number, "title": i.Title, "body": nullable(i.Body),
		"user": q.user(i.Author), "state": state, "state_reason": reason, "locked": i.Locked, "labels": q.labels(i.Labels),
		"assignee": nil, "assignees": []object{}, "milestone": nil, "comments": comments,
		"created_at": stamp(i.CreatedAt), "updated_at": stamp(latest(i.CreatedAt, i.ClosedAt)), "closed_at": stamp(i.ClosedAt),
		"author_association": association(q.repo, i.Author), "url": u, "repository_url": root,
		"labels_url": u + "/labels{/name}", "comments_url": u + "/comments", "events_url": u + "/events",
		"html_url": number(q.web+"/"+q.repo.fullName(), "issues", i.Number),
	}
}

func (q *request) comment(c *comment) object {
	root := q.api + "/repos/" + q.repo.fullName()
	kind := "issues"
	if q.repo.pulls[c.issue] != nil {
		kind = "pull"
	}
	u := fmt.Sprintf("%s/issues/comments/%d", root, c.id)
	reactions := object{"url": u + "/reactions", "total_count": 0}
	for _, k := range []string{"+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"} {
		reactions[k] = 0
	}
	return object{
		"id": c.id, "node_id": node("IssueComment", c.id), "url": u, "issue_url": number(root, "issues", c.issue),
		"html_url": number(q.web+"/"+q.repo.fullName(), kind, c.issue) + "#issuecomment-" + strconv.FormatInt(c.id, 10),
		"user":     q.user(c.author), "body": c.body, "created_at": stamp(c.created), "updated_at": stamp(c.updated),
		"author_association": association(q.repo, c.author), "reactions": reactions,
		"performed_via_github_app": q.app(c.author),
	}
}

// subject is the issue or pull request of the path. A token that may write pull requests alone cannot
// touch issues.
func (q *request) subject(n int, level string) (locked bool, refused *reply) {
	i, p := q.repo.issues[n], q.repo.pulls[n]
	switch {
	case i == nil && p == nil:
		return false, notFound()
	case p == nil && !q.token.has("issues", level, q.repo):
		return false, q.token.forbidden()
	case p == nil:
		return i.Locked, nil
	default:
		return p.Locked, nil
	}
}

func (q *request) listComments() *reply {
	n := int(q.integer("issue_number"))
	if _, refused := q.subject(n, "read"); refused != nil {
		return refused
	}
	since, _ := time.Parse(time.RFC3339, q.query("since"))
	var found []*comment
	for _, c := range q.repo.comments { // by id, ascending, whatever sort is asked for
		if c.issue == n && !c.updated.Before(since) {
			found = append(found, c)
		}
	}
	return list(q, found, q.comment)
}

// text reads the body of a comment.
func (q *request) text() (string, *reply) {
	var in struct {
		Body *string `json:"body"`
	}
	if refused := q.decode(&in); refused != nil {
		return "", refused
	}
	switch {
	case in.Body == nil:
		return "", unsupplied("body")
	case strings.TrimSpace(*in.Body) == "":
		return "", invalid(detail("IssueComment", "data", "unprocessable", "Body cannot be blank"))
	case utf8.RuneCountInString(*in.Body) > commentLimit:
		return "", invalid(detail("IssueComment", "data", "unprocessable",
			fmt.Sprintf("Body is too long (maximum is %d characters)", commentLimit)))
	}
	return *in.Body, nil
}

func (q *request) createComment() *reply {
	n := int(q.integer("issue_number"))
	locked, refused := q.subject(n, "write")
	if refused != nil {
		return refused
	}
	body, refused := q.text()
	if refused != nil {
		return refused
	}
	if locked {
		return refuse(http.StatusForbidden, "Unable to create comment because issue is locked.")
	}
	c := &comment{id: q.nextID(), issue: n, author: q.token.Login, body: body, created: now(), updated: now()}
	q.repo.comments = append(q.repo.comments, c)
	return q.created(q.comment(c))
}

// created is a 201 with the address of what was made.
func (q *request) created(o object) *reply {
	a := answer(http.StatusCreated, o)
	if u, ok := o["url"].(string); ok {
		a.header.Set("Location", u)
	}
	return a
}

// oneComment finds the comment of the path, for reading or writing.
func (q *request) oneComment(level string) (int, *reply) {
	id := q.integer("comment_id")
	at := slices.IndexFunc(q.repo.comments, func(c *comment) bool { return c.id == id })
	if at < 0 {
		return 0, notFound()
	}
	_, refused := q.subject(q.repo.comments[at].issue, level)
	return at, refused
}

func (q *request) getComment() *reply {
	at, refused := q.oneComment("read")
	if refused != nil {
		return refused
	}
	return ok(q.comment(q.repo.comments[at]))
}

// updateComment leaves the author: whoever may write may edit what another wrote.
func (q *request) updateComment() *reply {
	at, refused := q.oneComment("write")
	if refused != nil {
		return refused
	}
	body, refused := q.text()
	if refused != nil {
		return refused
	}
	c := q.repo.comments[at]
	c.body, c.updated = body, now()
	return ok(q.comment(c))
}

func (q *request) deleteComment() *reply {
	at, refused := q.oneComment("write")
	if refused != nil {
		return refused
	}
	q.repo.comments = slices.Delete(q.repo.comments, at, at+1)
	return answer(http.StatusNoContent, nil)
}
