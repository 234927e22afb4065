package lease

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// An attempt is one contender's way to one grant. All its requests carry the same owner, so that the row shows whether
// one of them was carried out whose answer was lost.
type attempt struct {
	*Locks
	lock   promotion.Lock
	c      promotion.Contender
	owner  string
	asked  time.Time // when the first request was sent that may have been carried out
	unsure bool      // such a request had no proper answer
}

func (s *Locks) attempt(l promotion.Lock, c promotion.Contender) *attempt {
	return &attempt{Locks: s, lock: l, c: c, owner: token()}
}

// The parts of the expressions that grant a lock. Names are those of the attributes.
const (
	describe = "SET #schema = :schema, #reader = :reader, #region = :region, #owner = :owner, #lease = :lease, #holder = :holder, #turn = :zero, " +
		"#inherited = if_not_exists(#dirty, :no), #dirty = :yes, "
	countUp = "#fence = if_not_exists(#fence, :zero) + :one"
	raise   = "#fence = :fence"

	absent = "attribute_not_exists(#pk)"
	ours   = "#schema BETWEEN :oldest AND :schema AND #region = :region"
	// A late repetition of a request whose sender has held the lock and given it back must not take it again.
	unheld  = "attribute_not_exists(#owner)"
	free    = unheld + " AND " + ours + " AND (attribute_not_exists(#left) OR #left <> :owner)"
	unlined = "(attribute_not_exists(#tickets) OR #served >= #tickets)"
	unmoved = "#fence = :seen"
	sameRun = "#owner = :was AND #turn = :turn AND " + unmoved + " AND " + ours
)

