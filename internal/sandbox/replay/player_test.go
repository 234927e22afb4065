package replay_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/replay"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// TestThePlayerNotices falsifies one expectation at a time: a player that accepts it would prove nothing.
func TestThePlayerNotices(t *testing.T) {
	for _, c := range []struct {
		name, recording string
		step            int // from 1
		falsify         func(*replay.Expect)
		words           string
	}{
		{"another status", "function_revisions_basic", 1, func(e *replay.Expect) { e.Status = 200 }, "status is 201, want 200"},
		{"another error", "function_revisions_basic", 4, func(e *replay.Expect) { e.Error = "ResourceConflictException" }, `error is "PreconditionFailedException"`},
		{"a success that should fail", "function_revisions_basic", 3, func(e *replay.Expect) { e.Error = "ServiceException" }, `error is ""`},
		{"a revision that should not have moved", "function_revisions_basic", 7, func(e *replay.Expect) { e.Fields["Configuration.RevisionId"] = "${rev3}" }, "Configuration.RevisionId is"},
		{"a revision that should have moved", "alias_lifecycle", 8, func(e *replay.Expect) {
			e.Fields["RevisionId"] = map[string]any{"$differs_from": []any{"rev4"}}
		}, "is still that of rev4"},
		{"a member that should be absent", "version_lifecycle", 3, func(e *replay.Expect) { e.Absent = []string{"Code"} }, "Code is"},
		{"a member too many", "alias_lifecycle", 8, func(e *replay.Expect) {
			e.Fields["RoutingConfig"] = map[string]any{"AdditionalVersionWeights": map[string]any{"$exactly": map[string]any{}}}
		}, "has 2 besides"},
		{"a list in another order", "publish_version_on_create", 6, func(e *replay.Expect) { slices.Reverse(e.Fields["Versions"].([]any)) }, "Versions [0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				book, err := replay.Load("../testdata/recordings/aws-cases.json")
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(book.Cases, func(r replay.Case) bool { return r.Case == c.recording })
				c.falsify(book.Cases[i].Steps[c.step-1].Expect)
				cloud := sandboxtest.InProcess(t, sandbox.Options{UpdateTime: time.Second})
				player := replay.Player{
					Book: book, Caller: replay.NewSDK(cloud.AWS(), book),
					Account: cloud.Server().Accounts()[0].ID, Region: sandbox.DefaultRegion, Role: sandboxtest.Role,
					Fresh: func(kind string) string { return kind }, Patience: 5 * time.Second, PollEvery: 50 * time.Millisecond,
				}
				for _, r := range player.Play(t.Context(), book.Cases[i]) {
					noticed := len(r.Faults) > 0
					if noticed != (r.Step == c.step) {
						t.Errorf("step %d: faults %q", r.Step, r.Faults)
					}
					if r.Step == c.step && noticed && !strings.Contains(strings.Join(r.Faults, "\n"), c.words) {
						t.Errorf("step %d: faults %q, want %q among them", r.Step, r.Faults, c.words)
					}
				}
			})
		})
	}
}
