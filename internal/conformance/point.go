package conformance

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A Point is one thing that AWS is assumed to do.
type Point struct {
	Name  string // in lower case, with hyphens
	Claim string // what is assumed, as a sentence
	// Promise is what promote promises, or does, that rests on the claim; "" if nothing does yet.
	Promise string
	// Known is where the claim comes from, apart from the sandbox.
	Known Knowledge
	// Provisioned says that the point pays for provisioned concurrency, and runs only if that was asked for.
	Provisioned bool
	// Most is the most that the point uses of what costs money.
	Most Usage
	// Within bounds how long the point may take.
	Within time.Duration

	check func(context.Context, *Env) (Result, error)
}

// Knowledge is how a claim is known.
type Knowledge string

// A claim is in a public recording of real AWS, in AWS's documentation, or our reading and no more.
const (
	Recorded   Knowledge = "recorded"
	Documented Knowledge = "documented"
	Assumed    Knowledge = "assumed"
)

// A Verdict is what came of a point.
type Verdict string

// A point that could not be asked, or whose answers say neither yes nor no, is inconclusive.
const (
	Confirmed    Verdict = "confirmed"
	Refuted      Verdict = "refuted"
	Inconclusive Verdict = "inconclusive"
)

// A Result is a verdict with what was seen.
type Result struct {
	Verdict Verdict
	Seen    string
	Figures string // numbers worth keeping, "" if there are none
}

// Points lists every point, in the order in which they run.
func Points() []Point {
	var all []Point
	for _, group := range [][]Point{aliasPoints(), routingPoints(), latestPoints(), publishPoints(), configurationPoints(), permissionPoints(), tablePoints()} {
		all = append(all, group...)
	}
	for i := range all {
		if all[i].Within == 0 {
			all[i].Within = 3 * time.Minute
		}
	}
	return all
}

// findings collects what a point sees. Its verdict is that of the worst.
type findings struct{ against, doubts, seen, figures []string }

// hold notes what is against the claim unless ok.
func (f *findings) hold(ok bool, format string, args ...any) bool {
	if !ok {
		f.against = append(f.against, fmt.Sprintf(format, args...))
	}
	return ok
}

// doubt notes why the claim was not put to the test.
func (f *findings) doubt(format string, args ...any) {
	f.doubts = append(f.doubts, fmt.Sprintf(format, args...))
}

func (f *findings) saw(format string, args ...any) {
	f.seen = append(f.seen, fmt.Sprintf(format, args...))
}

func (f *findings) figure(format string, args ...any) {
	f.figures = append(f.figures, fmt.Sprintf(format, args...))
}

// refused holds that a call was refused in this way. Where AWS gave no answer that tells, it is a doubt.
func (f *findings) refused(err error, status int, code, deed string) {
	got := answered(err)
	switch {
	case got.status == status && got.code == code:
		f.saw("%s: %s", deed, got)
	case got.vague():
		f.doubt("%s: %s", deed, got)
	default:
		f.hold(false, "%s: %s, not %d %s", deed, got, status, code)
	}
}

// accepted holds that a call was carried out, and says whether it was.
func (f *findings) accepted(err error, deed string) bool {
	switch got := answered(err); {
	case err == nil:
		return true
	case got.vague():
		f.doubt("%s: %s", deed, got)
	default:
		f.hold(false, "%s: %s", deed, got)
	}
	return false
}

func (f *findings) result() (Result, error) {
	r := Result{Verdict: Confirmed, Seen: strings.Join(f.seen, "; "), Figures: strings.Join(f.figures, ", ")}
	switch {
	case len(f.against) > 0:
		r.Verdict, r.Seen = Refuted, strings.Join(f.against, "; ")
	case len(f.doubts) > 0:
		r.Verdict, r.Seen = Inconclusive, strings.Join(f.doubts, "; ")
	}
	return r, nil
}
