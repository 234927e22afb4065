package conformance_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/promote-on-success/promote/internal/conformance"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// TestInconclusive holds that a point which was not put to the test does not call itself confirmed.
func TestInconclusive(t *testing.T) {
	atOnce := sandbox.Options{RateLimit: 15} // updates settle before anybody looks again
	dropped := &sandbox.Fault{Kind: sandbox.DropResponse, Service: "lambda", Operation: "UpdateAlias", Nth: 1, Count: -1}
	for _, c := range []struct {
		outcome, point string
		options        sandbox.Options
		denied         string
		fault          *sandbox.Fault
		cheap          bool
		seen           string
	}{
		{outcome: "nobody was throttled", point: "alias-throttled-write-not-sent", seen: "none of 4 bursts"},
		{outcome: "the update was too fast for a move", point: "alias-moves-during-update", options: atOnce, seen: "had settled"},
		{outcome: "the update was too fast for another", point: "latest-update-in-progress", options: atOnce, seen: "had settled"},
		{outcome: "the update was too fast for a look", point: "latest-publishing-update-settles", options: atOnce, seen: "had settled"},
		{outcome: "the transition was too fast for a look", point: "routing-under-provisioned-concurrency", options: atOnce, seen: "no weights"},
		{outcome: "it was not paid for", point: "routing-under-provisioned-concurrency", options: slow, cheap: true, seen: "not tried"},
		{outcome: "the caller may not", point: "permission-qualifiers", options: slow, denied: "lambda:AddPermission", seen: "403 AccessDenied"},
		{outcome: "nothing can be arranged", point: "publish-guards", options: slow, denied: "lambda:CreateFunction", seen: "create function"},
		{outcome: "answers are lost", point: "alias-touch", options: slow, fault: dropped, seen: "set alias"},
		{outcome: "the answers of writers are lost", point: "alias-compare-and-set", options: slow, fault: dropped, seen: "no answer"},
	} {
		t.Run(c.outcome, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := sandboxtest.InProcess(t, c.options)
				config := onSandbox(cloud)
				config.Provisioned = !c.cheap
				if c.denied != "" {
					if err := cloud.Server().Deny(sandbox.Denial{Action: c.denied}); err != nil {
						t.Fatal(err)
					}
				}
				if c.fault != nil {
					if _, err := cloud.Server().Fault(*c.fault); err != nil {
						t.Fatal(err)
					}
				}
				row := try(t, cloud, config, point(t, c.point))
				if row.Verdict != conformance.Inconclusive || !strings.Contains(row.Seen, c.seen) {
					t.Errorf("%s: %s; want it inconclusive, with %q", row.Verdict, row.Seen, c.seen)
				}
			})
		})
	}
}

func point(t *testing.T, name string) conformance.Point {
	t.Helper()
	for _, p := range conformance.Points() {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("there is no point %s", name)
	return conformance.Point{}
}
