// Package report turns an outcome into what people and programs read: the job summary, the terminal, annotations,
// outputs and JSON. Every face is a pure function of the outcome, held by golden files.
//
// Text from outside (responses, log tails, AWS's messages) is foreign: it is escaped, or set as code, for the
// face that shows it, and never becomes Markdown, HTML, a mention or a workflow command.
package report

import (
	"fmt"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// mark is the sign before an outcome.
func mark(k promotion.Kind) string {
	switch k {
	case promotion.Promoted, promotion.Unchanged, promotion.Planned, promotion.SetUp:
		return "✓"
	case promotion.NeedsAttention:
		return "!"
	}
	return "✗"
}

// versions says what becomes of a function's alias: "41 → 42", "none → 1", "41".
func versions(f promotion.FunctionOutcome) string {
	switch {
	case f.Action == promotion.ActionNone || f.Action == "":
		if f.Previous == 0 {
			return "–"
		}
		return f.Previous.String()
	case f.Candidate == 0:
		return f.Previous.String() + " → new"
	}
	return f.Previous.String() + " → " + f.Candidate.String()
}

// fate says in words where a function's alias was left.
func fate(o promotion.Outcome, f promotion.FunctionOutcome) string {
	switch f.Fate {
	case promotion.FateMoved:
		return "promoted"
	case promotion.FateCreated:
		return "promoted (alias created)"
	case promotion.FateBack:
		return "put back"
	case promotion.FateForeign:
		return "changed by somebody else"
	case promotion.FateUnknown:
		return "needs attention"
	}
	switch {
	case f.Action == promotion.ActionNone:
		return "unchanged"
	case f.Action == "":
		return "not reached"
	case o.Kind == promotion.Planned:
		return "would be " + how(f)
	}
	return "not promoted"
}

// how says what would be done to a function's alias.
func how(f promotion.FunctionOutcome) string {
	if f.Action == promotion.ActionCreate {
		return "created"
	}
	return "promoted"
}

// duration rounds a duration to what a person reads at a glance.
func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// size says how large code is.
func size(n int64) string {
	switch {
	case n <= 0:
		return ""
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1000/1000)
}

// verdict says how a check ended.
func verdict(c promotion.CheckResult) string {
	switch {
	case c.Skipped != "":
		return "skipped"
	case c.Err != nil:
		return "could not be asked"
	case c.Verdict == promotion.Pass:
		return "passed"
	case c.Verdict == promotion.Inconclusive:
		return "inconclusive"
	}
	return "did not pass"
}

// shortCommit is enough of a commit to recognise it.
func shortCommit(c string) string {
	if len(c) > 7 {
		return c[:7]
	}
	return c
}
