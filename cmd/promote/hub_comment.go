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
	pull   int  // 0: there is none
	failed bool // it could not be written while the run was under way
}

const commentOff = "comment: off"

func (h *hub) commentRunning(ctx context.Context) {
	if h.comment.failed {
		return
	}
	stage, waiting := h.news.newest()
	marker, body := report.Running(h.req, stage, waiting, h.context)
	h.comment.failed = h.write(ctx, marker, body) != nil
}

func (h *hub) commentEnd(ctx context.Context, o promotion.Outcome) {
	marker, body := report.Comment(o, h.context)
	h.warn("comment", h.write(ctx, marker, body), commentOff)
}

// write writes the comment, if there is to be one.
func (h *hub) write(ctx context.Context, marker, body string) error {
	if h.wanted.Comment == config.CommentOff {
		return nil
	}
	if err := h.findPull(ctx); err != nil || h.comment.pull == 0 {
		return err
	}
	mode := github.CommentUpdate
	if h.wanted.Comment == config.CommentRecreate {
		mode = github.CommentRecreate
	}
	// A run with bad input may not know its app or its environment: what it wrote is taken over by the next one.
	nameless, _ := report.Running(promotion.Request{}, "", nil, h.context)
	url, err := h.client.UpsertComment(ctx, h.comment.pull, marker, body, mode, nameless)
	if url != "" {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.released.CommentURL = url
	}
	return err
}

// findPull finds the pull request that the event is about, or whose commit this is.
func (h *hub) findPull(ctx context.Context) error {
	c := &h.comment
	if c.looked {
		return nil
	}
	number, _ := h.step.PullRequest()
	switch {
	case number != 0:
		c.pull = number
	case h.req.Commit != "" && releasingModes[h.req.Mode]:
		pulls, err := h.client.PullRequestsOf(ctx, h.req.Commit)
		if err != nil {
			return err
		}
		// A fork's counts once it is merged: the run is of the branch that it was merged into.
		if len(pulls) > 0 && (!pulls[0].Fork || pulls[0].Merged) {
			c.pull = pulls[0].Number
		}
	}
	c.looked = true
	return nil
}

// releasingModes are those that are about the commit at hand. A rollback is about another one.
var releasingModes = map[promotion.Mode]bool{
	promotion.ModeRun: true, promotion.ModePlan: true, promotion.ModeDeploy: true, promotion.ModePromote: true,
}
