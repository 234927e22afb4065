package ledger

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// Intend implements promotion.Ledger. It is one transaction: the lock is checked, the head names the intent, and the
// intent is there.
func (l *Ledger) Intend(ctx context.Context, g promotion.Grant, from promotion.Head, i promotion.Intent) error {
	scope := promotion.Scope(g.Lock)
	w := l.change(scope, g, from, "", "record what is about to be done in "+scope.String())
	if err := check(scope); err != nil {
		return err
	}
	if i.ID == "" {
		return promotion.Fault{What: w.deed + ": the intent has no id"}
	}
	head, err := w.head(from.Number, from.Functions, i.ID)
	if err != nil {
		return w.unwritable(err)
	}
	i.Fence = cmp.Or(i.Fence, g.Fence)
	intent, err := l.sheet(key(scope, intentSort), w.mark, table.Item{attrID: table.S(i.ID), attrFence: table.N(i.Fence), attrAt: table.S(clock(time.Now()))},
		intentShape{Alias: i.Alias, Entry: shapeOfEntry(i.Entry), Next: records(i.Next, shapeOfRecord)})
	if err != nil {
		return w.unwritable(err)
	}
	w.add(l.table.Guard(g))
	if err := w.addHead(head); err != nil {
		return w.unwritable(err)
	}
	w.addSheet(intent, "")
	return w.carry(ctx)
}

// Record implements promotion.Ledger. It is one transaction: the lock is checked or given back, the head is what it was
// with the next records in it, the history has the entry, and the intent that it closes is gone.
func (l *Ledger) Record(ctx context.Context, g promotion.Grant, from promotion.Head, r promotion.Writing) (uint64, error) {
	scope := promotion.Scope(g.Lock)
	w := l.change(scope, g, from, r.Close, deedOf(r)+" in "+scope.String())
	if err := check(scope); err != nil {
		return 0, err
	}
	number := from.Number
	if r.Entry != nil {
		number++
	}
	functions := make(map[string]promotion.Record, len(from.Functions)+len(r.Next))
	maps.Copy(functions, from.Functions)
	maps.Copy(functions, r.Next)
	head, err := w.head(number, functions, "")
	if err != nil {
		return 0, w.unwritable(err)
	}
	if r.GiveBack {
		w.add(l.table.GiveBack(g, r.Clean, nil))
	} else {
		w.add(l.table.Guard(g))
	}
	if err := w.addHead(head); err != nil {
		return 0, w.unwritable(err)
	}
	if r.Close != "" {
		w.add(types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String(l.table.Name()), Key: key(scope, intentSort).Item()}})
	}
	if r.Entry != nil {
		e := *r.Entry
		e.Fence = cmp.Or(e.Fence, g.Fence)
		w.witness = key(scope, entrySort(number))
		entry, err := l.sheet(w.witness, w.mark, table.Item{attrNumber: table.N(number), attrKind: table.S(string(e.Kind)), attrAt: table.S(clock(e.At))}, shapeOfEntry(e))
		if err != nil {
			return 0, w.unwritable(err)
		}
		w.addSheet(entry, absent)
	}
	if err := w.carry(ctx); err != nil {
		return 0, err
	}
	return number, nil
}

// deedOf says what a record is of.
func deedOf(r promotion.Writing) string {
	if r.Entry == nil {
		if r.Close != "" {
			return "close the intent"
		}
		return "record what the aliases hold"
	}
	switch r.Entry.Kind {
	case promotion.EntryPromotion:
		return "record the promotion"
	case promotion.EntryRollback:
		return "record the rollback"
	case promotion.EntryUndone:
		return "record what was put back"
	case promotion.EntryFloor:
		return "record that the floor is lifted"
	}
	return "record what was found"
}

// A change is a transaction of a book in the making.
type change struct {
	transaction
	grant promotion.Grant
	from  promotion.Head
	close string // the open intent; "": none may be
}

func (l *Ledger) change(s promotion.Scope, g promotion.Grant, from promotion.Head, closes, deed string) *change {
	w := &change{grant: g, from: from, close: closes}
	w.transaction = transaction{ledger: l, scope: s, deed: deed, mark: mark(), witness: key(s, headSort), refusal: w.refused, still: w.still}
	return w
}

