// Package ledger is [promotion.Ledger] on DynamoDB.
//
// The rows of an environment share a partition with its lock. BOOK#HEAD is what it holds, BOOK#INTENT what is about to
// be done; one query reads both. HIST#<number> are the history's entries, newest first by a query that runs backwards.
// REL#<id> are releases, and RUN#<run>#<id> finds those of a run; these alone end by the time to live. A row is a few
// attributes, for conditions and for people, and a document: JSON, compressed where it is long, and continued in the rows
// <key>#001 and on where one row cannot hold it. The row and its continuations carry the same random mark, which names
// the write that made them; so a reader knows whether what it has belongs together, and a writer whose answer was lost
// whether what it finds is its own.
//
// Every write of a book is one transaction that checks the lock and the head that the writer has read. It is repeated
// with the same token until there is an answer, which DynamoDB carries out once; what has no answer even then is read.
package ledger

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// Ledger implements promotion.Ledger in one table.
type Ledger struct {
	table *table.Table
}

// New returns the ledger of a table. No call is made.
func New(t *table.Table) *Ledger { return &Ledger{table: t} }

var _ promotion.Ledger = (*Ledger)(nil)

// The attributes of rows. Documents have names of their own.
const (
	attrMark   = "write"  // names the write that made the row
	attrNumber = "number" // of an entry; of the newest one in the head
	attrFence  = table.FenceAttribute
	attrSum    = "sum"  // of the head's document, to tell whether a writer knows what it changes
	attrOpen   = "open" // the id of the open intent; absent if there is none
	attrID     = "id"
	attrAt     = "at"
	attrKind   = "kind"
	attrState  = "state"
	attrWhy    = "why"
	attrOwner  = table.OwnerAttribute
	attrRun    = "run"
)

// The sort keys.
const (
	bookPrefix    = "BOOK#"
	headSort      = bookPrefix + "HEAD"
	intentSort    = bookPrefix + "INTENT"
	historyPrefix = "HIST#"
	releasePrefix = "REL#"
	runPrefix     = "RUN#"
)

func partition(s promotion.Scope) string { return table.Partition(s.App, s.Environment) }

func key(s promotion.Scope, sort string) table.Key { return table.Key{PK: partition(s), SK: sort} }

// check refuses names that would be the key of something else.
func check(s promotion.Scope) error {
	if err := table.CheckName("the app", s.App); err != nil {
		return err
	}
	return table.CheckName("the environment", s.Environment)
}

// mark is a random name, 32 characters long.
func mark() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: https://pkg.go.dev/crypto/rand#Read
	return hex.EncodeToString(b)
}

// clock is a time as rows spell it.
func clock(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// tries is how often one deed is tried that had no proper answer, or whose rows did not belong together.
const tries = 4

// read repeats a reading that had no proper answer, or met a write in the middle of it.
func (l *Ledger) read(ctx context.Context, deed string, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, errTorn) && !table.Transient(err), n == tries, pause(ctx, n) != nil:
			return l.explain(err, deed)
		}
	}
}

// explain says of an error what the deed was.
func (l *Ledger) explain(err error, deed string) error {
	var known promotion.Fault
	if errors.Is(err, errTorn) && !errors.As(err, &known) {
		return promotion.Fault{What: deed + ": parts of it are missing, or are another write's", Hint: restore}
	}
	return l.table.Explain(err, deed)
}

const restore = "promote does not leave rows like this: somebody changed the table by hand, or restored some rows of it; restore all of the table to a moment before that"

// pause waits before the next try.
func pause(ctx context.Context, n int) error {
	timer := time.NewTimer(time.Duration(n) * 200 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
