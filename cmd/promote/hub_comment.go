package main

import (
	"context"

	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// A comment is the one that the pull request of a run has.
type comment struct {
	looked bool
	pull   int // 0: there is none, or it must not be written to
	off    bool
}

// findPull finds the pull request that the event is about, or whose commit this is.
func (h *hub) findPull(ctx context.Context) {
	c := &h.comment
	if c.looked || h.wanted.Comment == config.CommentOff {
		return
	}
	number, readOnly := h.step.PullRequest()
	switch {
	case readOnly: // of a fork, or Dependabot's: the job summary has it all
		c.looked = true
		return
	case number != 0:
		c.looked, c.pull = true, number
		return
	case h.req.Commit == "" || !h.step.Inside():
		c.looked = true
		return
	}
	pulls, err := h.client.PullRequestsOf(ctx, h.req.Commit)
	if err != nil {
		if ctx.Err() == nil {
			c.looked = true
			h.warn("comment", err)
		}
		return
	}
	c.looked = true
	if len(pulls) > 0 && !pulls[0].Fork {
		c.pull = pulls[0].Number
	} else if len(pulls) > 0 && pulls[0].Merged {
		c.pull = pulls[0].Number // a fork's, but the run is of the branch that it was merged into
	}
}

func (h *hub) commentRunning(ctx context.Context, stage promotion.Stage, waiting *promotion.Holder) {
	marker, body := report.Running(h.req, stage, waiting, h.context)
	h.upsert(ctx, marker, body)
}

func (h *hub) commentEnd(ctx context.Context, o promotion.Outcome) {
	marker, body := report.Comment(o, h.context)
	h.upsert(ctx, marker, body)
}

func (h *hub) upsert(ctx context.Context, marker, body string) {
	if h.comment.pull == 0 || h.comment.off {
		return
	}
	mode := github.CommentUpdate
	if h.wanted.Comment == config.CommentRecreate {
		mode = github.CommentRecreate
	}
	url, err := h.client.UpsertComment(ctx, h.comment.pull, marker, body, mode)
	if url != "" {
		h.mu.Lock()
		h.released.CommentURL = url
		h.mu.Unlock()
	}
	if err != nil && ctx.Err() == nil {
		h.comment.off = url == "" // once is enough, for a warning and for GitHub
		h.warn("comment", err)
	}
}
