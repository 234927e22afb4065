package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// keep is how long a release can be found. Nothing of it is needed later: what was promoted is in the history.
const keep = 90 * 24 * time.Hour

func releaseKey(s promotion.Scope, id string) table.Key { return key(s, releasePrefix+id) }

// checkRelease refuses an id, or a run's, that would be the key of something else.
func checkRelease(s promotion.Scope, id, run string) error {
	err := check(s)
	if err == nil && id != "" {
		err = table.CheckName("the release", id)
	}
	if err == nil && run != "" {
		err = table.CheckName("the run", run)
	}
	return err
}

// Deposit implements promotion.Ledger. It is one transaction, of the release and of the row by which its run finds it.
func (l *Ledger) Deposit(ctx context.Context, r promotion.Release) error {
	if err := checkRelease(r.Scope, r.ID, r.RunID); err != nil {
		return err
	}
	t := &transaction{ledger: l, scope: r.Scope, deed: fmt.Sprintf("record release %s of %s", r.ID, r.Scope), mark: mark(), witness: releaseKey(r.Scope, r.ID)}
	if r.ID == "" {
		return promotion.Fault{What: t.deed + ": it has no id"}
	}
	t.still = func(table.Item) bool { return true } // a release is never covered by another
	t.refusal = func(*table.Refused) error {
		return kinded{t.deed + ": there is one with this id already", promotion.ErrExists}
	}
	expires := table.N(time.Now().Add(keep).Unix())
	attributes := table.Item{
		attrID: table.S(r.ID), attrState: table.S(string(cmp.Or(r.State, promotion.ReleaseReady))), attrWhy: table.S(r.Why),
		attrAt: table.S(clock(r.At)),
	}
	if r.Owner != "" {
		attributes[attrOwner] = table.S(r.Owner.Reveal())
	}
	rows, err := l.sheet(t.witness, t.mark, attributes, shapeOfRelease(r))
	if err != nil {
		return t.unwritable(err)
	}
	pointer := len(rows)
	if r.RunID != "" {
		row := l.row(key(r.Scope, runPrefix+r.RunID+"#"+r.ID), t.mark)
		row[attrID] = table.S(r.ID)
		rows = append(rows, row)
	}
	for _, row := range rows {
		row[table.Expires] = expires
	}
	t.addSheet(rows[:pointer], absent)
	t.addSheet(rows[pointer:], "")
	return t.carry(ctx)
}

// Releases implements promotion.Ledger. By id it is one query; by run one, and one for each release of the run; otherwise
// all releases of the scope are read.
func (l *Ledger) Releases(ctx context.Context, s promotion.Scope, q promotion.ReleaseQuery) ([]promotion.Release, error) {
	if err := checkRelease(s, q.ID, q.RunID); err != nil {
		return nil, err
	}
	var releases []promotion.Release
	err := l.read(ctx, "read the releases of "+s.String(), func() error {
		rows, err := l.releaseRows(ctx, s, q)
		if err != nil {
			return err
		}
		releases = nil
		for sort, row := range rows {
			if isPart(row) {
				continue
			}
			r, err := l.release(s, rows, sort)
			if err != nil {
				return err
			}
			if (q.ID == "" || r.ID == q.ID) && (q.RunID == "" || r.RunID == q.RunID) && (q.State == "" || r.State == q.State) {
				releases = append(releases, r)
			}
		}
		return nil
	})
	slices.SortFunc(releases, func(a, b promotion.Release) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(b.ID, a.ID)) })
	if q.Limit > 0 && len(releases) > q.Limit {
		releases = releases[:q.Limit]
	}
	return releases, err
}

// releaseRows reads the rows among which the releases are that fit.
func (l *Ledger) releaseRows(ctx context.Context, s promotion.Scope, q promotion.ReleaseQuery) (map[string]table.Item, error) {
	if q.ID != "" || q.RunID == "" {
		rows, err := l.table.Rows(ctx, partition(s), releasePrefix+q.ID)
		return bySort(rows), err
	}
	pointers, err := l.table.Rows(ctx, partition(s), runPrefix+q.RunID+"#")
	var all []table.Item
	for _, p := range pointers {
		if err != nil {
			break
		}
		var rows []table.Item
		rows, err = l.table.Rows(ctx, partition(s), releasePrefix+p.String(attrID))
		all = append(all, rows...)
	}
	return bySort(all), err
}

func (l *Ledger) release(s promotion.Scope, rows map[string]table.Item, sort string) (promotion.Release, error) {
	row := rows[sort]
	id := strings.TrimPrefix(sort, releasePrefix)
	var shape releaseShape
	if err := l.open(rows, sort, fmt.Sprintf("release %s of %s", id, s), &shape); err != nil {
		return promotion.Release{}, err
	}
	r := shape.release()
	r.ID, r.Scope, r.State, r.Why = id, s, promotion.ReleaseState(row.String(attrState)), row.String(attrWhy)
	r.Owner = promotion.Secret(row.String(attrOwner))
	return r, nil
}

// Conclude implements promotion.Ledger. It is one conditional update; a repetition of it finds the release ended.
func (l *Ledger) Conclude(ctx context.Context, s promotion.Scope, id string, st promotion.ReleaseState, why string) error {
	if err := checkRelease(s, id, ""); err != nil {
		return err
	}
	const update, condition = "SET #state = :state, #why = :why", "#state = :ready AND #schema BETWEEN :oldest AND :newest"
	newest := l.table.Format().Number
	deed := fmt.Sprintf("conclude release %s of %s", id, s)
	err := l.read(ctx, deed, func() error {
		_, err := l.table.Update(ctx, types.Update{
			TableName: aws.String(l.table.Name()), Key: releaseKey(s, id).Item(),
			UpdateExpression: aws.String(update), ConditionExpression: aws.String(condition), ExpressionAttributeNames: table.Names(update, condition),
			ExpressionAttributeValues: table.Item{
				":state": table.S(string(st)), ":why": table.S(why), ":ready": table.S(string(promotion.ReleaseReady)),
				":oldest": table.N(max(newest-1, 1)), ":newest": table.N(newest),
			},
		})
		return err
	})
	var no *table.Refused
	switch {
	case errors.As(err, &no):
	case awserr.UnknownEffect(err):
		if l.ended(ctx, s, id) {
			return nil
		}
		return fmt.Errorf("%w: %w", err, promotion.ErrUnknownEffect)
	default:
		return err
	}
	row := no.Actions[0].Row
	if row == nil {
		return kinded{deed + ": there is no such release", promotion.ErrNotFound}
	}
	return l.table.Format().Check(row, fmt.Sprintf("release %s of %s", id, s))
}

// ended looks a last time whether a release is ready no more.
func (l *Ledger) ended(ctx context.Context, s promotion.Scope, id string) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	row, err := l.table.Get(ctx, releaseKey(s, id))
	return err == nil && row != nil && row.String(attrState) != string(promotion.ReleaseReady)
}
