package conformance_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/conformance"
	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// onSandbox is a run's configuration on a sandbox.
func onSandbox(c *sandboxtest.Cloud) conformance.Config {
	return conformance.Config{
		AWS:    c.AWS(),
		Role:   sandboxtest.Role,
		Prefix: "promote-conformance-test",
		Tags:   map[string]string{conformance.Tag: time.Now().UTC().Format(time.RFC3339)},
		Package: func(name string) conformance.Package {
			return conformance.Package{
				Zip: c.Zip(sandboxtest.Code{Name: name}), Runtime: types.RuntimeProvidedal2023, Handler: "bootstrap",
				OtherRuntime: types.RuntimeProvidedal2,
			}
		},
		Provisioned: true,
	}
}

// slow is a sandbox in which updates take as long as on AWS, under AWS's quotas. Tests have its time virtually.
var slow = sandbox.Options{UpdateTime: 2500 * time.Millisecond, Latency: 40 * time.Millisecond, RateLimit: 15}

// TestPoints tries every point on the sandbox, in virtual time: each is confirmed, for the price that it names.
func TestPoints(t *testing.T) {
	for _, p := range conformance.Points() {
		t.Run(p.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := sandboxtest.InProcess(t, slow)
				row := try(t, c, onSandbox(c), p)
				if row.Verdict != conformance.Confirmed {
					t.Errorf("%s: %s", row.Verdict, row.Seen)
				}
				affordable(t, c, row)
				t.Logf("%v, %+v: %s; %s", row.Took, row.Calls, row.Seen, row.Figures)
			})
		})
	}
}

// try tries one point, and holds that it keeps to what it says of itself and leaves nothing behind.
func try(t *testing.T, c *sandboxtest.Cloud, config conformance.Config, p conformance.Point) conformance.Row {
	t.Helper()
	var progress bytes.Buffer
	rows, err := conformance.New(config).Run(t.Context(), []conformance.Point{p}, &progress)
	if err != nil {
		t.Errorf("remove what was made: %v", err)
	}
	if len(rows) != 1 {
		t.Fatalf("%d rows for one point", len(rows))
	}
	if left := leftovers(t, c); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return rows[0]
}
