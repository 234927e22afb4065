package report_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// histories are one environment of which every text is foreign.
func histories(text string) []report.History {
	return []report.History{{Scope: promotion.Scope{App: text, Environment: text}, Entries: []promotion.Entry{poisonedEntry(text)}}}
}

// past are entries of each kind, newest first.
func past() []promotion.Entry {
	two := []promotion.FunctionOutcome{moved("checkout", 41, 42), moved("payments", 17, 18)}
	promoted := *recorded(20, promotion.EntryPromotion, two...)
	promoted.Proofs = []promotion.Proof{
		{Check: "invoke checkout", Function: "checkout", Version: 42, Verdict: promotion.Pass, Took: 812 * time.Millisecond},
		{Check: "reports/*.xml", Verdict: promotion.Pass, Took: 20 * time.Millisecond, Tests: &promotion.TestCounts{Tests: 412, Skipped: 3}},
	}
	back := *recorded(21, promotion.EntryRollback, moved("checkout", 42, 41))
	back.Reason, back.Actor, back.Undoes, back.Source.Commit = "orders fail since 08:20", "hubot", []uint64{20}, oldCommit
	undone := *recorded(22, promotion.EntryUndone, two...)
	undone.Repaired = "https://github.com/octo-org/shop/actions/runs/4713"
	raised := *recorded(23, promotion.EntryRaised)
	lifted := *recorded(24, promotion.EntryFloor)
	lifted.Reason = "the defect was in the database"
	bare := *recorded(25, promotion.EntryPromotion, moved("checkout", 41, 43), moved("catalog", 6, 7), moved("mail", 3, 4), moved("a", 1, 2), moved("b", 1, 2), moved("c", 1, 2), moved("d", 1, 2))
	bare.Unproved = "verify: none"
	list := []promotion.Entry{bare, lifted, raised, undone, back, promoted}
	for i := range list {
		list[i].At = began.Add(-time.Duration(i) * 7 * time.Hour)
	}
	return list
}

func TestHistoriesReadAsTheGoldenFiles(t *testing.T) {
	for name, list := range map[string][]report.History{
		"history": {
			{Scope: promotion.Scope{App: "shop", Environment: "prod"}, Entries: past()},
			{Scope: promotion.Scope{App: "shop", Environment: "empty"}},
		},
		"history-hostile": histories(hostile),
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, filepath.Join(name, "terminal.golden"), report.HistoryTable(list))
			golden(t, filepath.Join(name, "summary.golden"), report.HistorySummary(list, here))
			golden(t, filepath.Join(name, "history.golden"), string(report.HistoryJSON(list)))
			harmless(t, report.HistorySummary(list, here), reportElements...)
			valid(t, "#/$defs/history", report.HistoryJSON(list))
		})
	}
}
