package promotion_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/anishathalye/porcupine"

	"github.com/promote-on-success/promote/internal/promotion"
	sandboxlambda "github.com/promote-on-success/promote/internal/sandbox/lambda"
)

type aliasValue = sandboxlambda.AliasValue

// A chronicle is what the parties asked for and were told: each alias, the lock, the ledger.
type chronicle struct {
	mu        sync.Mutex
	now       int64
	registers map[string][]porcupine.Operation // by function
	locks     []porcupine.Operation
	ledger    []porcupine.Operation
	wrongs    []string
}

// Operations and what their callers were told. An operation whose effect is not known may take effect at any time later.
type (
	registerOp struct {
		kind         string // read, move, touch, create
		revision, to string
	}
	registerTold struct {
		what              string // done, stale, nothing, exists, unknown
		version, revision string
	}
	lockOp struct {
		kind     string // grant, write, back, release, unlock, move
		fence    uint64
		giveBack bool
	}
	lockTold struct {
		what  string // done, not held, nothing, unknown
		fence uint64
	}
	ledgerOp struct {
		kind    string // read, intend, record
		from    uint64
		id      string // of the intent that is opened, or closed
		next    string // commits by function: "a1 b2"
		entry   bool
		forward bool // no commit may go back
	}
	ledgerTold struct {
		what    string // done, stale, unknown
		number  uint64
		open    string
		commits string
	}
)

// record takes an operation in. Its order in time is that of calls and returns.
func (c *chronicle) record(list any, function string, op any, do func() any) {
	c.mu.Lock()
	c.now++
	call := c.now
	c.mu.Unlock()
	out := do()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now++
	o := porcupine.Operation{Input: op, Output: out, Call: call, Return: c.now}
	if unknown(out) {
		o.Return = 1 << 60
	}
	switch l := list.(type) {
	case *map[string][]porcupine.Operation:
		if *l == nil {
			*l = map[string][]porcupine.Operation{}
		}
		(*l)[function] = append((*l)[function], o)
	case *[]porcupine.Operation:
		*l = append(*l, o)
	}
}

func unknown(out any) bool {
	switch t := out.(type) {
	case registerTold:
		return t.what == "unknown"
	case lockTold:
		return t.what == "unknown"
	case ledgerTold:
		return t.what == "unknown"
	}
	return false
}

// toldAliases, toldLocks and toldLedger are a party's ways to what is shared, with the chronicle beside.
type toldAliases struct {
	promotion.Aliases
	*chronicle
	p *player
}

func (a *toldAliases) note(ctx context.Context, name string, op registerOp, do func(context.Context) (promotion.Routing, error)) (r promotion.Routing, err error) {
	ctx = context.WithValue(ctx, fenceKey{}, a.p.fence.Load())
	a.record(&a.registers, name, op, func() any {
		r, err = do(ctx)
		switch {
		case err == nil:
			return registerTold{"done", r.Version.String(), string(r.Revision)}
		case errors.Is(err, promotion.ErrUnknownEffect):
			return registerTold{what: "unknown"}
		case errors.Is(err, promotion.ErrStale):
			return registerTold{what: "stale"}
		case errors.Is(err, promotion.ErrExists):
			return registerTold{what: "exists"}
		case errors.Is(err, promotion.ErrNotFound) && op.kind == "read":
			return registerTold{what: "none"}
		}
		return registerTold{what: "nothing"}
	})
	return r, err
}

func (a *toldAliases) Read(ctx context.Context, name, alias string) (promotion.Routing, error) {
	return a.note(ctx, name, registerOp{kind: "read"}, func(ctx context.Context) (promotion.Routing, error) { return a.Aliases.Read(ctx, name, alias) })
}

func (a *toldAliases) Create(ctx context.Context, name, alias string, v promotion.Version) (promotion.Routing, error) {
	return a.note(ctx, name, registerOp{kind: "create", to: v.String()}, func(ctx context.Context) (promotion.Routing, error) { return a.Aliases.Create(ctx, name, alias, v) })
}

func (a *toldAliases) Touch(ctx context.Context, name, alias string, revision promotion.Revision) (promotion.Routing, error) {
	return a.note(ctx, name, registerOp{kind: "move", revision: string(revision)}, func(ctx context.Context) (promotion.Routing, error) {
		return a.Aliases.Touch(ctx, name, alias, revision)
	})
}

// Move is an act under the lock too.
func (a *toldAliases) Move(ctx context.Context, name, alias string, revision promotion.Revision, v promotion.Version) (r promotion.Routing, err error) {
	a.record(&a.locks, "", lockOp{kind: "move", fence: a.p.fence.Load()}, func() any {
		r, err = a.note(ctx, name, registerOp{kind: "move", revision: string(revision), to: v.String()}, func(ctx context.Context) (promotion.Routing, error) {
			return a.Aliases.Move(ctx, name, alias, revision, v)
		})
		if err != nil {
			return lockTold{what: "nothing"}
		}
		return lockTold{what: "done"}
	})
	return r, err
}

type toldLocks struct {
	promotion.Locks
	*chronicle
	p *player
}

// toldHeld is the environment's lock in a party's hands.
type toldHeld struct {
	promotion.Held
	locks *toldLocks
	given bool
}

