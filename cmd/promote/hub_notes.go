package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// notesFile is where the notes are written to where nothing else is said: the later steps of the job find it at
// ${{ runner.temp }}/promote-release-notes.md.
const notesFile = "promote-release-notes.md"

// entriesRead is how many entries of an environment's history are read for the notes.
const entriesRead = 50

// notes writes the release notes: into the output, a file, and the release that is meant, if there is one.
func (h *hub) notes(ctx context.Context, o promotion.Outcome) {
	if h.ledger == nil || !h.worthNotes(o) {
		return
	}
	recorded, err := h.recorded(ctx, o)
	if err != nil {
		h.warn("notes", err)
		return
	}
	var changes *report.Changes
	var categories report.Categories
	if o.Kind == promotion.Promoted && h.client != nil {
		changes, categories = h.changes(ctx, o)
	}
	text := report.ReleaseNotes(o, recorded, changes, categories, h.context)
	h.mu.Lock()
	h.released.ReleaseNotes = text
	h.mu.Unlock()
	h.writeNotes(text)
	if tag, opts, is := h.release(o); is {
		h.upsertRelease(ctx, o, tag, opts, changes, categories)
	}
}

func (h *hub) worthNotes(o promotion.Outcome) bool {
	switch o.Kind {
	case promotion.Promoted, promotion.RolledBack:
		return true
	case promotion.Unchanged:
		return h.step.Tag() != "" && o.Request.Mode != promotion.ModePlan
	}
	return false
}

// recorded reads what the ledger has of the environments that belong into these notes: the run's own, and those of the
// same app that hold the same commit.
func (h *hub) recorded(ctx context.Context, o promotion.Outcome) ([]report.Recorded, error) {
	own := o.Request.Scope()
	scopes, err := h.ledger.Scopes(ctx)
	if err != nil {
		scopes = []promotion.Scope{own} // listing them takes a permission of its own
	}
	var list []report.Recorded
	for _, scope := range scopes {
		if scope.App != own.App {
			continue
		}
		book, err := h.ledger.Read(ctx, scope)
		if err != nil {
			return nil, err
		}
		if scope != own && !holds(book.Head, o.Request.Commit) {
			continue
		}
		entries, err := h.ledger.History(ctx, scope, promotion.Query{Limit: entriesRead})
		if err != nil {
			return nil, err
		}
		list = append(list, report.Recorded{Scope: scope, Region: o.Request.Environment.Region, Head: book.Head, Entries: entries})
	}
	return list, nil
}

func holds(head promotion.Head, commit string) bool {
	for _, rec := range head.Functions {
		if commit != "" && rec.Source.Commit == commit {
			return true
		}
	}
	return false
}

// changes are what lies between what was promoted before and this commit.
func (h *hub) changes(ctx context.Context, o promotion.Outcome) (*report.Changes, report.Categories) {
	head := o.Request.Commit
	changes := &report.Changes{Base: before(o), Head: head}
	if head == "" || changes.Base == "" || changes.Base == head {
		return changes, report.Categories{}
	}
	found, err := h.client.Changes(ctx, changes.Base, head, github.ChangesOptions{Paths: h.paths(o)})
	if err != nil {
		h.warn("changes", err)
		return changes, report.Categories{}
	}
	h.warn("changes", found.ByTitle)
	changes.Truncated, changes.CompareURL = found.Truncated, found.URL
	for _, c := range found.Commits {
		changes.Commits = append(changes.Commits, report.Commit{SHA: c.SHA, Title: c.Title, Author: cmp.Or(c.Author, c.AuthorName), Pull: c.PullRequest})
	}
	for _, p := range found.PullRequests {
		pull := report.Pull{Number: p.Number, Title: p.Title, Author: p.Author, Labels: p.Labels}
		for _, issue := range p.Closes {
			pull.Closes = append(pull.Closes, issue.Number)
		}
		changes.Pulls = append(changes.Pulls, pull)
	}
	return changes, h.categories(ctx, head)
}

// before is the commit that most of the moved functions held before.
func before(o promotion.Outcome) string {
	count, most := map[string]int{}, ""
	for _, f := range o.Functions {
		if f.Fate != promotion.FateMoved && f.Fate != promotion.FateCreated {
			continue
		}
		commit := f.PreviousSource.Commit
		if count[commit]++; commit != "" && (most == "" || count[commit] > count[most]) {
			most = commit
		}
	}
	return most
}

// paths are those of the functions that were moved, where every one of them has any.
func (h *hub) paths(o promotion.Outcome) []string {
	var paths []string
	for _, f := range o.Functions {
		if f.Fate != promotion.FateMoved && f.Fate != promotion.FateCreated {
			continue
		}
		of := h.wanted.Paths[f.Function]
		if len(of) == 0 {
			return nil
		}
		paths = append(paths, of...)
	}
	return paths
}

// categories are those of .github/release.yml; without it, or where it cannot be read, changes are told by their prefixes.
func (h *hub) categories(ctx context.Context, commit string) report.Categories {
	for _, name := range []string{".github/release.yml", ".github/release.yaml"} {
		text, err := h.client.File(ctx, name, commit)
		if err != nil {
			h.warn("categories", err)
			return report.Categories{}
		}
		if text == nil {
			continue
		}
		categories, err := report.ParseCategories(text)
		h.warn("categories", err)
		return categories
	}
	return report.Categories{}
}

func (h *hub) writeNotes(text string) {
	file := h.wanted.NotesFile
	switch temp := h.step.Temp(); {
	case file != "":
		file = filepath.Join(h.workspace, filepath.FromSlash(file))
	case temp != "":
		file = filepath.Join(temp, notesFile)
	default:
		return
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		h.warn("notes file", fmt.Errorf("write the release notes: %w", err))
		return
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		h.warn("notes file", fmt.Errorf("write the release notes: %w", err))
	}
}

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
	ledger := h.ledgerName(ctx)
	blocks := func(body string) []string {
		recorded, err := h.recorded(ctx, o)
		if err != nil {
			h.warn("notes", err)
			return nil
		}
		list := []string{report.PromotedVersions(recorded, ledger, h.context, report.Room(body, report.VersionsBlock(ledger)))}
		if changes != nil && changes.Base != "" {
			scope := o.Request.Scope()
			list = append(list, report.ChangesBlock(o, *changes, categories, h.context, report.Room(body, report.ChangesBlockName(scope))))
		}
		return list
	}
	edit := func(body string) string {
		for _, block := range blocks(body) {
			body = report.EditRelease(body, block)
		}
		return body
	}
	settled := func(body string) bool {
		for _, block := range blocks(body) {
			if !report.Settled(body, block) {
				return false
			}
		}
		return true
	}
	if h.wanted.GeneratedNotes && changes != nil {
		edit = h.withGenerated(ctx, tag, o.Request.Commit, edit)
	}
	release, err := h.client.UpsertRelease(ctx, tag, opts, edit, settled)
	h.warn("release", err)
	h.mu.Lock()
	h.released.ReleaseURL = release.URL
	h.mu.Unlock()
}

// withGenerated puts GitHub's own notes into a release that has no text yet.
func (h *hub) withGenerated(ctx context.Context, tag, commit string, edit func(string) string) func(string) string {
	_, generated, err := h.client.GenerateNotes(ctx, tag, "", commit)
	h.warn("generated notes", err)
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