// head is the head's row as the change leaves it.
func (w *change) head(number uint64, functions map[string]promotion.Record, open string) (sheet, error) {
	sum, err := sumOf(functions)
	if err != nil {
		return nil, err
	}
	attributes := table.Item{attrNumber: table.N(number), attrFence: table.N(w.grant.Fence), attrSum: table.S(sum), attrAt: table.S(clock(time.Now()))}
	if open != "" {
		attributes[attrOpen] = table.S(open)
	}
	return w.ledger.sheet(key(w.scope, headSort), w.mark, attributes, headShape{Functions: records(functions, shapeOfRecord)})
}

// sumOf tells two heads apart that have the same number: a write without an entry leaves it. It is the same before a
// head is written and after it was read, when what is no UTF-8 has become U+FFFD.
func sumOf(functions map[string]promotion.Record) (string, error) {
	text, err := encode(records(functions, shapeOfRecord))
	if err == nil && bytes.Contains(text, []byte(`\ufffd`)) {
		var read map[string]recordShape
		if err = decode(text, &read); err == nil {
			text, err = encode(read)
		}
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// addHead adds the head's rows, on the condition that it is the one that the change was decided on: the same number and
// the same records, under the fence that was seen then or this grant's own. The sum is that of the format that this
// release writes; a head in the format before is known by number and fence. Parts of a head that took more room are left;
// nothing reads them, and the next head of that size covers them.
func (w *change) addHead(s sheet) error {
	sum, err := sumOf(w.from.Functions)
	if err != nil {
		return err
	}
	condition := "#number = :number AND (#fence = :seen OR #fence = :fence) AND #fence <= :fence AND (#sum = :sum OR #schema < :schema)"
	values := table.Item{
		":number": table.N(w.from.Number), ":seen": table.N(w.from.Fence), ":fence": table.N(w.grant.Fence),
		":sum": table.S(sum), ":schema": table.N(w.ledger.table.Format().Number),
	}
	if w.from.Number == 0 && w.from.Fence == 0 {
		condition = absent + " OR (" + condition + ")"
	}
	condition = "(" + condition + ") AND "
	if w.close == "" {
		condition += "attribute_not_exists(#open)"
	} else {
		condition += "#open = :open"
		values[":open"] = table.S(w.close)
	}
	w.actions = append(w.actions, w.ledger.puts(s, condition, values)...)
	w.bytes += s.size()
	return nil
}

// still tells of the head's row whether the change cannot have been carried out and covered by another since.
func (w *change) still(row table.Item) bool {
	if w.witness.SK != headSort {
		return true // the history's rows are never covered
	}
	return row.Uint(attrNumber) == w.from.Number && row.Uint(attrFence) == w.from.Fence
}

// refused says which condition did not hold. The lock is the first action, the head the second.
func (w *change) refused(no *table.Refused) error {
	if no.Actions[0].Failed {
		return kinded{fmt.Sprintf("%s: %s is not held any more", w.deed, w.grant.Lock), promotion.ErrNotHeld}
	}
	if !no.Actions[1].Failed {
		return promotion.Fault{What: fmt.Sprintf("%s: the history has an entry %d already, and the head does not know of it", w.deed, w.from.Number+1), Hint: restore}
	}
	row := no.Actions[1].Row
	stale := func(format string, args ...any) error {
		return kinded{w.deed + ": " + fmt.Sprintf(format, args...), promotion.ErrStale}
	}
	if row == nil {
		return stale("what was recorded there is gone since it was read")
	}
	if err := w.ledger.table.Format().Check(row, headOf(w.scope)); err != nil {
		return fmt.Errorf("%w: %w", stale("somebody has written since it was read"), err)
	}
	open := row.String(attrOpen)
	switch fence := row.Uint(attrFence); {
	case fence > w.grant.Fence:
		return stale("it was written under fence %d, and this run's is %d", fence, w.grant.Fence)
	case row.Uint(attrNumber) != w.from.Number || fence != w.from.Fence && fence != w.grant.Fence:
		return stale("somebody has written since it was read: entry %d is the newest, not %d", row.Uint(attrNumber), w.from.Number)
	case open == w.close:
		return stale("what is recorded of its functions has changed since it was read")
	case w.close == "":
		return stale("something is half done there, intent %s", open)
	case open == "":
		return stale("intent %s is not open any more", w.close)
	}
	return stale("intent %s is open, not %s", open, w.close)
}
