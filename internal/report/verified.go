package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// vouchers are the checks of this run, or, where versions were verified in an earlier one, what was recorded of theirs.
func vouchers(o promotion.Outcome) []promotion.CheckResult {
	if len(o.Checks) > 0 || o.Entry == nil {
		return o.Checks
	}
	return proofs(o.Entry.Proofs)
}

func proofs(list []promotion.Proof) []promotion.CheckResult {
	var checks []promotion.CheckResult
	for _, p := range list {
		checks = append(checks, promotion.CheckResult{Check: p.Check, Function: p.Function, Version: p.Version, Verdict: p.Verdict, Duration: p.Took, Tests: p.Tests})
	}
	return checks
}

// verifiedBy says in a cell of Markdown what vouches for a function, "" where nothing had to.
func verifiedBy(o promotion.Outcome, f promotion.FunctionOutcome) string {
	switch {
	case still(f) || f.Action == "":
		return ""
	case unverified(o):
		return "**verify: none**"
	}
	if said := evidenceFor(vouchers(o), f.Function); said != "" {
		return said
	}
	if o.Entry != nil && o.Entry.Unproved != "" {
		return "**" + Text(o.Entry.Unproved) + "**"
	}
	return ""
}

// evidenceFor tells of the checks that concern a function: a few by name, more of them in number.
func evidenceFor(checks []promotion.CheckResult, function string) string {
	var good, bad []string
	var total time.Duration
	var counts promotion.TestCounts
	junit, waiting := false, 0
	for _, c := range checks {
		if c.Function != "" && c.Function != function || c.Skipped != "" {
			continue
		}
		if c.Tests != nil {
			junit = true
			counts = sum(counts, *c.Tests)
		}
		name := copyable(short(oneLine(c.Check), 48))
		switch {
		case c.Verdict == "" && c.Err == nil:
			waiting++
		case red(c):
			bad = append(bad, name)
		default:
			total += c.Duration
			good = append(good, name+" "+duration(c.Duration))
		}
	}
	var parts []string
	const few = 2
	if len(bad) > 0 {
		parts = append(parts, "❌ "+listed(bad, few, "check"))
	}
	switch n := len(good); {
	case n > few:
		parts = append(parts, fmt.Sprintf("✅ %s, %s", plural(n, "check"), duration(total)))
	case n > 0:
		parts = append(parts, "✅ "+strings.Join(good, "<br>✅ "))
	}
	if junit {
		parts = append(parts, testCounts(counts))
	}
	if waiting > 0 {
		parts = append(parts, plural(waiting, "check")+" not asked")
	}
	return strings.Join(parts, "<br>")
}

// listed are the first of several things that are written already, and how many more there are.
func listed(list []string, most int, noun string) string {
	if len(list) <= most+1 {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + " and " + plural(len(list)-most, "more "+noun)
}

func sum(a, b promotion.TestCounts) promotion.TestCounts {
	return promotion.TestCounts{Tests: a.Tests + b.Tests, Failed: a.Failed + b.Failed, Errored: a.Errored + b.Errored, Skipped: a.Skipped + b.Skipped}
}

// testCounts says what a JUnit report counts: "120 tests, 2 failed, 3 skipped".
func testCounts(c promotion.TestCounts) string {
	text := plural(c.Tests, "test")
	for _, n := range []struct {
		n    int
		what string
	}{{c.Failed, "failed"}, {c.Errored, "ended in an error"}, {c.Skipped, "skipped"}} {
		if n.n > 0 {
			text += fmt.Sprintf(", %d %s", n.n, n.what)
		}
	}
	return text
}

// counts say how many functions and checks came to what, for whoever reads nothing but the first lines.
func counts(o promotion.Outcome) []string {
	var words []string
	if planned(o) {
		n := map[string]int{}
		var order []string
		for _, f := range o.Functions {
			state := stateOf(o, f)
			if n[state]++; n[state] == 1 {
				order = append(order, state)
			}
		}
		for i, state := range order {
			if i == 0 {
				order[i] = plural(n[state], "function") + " " + state
			} else {
				order[i] = fmt.Sprintf("%d %s", n[state], state)
			}
		}
		words = append(words, strings.Join(order, ", "))
	}
	t := tallied(o)
	var checks []string
	for _, c := range []struct {
		n    int
		what string
	}{{t.passed, "passed"}, {t.failed, "did not pass"}, {t.broken, "could not be asked"}} {
		switch {
		case c.n > 0 && checks == nil:
			checks = append(checks, plural(c.n, "check")+" "+c.what)
		case c.n > 0:
			checks = append(checks, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if checks != nil {
		words = append(words, strings.Join(checks, ", "))
	}
	if c := allTests(o); c.Tests > 0 {
		words = append(words, testCounts(c))
	}
	return words
}

// stateOf is a function's fate in a word or two, the same for all that share it.
func stateOf(o promotion.Outcome, f promotion.FunctionOutcome) string {
	switch {
	case f.Fate == promotion.FateBack:
		return "put back"
	case f.Fate == promotion.FateCreated && o.Kind == promotion.Promoted:
		return "promoted"
	case still(f):
		return "unchanged"
	case f.Fate == promotion.FateKept && o.Kind == promotion.Deployed:
		return "ready"
	case f.Fate == promotion.FateKept && o.Kind != promotion.Planned:
		return "not promoted"
	}
	return fate(o, f)
}

func allTests(o promotion.Outcome) promotion.TestCounts {
	var c promotion.TestCounts
	for _, check := range vouchers(o) {
		if check.Tests != nil {
			c = sum(c, *check.Tests)
		}
	}
	return c
}
