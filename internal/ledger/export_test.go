package ledger

import (
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// What the rows of a query say, without a query.
func (l *Ledger) Book(s promotion.Scope, rows []table.Item) (promotion.Book, error) {
	return l.book(s, bySort(rows))
}

func (l *Ledger) Entry(s promotion.Scope, rows []table.Item) (promotion.Entry, error) {
	return l.entry(s, bySort(rows), rows[0])
}

func (l *Ledger) Release(s promotion.Scope, rows []table.Item) (promotion.Release, error) {
	return l.release(s, bySort(rows), rows[0].String(table.SK))
}

var ErrTorn = errTorn
