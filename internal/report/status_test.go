package report_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

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
		Functions: []promotion.FunctionStatus{
			{Function: promotion.Function{Key: text, Name: text}, State: state, Drift: text},
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
	golden(t, filepath.Join("status", "summary.golden"), report.StatusSummary(list))
	golden(t, filepath.Join("status", "status.golden"), string(report.StatusJSON(list)))
}

func TestAFaultOfAWholeEnvironmentIsToldOnce(t *testing.T) {
	for _, face := range []string{report.Status(environments()), report.StatusSummary(environments())} {
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