// grant is the write that makes the attempt's contender the holder. The values that set and condition name beside those
// of every grant are in more.
func (a *attempt) grant(set, condition string, more table.Item) types.Update {
	length := a.c.Lease
	if a.c.Hold > 0 {
		length = a.c.Hold
	}
	f := a.rows.Format()
	values := table.Item{
		":schema": table.N(f.Number), ":reader": table.S(f.Reader), ":region": table.S(a.rows.Region()), ":owner": table.S(a.owner),
		":lease": table.N(length.Milliseconds()), ":holder": table.M(holderItem(a.c.Holder)),
		":zero": table.N(0), ":no": table.Bool(false), ":yes": table.Bool(true),
	}
	if strings.Contains(condition, ":oldest") {
		values[":oldest"] = table.N(max(f.Number-1, 1))
	}
	maps.Copy(values, more)
	update := describe + set
	return types.Update{
		TableName: aws.String(a.rows.Name()), Key: table.LockKey(a.lock).Item(),
		UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeNames: table.Names(update, condition), ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// blind asks for a lock of which nothing is known: it is to be free, and nobody waiting.
func (a *attempt) blind() types.Update {
	return a.grant(countUp, absent+" OR ("+free+" AND "+unlined+")", table.Item{":one": table.N(1)})
}

// fresh asks for a lock that was seen to be free. It can be carried out once only, however often it arrives.
func (a *attempt) fresh(r *record, lastInLine bool) types.Update {
	if r.row == nil {
		return a.grant(raise, absent, table.Item{":fence": table.N(r.next())})
	}
	set, more := raise, table.Item{":fence": table.N(r.next()), ":seen": table.N(r.fence())}
	if lastInLine {
		set += ", #served = :served"
		more[":served"] = table.N(r.row.Uint(attrTickets))
	}
	return a.grant(set, free+" AND "+unmoved, more)
}

// sending notes when a request goes out that may make the lock ours.
func (a *attempt) sending() {
	if !a.unsure {
		a.asked = time.Now()
	}
}

// ask sends a single request for the lock. Without a grant and without an error it returns the row that was found.
func (a *attempt) ask(ctx context.Context, u types.Update) (*held, table.Item, error) {
	a.sending()
	row, err := a.rows.Update(ctx, u)
	if err == nil {
		return a.granted(ctx, row), row, nil
	}
	return a.refused(ctx, 0, err)
}

// refused looks at why a request was not carried out: maybe since an earlier one of this attempt was.
func (a *attempt) refused(ctx context.Context, action int, err error) (*held, table.Item, error) {
	var no *table.Refused
	if !errors.As(err, &no) {
		a.unsure = a.unsure || awserr.UnknownEffect(err)
		return nil, nil, err
	}
	row := no.Actions[action].Row
	if row.String(attrOwner) == a.owner {
		return a.granted(ctx, row), row, nil
	}
	return nil, row, a.readable(a.lock, row)
}

// granted makes a holder of the contender, from the row as the grant left it.
func (a *attempt) granted(ctx context.Context, row table.Item) *held {
	g := promotion.Grant{Lock: a.lock, Owner: a.owner, Fence: row.Uint(attrFence), Unclean: row.Bool(attrInherited)}
	return a.hold(ctx, g, a.c, a.asked, seen(row))
}

// seen are the fences of other locks that holders of this one went on to.
func seen(row table.Item) map[string]uint64 {
	fences := map[string]uint64{}
	for name := range row {
		if partition, is := strings.CutPrefix(name, seenPrefix); is {
			fences[partition] = row.Uint(name)
		}
	}
	return fences
}

// maxEnded is how many grants that ended otherwise than by their holder a row remembers.
const maxEnded = 20

// ended adds to the row's memory why a grant ended.
func (r *record) ended(how string, by promotion.Holder, reason string) types.AttributeValue {
	note := table.Item{
		"how": table.S(how), attrBy: table.S(who(by)), attrReason: table.S(reason), attrAt: clock(time.Now()),
		"whose": table.S(who(r.holder())), attrFence: table.N(r.fence()),
	}
	list := append(slices.Clone(r.row.Maps(attrEnded)), note)
	return table.Maps(list[max(0, len(list)-maxEnded):])
}

// takeover is the transaction that grants the lock over the head of its holder, if nothing of the record has moved. It
// covers the signs of life, so that the next one of the former holder tells it.
func (a *attempt) takeover(r *record, how, reason string) []types.TransactWriteItem {
	set, more := raise, table.Item{
		":fence": table.N(r.next()), ":seen": table.N(r.fence()), ":was": table.S(r.owner()), ":turn": table.N(r.row.Uint(attrTurn)),
	}
	if r.owner() != a.owner {
		set += ", #ended = :ended"
		more[":ended"] = r.ended(how, a.c.Holder, reason)
	}
	lock := a.grant(set, sameRun, more)
	beat := a.silence(r, a.owner, how, a.c.Holder, reason)
	return []types.TransactWriteItem{{Update: &lock}, {Update: &beat}}
}

// overtake carries a takeover out. Without a grant and without an error something has moved.
func (a *attempt) overtake(ctx context.Context, r *record, how, reason string) (*held, error) {
	a.sending()
	if err := a.rows.Transact(ctx, token(), a.takeover(r, how, reason)...); err != nil {
		h, _, err := a.refused(ctx, 0, err)
		return h, err
	}
	return a.overtook(ctx, r), nil
}

// overtook is the grant that a takeover has made.
func (a *attempt) overtook(ctx context.Context, r *record) *held {
	row := maps.Clone(r.row)
	row[attrFence], row[attrInherited] = table.N(r.next()), table.Bool(r.row.Bool(attrDirty))
	return a.granted(ctx, row)
}

// silence makes the signs of life somebody else's, if none has come since they were read.
func (s *Locks) silence(r *record, owner, how string, by promotion.Holder, reason string) types.Update {
	condition, values := absent, table.Item{}
	if r.beat != nil {
		condition, values = "#n = :n", table.Item{":n": table.N(r.beat.Uint(attrCount))}
		if !r.beat.Has(attrCount) {
			condition, values = "attribute_not_exists(#n)", table.Item{}
		}
	}
	update := "SET #schema = :schema, #reader = :reader, #fence = :fence, #owner = :owner, #how = :how, #by = :by, #reason = :reason ADD #n :one"
	f := s.rows.Format()
	maps.Copy(values, table.Item{
		":schema": table.N(f.Number), ":reader": table.S(f.Reader), ":fence": table.N(r.next()), ":owner": table.S(owner),
		":how": table.S(how), ":by": table.S(who(by)), ":reason": table.S(reason), ":one": table.N(1),
	})
	return types.Update{
		TableName: aws.String(s.rows.Name()), Key: beatKey(r.lock).Item(), UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeNames: table.Names(update, condition), ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// abandon gives back what may have been granted by a request whose answer never came. Nothing was done under it.
func (a *attempt) abandon(ctx context.Context) {
	if !a.unsure {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), partingWithin)
	defer cancel()
	const update, condition = "SET #dirty = #inherited, #left = #owner REMOVE #owner", "#owner = :owner"
	// It is a courtesy: a lock that is left like this is taken over after its lease.
	_, _ = a.rows.Update(ctx, types.Update{
		TableName: aws.String(a.rows.Name()), Key: table.LockKey(a.lock).Item(),
		UpdateExpression: aws.String(update), ConditionExpression: aws.String(condition),
		ExpressionAttributeNames: table.Names(update, condition), ExpressionAttributeValues: table.Item{":owner": table.S(a.owner)},
	})
}

// partingWithin bounds what is done for others' sake at the end.
const partingWithin = 2 * time.Second
