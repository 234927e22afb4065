package report_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

func TestRunningCommentsReadAsTheGoldenFiles(t *testing.T) {
	for name, waiting := range map[string]*promotion.Holder{"running": nil, "running-waits": rival()} {
		marker, body := report.Running(request(promotion.ModeRun, "checkout", "payments"), promotion.StageVerify, waiting, here)
		golden(t, filepath.Join(name, "comment.golden"), body)
		boundComment(t, marker, body)
	}
	marker, body := report.Running(poisoned(hostile).Request, hostile, poisoned(hostile).Holder, poisonedContext(hostile))
	golden(t, filepath.Join("hostile", "running.golden"), body)
	boundComment(t, marker, body)
}

func TestAShiftsStepsReadAsTheGoldenFiles(t *testing.T) {
	c := here
	c.Steps = []report.ShiftStep{
		{Weight: 0.1, Baked: 5 * time.Minute, Verdict: promotion.Pass}, {Weight: 0.5, Baked: 5 * time.Minute, Verdict: promotion.Inconclusive, Reason: "12 invocations; 50 are needed"}, {Weight: 1},
	}
	_, body := report.Comment(stories()[0].outcome, c)
	golden(t, filepath.Join("promoted", "shift.golden"), body)
}

func TestEveryCommentIsOfOneWorkflowAndEnvironment(t *testing.T) {
	of := func(app, environment, workflow string) string {
		o := stories()[0].outcome
		o.Request.App, o.Request.Environment.Name = app, environment
		c := here
		c.Workflow = workflow
		marker, body := report.Comment(o, c)
		running, _ := report.Running(o.Request, promotion.StageDeploy, nil, c)
		if running != marker {
			t.Errorf("the running comment is another: %q, %q", running, marker)
		}
		boundComment(t, marker, body)
		return marker
	}
	markers := map[string]bool{}
	for _, app := range []string{"shop", "shop environment=prod", "--><b>", "ש"} {
		for _, environment := range []string{"prod", "preprod", "-->", "a--b", "a-", ""} {
			for _, workflow := range []string{"release", ".github/workflows/release.yml", "--", "->"} {
				markers[of(app, environment, workflow)] = true
			}
		}
	}
	if len(markers) != 4*6*4 {
		t.Errorf("%d workflows and environments share %d markers", 4*6*4, len(markers))
	}
}

func TestCommentsBeginWithTheVerdict(t *testing.T) {
	for _, s := range stories() {
		marker, body := report.Comment(s.outcome, here)
		boundComment(t, marker, body)
		if first, _, _ := strings.Cut(body, "\n"); !strings.HasPrefix(first, "### ") {
			t.Errorf("%s: the first line is %q", s.name, first)
		}
	}
}

func TestACommentThatIsTooLongKeepsTheTableOfWhatMoved(t *testing.T) {
	rowsOf := func(body string) int { return strings.Count(body, "\n| <code>worker-") }
	_, body := report.Comment(everyOne(), here)
	golden(t, filepath.Join("promoted-200-of-200", "comment.golden"), body)
	if got := rowsOf(body); got != 200 {
		t.Errorf("the table has %d of 200 rows", got)
	}
	if !strings.Contains(body, "_Left out, since GitHub's comments have a limit: ") || !strings.Contains(body, "The rest: [run 4711, attempt 2](https://github.com/octo-org/shop/actions/runs/4711)._") {
		t.Errorf("it does not say what is left out and where it is: %s", body[len(body)-600:])
	}
	if left := regexp.MustCompile(`_Left out.*_`).FindString(body); strings.Contains(left, " functions") {
		t.Errorf("functions were left out: %s", left)
	}

	o := everyOne()
	for i := range o.Functions {
		o.Functions[i].Function += strings.Repeat("-long", 100)
	}
	marker, body := report.Comment(o, here)
	boundComment(t, marker, body)
	if got := rowsOf(body); got == 0 || got == 200 || strings.Contains(body, "<summary>what changes") || strings.Contains(body, "checks passed</summary>") {
		t.Errorf("the table has %d rows, although there is something else in it: %s", got, cut(body))
	}
}

func TestACommentLosesDetailsThenUnchangedFunctionsThenEvidence(t *testing.T) {
	sized := func(lines, unchangedFunctions int) string {
		o := landslide(lines)
		o.Checks, o.Faults = o.Checks[:10], o.Faults[:10]
		o.Functions = append([]promotion.FunctionOutcome{fated(moved("checkout", 41, 42), promotion.FateBack)}, o.Functions[:0]...)
		for i := range unchangedFunctions {
			o.Functions = append(o.Functions, unchanged(fmt.Sprintf("still-%04d-with-a-long-name", i), 7))
		}
		_, body := report.Comment(o, here)
		return body
	}
	has := func(body, part string) bool { return strings.Contains(body, part) }
	const detail, quiet, seen, row = "<summary>what changes", "still-0000", "log tail</summary>", "\n| <code>checkout</code>"
	for _, c := range []struct {
		name                    string
		body                    string
		detail, quiet, evidence bool
	}{
		{"little", sized(2, 30), true, true, true},
		{"many unchanged functions", sized(2, 2000), false, false, true},
		{"much evidence", sized(400, 30), false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if has(c.body, detail) != c.detail || has(c.body, quiet) != c.quiet || c.evidence && !has(c.body, seen) || !has(c.body, row) {
				t.Errorf("details %t, unchanged functions %t, evidence %t, the table %t", has(c.body, detail), has(c.body, quiet), has(c.body, seen), has(c.body, row))
			}
		})
	}
}

func TestCommentsOfEndlessTextsFit(t *testing.T) {
	for _, text := range []string{strings.Repeat("$", 5_000), strings.Repeat("a@b#1 ", 1_000), "e" + strings.Repeat("\u0301", 5_000), strings.Repeat("名", 4_000), strings.Repeat("ש", 4_000)} {
		for _, o := range poisons(text)[:2] {
			marker, body := report.Comment(o, poisonedContext(text))
			if len(body) > report.MaxComment || !strings.HasSuffix(body, marker+"\n") {
				t.Fatalf("a comment of %.4q has %d bytes", text, len(body))
			}
		}
		if _, body := report.Running(poisoned(text).Request, promotion.StageDeploy, poisoned(text).Holder, poisonedContext(text)); len(body) > report.MaxComment {
			t.Fatalf("a running comment of %.4q has %d bytes", text, len(body))
		}
	}
}

func TestFigures(t *testing.T) {
	for _, c := range []struct {
		name string
		o    promotion.Outcome
	}{{"200 functions promoted", everyOne()}, {"3 of 200 functions promoted", wholesale()}, {"200 red checks with their logs", landslide(50)}, {"1 function promoted", stories()[0].outcome}} {
		_, body := report.Comment(c.o, here)
		t.Logf("comment of %s: %d bytes, %d characters; its summary: %d bytes", c.name, len(body), len([]rune(body)), len(report.Summary(c.o, here)))
	}
}
