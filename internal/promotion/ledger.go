package promotion

import (
	"context"
	"time"
)

// A Scope is what is recorded together: one environment of an app. Its lock is [Lock] of the same names.
type Scope struct{ App, Environment string }

func (s Scope) String() string { return s.App + "'s " + s.Environment }

// Lock is the lock under which the scope is written.
func (s Scope) Lock() Lock { return Lock(s) }

// A Head is what an environment holds as it was recorded last. One row holds all of it, so that a promotion of many
// functions is one conditional write.
type Head struct {
	Number    uint64            // of the newest entry of the history; 0: nothing was ever recorded
	Fence     uint64            // of the lock under which it was written
	Functions map[string]Record // by key
}

// A Record is what one function's alias was left at.
type Record struct {
	Name    string // Lambda's name
	Alias   string
	Version Version
	Digest  Digest
	// Source is whose code it is as far as the order goes: a release that found the function unchanged raises it.
	Source  Source
	Release string // that put the version there; "" for one that was adopted
	Entry   uint64 // of the history, that put the version there
	Adopted bool   // it was found there: promote has not verified it
	// Floor is what a rollback went back from: until a commit ahead of it comes, or a person lifts it, nothing at or
	// behind it is promoted. Without a commit there is none.
	Floor Source
}

// A Book is what is known of an environment at one moment: what was recorded, and what somebody is about to do or has
// left half done. Open is nil if nobody is and nobody has.
type Book struct {
	Head Head
	Open *Intent
}

// An Intent is written before the first alias is moved, and closed by the record of what came of it. It holds
// everything that somebody else needs to finish the work, or to undo it.
type Intent struct {
	ID    string // unique
	Fence uint64 // of the lock under which it was written
	Alias string
	// Entry is what the history will say if all of it is carried out. Its moves are what is to be done.
	Entry Entry
	// Next is what the head will say of the entry's functions then.
	Next map[string]Record
}

// An EntryKind is what an entry of the history tells of.
type EntryKind string

const (
	EntryPromotion EntryKind = "promotion"
	EntryRollback  EntryKind = "rollback"
	EntryUndone    EntryKind = "undone"     // a promotion failed or died half way, and was put back
	EntryRaised    EntryKind = "raised"     // nothing moved: a newer commit was found to be the same code, or what was found was adopted
	EntryFloor     EntryKind = "floor-lift" // a person lifted the floor of a rollback
)

// An Entry is one row of an environment's history. It is never changed.
type Entry struct {
	Number uint64 // 1 is the first; the ledger assigns it
	Kind   EntryKind
	At     time.Time // by the clock of who wrote it; for people
	Fence  uint64

	Release    string
	Source     Source
	Repository string // "owner/name", for people
	Ref        string
	RunID      string
	Attempt    string
	RunURL     string
	Actor      string
	Reason     string // why a person wanted it

	Moves    []Recording
	Proofs   []Proof
	Unproved string // why nothing was verified: "verify: none", "unverified"; "" if it was
	// Repaired is the run that wrote the entry for another one, which had died; "" if a run wrote its own.
	Repaired string
	// Undoes are the numbers of the entries that were taken back, newest first.
	Undoes []uint64
}

// A Recording is what happened to one function.
type Recording struct {
	Function string // key
	Name     string
	From     Version // 0: there was no alias
	To       Version
	// Revision is that of the alias on which the move was decided, "" where there was no alias.
	Revision   Revision
	FromDigest Digest
	Digest     Digest
	FromSource Source // what was promoted before
	// Adopted tells that From was found there and not promoted.
	Adopted bool
	Fate    Fate // where the alias was left
}

// A Proof is the recorded result of one check.
type Proof struct {
	Check    string
	Function string
	Version  Version
	Verdict  Verdict
	Took     time.Duration
	Tests    *TestCounts // of a JUnit check
}

// TestCounts are what a JUnit report counts.
type TestCounts struct{ Tests, Failed, Errored, Skipped int }

// A Ledger keeps what was promoted. Every write but a release's is part of a transaction that checks the lock: it
// returns an error wrapping [ErrNotHeld] when the grant is no longer good, and [ErrStale] when somebody has written
// since the book was read; nothing was written then. [ErrUnknownEffect] is in the chain of an error after which nobody knows.
type Ledger interface {
	// Read reads the head and the open intent, as of one moment.
	Read(ctx context.Context, s Scope) (Book, error)
	// Intend records what is about to be done, where no intent is open.
	Intend(ctx context.Context, g Grant, from Head, i Intent) error
	// Record writes the next head and, at once, what else belongs to it. It returns the number of the entry.
	Record(ctx context.Context, g Grant, from Head, w Writing) (uint64, error)
	// History reads the entries that fit, newest first.
	History(ctx context.Context, s Scope, q Query) ([]Entry, error)
	// Scopes lists every environment of every app that something is recorded of.
	Scopes(ctx context.Context) ([]Scope, error)

	// Deposit keeps a release for a later step or job.
	Deposit(ctx context.Context, r Release) error
	// Releases reads the releases that fit, newest first.
	Releases(ctx context.Context, s Scope, q ReleaseQuery) ([]Release, error)
	// Conclude ends a release's being ready. One that has ended stays as it is, and that is no error.
	Conclude(ctx context.Context, s Scope, id string, st ReleaseState, why string) error
}

// A Writing is one change of a head. Next are the records that change; the others stay.
type Writing struct {
	Next  map[string]Record
	Entry *Entry // nil: the history says nothing
	Close string // the id of the open intent that it closes, "" for none
	// GiveBack gives the lock back in the same transaction. Clean is Release's.
	GiveBack, Clean bool
}

// A Query narrows a history. Zero fields narrow nothing.
type Query struct {
	Limit       int // how many entries at most
	Before      uint64
	Since       time.Time
	Until       time.Time
	Function    string // key
	Kind        EntryKind
	Commit      string
	WithRelease string
}

// Fits tells whether the entry is asked for, but for Limit.
func (q Query) Fits(e Entry) bool {
	switch {
	case q.Before != 0 && e.Number >= q.Before,
		!q.Since.IsZero() && e.At.Before(q.Since),
		!q.Until.IsZero() && e.At.After(q.Until),
		q.Kind != "" && e.Kind != q.Kind,
		q.Commit != "" && e.Source.Commit != q.Commit,
		q.WithRelease != "" && e.Release != q.WithRelease:
		return false
	}
	if q.Function == "" {
		return true
	}
	for _, m := range e.Moves {
		if m.Function == q.Function {
			return true
		}
	}
	return false
}
