package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A statusRow is what there is to see of one function. Commit is whole.
type statusRow struct{ function, holds, code, commit, age, drift string }

func statusRows(env EnvironmentStatus) []statusRow {
	var list []statusRow
	for _, f := range env.Functions {
		r := statusRow{function: oneLine(f.Function.Key)}
		found := drifts(env, f)
		if asRecorded(f) {
			r.commit, r.code = f.Record.Source.Commit, oneLine(f.Record.Digest.Short())
			if !f.Promoted.IsZero() {
				r.age = age(env.At, f.Promoted)
			}
		}
		switch st := f.State; {
		case f.Err != nil:
			r.holds = "?" // a fault says why
		case f.Unseen && f.Record != nil:
			r.holds = "version " + f.Record.Version.String() + " (recorded)"
		case f.Unseen:
			r.holds = "?"
		case st.Routing == nil:
			r.holds = "no alias"
		default:
			r.holds = st.Routing.String()
			if st.Stable != nil {
				r.code = oneLine(st.Stable.Digest.Short())
				if f.Drift == "" {
					found = append([]string{"the same"}, found...)
				}
			}
		}
		if asRecorded(f) && f.Record.Adopted {
			r.holds += ", adopted"
		}
		r.drift = strings.Join(found, "; ")
		list = append(list, r)
	}
	return list
}

// asRecorded tells whether the alias holds the version that was recorded, as far as anybody has looked: what the record
// says of commit and time is true of it then.
func asRecorded(f promotion.FunctionStatus) bool {
	return f.Record != nil && f.Err == nil && (f.Unseen || f.State.Routing != nil && f.State.Routing.Version == f.Record.Version)
}

// drifts are the ways in which a function is not as it was recorded: the alias, its weights, the version's code; and
// how $LATEST differs from the version.
func drifts(env EnvironmentStatus, f promotion.FunctionStatus) []string {
	var list []string
	say := func(format string, args ...any) { list = append(list, oneLine(fmt.Sprintf(format, args...))) }
	if f.Err != nil || f.Unseen {
		return nil
	}
	rec, routing := f.Record, f.State.Routing
	switch {
	case !env.Ledger:
	case rec == nil && routing != nil:
		say("not recorded")
	case rec != nil && routing == nil:
		say("the alias is gone; version %s was recorded", rec.Version)
	case rec != nil && routing.Version != rec.Version:
		say("moved: version %s was recorded", rec.Version)
	}
	if env.Ledger && rec != nil && routing != nil {
		if !routing.Whole() {
			say("carries weights")
		}
		if st := f.State.Stable; st != nil && routing.Version == rec.Version && rec.Digest != "" && st.Digest != rec.Digest {
			say("version %s holds other code than was recorded (%s)", rec.Version, rec.Digest.Short())
		}
	}
	if f.Drift != "" {
		say("%s", f.Drift)
	}
	return list
}

// age says how long ago something was, in one unit.
func age(now, then time.Time) string {
	d := now.Sub(then)
	switch {
	case now.IsZero():
		return minute(then)
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}
