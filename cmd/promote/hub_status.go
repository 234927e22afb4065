package main

import (
	"context"

	"github.com/promote-on-success/promote/internal/promotion"
)

const statusOff = "commit-status: false"

// statusRunning sets the commit's status, where one is wanted.
func (h *hub) statusRunning(ctx context.Context) {
	if !h.pending {
		h.pending = h.status(ctx, "pending", "under way") == nil
	}
}

func (h *hub) statusEnd(ctx context.Context, o promotion.Outcome) {
	state := "failure"
	if o.ExitCode() == 0 {
		state = "success"
	}
	h.warn("status", h.status(ctx, state, o.Sentence), statusOff)
}

// status is about what is promoted: a deployment that waits for its tests has none yet, and a rollback is of another
// commit.
func (h *hub) status(ctx context.Context, state, text string) error {
	if !h.wanted.CommitStatus || h.req.Commit == "" || !h.promotes() {
		return nil
	}
	return h.client.CommitStatus(ctx, h.req.Commit, "promote/"+h.req.Environment.Name, state, text, h.req.RunURL)
}

// promotes tells whether the run may make its commit the one that is live.
func (h *hub) promotes() bool {
	return h.req.Mode == promotion.ModeRun || h.req.Mode == promotion.ModePromote
}
