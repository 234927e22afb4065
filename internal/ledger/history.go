package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// maxEntry is the greatest number that sorts as it should.
const maxEntry = 999_999_999_999

func entrySort(number uint64) string { return fmt.Sprintf("%s%012d", historyPrefix, number) }

const (
	// skew is by how much the clocks of those who write entries may be apart, for a reading that stops at the first entry
	// that is too old: numbers grow strictly, times only nearly.
	skew = 24 * time.Hour
	// narrowPage is how many rows a call asks for where few of them are expected to fit.
	narrowPage = 50
)

// History implements promotion.Ledger. Entries are read newest first, and no more of them than are needed.
func (l *Ledger) History(ctx context.Context, s promotion.Scope, q promotion.Query) ([]promotion.Entry, error) {
	if err := check(s); err != nil {
		return nil, err
	}
	if q.Before == 1 {
		return nil, nil
	}
	var entries []promotion.Entry
	err := l.read(ctx, "read the history of "+s.String(), func() (err error) {
		entries, err = l.history(ctx, s, q)
		return err
	})
	return entries, err
}

func (l *Ledger) history(ctx context.Context, s promotion.Scope, q promotion.Query) ([]promotion.Entry, error) {
	newest := uint64(maxEntry)
	if q.Before > 0 {
		newest = min(q.Before-1, maxEntry)
	}
	var entries []promotion.Entry
	parts := map[string]table.Item{} // of the entry that comes next: going backwards, they are met first
	for row, err := range l.table.Backwards(ctx, partition(s), historyPrefix, entrySort(newest)+"~", page(q)) {
		if err != nil {
			return nil, err
		}
		parts[row.String(table.SK)] = row
		if isPart(row) {
			continue
		}
		e, err := l.entry(s, parts, row)
		if err != nil {
			return nil, err
		}
		clear(parts)
		if q.Fits(e) {
			entries = append(entries, e)
		}
		if q.Limit > 0 && len(entries) == q.Limit || !q.Since.IsZero() && e.At.Before(q.Since.Add(-skew)) {
			break
		}
	}
	return entries, nil
}

// page is how many rows to ask for at a time.
func page(q promotion.Query) int {
	switch {
	case q.Limit == 0:
		return 0
	case q == promotion.Query{Limit: q.Limit, Before: q.Before}:
		return q.Limit
	}
	return narrowPage
}

// entry is what the rows of one entry say.
func (l *Ledger) entry(s promotion.Scope, rows map[string]table.Item, first table.Item) (promotion.Entry, error) {
	number := first.Uint(attrNumber)
	what := fmt.Sprintf("entry %d of the history of %s", number, s)
	sort := first.String(table.SK)
	if sort != entrySort(number) {
		return promotion.Entry{}, unreadable(what, errors.New("its key is "+sort))
	}
	var shape entryShape
	if err := l.open(rows, sort, what, &shape); err != nil {
		return promotion.Entry{}, err
	}
	e, err := shape.entry(number)
	if err != nil {
		return promotion.Entry{}, unreadable(what, err)
	}
	return e, nil
}
