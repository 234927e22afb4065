package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

const releaseOff = "release: off"

// release is which release gets the notes.
func (h *hub) release(o promotion.Outcome) (tag string, opts github.ReleaseOptions, is bool) {
	if h.client == nil {
		return "", opts, false
	}
	opts.Target = o.Request.Commit
	switch wanted := h.wanted.Release; wanted {
	case config.ReleaseOff:
		return "", opts, false
	case config.ReleaseAuto, "":
		tag = h.step.Tag()
		return tag, opts, tag != ""
	case config.ReleaseRolling:
		now := time.Now()
		opts.Name, opts.MakeLatest = report.RollingName(o.Request.Scope(), now), "false"
		return report.RollingTag(o.Request.Scope(), now), opts, true
	default:
		return wanted, opts, true
	}
}

// upsertRelease writes the blocks into the release. The ledger is read anew each time that the text is looked at, so that of
// two environments which finish together neither undoes the other's rows.
func (h *hub) upsertRelease(ctx context.Context, o promotion.Outcome, tag string, opts github.ReleaseOptions, changes *report.Changes, categories report.Categories) {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	ledger := h.ledgerName(ctx)
	blocks := func(body string) ([]string, bool) {
		recorded, err := h.recorded(ctx, o)
		if err != nil { // rows that cannot be read must not be missing from what is written
			giveUp(err)
			return nil, false
		}
		list := []string{report.PromotedVersions(recorded, ledger, h.context, report.Room(body, report.VersionsBlock(ledger)))}
		if changes != nil && changes.Base != "" {
			scope := o.Request.Scope()
			list = append(list, report.ChangesBlock(o, *changes, categories, h.context, report.Room(body, report.ChangesBlockName(scope))))
		}
		return list, true
	}
	edit := func(body string) string {
		list, _ := blocks(body)
		for _, block := range list {
			body = report.EditRelease(body, block)
		}
		return body
	}
	settled := func(body string) bool {
		list, known := blocks(body)
		return known && !slices.ContainsFunc(list, func(block string) bool { return !report.Settled(body, block) })
	}
	if h.wanted.GeneratedNotes && changes != nil {
		edit = h.withGenerated(ctx, tag, o.Request.Commit, edit)
	}
	release, err := h.client.UpsertRelease(ctx, tag, opts, edit, settled)
	if cause := context.Cause(ctx); err != nil && cause != nil && ctx.Err() != cause { //nolint:errorlint // it is that very one
		err = cause
	}
	h.warn("release", err, releaseOff)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.released.ReleaseURL = release.URL
}

// withGenerated puts GitHub's own notes into a release that has no text yet.
func (h *hub) withGenerated(ctx context.Context, tag, commit string, edit func(string) string) func(string) string {
	_, generated, err := h.client.GenerateNotes(ctx, tag, "", commit)
	h.warn("generated notes", err, "generated-notes: false")
	return func(body string) string {
		if strings.TrimSpace(body) == "" {
			body = generated
		}
		return edit(body)
	}
}

// ledgerName tells ledgers of several accounts and regions apart, without telling an account's number: each has a block of
// its own in a release, since none can read the other's rows.
func (h *hub) ledgerName(ctx context.Context) string {
	id, err := h.account(ctx)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(id + "/" + h.req.Environment.Region + "/" + h.table))
	return hex.EncodeToString(sum[:4])
}
