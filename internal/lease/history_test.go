package lease_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/promote-on-success/promote/internal/lease"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/table"
)

// A history is what runs were told (operations, for porcupine) and what became of the row (the audit).
type history struct {
	*fixture
	ctx   context.Context
	audit *audit

	mu     sync.Mutex
	now    int64
	ops    []porcupine.Operation
	counts map[string]int
}

func newHistory(f *fixture) *history {
	a := &audit{fixture: f, rows: table.New(f.client(f.inner), tableName, table.Current()), authors: map[string]string{}}
	return &history{fixture: f, ctx: f.Context(), audit: a, counts: map[string]int{}}
}

// party is a party whose calls the audit sees, as the mutant changes them.
func (h *history) party(name string, m mutant) *party {
	w := &wire{inner: &audited{h.audit, name}, config: h.config, rewrite: m.rewrite, after: m.after}
	rows := table.New(h.client(w), tableName, table.Current())
	return &party{fixture: h.fixture, name: name, wire: w, table: rows, locks: lease.New(rows)}
}

func (h *history) count(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[what]++
}

// An operation on the lock, and what its caller was told. unknown: it may or may not have taken effect, now or later.
type (
	operation struct {
		kind  string // acquire, act, release, unlock
		fence uint64 // of the grant, for act and release
	}
	told struct {
		fence   uint64 // of the grant, for acquire and unlock
		done    bool   // for act
		unknown bool
	}
)

// record notes an operation. Its order in time is that of calls and returns.
func (h *history) record(who string, op operation, do func() told) told {
	h.mu.Lock()
	h.now++
	call := h.now
	h.mu.Unlock()
	out := do()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now++
	end := h.now
	if out.unknown {
		end = math.MaxInt64 - 1
	}
	var id int
	_, _ = fmt.Sscanf(who, "run-%d", &id) // for the picture only
	h.ops = append(h.ops, porcupine.Operation{ClientId: id, Input: op, Output: out, Call: call, Return: end})
	return out
}

func (h *history) acquire(p *party, do func() (promotion.Held, error)) (held promotion.Held) {
	h.record(p.name, operation{kind: "acquire"}, func() told {
		var err error
		if held, err = do(); err != nil {
			h.count("not acquired")
			return told{unknown: true}
		}
		h.count("acquired")
		return told{fence: held.Grant().Fence}
	})
	return held
}

func (h *history) act(p *party, g promotion.Grant) {
	h.record(p.name, operation{kind: "act", fence: g.Fence}, func() told {
		done, err := p.act(g)
		if err == nil && !done {
			h.count("fenced acts")
		}
		return told{done: done, unknown: err != nil}
	})
}

func (h *history) release(p *party, held promotion.Held, clean bool) {
	h.record(p.name, operation{kind: "release", fence: held.Grant().Fence}, func() told {
		ctx, cancel := context.WithTimeout(h.ctx, 10*time.Second)
		defer cancel()
		return told{unknown: held.Release(ctx, clean) != nil}
	})
}

func (h *history) unlock(p *party) {
	h.record(p.name, operation{kind: "unlock"}, func() told {
		g, err := p.locks.Unlock(h.ctx, p.lock, p.holder(), "a person wants it")
		return told{fence: g.Fence, unknown: err != nil}
	})
}

// A state of the lock: the greatest fence, and whether it is held.
type state struct {
	fence uint64
	held  bool
}

// model is what a lock with a fence is: grants have ever greater fences, and an act under a grant succeeds exactly as
// long as no greater fence has come and the holder has not left.
var model = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{state{}} },
	Step: func(before, input, output any) []any {
		s, op, out := before.(state), input.(operation), output.(told)
		holds := s.held && s.fence == op.fence
		switch {
		case op.kind == "acquire" && out.unknown:
			return []any{s, state{s.fence + 1, true}, state{s.fence + 1, false}}
		case op.kind == "acquire" && out.fence > s.fence:
			return []any{state{out.fence, true}}
		case op.kind == "unlock" && out.unknown:
			return []any{s, state{s.fence + 1, false}}
		case op.kind == "unlock" && out.fence > s.fence:
			return []any{state{out.fence, false}}
		case op.kind == "act" && (out.unknown || out.done == holds):
			return []any{s}
		case op.kind == "release" && out.unknown && holds:
			return []any{s, state{s.fence, false}}
		case op.kind == "release" && holds:
			return []any{state{s.fence, false}}
		case op.kind == "release":
			return []any{s}
		}
		return nil
	},
}).ToModel()

