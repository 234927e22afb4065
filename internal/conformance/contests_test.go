package conformance_test

import (
	"slices"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/conformance"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// TestContestsOverSockets tries the points about simultaneous calls over connections, with no quota to thin them out.
func TestContestsOverSockets(t *testing.T) {
	contests := []string{"alias-compare-and-set", "alias-read-after-write", "alias-create-if-absent", "table-fence-has-one-winner"}
	for _, p := range conformance.Points() {
		if !slices.Contains(contests, p.Name) {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			c := sandboxtest.Start(t, sandbox.Options{UpdateTime: 20 * time.Millisecond})
			config := onSandbox(c)
			config.Rate = 5000
			row := try(t, c, config, p)
			if row.Verdict != conformance.Confirmed {
				t.Errorf("%s: %s", row.Verdict, row.Seen)
			}
			t.Log(row.Figures)
		})
	}
}
