package report_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

func TestASummaryThatIsTooLongLosesEvidenceFirst(t *testing.T) {
	o := landslide(50)
	summary := report.Summary(o, here)
	fits(t, summary)
	if got := strings.Count(summary, "log tail</summary>"); got == 0 || got == 200 {
		t.Errorf("it shows what %d of 200 checks saw", got)
	}
	if strings.Count(summary, "❌ did not pass") != 200 {
		t.Error("rows of the checks are left out although there is evidence to leave out")
	}
	everyFault(t, summary, o)
	harmless(t, summary, reportElements...)
}

func TestASummaryThatIsMuchTooLongKeepsVerdictAndFaults(t *testing.T) {
	o := landslide(1)
	for i := range o.Checks {
		o.Checks[i].Check += strings.Repeat(" and on", 500)
	}
	for i := range o.Functions {
		o.Functions[i] = moved(strings.Repeat("long", 500), 1, 2)
		o.Functions[i].Package.Origin = strings.Repeat("long", 500)
	}
	summary := report.Summary(o, here)
	fits(t, summary)
	everyFault(t, summary, o)
	if left := regexp.MustCompile(`: 8 parts of the commands to go back, 200 rows of what changes, 1\d\d checks\. `); !left.MatchString(summary) {
		t.Errorf("it does not say what is left out: %s", summary[len(summary)-300:])
	}
}

func TestCommandsForARepairAreNeverLeftOut(t *testing.T) {
	o := landslide(50)
	o.Kind = promotion.NeedsAttention
	for i := range o.Functions {
		o.Functions[i] = fated(o.Functions[i], promotion.FateUnknown, fmt.Sprintf(look, o.Functions[i].Function))
	}
	summary := report.Summary(o, here)
	fits(t, summary)
	if got := strings.Count(summary, "aws lambda get-alias"); got != 200 {
		t.Errorf("it has %d of 200 commands", got)
	}
}

func TestAStatusThatIsTooLongSaysSo(t *testing.T) {
	list := environments()[:1]
	for i := range 10_000 {
		f := list[0].Functions[0]
		f.Function.Key = fmt.Sprintf("worker-%05d-with-a-name-that-takes-some-room-in-a-row", i)
		list[0].Functions = append(list[0].Functions, f)
	}
	fits(t, report.StatusSummary(list, here))
}

// fits fails the test where a summary is longer than it may be, or does not say that something was left out.
func fits(t *testing.T, summary string) {
	t.Helper()
	if len(summary) > report.MaxSummary || len(summary) < report.MaxSummary*8/10 {
		t.Errorf("it has %d bytes; at most, and about, %d were expected", len(summary), report.MaxSummary)
	}
	last := summary[strings.LastIndexByte(strings.TrimSuffix(summary, "\n"), '\n')+1:]
	if !strings.HasPrefix(last, "_Left out, since GitHub shows no more than 1 MiB: ") {
		t.Errorf("its last line is %q", cut(last))
	}
}

func everyFault(t *testing.T, summary string, o promotion.Outcome) {
	t.Helper()
	if !strings.HasPrefix(summary, "### ❌ verification-failed: 200 checks of 200 did not pass") {
		t.Errorf("the verdict is not first: %s", cut(summary[:200]))
	}
	for _, f := range o.Faults {
		if !strings.Contains(summary, report.Code(f.Where.String())+": "+report.Text(f.What)) {
			t.Fatalf("the fault %q is not there", f.What)
		}
	}
}
