package report_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// statuses are one environment of which every text is foreign.
func statuses(text string) []report.EnvironmentStatus {
	state := promotion.State{
		Latest:  promotion.Snapshot{Digest: promotion.Digest(text)},
		Routing: &promotion.Routing{Version: 3, Weights: map[promotion.Version]float64{4: 0.1}},
		Stable:  &promotion.Snapshot{Version: 3, Digest: promotion.Digest(text)},
	}
	return []report.EnvironmentStatus{{
		App: text, Environment: promotion.Environment{Name: text, Alias: text, Region: text},
		Ledger: true, At: began, Open: &promotion.Intent{Entry: poisonedEntry(text)},
		Holder: &promotion.Holder{Repository: text, RunURL: text, Attempt: text, Actor: text, Commit: text, Stage: promotion.Stage(text)},
		Functions: []promotion.FunctionStatus{
			{Function: promotion.Function{Key: text, Name: text}, State: state, Drift: text, Promoted: began.Add(-time.Hour),
				Record: &promotion.Record{Name: text, Alias: text, Version: 3, Digest: promotion.Digest(text + "x"), Source: promotion.Source{Commit: text}, Release: text, Adopted: true, Floor: promotion.Source{Commit: text}}},
			{Function: promotion.Function{Key: text, Name: text}, Err: promotion.Fault{What: text, Detail: text, Hint: text}},
		},
	}}
}

func environments() []report.EnvironmentStatus {
	at := func(v promotion.Version, d promotion.Digest) promotion.State {
		return promotion.State{Latest: promotion.Snapshot{Digest: newDigest}, Routing: &promotion.Routing{Version: v}, Stable: &promotion.Snapshot{Version: v, Digest: d}}
	}
	shifting := at(41, oldDigest)
	shifting.Routing.Weights = map[promotion.Version]float64{42: 0.1}
	function := func(key string, st promotion.State, drift string) promotion.FunctionStatus {
		return promotion.FunctionStatus{Function: promotion.Function{Key: key, Name: "shop-" + key}, State: st, Drift: drift}
	}
	denied := promotion.Fault{What: "the role cannot be assumed: AWS does not accept GitHub's identity token for it", Hint: "the role's trust policy has to name this repository"}
	unread := func(key string) promotion.FunctionStatus {
		return promotion.FunctionStatus{Function: promotion.Function{Key: key, Name: "shop-" + key}, Err: denied}
	}
	return []report.EnvironmentStatus{
		{App: "shop", Environment: promotion.Environment{Name: "preprod", Alias: "preprod", Region: "eu-west-1"}, Functions: []promotion.FunctionStatus{
			function("checkout", at(42, newDigest), ""),
			function("payments", at(18, newDigest), "$LATEST differs in MemorySize and 2 more fields"),
			function("mail", promotion.State{Latest: promotion.Snapshot{Digest: newDigest}}, ""),
		}},
		{App: "shop", Environment: promotion.Environment{Name: "prod", Alias: "live", Region: "eu-west-1"}, Functions: []promotion.FunctionStatus{
			function("checkout", shifting, "$LATEST holds other code (q83vEjRWeJCr)"), unread("payments"), unread("mail"),
		}},
		{App: "shop", Environment: promotion.Environment{Name: "empty", Alias: "empty", Region: "eu-west-1"}},
	}
}

func TestStatusReadsAsTheGoldenFiles(t *testing.T) {
	list := environments()
	golden(t, filepath.Join("status", "terminal.golden"), report.Status(list))
	golden(t, filepath.Join("status", "summary.golden"), report.StatusSummary(list, here))
	golden(t, filepath.Join("status", "status.golden"), string(report.StatusJSON(list)))
}

