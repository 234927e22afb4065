package lease

import (
	"fmt"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// The attributes that only this package knows. Those of [table.Table.Guard] are in package table.
const (
	attrOwner     = table.OwnerAttribute
	attrFence     = table.FenceAttribute
	attrDirty     = table.DirtyAttribute
	attrRegion    = "region"    // a replica of the table in another region is no lock
	attrInherited = "inherited" // what dirty was when the holder came
	attrLease     = "lease"     // milliseconds that the record may stand still
	attrHolder    = "holder"
	attrTurn      = "turn"    // moves whenever the holder says something about itself in the lock's own row
	attrTickets   = "tickets" // how many have come to wait
	attrServed    = "served"  // up to which of them nobody waits any more
	attrEnded     = "ended"   // the newest grants that did not end by themselves
	seenPrefix    = "seen "   // + partition: the fence of another lock when this one's holder went on to it

	attrCount  = "n" // of a row that shows that somebody is alive
	attrStage  = "stage"
	attrAt     = "at"
	attrStop   = "stop"
	attrReason = "reason"
	attrBy     = "by"

	attrTicket    = "ticket"
	attrFunctions = "functions"

	beatSort   = table.LockSort + "#BEAT"
	waitPrefix = table.LockSort + "#WAIT#"
)

func beatKey(l promotion.Lock) table.Key {
	return table.Key{PK: table.Partition(l.App, l.Environment), SK: beatSort}
}

func waitKey(l promotion.Lock, id string) table.Key {
	return table.Key{PK: table.Partition(l.App, l.Environment), SK: waitPrefix + id}
}

// A record is what the rows of a lock say.
type record struct {
	lock promotion.Lock
	row  table.Item // the lock's own; nil: nobody has ever held it
	beat table.Item // signs of life, maybe of an earlier holder
	wait []table.Item
}

// A mark is what moves as long as the holder lives.
type mark struct {
	owner             string
	fence, turn, beat uint64
	length            time.Duration
}

func (r *record) held() bool    { return r.row.Has(attrOwner) }
func (r *record) owner() string { return r.row.String(attrOwner) }
func (r *record) fence() uint64 { return r.row.Uint(attrFence) }

// next is the fence of the next grant. Should the lock's row have been deleted by hand, the other one still knows.
func (r *record) next() uint64 { return max(r.fence(), r.beat.Uint(attrFence)) + 1 }

func (r *record) mark() mark {
	return mark{r.owner(), r.fence(), r.row.Uint(attrTurn), r.beat.Uint(attrCount), r.length()}
}

// length is how long the record may stand still.
func (r *record) length() time.Duration {
	return time.Duration(r.row.Uint(attrLease)) * time.Millisecond
}

// lined tells whether somebody may be waiting, to whom a newcomer has to leave the lock.
func (r *record) lined() bool { return r.row.Uint(attrTickets) > r.row.Uint(attrServed) }

// stop is the request to stop that is meant for the owner; nil if there is none.
func (r *record) stop(owner string) table.Item {
	if s := r.beat.Map(attrStop); s != nil && s.String(attrOwner) == owner {
		return s
	}
	return nil
}

// holder is who holds it, as people are told.
func (r *record) holder() promotion.Holder {
	h := holderOf(r.row.Map(attrHolder))
	if r.beat.Uint(attrFence) == r.fence() && r.beat.String(attrOwner) == r.owner() {
		if stage := r.beat.String(attrStage); stage != "" {
			h.Stage = promotion.Stage(stage)
		}
	}
	return h
}

func holderOf(m table.Item) promotion.Holder {
	since, _ := time.Parse(time.RFC3339, m.String("since")) // zero for what is none
	return promotion.Holder{
		Repository: m.String("repository"), RunID: m.String("run"), Attempt: m.String("attempt"), RunURL: m.String("url"),
		Actor: m.String("actor"), Commit: m.String("commit"), Release: m.String("release"), Stage: promotion.Stage(m.String(attrStage)), Since: since,
	}
}

func holderItem(h promotion.Holder) table.Item {
	if h.Since.IsZero() {
		h.Since = time.Now()
	}
	return table.Item{
		"repository": table.S(h.Repository), "run": table.S(h.RunID), "attempt": table.S(h.Attempt), "url": table.S(h.RunURL),
		"actor": table.S(h.Actor), "commit": table.S(h.Commit), "release": table.S(h.Release), attrStage: table.S(string(h.Stage)), "since": clock(h.Since),
	}
}

// who is a holder in few words, for a sentence.
func who(h promotion.Holder) string {
	switch {
	case h.RunURL != "" && h.Actor != "":
		return h.Actor + " by " + h.RunURL
	case h.RunURL != "":
		return h.RunURL
	case h.Actor != "":
		return h.Actor
	}
	return "somebody"
}

// readable refuses rows that another release has written in a way that this one does not know, and a replica.
func (s *Locks) readable(l promotion.Lock, row table.Item) error {
	if row == nil {
		return nil
	}
	if err := s.rows.Format().Check(row, l.String()); err != nil {
		return err
	}
	if home := row.String(attrRegion); home != s.rows.Region() {
		return promotion.Fault{
			What: fmt.Sprintf("%s lives in %s, and this run looks for it in %s", l, home, s.rows.Region()),
			Hint: "the table is a copy: a lock works in its own region only. Give the app one lock-table for each region, or restore the region",
		}
	}
	return nil
}

// split sorts the rows of a lock.
func split(l promotion.Lock, rows []table.Item) *record {
	r := &record{lock: l}
	for _, row := range rows {
		switch sk := row.String(table.SK); {
		case sk == table.LockSort:
			r.row = row
		case sk == beatSort:
			r.beat = row
		case strings.HasPrefix(sk, waitPrefix):
			r.wait = append(r.wait, row)
		}
	}
	return r
}
