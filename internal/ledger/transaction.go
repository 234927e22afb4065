package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// A transaction is carried out as a whole or not at all.
type transaction struct {
	ledger  *Ledger
	scope   promotion.Scope
	deed    string // for errors
	mark    string // of the rows that it writes
	actions []types.TransactWriteItem
	bytes   int

	// witness is the row by which to know whether it was carried out. still tells of what is there instead that it has
	// not been there and gone again.
	witness table.Key
	still   func(table.Item) bool
	refusal func(*table.Refused) error
}

func (t *transaction) add(a types.TransactWriteItem) { t.actions = append(t.actions, a) }

// addSheet adds rows, the first of them under the condition.
func (t *transaction) addSheet(s sheet, condition string) {
	t.actions = append(t.actions, t.ledger.puts(s, condition, nil)...)
	t.bytes += s.size()
}

func (t *transaction) unwritable(err error) error {
	return promotion.Fault{What: t.deed + ": it cannot be written as it is", Detail: err.Error()}
}

// What a transaction may hold: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html.
const (
	maxTransaction = 4 << 20
	maxActions     = 100
)

// carry carries the transaction out. It is sent again until there is an answer, with the same token, so that DynamoDB
// does it once. When there is none, its witness is asked.
func (t *transaction) carry(ctx context.Context) error {
	if t.bytes > maxTransaction || len(t.actions) > maxActions {
		return promotion.Fault{
			What: fmt.Sprintf("%s: it takes %d MB, and DynamoDB writes at most %d MB at once", t.deed, (t.bytes+1<<20-1)>>20, maxTransaction>>20),
			Hint: "divide the functions among several apps",
		}
	}
	token, unsure := mark(), false
	for n := 1; ; n++ {
		err := t.ledger.table.Transact(ctx, token, t.actions...)
		var no *table.Refused
		switch {
		case err == nil:
			return nil
		case errors.As(err, &no):
			return t.refused(ctx, no, unsure)
		}
		unsure = unsure || awserr.UnknownEffect(err)
		if n < tries && table.Transient(err) && pause(ctx, n) == nil {
			continue
		}
		err = t.ledger.explain(err, t.deed)
		if !unsure {
			return err
		}
		if done, _ := t.settle(ctx); done {
			return nil
		}
		return fmt.Errorf("%w: %w", err, promotion.ErrUnknownEffect) // it may be carried out yet
	}
}

// refused takes the answer that a condition does not hold. If an earlier request had no answer, that may be since it was
// carried out and DynamoDB has forgotten the token, or since its own deed ended what it stood on.
func (t *transaction) refused(ctx context.Context, no *table.Refused, unsure bool) error {
	err := t.refusal(no)
	if !unsure {
		return err
	}
	done, known := t.settle(ctx)
	switch {
	case done:
		return nil
	case known:
		return err
	}
	return fmt.Errorf("%w: %w", err, promotion.ErrUnknownEffect)
}

// settleWithin bounds the last look, which is taken even if the run is interrupted: it has to know what it leaves.
const settleWithin = 2 * time.Second

// settle asks the witness whether the transaction was carried out, and whether that can be told.
func (t *transaction) settle(ctx context.Context) (done, known bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	row, err := t.ledger.table.Get(ctx, t.witness)
	if err != nil {
		return false, false
	}
	if row.String(attrMark) == t.mark {
		return true, true
	}
	return false, t.still(row)
}

// kinded is an error with words of its own, of a kind that the story branches on.
type kinded struct {
	text string
	kind error
}

func (k kinded) Error() string { return k.text }
func (k kinded) Unwrap() error { return k.kind }
