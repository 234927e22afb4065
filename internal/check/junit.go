package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// maxShownTests is how many tests that did not pass are told one by one. The first ones are the most telling.
const maxShownTests = 10

// askJUnit answers a JUnit check from all the reports that its patterns name. A test that failed is red whatever
// else is there; otherwise a report that is missing, broken or without tests leaves the question open.
func (k *Checks) askJUnit(ctx context.Context, q question, c promotion.JUnitCheck) finding {
	root, err := os.OpenRoot(k.options.Workspace)
	if err != nil {
		return finding{err: q.fault(fmt.Sprintf("the workspace cannot be read: %s", plainPathError(err)), "")}
	}
	defer root.Close()
	found, err := findReports(ctx, root, c.Files)
	if err != nil {
		return finding{err: q.reportFault(err)}
	}
	var sum tally
	var broken []string
	for _, name := range found.files {
		err := readReport(ctx, root, name, &sum)
		var b brokenReport
		switch {
		case errors.As(err, &b):
			broken = append(broken, fmt.Sprintf("%s %s", shownPath(name), b))
		case err != nil:
			return finding{err: q.reportFault(err)}
		}
	}
	f := judgeReports(found, broken, sum, max(c.MinTests, 1))
	f.attempts = 1
	return f
}

// reportFault is the error of reports that could not be looked for, or are more than can be read.
func (q question) reportFault(err error) error {
	var f promotion.Fault
	if errors.As(err, &f) {
		return q.fault(f.What, f.Hint)
	}
	return q.failed(err)
}

// judgeReports puts together what the reports say. atLeast tests have to have run.
func judgeReports(found foundReports, broken []string, sum tally, atLeast int) finding {
	counts := sum.counts()
	red := counts.Failed + counts.Errored
	f := finding{tests: &counts}
	for _, r := range sum.red {
		f.evidence = append(f.evidence, secrets(nil).evidence(r.kind, r.text()))
	}
	if more := red - sum.told; more > 0 {
		f.evidence = append(f.evidence, promotion.Evidence{Name: "not shown", Text: fmt.Sprintf("%d more that did not pass", more)})
	}
	if len(broken) > 0 {
		f.evidence = append(f.evidence, secrets(nil).evidence("unreadable", strings.Join(broken, "\n")))
	}
	if len(found.files) > 0 {
		f.evidence = append(f.evidence, secrets(nil).evidence("reports", found.summary(counts.Tests)))
	}
	f.verdict = promotion.Inconclusive
	switch ran := counts.Tests - counts.Skipped; {
	case red > 0:
		f.verdict = promotion.Fail
		f.reason = fmt.Sprintf("%d of %s did not pass, the first is %s", red, counted(counts.Tests, "test"), secrets(nil).quote(sum.red[0].name))
	case len(found.unmatched) > 0:
		f.reason, f.hint = "no file matches "+shownPath(strings.Join(found.unmatched, ", ")), unmatchedHint(found)
	case len(broken) > 0:
		f.reason = secrets(nil).quote(broken[0])
		if len(broken) > 1 {
			f.reason += fmt.Sprintf(" (and %s cannot be read)", counted(len(broken)-1, "more report"))
		}
		f.hint = "a report that ends too early is what a test run leaves that was cut off: run the tests again"
	case counts.Tests == 0:
		f.reason, f.hint = fmt.Sprintf("there is no test in %s", counted(len(found.files), "report")), "did the runner of the tests find any?"
	case ran == 0 && counts.Tests == 1:
		f.reason = "the only test was skipped"
	case ran == 0:
		f.reason = fmt.Sprintf("all of %s were skipped", counted(counts.Tests, "test"))
	case ran < atLeast:
		f.reason = fmt.Sprintf("%s ran; min-tests asks for %d", counted(ran, "test"), atLeast)
		if counts.Skipped > 0 {
			f.reason = fmt.Sprintf("%s ran (skipped: %d); min-tests asks for %d that ran", counted(ran, "test"), counts.Skipped, atLeast)
		}
	default:
		f.verdict = promotion.Pass
	}
	return f
}

func unmatchedHint(found foundReports) string {
	if found.directory != "" {
		return fmt.Sprintf("%s is a directory: name the files in it, such as %[1]s/**/*.xml", shownPath(found.directory))
	}
	return "reports of an earlier job have to be brought here, with actions/download-artifact for one; patterns are relative to the workspace, and ** crosses folders"
}

// summary says what was read.
func (found foundReports) summary(tests int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s", counted(tests, "test"), counted(len(found.files), "file"))
	for i, name := range found.files {
		if i == maxShownTests {
			fmt.Fprintf(&b, "\nand %d more", len(found.files)-i)
			break
		}
		b.WriteString("\n" + shownPath(name))
	}
	return b.String()
}

// shownPath is the name of a file in a sentence. It may be as foreign as the file.
func shownPath(name string) string { return secrets(nil).quote(name) }

func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
