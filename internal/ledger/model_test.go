package ledger_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A step is one thing that one of two runs does.
type step struct {
	What     int  // seize, intend, record
	Other    bool // who does not have the lock does it
	Fresh    bool // it reads first
	Old      bool // it stands on what it knew before it has read the last time
	Entry    bool
	Close    int // none, its own last, what is open
	GiveBack bool
	Clean    bool
	Function int
	Fate     int
}

const (
	seizes = iota
	intends
	records
)

var schedules = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
	return step{
		What: rapid.SampledFrom([]int{seizes, intends, intends, records, records}).Draw(t, "what"), Other: rapid.IntRange(0, 5).Draw(t, "other") == 0,
		Fresh: rapid.IntRange(0, 3).Draw(t, "fresh") > 0, Old: rapid.IntRange(0, 6).Draw(t, "old") == 0, Entry: rapid.Bool().Draw(t, "entry"), Close: rapid.SampledFrom([]int{0, 1, 2, 2, 2}).Draw(t, "close"),
		GiveBack: rapid.IntRange(0, 7).Draw(t, "give") == 0, Clean: rapid.Bool().Draw(t, "clean"), Function: rapid.IntRange(0, 2).Draw(t, "function"),
		Fate: rapid.SampledFrom([]int{0, 0, 0, int(lost), int(unanswered), int(failed), int(failedLate)}).Draw(t, "fate"),
	}
}), 5, 30)

// A model is a ledger of one environment, in a few lines.
type model struct {
	number, fence uint64
	functions     map[string]promotion.Record
	open          string
	entries       int
	holder        int // who has the lock; -1: nobody
}

func (m *model) refuses(who int, g promotion.Grant, from promotion.Head, closes string) error {
	switch {
	case m.holder != who:
		return promotion.ErrNotHeld
	case from.Number != m.number, from.Fence != m.fence && g.Fence != m.fence, m.fence > g.Fence, m.open != closes, !maps.Equal(from.Functions, m.functions):
		return promotion.ErrStale
	}
	return nil
}

// perform carries a schedule out, each step against the model too, and returns what differs.
func perform(f *fixture, steps []step, sum map[string]int) (fault string) {
	parties := [2]*party{f.party("ann"), f.party("ben")}
	var grants [2]promotion.Grant
	var heads [2]promotion.Head
	var before [2]promotion.Head // what it knew the time before
	m := &model{functions: map[string]promotion.Record{}, holder: -1}
	for n, s := range steps {
		who := max(m.holder, 0)
		if s.Other || m.holder < 0 && s.What == seizes {
			who = 1 - who
		}
		p := parties[who]
		if s.Fresh {
			b, err := p.ledger.Read(f.Context(), f.scope)
			if err != nil {
				return fmt.Sprintf("step %d: %v", n, err)
			}
			before[who], heads[who] = heads[who], b.Head
		}
		from := heads[who]
		if s.Old {
			from = before[who]
		}
		function := []string{"checkout", "payments", "search"}[s.Function]
		next := map[string]promotion.Record{function: record(function, n+1)}
		p.wire.meet(first("TransactWriteItems", fate(s.Fate)))
		say := func(format string, args ...any) string {
			return fmt.Sprintf("step %d of %+v: %s", n, steps[:n+1], fmt.Sprintf(format, args...))
		}
		var err, want error
		switch s.What {
		case seizes:
			grants[who], m.holder = p.seize(), who
			sum["seized"]++
		case intends:
			i := intent(fmt.Sprintf("i%d", n), function, n, n+1)
			grant := orNobody(grants[who], f.scope)
			want = m.refuses(who, grant, from, "")
			err = p.ledger.Intend(f.Context(), grant, from, i)
			if want == nil {
				m.open, m.fence = i.ID, grant.Fence
			}
			sum[told("intend", want)]++
		case records:
			e := entry(function, n, n+1)
			w := promotion.Writing{Next: next, Close: []string{"", fmt.Sprintf("i%d", n-1), m.open}[s.Close], GiveBack: s.GiveBack, Clean: s.Clean}
			if s.Entry {
				w.Entry = &e
			}
			grant := orNobody(grants[who], f.scope)
			want = m.refuses(who, grant, from, w.Close)
			var number uint64
			number, err = p.ledger.Record(f.Context(), grant, from, w)
			if want == nil {
				maps.Copy(m.functions, next)
				m.open, m.fence = "", grant.Fence
				if s.Entry {
					m.number++
					m.entries++
				}
				if s.GiveBack {
					m.holder = -1
				}
				if number != m.number {
					return say("its number is %d, the model's %d", number, m.number)
				}
			}
			sum[told("record", want)]++
		}
		if s.Fate != 0 && (s.What == intends || s.What == records) {
			sum["of them with a fault of the network"]++
		}
		if !errors.Is(err, want) || errors.Is(err, promotion.ErrUnknownEffect) {
			return say("the error is %v, the model says %v", err, want)
		}
		b := f.book()
		open := ""
		if b.Open != nil {
			open = b.Open.ID
		}
		if b.Head.Number != m.number || b.Head.Fence != m.fence || open != m.open || !maps.Equal(b.Head.Functions, m.functions) {
			return say("the book is %+v, the model %+v", b, m)
		}
	}
	if entries := f.history(promotion.Query{}); len(entries) != m.entries {
		return fmt.Sprintf("the history has %d entries, the model %d", len(entries), m.entries)
	}
	return ""
}

// orNobody is a grant that was never given, for one who has none.
func orNobody(g promotion.Grant, s promotion.Scope) promotion.Grant {
	if g.Owner == "" {
		return promotion.Grant{Lock: s.Lock(), Owner: "nobody", Fence: 1}
	}
	return g
}

func told(what string, err error) string {
	if err != nil {
		return what + ": " + err.Error()
	}
	return what + ": done"
}

// TestRandomSchedules lets two runs read, intend and record as they like, also on what is long overtaken, over a network
// that loses what it likes, and holds each step against a model. -rapid.checks=N asks for so many histories.
func TestRandomSchedules(t *testing.T) {
	sum, histories := map[string]int{}, 0
	rapid.Check(t, func(rt *rapid.T) {
		steps, fault := schedules.Draw(rt, "schedule"), ""
		bubble(t, func(f *fixture) { fault = perform(f, steps, sum) })
		if fault != "" {
			rt.Fatal(fault)
		}
		histories++
	})
	t.Logf("%d histories: %v", histories, sum)
	for _, what := range []string{"intend: done", "record: done", told("intend", promotion.ErrStale), told("record", promotion.ErrStale), told("intend", promotion.ErrNotHeld), told("record", promotion.ErrNotHeld)} {
		if sum[what] == 0 {
			t.Errorf("there was no case of %q", what)
		}
	}
}
