package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// versions says what a function's alias held and holds: "41 → 42", "none → 1", "41", "41 → ?".
func versions(o promotion.Outcome, f promotion.FunctionOutcome) string {
	next := ""
	switch f.Fate {
	case promotion.FateMoved, promotion.FateCreated:
		next = f.Candidate.String()
	case promotion.FateForeign, promotion.FateUnknown:
		next = "?"
	default:
		if o.Kind == promotion.Planned && f.Action != promotion.ActionNone {
			next = "new"
			if f.Candidate != 0 {
				next = f.Candidate.String()
			}
		}
	}
	if next == "" {
		return f.Previous.String()
	}
	return f.Previous.String() + " → " + next
}

// fate says in words where a function's alias was left.
func fate(o promotion.Outcome, f promotion.FunctionOutcome) string {
	switch f.Fate {
	case promotion.FateMoved:
		if o.Request.Mode == promotion.ModeRollback {
			return "rolled back"
		}
		return "promoted"
	case promotion.FateCreated:
		if o.Kind != promotion.Promoted {
			return "alias created; it stays"
		}
		return "promoted (alias created)"
	case promotion.FateBack:
		return fmt.Sprintf("put back from %s", f.Candidate)
	case promotion.FateForeign:
		return "changed by somebody else"
	case promotion.FateUnknown:
		return "needs attention"
	}
	switch {
	case still(f) && f.Drift != "":
		return "unchanged (drift)"
	case still(f):
		return "unchanged"
	case o.Kind == promotion.Planned && f.Action == promotion.ActionCreate:
		return "would be created"
	case o.Kind == promotion.Planned:
		return "would be promoted"
	case o.Kind == promotion.Deployed && f.Candidate != 0:
		return fmt.Sprintf("%s ready", f.Candidate)
	case f.Candidate != 0:
		return fmt.Sprintf("%s not promoted", f.Candidate)
	}
	return "not promoted"
}

// still tells whether there was nothing to do for a function. Lambda may find that out later than the plan: it gives
// the version that is live where nothing differs from it.
func still(f promotion.FunctionOutcome) bool {
	return f.Fate == promotion.FateKept && (f.Action == promotion.ActionNone || f.Candidate != 0 && f.Candidate == f.Previous)
}

// code says where a function's new code comes from, "" where the code stays the same.
func code(f promotion.FunctionOutcome) string {
	if still(f) || f.PreviousDigest != "" && f.PreviousDigest == f.Digest {
		return ""
	}
	switch f.Method {
	case promotion.MethodUpload:
		origin := oneLine(f.Package.Origin)
		if n := size(f.Package.Size); n != "" {
			return origin + ", " + n
		}
		return origin
	case promotion.MethodPublish:
		return "the code of $LATEST"
	case promotion.MethodAdopt:
		return "an existing version"
	}
	return ""
}

// changes names the fields of a configuration that change, with their values where these are short enough to be read.
// The values of environment variables are fingerprints, which tell nobody anything.
func changes(diffs []promotion.Difference, most int) []string {
	const readable = 24
	value := func(s string) string {
		if s = oneLine(s); s == "" {
			return "none"
		}
		return s
	}
	var list []string
	for i, d := range diffs {
		if i == most && len(diffs) > most+1 {
			return append(list, fmt.Sprintf("and %d more fields", len(diffs)-most))
		}
		text := oneLine(d.Field)
		if from, to := value(d.From), value(d.To); !strings.HasPrefix(d.Field, "Environment.") && width(from) <= readable && width(to) <= readable {
			text += " " + from + " → " + to
		}
		list = append(list, text)
	}
	return list
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

// red tells whether a check was asked, or was to be, and did not pass.
func red(c promotion.CheckResult) bool {
	return c.Skipped == "" && (c.Err != nil || c.Verdict != promotion.Pass)
}

// checkNote is what else there is to say about a check, "" where a fault says it.
func checkNote(o promotion.Outcome, c promotion.CheckResult) string {
	note := c.Reason
	if c.Skipped != "" {
		note = c.Skipped
	} else if c.Err != nil {
		return "" // always a fault, with its hint
	}
	for _, f := range o.Faults {
		if note != "" && f.What != "" && (strings.Contains(f.What, note) || strings.Contains(note, f.What)) {
			return ""
		}
	}
	return oneLine(note)
}

// evidenceOf is what the check saw that a fault is about; nil if it is about none.
func evidenceOf(o promotion.Outcome, f promotion.Fault) []promotion.Evidence {
	for _, c := range o.Checks {
		if red(c) && c.Where == f.Where && strings.HasPrefix(f.What, fmt.Sprintf("check %q", c.Check)) {
			return c.Evidence
		}
	}
	return nil
}

// duration rounds a duration to what a person reads at a glance.
func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// took says how long a check took, and how often it was asked if more than once.
func took(c promotion.CheckResult) string {
	if c.Skipped != "" {
		return ""
	}
	if c.Attempts > 1 {
		return fmt.Sprintf("%s, asked %d times", duration(c.Duration), c.Attempts)
	}
	return duration(c.Duration)
}

// size says how large code is, "" if that is not known.
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

// shortCommit is enough of a commit to recognise it.
func shortCommit(c string) string {
	const enough = 7
	if runes := []rune(c); len(runes) > enough {
		return string(runes[:enough])
	}
	return c
}

// plural says "1 check", "3 checks".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
