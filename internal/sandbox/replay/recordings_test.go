package replay_test

import (
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox"
	"github.com/promote-on-success/promote/internal/sandbox/replay"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sandboxtest"
)

// TestRecordings plays every recording of real AWS against the whole sandbox. Each case has one of its own,
// which takes long enough over an update for a client to see it unfinished.
func TestRecordings(t *testing.T) {
	book, err := replay.Load("../testdata/recordings/aws-cases.json")
	if err != nil {
		t.Fatal(err)
	}
	score := newTally()
	t.Run("cases", func(t *testing.T) {
		for _, c := range book.Cases {
			t.Run(c.Family+"/"+c.Case, func(t *testing.T) {
				if runsCode(c) {
					t.Parallel() // processes need real time, of which they wait most
					play(t, book, c, score)
					return
				}
				synctest.Test(t, func(t *testing.T) { play(t, book, c, score) })
			})
		}
	})
	t.Log(score)
}

// invokes says that a step runs the function's code.
func invokes(s replay.Step) bool {
	return s.Op == "lambda:Invoke" && (s.Expect == nil || s.Expect.Error == "") && s.Params["InvocationType"] != "DryRun"
}

func runsCode(c replay.Case) bool { return slices.ContainsFunc(c.Steps, invokes) }

// pythonMissing names the steps that need an interpreter which this machine does not have.
func pythonMissing(c replay.Case, i int) string {
	if _, err := exec.LookPath("python3"); err != nil && invokes(c.Steps[i]) {
		return "the code is Python and there is no python3 on this machine"
	}
	return ""
}

func play(t *testing.T, book *replay.Book, c replay.Case, score *tally) {
	run := runner.NewProcess()
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	cloud := sandboxtest.InProcess(t, sandbox.Options{UpdateTime: 300 * time.Millisecond, Seed: 7, Runner: run})
	var names atomic.Int64
	player := replay.Player{
		Book: book, Caller: replay.NewSDK(cloud.AWS(), book),
		Account: cloud.Server().Accounts()[0].ID, Region: sandbox.DefaultRegion, Role: sandboxtest.Role, Skip: pythonMissing,
		Fresh:    func(kind string) string { return fmt.Sprintf("%s-%d", kind, names.Add(1)) },
		Patience: 5 * time.Second, PollEvery: 20 * time.Millisecond,
	}
	results := player.Play(t.Context(), c)
	for _, r := range results {
		for _, fault := range r.Faults {
			t.Errorf("step %d %s: %s", r.Step, r.Name, fault)
		}
		for _, difference := range r.Differences {
			t.Logf("step %d %s, for information: %s", r.Step, r.Name, difference)
		}
		if r.Skipped != "" {
			t.Logf("step %d %s skipped: %s", r.Step, r.Name, r.Skipped)
		}
	}
	score.add(c.Family, results)
}

// A tally counts what passed, by family.
type tally struct {
	mu       sync.Mutex
	families map[string]*[7]int // cases, passed; steps, passed, skipped; details, agreed
}

func newTally() *tally { return &tally{families: map[string]*[7]int{}} }

func (y *tally) add(family string, results []replay.Result) {
	y.mu.Lock()
	defer y.mu.Unlock()
	n := y.families[family]
	if n == nil {
		n = &[7]int{}
		y.families[family] = n
	}
	passed := 1
	for _, r := range results {
		n[2]++
		switch {
		case r.Skipped != "":
			n[4]++
		case r.Passed():
			n[3]++
		default:
			passed = 0
		}
		n[5] += r.Recorded
		n[6] += r.Agreed
	}
	n[0]++
	n[1] += passed
}

func (y *tally) String() string {
	var b strings.Builder
	var sum [7]int
	line := func(name string, n [7]int) {
		fmt.Fprintf(&b, "\n%-24s cases %2d/%-2d  steps %3d/%-3d  skipped %d  messages and details %3d/%d", name, n[1], n[0], n[3], n[2], n[4], n[6], n[5])
	}
	for _, family := range slices.Sorted(maps.Keys(y.families)) {
		n := y.families[family]
		for i := range sum {
			sum[i] += n[i]
		}
		line(family, *n)
	}
	line("all", sum)
	return b.String()
}