// withLedger are environments of several apps, with what the ledger has of them.
func withLedger() []report.EnvironmentStatus {
	list := environments()[:2]
	at := func(v promotion.Version, digest promotion.Digest, ago time.Duration) (*promotion.Record, time.Time) {
		return &promotion.Record{Name: "x", Alias: "live", Version: v, Digest: digest, Source: promotion.Source{Commit: newerCommit}, Release: "20261121T083000Z-4f0c1d2-9b1e33aa", Entry: 18}, began.Add(-ago)
	}
	pre := list[0].Functions
	pre[0].Record, pre[0].Promoted = at(42, newDigest, 40*time.Second)
	pre[1].Record, pre[1].Promoted = at(19, newDigest, 50*time.Minute) // moved by somebody else
	pre[2].Record, pre[2].Promoted = at(3, newDigest, 26*time.Hour)    // its alias is gone
	recreated, unknown := pre[0], pre[0]
	recreated.Function.Key, unknown.Function.Key = "recreated", "unknown"
	recreated.Record, recreated.Promoted = at(42, oldDigest, 72*time.Hour)
	recreated.Record.Floor = promotion.Source{Commit: oldCommit}
	unknown.Record, unknown.Promoted = nil, time.Time{}
	list[0].Functions = append(pre, recreated, unknown)
	shifting := &list[1].Functions[0]
	shifting.Record, shifting.Promoted = at(41, oldDigest, time.Hour)
	shifting.Record.Adopted = true
	for i := range list {
		list[i].Ledger, list[i].At = true, began
	}
	list[1].Holder = rival()
	list[1].Open = &promotion.Intent{Entry: *recorded(19, promotion.EntryPromotion, moved("checkout", 41, 42))}
	elsewhere := report.EnvironmentStatus{App: "billing", Environment: promotion.Environment{Name: "prod"}, Ledger: true, At: began, Functions: []promotion.FunctionStatus{
		{Function: promotion.Function{Key: "invoices", Name: "invoices"}, Unseen: true}, {Function: promotion.Function{Key: "taxes"}, Unseen: true},
	}}
	elsewhere.Functions[0].Record, elsewhere.Functions[0].Promoted = at(7, newDigest, 9*24*time.Hour)
	return append(list, elsewhere)
}

func TestStatusAgainstTheLedgerReadsAsTheGoldenFiles(t *testing.T) {
	list := withLedger()
	golden(t, filepath.Join("status-ledger", "terminal.golden"), report.Status(list))
	golden(t, filepath.Join("status-ledger", "summary.golden"), report.StatusSummary(list, here))
	golden(t, filepath.Join("status-ledger", "status.golden"), string(report.StatusJSON(list)))
	harmless(t, report.StatusSummary(list, here), reportElements...)
	valid(t, "#/$defs/status", report.StatusJSON(list))
}

func TestDriftAgainstTheLedgerIsToldOfEachFunction(t *testing.T) {
	rows := map[string]string{}
	for line := range strings.SplitSeq(report.StatusSummary(withLedger()[:1], here), "\n") {
		if cells := strings.Split(line, " | "); len(cells) == 6 {
			rows[strings.TrimPrefix(cells[0], "| ")] = strings.TrimSuffix(strings.ReplaceAll(cells[5], "<span>$</span>", "$"), " |")
		}
	}
	for function, want := range map[string]string{
		"checkout":  "the same",
		"payments":  "moved: version 19 was recorded; $LATEST differs in MemorySize and 2 more fields",
		"mail":      "the alias is gone; version 3 was recorded",
		"recreated": "the same; version 42 holds other code than was recorded (Zk3vLq9hTn2R)",
		"unknown":   "the same; not recorded",
	} {
		if got, is := rows["<code>"+function+"</code>"]; !is || got != want {
			t.Errorf("%s: %q instead of %q", function, got, want)
		}
	}
}

func TestAFaultOfAWholeEnvironmentIsToldOnce(t *testing.T) {
	for _, face := range []string{report.Status(environments()), report.StatusSummary(environments(), here)} {
		if n := strings.Count(face, "the role cannot be assumed"); n != 1 {
			t.Errorf("it is told %d times:\n%s", n, face)
		}
	}
}

func TestUnreadTellsWhetherAnythingCouldNotBeRead(t *testing.T) {
	list := environments()
	if !report.Unread(list) || report.Unread(list[:1]) || report.Unread(nil) {
		t.Error("unread is not told as it is")
	}
	list[0].Functions[0].Err = errors.New("no answer")
	if !report.Unread(list[:1]) {
		t.Error("an error that is no fault counts as well")
	}
}
