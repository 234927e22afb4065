package main_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

// TestReportFigures prints what telling people costs: the calls of GitHub that it makes, and the time that it adds to a
// run, where each of GitHub's answers takes 200 ms.
func TestReportFigures(t *testing.T) {
	measure := func(t *testing.T, inputs ...string) (calls map[string]int, took time.Duration) {
		inOffice(t, func(t *testing.T, f *office) {
			f.job("c1", "v1", "comment", "off", "deployments", "off").run().ended(t, "promoted", 0)
			_, err := f.hub.AddFault(github.Fault{Kind: github.FaultDelay, Delay: github.Duration(200 * time.Millisecond), Count: -1})
			f.must(err)
			f.hub.ClearCalls()
			r := f.job("c2", "v2", inputs...).run()
			r.ended(t, "promoted", 0)
			calls, took = f.calls(), r.took
		})
		return calls, took
	}
	sum := func(calls map[string]int) (n int) {
		for _, c := range calls {
			n += c
		}
		return n
	}
	bareCalls, bare := measure(t, "comment", "off", "deployments", "off", "release", "off")
	t.Logf("without telling: %d calls, %s; they are %v, for the order of commits and the notes", sum(bareCalls), bare, bareCalls)
	for _, c := range []struct {
		name   string
		inputs []string
		most   int
	}{
		{"a comment", []string{"deployments", "off", "release", "off"}, 7},
		{"a deployment", []string{"comment", "off", "release", "off"}, 7},
		{"a release", []string{"comment", "off", "deployments", "off", "release", "v1"}, 8},
		{"all three", []string{"release", "v1"}, 20},
	} {
		calls, took := measure(t, c.inputs...)
		more := sum(calls) - sum(bareCalls)
		t.Logf("%s: %d more calls, %s more; all are", c.name, more, took-bare)
		for _, name := range slices.Sorted(maps.Keys(calls)) {
			t.Logf("    %d %s", calls[name], name)
		}
		if more > c.most {
			t.Errorf("%s takes %d more calls, want %d at most", c.name, more, c.most)
		}
	}
}