// fault is what is wrong with the history, "" if nothing is. It is to be asked outside of a bubble.
func (h *history) fault() string {
	var faults []string
	faults = append(faults, h.audit.faults...)
	if porcupine.CheckOperationsTimeout(model, h.ops, 20*time.Second) == porcupine.Illegal {
		lines := []string{"what the runs were told fits no lock:"}
		ops := slices.Clone(h.ops)
		slices.SortFunc(ops, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		for _, op := range ops {
			lines = append(lines, fmt.Sprintf("  %d: %+v -> %+v  [%d, %d]", op.ClientId, op.Input, op.Output, op.Call, op.Return))
		}
		faults = append(faults, strings.Join(lines, "\n"))
	}
	return strings.Join(faults, "\n")
}

// An audit looks at the rows after every write, and holds them to the rules.
type audit struct {
	*fixture
	rows *table.Table

	mu      sync.Mutex
	last    snapshot
	moved   time.Time
	authors map[string]string // who came with which owner
	faults  []string
	counts  map[string]int
}

type snapshot struct {
	there       bool
	owner       string
	fence, turn uint64
	beat        uint64
	length      time.Duration
}

type audited struct {
	audit  *audit
	author string
}

func (a *audited) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Query") {
		return a.audit.inner.RoundTrip(r)
	}
	a.audit.mu.Lock()
	defer a.audit.mu.Unlock()
	answer, err := a.audit.inner.RoundTrip(r)
	a.audit.look(a.author)
	return answer, err
}

func (a *audit) look(author string) {
	rows, err := a.rows.Rows(context.WithoutCancel(a.Context()), table.Partition(a.lock.App, a.lock.Environment), table.LockSort)
	if err != nil {
		a.faults = append(a.faults, err.Error())
		return
	}
	now, s := time.Now(), snapshot{}
	for _, row := range rows {
		switch row.String(table.SK) {
		case "LOCK":
			s.there, s.owner, s.fence, s.turn = true, row.String("owner"), row.Uint("fence"), row.Uint("turn")
			s.length = time.Duration(row.Uint("lease")) * time.Millisecond
		case "LOCK#BEAT":
			s.beat = row.Uint("n")
		}
	}
	before := a.last
	if s == before {
		return
	}
	wrong := func(format string, args ...any) {
		a.faults = append(a.faults, fmt.Sprintf("%s: %s", author, fmt.Sprintf(format, args...)))
	}
	a.counted("writes seen")
	byPerson := strings.HasPrefix(author, "person")
	switch {
	case before.there && !s.there:
		wrong("the row is gone")
	case s.fence < before.fence:
		wrong("the fence went from %d to %d", before.fence, s.fence)
	case s.owner == before.owner && s.fence != before.fence && s.owner != "":
		wrong("the fence of one grant went from %d to %d", before.fence, s.fence)
	case s.owner == before.owner:
	case s.owner == "" && s.fence == before.fence && a.authors[before.owner] != author:
		wrong("gave back what %s holds", a.authors[before.owner])
	case s.owner == "":
	case s.fence == before.fence:
		wrong("a grant without a greater fence than %d", s.fence)
	case before.owner != "" && !byPerson:
		a.counted("takeovers")
		if still := now.Sub(a.moved); still < before.length-a.slack {
			wrong("took over fence %d after %s of %s", before.fence, still, before.length)
		}
	}
	if s.owner != "" && a.authors[s.owner] == "" {
		a.authors[s.owner] = author
	}
	if s.owner != before.owner || s.fence != before.fence || s.turn != before.turn || s.beat != before.beat {
		a.moved = now
	}
	a.last = s
}

func (a *audit) counted(what string) {
	if a.counts == nil {
		a.counts = map[string]int{}
	}
	a.counts[what]++
}

// tally adds what happened in a history to a sum.
func (h *history) tally(sum map[string]int) {
	for _, counts := range []map[string]int{h.counts, h.audit.counts} {
		for what, n := range counts {
			sum[what] += n
		}
	}
}

// tell lists a tally in a fixed order.
func tell(sum map[string]int) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(sum)) {
		if what != "" {
			parts = append(parts, fmt.Sprintf("%s %d", what, sum[what]))
		}
	}
	return strings.Join(parts, ", ")
}
