package ledger

import (
	"context"
	"slices"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// Read implements promotion.Ledger. It is one query, unless a write is carried out in the middle of it: a query is no
// snapshot of several rows. The head names the intent that is open and an intent never changes, so the two are of one
// moment if they agree; otherwise they are read again.
func (l *Ledger) Read(ctx context.Context, s promotion.Scope) (promotion.Book, error) {
	if err := check(s); err != nil {
		return promotion.Book{}, err
	}
	var book promotion.Book
	err := l.read(ctx, "read what is recorded of "+s.String(), func() error {
		rows, err := l.table.Rows(ctx, partition(s), bookPrefix)
		if err != nil {
			return err
		}
		book, err = l.book(s, bySort(rows))
		return err
	})
	return book, err
}

// book is what the rows say.
func (l *Ledger) book(s promotion.Scope, rows map[string]table.Item) (promotion.Book, error) {
	row := rows[headSort]
	if row == nil {
		if rows[intentSort] != nil {
			return promotion.Book{}, errTorn
		}
		return promotion.Book{Head: promotion.Head{Functions: map[string]promotion.Record{}}}, nil
	}
	var head headShape
	if err := l.open(rows, headSort, headOf(s), &head); err != nil {
		return promotion.Book{}, err
	}
	book := promotion.Book{Head: promotion.Head{Number: row.Uint(attrNumber), Fence: row.Uint(attrFence), Functions: records(head.Functions, recordShape.record)}}
	id := row.String(attrOpen)
	if id == "" {
		return book, nil
	}
	intent, err := l.intent(s, rows, id)
	book.Open = intent
	return book, err
}

func headOf(s promotion.Scope) string { return "the head of " + s.String() }

// intent is the one with the id.
func (l *Ledger) intent(s promotion.Scope, rows map[string]table.Item, id string) (*promotion.Intent, error) {
	row := rows[intentSort]
	if row.String(attrID) != id {
		return nil, errTorn
	}
	what := "the open intent of " + s.String()
	var shape intentShape
	if err := l.open(rows, intentSort, what, &shape); err != nil {
		return nil, err
	}
	entry, err := shape.Entry.entry(0)
	if err != nil {
		return nil, unreadable(what, err)
	}
	return &promotion.Intent{ID: id, Fence: row.Uint(attrFence), Alias: shape.Alias, Entry: entry, Next: records(shape.Next, recordShape.record)}, nil
}

// Scopes implements promotion.Ledger. It reads the whole table.
func (l *Ledger) Scopes(ctx context.Context) ([]promotion.Scope, error) {
	var scopes []promotion.Scope
	err := l.read(ctx, "list what is recorded in "+l.table.String(), func() error {
		partitions, err := l.table.Partitions(ctx, headSort)
		scopes = nil
		for _, p := range partitions {
			if app, environment, is := strings.Cut(p, "/"); is {
				scopes = append(scopes, promotion.Scope{App: app, Environment: environment})
			}
		}
		return err
	})
	slices.SortFunc(scopes, func(a, b promotion.Scope) int { return strings.Compare(partition(a), partition(b)) })
	return scopes, err
}
