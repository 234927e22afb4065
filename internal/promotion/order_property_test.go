package promotion_test

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A graph is a history: every commit has parents among those before it.
type graph struct{ ancestors []map[int]bool }

func drawGraph(t *rapid.T) graph {
	var g graph
	for i := range rapid.IntRange(1, 14).Draw(t, "commits") {
		mine := map[int]bool{}
		if i > 0 {
			for _, p := range rapid.SliceOfNDistinct(rapid.IntRange(0, i-1), 0, min(i, 2), rapid.ID[int]).Draw(t, "parents") {
				mine[p] = true
				for a := range g.ancestors[p] {
					mine[a] = true
				}
			}
		}
		g.ancestors = append(g.ancestors, mine)
	}
	return g
}

func (g graph) draw(t *rapid.T, label string) int {
	return rapid.IntRange(0, len(g.ancestors)-1).Draw(t, label)
}

func (g graph) hash(i int) string { return fmt.Sprintf("%040x", i+1) }

// Compare makes a graph a history.
func (g graph) Compare(_ context.Context, base, head string) (promotion.Relation, error) {
	var b, h int
	if _, err := fmt.Sscanf(base+" "+head, "%x %x", &b, &h); err != nil {
		return promotion.Unknown, err
	}
	b, h = b-1, h-1
	switch {
	case b == h:
		return promotion.Identical, nil
	case g.ancestors[h][b]:
		return promotion.Ahead, nil
	case g.ancestors[b][h]:
		return promotion.Behind, nil
	}
	return promotion.Diverged, nil
}

// However runs come, and whatever is allowed, no function steps back to an ancestor of what it holds, and without leave
// every step is forward.
func TestOrderNeverGoesBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		ledger := map[string]int{}
		policy := promotion.OrderPolicy{BestEffort: rapid.Bool().Draw(t, "best effort"), AllowDiverged: rapid.Bool().Draw(t, "diverged")}
		for range rapid.IntRange(1, 12).Draw(t, "runs") {
			mine := g.draw(t, "run")
			candidate := promotion.Source{Repository: "77", Commit: g.hash(mine)}
			var standings []promotion.Standing
			for _, f := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3, rapid.ID[string]).Draw(t, "functions") {
				s := promotion.Standing{Function: f}
				if held, is := ledger[f]; is {
					s.Promoted = promotion.Source{Repository: "77", Commit: g.hash(held)}
				}
				standings = append(standings, s)
			}
			order := promotion.JudgeOrder(candidate, promotion.AskOrder(t.Context(), g, candidate, standings), policy)
			for _, s := range standings {
				held, is := ledger[s.Function]
				behind := is && g.ancestors[held][mine]
				switch {
				case order.Ruling == promotion.OrderSuperseded || order.Ruling == promotion.OrderRefused:
					continue
				case behind:
					t.Fatalf("%s goes from %d back to %d by %s", s.Function, held, mine, order.Ruling)
				case is && !policy.AllowDiverged && held != mine && !g.ancestors[mine][held]:
					t.Fatalf("%s goes from %d aside to %d without leave", s.Function, held, mine)
				}
				ledger[s.Function] = mine
			}
			if order.Ruling == promotion.OrderSuperseded { // green: so nothing of it may be lost
				for _, s := range standings {
					if held, is := ledger[s.Function]; !is || held != mine && !g.ancestors[held][mine] {
						t.Fatalf("superseded, and %s has it not", s.Function)
					}
				}
			}
		}
	})
}

// Of two waiters at most one leaves for the other, nobody leaves whose functions would be left behind, and somebody stays
// for each: whoever leaves is brought along by one who stays.
func TestWaitersYield(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		var waiters []promotion.Waiter
		for i := range rapid.IntRange(1, 6).Draw(t, "waiters") {
			waiters = append(waiters, promotion.Waiter{
				Commit:    g.hash(g.draw(t, "commit")),
				Functions: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3, rapid.ID[string]).Draw(t, "functions"),
				RunURL:    fmt.Sprint(i),
			})
		}
		leaves := map[string]string{}
		for _, mine := range waiters {
			var others []promotion.Waiter
			for _, other := range waiters {
				if other.RunURL != mine.RunURL {
					others = append(others, other)
				}
			}
			to, yields := promotion.YieldTo(t.Context(), g, mine, others)
			if !yields {
				continue
			}
			leaves[mine.RunURL] = to.RunURL
			if r, _ := g.Compare(t.Context(), mine.Commit, to.Commit); r != promotion.Ahead {
				t.Fatalf("%+v yields to %+v, which is %s", mine, to, r)
			}
			for _, f := range mine.Functions {
				if !promotion.Yields(promotion.Waiter{Functions: []string{f}}, to, promotion.Ahead) {
					t.Fatalf("%+v yields to %+v, and %s is lost", mine, to, f)
				}
			}
		}
		if len(leaves) == len(waiters) {
			t.Fatalf("nobody stays: %v", leaves)
		}
		for run := range leaves {
			at, steps := run, 0
			for leaves[at] != "" {
				if at, steps = leaves[at], steps+1; steps > len(waiters) {
					t.Fatalf("they leave for each other: %v", leaves)
				}
			}
		}
		for _, a := range waiters {
			for _, b := range waiters {
				r, _ := g.Compare(t.Context(), a.Commit, b.Commit)
				if promotion.Yields(a, b, r) && promotion.Yields(b, a, r.Inverse()) {
					t.Fatalf("%+v and %+v leave for each other", a, b)
				}
			}
		}
	})
}

func TestWhoYields(t *testing.T) {
	waiter := func(commit string, functions ...string) promotion.Waiter {
		return promotion.Waiter{Commit: commit, Functions: functions}
	}
	mine := waiter(hash("a"), "checkout")
	for name, tt := range map[string]struct {
		mine, other promotion.Waiter
		relation    promotion.Relation
		want        bool
	}{
		"to one who is ahead":                          {mine, waiter(hash("b"), "payments", "checkout"), promotion.Ahead, true},
		"not to one who would leave a function behind": {waiter(hash("a"), "checkout", "payments"), waiter(hash("b"), "checkout"), promotion.Ahead, false},
		"not to the same commit":                       {mine, waiter(hash("a"), "checkout"), promotion.Identical, false},
		"not to one who is behind":                     {mine, waiter(hash("b"), "checkout"), promotion.Behind, false},
		"not to one who has diverged":                  {mine, waiter(hash("b"), "checkout"), promotion.Diverged, false},
		"not where the order is unknown":               {mine, waiter(hash("b"), "checkout"), promotion.Unknown, false},
		"not without knowing one's own functions":      {waiter(hash("a")), waiter(hash("b"), "checkout"), promotion.Ahead, false},
		"not to one whose commit nobody knows":         {mine, waiter("", "checkout"), promotion.Ahead, false},
		"not without knowing one's own commit":         {waiter("", "checkout"), waiter(hash("b"), "checkout"), promotion.Ahead, false},
	} {
		t.Run(name, func(t *testing.T) {
			var pairs []string
			_, got := promotion.YieldTo(t.Context(), asked{tt.relation, nil, &pairs}, tt.mine, []promotion.Waiter{tt.other})
			if got != tt.want {
				t.Errorf("yields: %t", got)
			}
		})
	}
	if _, yields := promotion.YieldTo(t.Context(), nil, mine, []promotion.Waiter{waiter(hash("b"), "checkout")}); yields {
		t.Error("it yields without a history")
	}
}
