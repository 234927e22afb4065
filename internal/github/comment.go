package github

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A CommentMode says what becomes of a comment of an earlier run.
type CommentMode string

const (
	CommentUpdate   CommentMode = "update"   // it is edited, and stays where it is
	CommentRecreate CommentMode = "recreate" // it goes, and a new one stands at the end
)

// MaxComment is how long a comment may be, in characters.
const MaxComment = 65_536

const (
	commentRounds     = 3 // how often a comment may be deleted while it is written
	commentPermission = "pull_requests=write"
)

// UpsertComment sees to it that a pull request has one comment of this token's owner that holds the marker, with this
// body, and returns its address. The marker is an HTML comment, "<!-- ... -->", which nobody sees; it is put at the
// end of a body that does not hold it. What others wrote is never touched, even with the marker in it.
//
// A comment that was deleted is made again. Where two runs at once have made two, the older one stays. A comment that
// this client made is edited in either mode. One with a marker among the former ones counts as one with this marker: it
// was written by a run that did not know better. Calls: 3 where there is none yet, 2 for the first edit, 1 from then on.
// Needs pull-requests: write.
//
// https://docs.github.com/en/rest/issues/comments
func (c *Client) UpsertComment(ctx context.Context, pull int, marker, body string, mode CommentMode, former ...string) (string, error) {
	deed := fmt.Sprintf("comment on pull request #%d of %s", pull, c.Repository())
	switch inner, hidden := strings.CutPrefix(marker, "<!--"); {
	case pull <= 0:
		return "", promotion.Fault{What: deed + ": there is no pull request of that number"}
	case !hidden || !strings.HasSuffix(inner, "-->") || strings.Index(inner, "-->") != len(inner)-len("-->") || strings.ContainsAny(inner, "\r\n"):
		return "", promotion.Fault{What: deed + ": the marker is not hidden", Accepted: "<!-- ... -->", Detail: clean(marker)}
	case mode != CommentUpdate && mode != CommentRecreate:
		return "", promotion.Fault{What: deed + ": there is no such mode", Accepted: "update or recreate", Detail: clean(string(mode))}
	}
	if !strings.Contains(body, marker) {
		body += "\n\n" + marker
	}
	if n := utf8.RuneCountInString(body); n > MaxComment {
		return "", promotion.Fault{What: fmt.Sprintf("%s: it has %d characters, and GitHub takes %d", deed, n, MaxComment)}
	}

	// GitHub asks not to make things at the same time, and two upserts at once would make two comments.
	c.comments.Lock()
	defer c.comments.Unlock()
	url, err := c.upsertComment(ctx, thread{pull, marker}, former, body, mode)
	if err != nil {
		err = c.explainNeeding(ctx, deed, commentPermission, err)
	}
	return url, err
}

func (c *Client) upsertComment(ctx context.Context, at thread, former []string, body string, mode CommentMode) (string, error) {
	if id, is := c.comments.get(at); is {
		url, err := c.editComment(ctx, id, body)
		if err == nil || !gone(err) {
			return url, err
		}
		c.comments.forget(at)
	}
	for range commentRounds {
		mine, err := c.ownComments(ctx, at, former...)
		if err != nil {
			return "", err
		}
		if mode == CommentRecreate {
			if err := c.deleteComments(ctx, mine); err != nil {
				return "", err
			}
			mine, mode = nil, CommentUpdate
		}
		if len(mine) == 0 {
			made, err := c.createComment(ctx, at, body)
			if err != nil {
				return "", err
			}
			// Another run may have done the same in the meantime; the later one of the two sees both.
			if mine, err = c.ownComments(ctx, at); err != nil || len(mine) == 0 {
				mine = []comment{made}
			}
		}
		keep, spare := mine[0], c.deleteComments(ctx, mine[1:])
		if keep.body != body {
			if keep.url, err = c.editComment(ctx, keep.id, body); gone(err) {
				continue
			} else if err != nil {
				return "", err
			}
		}
		c.comments.put(at, keep.id)
		return keep.url, spare
	}
	return "", promotion.Fault{What: "somebody deletes it again and again"}
}

func (c *Client) createComment(ctx context.Context, at thread, body string) (comment, error) {
	return once(ctx, func() (comment, error) {
		made, _, err := c.api.Issues.CreateComment(ctx, c.owner, c.name, at.pull, &api.IssueComment{Body: &body})
		return identified(comment{made.GetID(), made.GetHTMLURL(), body}, made.GetID(), err)
	}, func() (comment, bool, error) {
		mine, err := c.ownComments(ctx, at)
		if err != nil || len(mine) == 0 {
			return comment{}, false, err
		}
		return mine[0], true, nil
	})
}

func (c *Client) editComment(ctx context.Context, id int64, body string) (string, error) {
	edited, _, err := c.api.Issues.EditComment(repeatable(ctx), c.owner, c.name, id, &api.IssueComment{Body: &body})
	return identified(edited.GetHTMLURL(), edited.GetID(), err)
}

// deleteComments takes it as done where somebody else was faster.
func (c *Client) deleteComments(ctx context.Context, list []comment) error {
	for _, one := range list {
		if _, err := c.api.Issues.DeleteComment(repeatable(ctx), c.owner, c.name, one.id); err != nil && !gone(err) {
			return err
		}
	}
	return nil
}
