package promotion_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A register is an alias: "" is no version, and "?" a revision that nobody was told.
type register struct{ version, revision string }

func (r register) is(revision string) bool {
	return r.version != "" && (revision == "" || r.revision == revision || r.revision == "?")
}

// moved is the register after a write; "" keeps the version.
func (r register) moved(to, revision string) register {
	if to == "" {
		to = r.version
	}
	return register{to, revision}
}

// registerModel is what an alias is: a register that is compared and set.
func registerModel(begin register) porcupine.Model {
	return (&porcupine.NondeterministicModel{
		Init: func() []any { return []any{begin} },
		Step: func(before, input, output any) []any {
			s, op, told := before.(register), input.(registerOp), output.(registerTold)
			absent := s.version == ""
			switch {
			case told.what == "nothing":
				return []any{s}
			case op.kind == "read" && told.what == "done" && s.version == told.version && s.is(told.revision):
				return []any{register{told.version, told.revision}}
			case op.kind == "read" && told.what == "none" && absent:
				return []any{s}
			case op.kind == "move" && told.what == "done" && s.is(op.revision):
				return []any{s.moved(op.to, told.revision)}
			case op.kind == "move" && told.what == "stale" && !absent && (s.revision != op.revision || s.revision == "?"):
				return []any{s}
			case op.kind == "move" && told.what == "unknown" && s.is(op.revision):
				return []any{s, s.moved(op.to, "?")}
			case op.kind == "create" && told.what == "done" && absent:
				return []any{register{op.to, told.revision}}
			case op.kind == "create" && told.what == "exists" && !absent:
				return []any{s}
			case op.kind == "create" && told.what == "unknown" && absent:
				return []any{s, register{op.to, "?"}}
			case told.what == "unknown":
				return []any{s}
			}
			return nil
		},
	}).ToModel()
}

// A fenced lock: the greatest fence, whether it is held, and the greatest fence under which something was decided.
type fenced struct {
	fence, decided uint64
	held           bool
}

// lockModel is what a lock with a fence is: grants have ever greater fences, what is written under a grant succeeds as
// long as nobody else has come and the holder has not left, and no alias is moved under a fence once something was
// decided under a greater one.
var lockModel = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{fenced{}} },
	Step: func(before, input, output any) []any {
		s, op, told := before.(fenced), input.(lockOp), output.(lockTold)
		holds := s.held && s.fence == op.fence
		wrote := fenced{s.fence, max(s.decided, op.fence), !op.giveBack}
		switch op.kind {
		case "grant":
			if told.what == "unknown" {
				return []any{s, fenced{s.fence + 1, s.decided, true}, fenced{s.fence + 1, s.decided, false}}
			}
			if told.fence > s.fence {
				return []any{fenced{told.fence, s.decided, true}}
			}
		case "unlock":
			switch {
			case told.what == "nothing":
				return []any{s}
			case told.what == "unknown":
				return []any{s, fenced{s.fence + 1, s.decided, false}}
			case told.fence > s.fence:
				return []any{fenced{told.fence, s.decided, false}}
			}
		case "write":
			switch {
			case told.what == "done" && holds:
				return []any{wrote}
			case told.what == "not held" && !holds, told.what == "nothing":
				return []any{s}
			case told.what == "unknown" && holds:
				return []any{s, wrote}
			case told.what == "unknown":
				return []any{s}
			}
		case "release":
			left := fenced{s.fence, s.decided, false}
			switch {
			case !holds:
				return []any{s}
			case told.what == "unknown":
				return []any{s, left}
			}
			return []any{left}
		case "move":
			if told.what == "nothing" || op.fence == 0 || op.fence >= s.decided { // 0 is a rollback without the lock
				return []any{s}
			}
		}
		return nil
	},
}).ToModel()

// A kept ledger: the number of its head, the open intent, the commits of its functions.
type kept struct {
	number  uint64
	open    string
	commits string
}

// with is the ledger after a record, or false if that would take a commit back to an ancestor.
func (k kept) with(op ledgerOp) (kept, bool) {
	next := strings.Fields(op.next)
	for _, rec := range strings.Fields(k.commits) {
		i := slices.IndexFunc(next, func(n string) bool { return n[0] == rec[0] })
		if i < 0 {
			next = append(next, rec)
			continue
		}
		if op.forward && len(rec) > 1 && len(next[i]) > 1 {
			if relation, _ := family.Compare(context.Background(), rec[1:], next[i][1:]); relation == promotion.Behind {
				return k, false
			}
		}
	}
	slices.Sort(next)
	k.open, k.commits = "", strings.Join(next, " ")
	if op.entry {
		k.number++
	}
	return k, true
}

// ledgerModel is what the ledger is: a head that is compared and set, one intent at a time, and commits that only go
// forward unless a rollback says otherwise.
var ledgerModel = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{kept{}} },
	Step: func(before, input, output any) []any {
		s, op, told := before.(kept), input.(ledgerOp), output.(ledgerTold)
		if told.what == "nothing" {
			return []any{s}
		}
		var after kept
		could := false
		switch op.kind {
		case "read":
			if s == (kept{told.number, told.open, told.commits}) {
				return []any{s}
			}
			return nil
		case "intend":
			after, could = kept{s.number, op.id, s.commits}, s.number == op.from && s.open == ""
		case "record":
			after, could = s.with(op)
			could = could && s.number == op.from && s.open == op.id
		}
		switch {
		case could && told.what == "done":
			return []any{after}
		case could:
			return []any{s, after}
		case told.what == "unknown":
			return []any{s}
		}
		return nil
	},
}).ToModel()

// fault is what is wrong with a performance, "" if nothing is. It is to be asked outside of a bubble.
func (pf *performance) fault() string {
	faults := slices.Clone(pf.wrongs)
	hold := func(what string, model porcupine.Model, ops []porcupine.Operation) {
		switch porcupine.CheckOperationsTimeout(model, ops, 10*time.Second) {
		case porcupine.Unknown:
			pf.counts["undecided"]++
		case porcupine.Illegal:
			lines := []string{"what the runs were told fits no " + what + ":"}
			slices.SortFunc(ops, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
			for _, op := range ops {
				lines = append(lines, fmt.Sprintf("  [%d, %d] %+v -> %+v", op.Call, op.Return, op.Input, op.Output))
			}
			faults = append(faults, strings.Join(lines, "\n"))
		}
	}
	for f, ops := range pf.registers {
		begin := register{}
		if !pf.schedule.Fresh {
			begin = register{"1", "?"}
		}
		hold("register, "+f, registerModel(begin), ops)
	}
	hold("lock", lockModel, pf.locks)
	hold("ledger", ledgerModel, pf.ledger)
	return strings.Join(faults, "\n")
}
