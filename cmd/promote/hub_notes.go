package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

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
		h.warn("notes", err, "")
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
	if o.Request.WithoutLock || h.wanted.NotesFile == "" && !h.step.Inside() {
		return false // the ledger cannot be asked, or nobody would read them
	}
	switch o.Kind {
	case promotion.Promoted, promotion.RolledBack:
		return true
	case promotion.Unchanged:
		return h.step.Tag() != "" && o.Request.Mode != promotion.ModePlan
	}
	return false
}

// recorded reads what the ledger has of the environments that belong into these notes: the run's own, and those of the
// same app that the same commit was promoted to, so that each of their runs finds the same. A rolling release is of one
// environment.
func (h *hub) recorded(ctx context.Context, o promotion.Outcome) ([]report.Recorded, error) {
	own := o.Request.Scope()
	scopes := []promotion.Scope{own}
	// Listing the others reads the whole table, and takes a permission of its own: only a release is shared with them.
	if _, _, shared := h.release(o); shared {
		if all, err := h.ledger.Scopes(ctx); err == nil {
			scopes = all
		}
	}
	var list []report.Recorded
	for _, scope := range scopes {
		if scope.App != own.App || scope != own && h.wanted.Release == config.ReleaseRolling {
			continue
		}
		book, err := h.ledger.Read(ctx, scope)
		if err != nil {
			return nil, err
		}
		entries, err := h.ledger.History(ctx, scope, promotion.Query{Limit: entriesRead})
		if err != nil {
			return nil, err
		}
		if scope != own && !knows(book.Head, entries, o.Request.Commit) {
			continue
		}
		list = append(list, report.Recorded{Scope: scope, Region: o.Request.Environment.Region, Head: book.Head, Entries: entries})
	}
	return list, nil
}

// knows tells whether the commit is, or was, promoted there.
func knows(head promotion.Head, entries []promotion.Entry, commit string) bool {
	for _, rec := range head.Functions {
		if commit != "" && rec.Source.Commit == commit {
			return true
		}
	}
	return slices.ContainsFunc(entries, func(e promotion.Entry) bool { return commit != "" && e.Source.Commit == commit })
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
		h.warn("changes", err, "")
		return changes, report.Categories{}
	}
	h.warn("changes", found.ByTitle, "")
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
			h.warn("categories", err, "")
			return report.Categories{}
		}
		if text == nil {
			continue
		}
		categories, err := report.ParseCategories(text)
		h.warn("categories", err, "")
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
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o644)
	}
	if err != nil {
		h.warn("notes file", fmt.Errorf("write the release notes: %w", err), "")
	}
}