func (l *toldLocks) granted(k promotion.Lock, do func() (promotion.Held, error)) (held promotion.Held, err error) {
	if k.Environment == "" {
		return do()
	}
	l.record(&l.locks, "", lockOp{kind: "grant"}, func() any {
		if held, err = do(); err != nil {
			return lockTold{what: "unknown"}
		}
		l.p.fence.Store(held.Grant().Fence)
		return lockTold{what: "done", fence: held.Grant().Fence}
	})
	if err != nil {
		return nil, err
	}
	return &toldHeld{held, l, false}, nil
}

func (l *toldLocks) Acquire(ctx context.Context, k promotion.Lock, c promotion.Contender, wait func(promotion.Wait) error) (promotion.Held, error) {
	return l.granted(k, func() (promotion.Held, error) { return l.Locks.Acquire(ctx, k, c, wait) })
}

func (l *toldLocks) Exchange(ctx context.Context, from promotion.Held, clean bool, k promotion.Lock, c promotion.Contender, wait func(promotion.Wait) error) (promotion.Held, error) {
	return l.granted(k, func() (promotion.Held, error) { return l.Locks.Exchange(ctx, from, clean, k, c, wait) })
}

func (l *toldLocks) Seize(ctx context.Context, k promotion.Lock, c promotion.Contender, reason string) (promotion.Held, error) {
	return l.granted(k, func() (promotion.Held, error) { return l.Locks.Seize(ctx, k, c, reason) })
}

func (l *toldLocks) Unlock(ctx context.Context, k promotion.Lock, by promotion.Holder, reason string) (g promotion.Grant, err error) {
	l.record(&l.locks, "", lockOp{kind: "unlock"}, func() any {
		g, err = l.Locks.Unlock(ctx, k, by, reason)
		switch {
		case errors.Is(err, promotion.ErrNotHeld):
			return lockTold{what: "nothing"}
		case err != nil:
			return lockTold{what: "unknown"}
		}
		return lockTold{what: "done", fence: g.Fence}
	})
	return g, err
}

func (h *toldHeld) GivenBack() { h.given = true; h.Held.GivenBack() }

func (h *toldHeld) Release(ctx context.Context, clean bool) (err error) {
	if h.given {
		return h.Held.Release(ctx, clean)
	}
	h.given = true
	h.locks.record(&h.locks.chronicle.locks, "", lockOp{kind: "release", fence: h.Grant().Fence}, func() any {
		if err = h.Held.Release(ctx, clean); err != nil {
			return lockTold{what: "unknown"}
		}
		return lockTold{what: "done"}
	})
	return err
}

// A player is a party with the fence that it holds the environment under; 0 is none.
type player struct {
	*party
	fence atomic.Uint64
}

type toldLedger struct {
	promotion.Ledger
	*chronicle
}

// written takes in a write of the ledger: one that is guarded by the lock.
func (l *toldLedger) written(g promotion.Grant, giveBack bool, op ledgerOp, do func() error) (err error) {
	l.record(&l.locks, "", lockOp{kind: "write", fence: g.Fence, giveBack: giveBack}, func() any {
		l.record(&l.ledger, "", op, func() any {
			switch err = do(); {
			case err == nil:
				return ledgerTold{what: "done"}
			case errors.Is(err, promotion.ErrNotHeld), errors.Is(err, promotion.ErrStale):
				return ledgerTold{what: "nothing"}
			}
			return ledgerTold{what: "unknown"}
		})
		switch {
		case err == nil:
			return lockTold{what: "done"}
		case errors.Is(err, promotion.ErrNotHeld):
			return lockTold{what: "not held"}
		case errors.Is(err, promotion.ErrStale):
			return lockTold{what: "nothing"}
		}
		return lockTold{what: "unknown"}
	})
	return err
}

func (l *toldLedger) Intend(ctx context.Context, g promotion.Grant, from promotion.Head, i promotion.Intent) error {
	return l.written(g, false, ledgerOp{kind: "intend", from: from.Number, id: i.ID}, func() error { return l.Ledger.Intend(ctx, g, from, i) })
}

func (l *toldLedger) Record(ctx context.Context, g promotion.Grant, from promotion.Head, w promotion.Writing) (number uint64, err error) {
	op := ledgerOp{kind: "record", from: from.Number, id: w.Close, next: commitsOf(w.Next), entry: w.Entry != nil, forward: w.Entry == nil || w.Entry.Kind != promotion.EntryRollback}
	err = l.written(g, w.GiveBack, op, func() (err error) { number, err = l.Ledger.Record(ctx, g, from, w); return err })
	return number, err
}

func (l *toldLedger) Read(ctx context.Context, s promotion.Scope) (b promotion.Book, err error) {
	l.record(&l.ledger, "", ledgerOp{kind: "read"}, func() any {
		if b, err = l.Ledger.Read(ctx, s); err != nil {
			return ledgerTold{what: "nothing"}
		}
		told := ledgerTold{what: "done", number: b.Head.Number, commits: commitsOf(b.Head.Functions)}
		if b.Open != nil {
			told.open = b.Open.ID
		}
		return told
	})
	return b, err
}

// commitsOf writes the commits of records so that they can be compared.
func commitsOf(records map[string]promotion.Record) string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(records)) {
		list = append(list, fmt.Sprintf("%s%.1s", key, records[key].Source.Commit))
	}
	return strings.Join(list, " ")
}
