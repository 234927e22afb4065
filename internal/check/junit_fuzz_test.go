package check_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Whatever is in a report, the counts are true to each other, what is shown is fit to be shown, and only tests that ran
// and passed are evidence.
func FuzzJUnit(f *testing.F) {
	samples, err := filepath.Glob("testdata/junit/*.xml")
	if err != nil || len(samples) == 0 {
		f.Fatalf("no samples: %v", err)
	}
	for _, name := range samples {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, text := range []string{"", "<testsuite", "<?xml encoding='latin1'?>\xff", `<!DOCTYPE x [<!ENTITY a "b">]><testsuite>&a;</testsuite>`,
		`<testsuite failures="-1" errors="4294967296" skipped="9"><testcase/><error/></testsuite>`, "<testsuites><testcase><testsuite><testcase><failure>"} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, "report.xml"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		r := askJUnit(t.Context(), dir, 1, "report.xml")
		if r.Err != nil {
			t.Fatalf("a report can be broken, but not the check: %v", r.Err)
		}
		wellFormed(t, r)
		c := *r.Tests
		red := c.Failed + c.Errored
		if min(c.Tests, c.Failed, c.Errored, c.Skipped) < 0 || red+c.Skipped > c.Tests {
			t.Errorf("counts %+v", c)
		}
		if (r.Verdict == promotion.Fail) != (red > 0) || r.Verdict == promotion.Pass && c.Tests == c.Skipped {
			t.Errorf("verdict %s of %+v", r.Verdict, c)
		}
	})
}

func TestJUnitThatWasCutOffAnywhereNeverPasses(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"gradle", "googletest"} {
		text, err := os.ReadFile(filepath.Join("testdata/junit", name+".xml"))
		if err != nil {
			t.Fatal(err)
		}
		for cut := range strings.LastIndexByte(string(text), '>') {
			if err := os.WriteFile(filepath.Join(dir, "report.xml"), text[:cut], 0o600); err != nil {
				t.Fatal(err)
			}
			if r := askJUnit(t.Context(), dir, 1, "report.xml"); r.Verdict != promotion.Inconclusive {
				t.Fatalf("the first %d bytes of %s: %+v", cut, name, r)
			}
		}
	}
}

// drawSuite draws a suite of suites and tests as most runners write them, and counts what it draws.
func drawSuite(t *rapid.T, depth int, sum *promotion.TestCounts) string {
	var b strings.Builder
	var own promotion.TestCounts
	for range rapid.IntRange(0, 4).Draw(t, "tests") {
		own.Tests++
		inside := rapid.SampledFrom([]string{"", "", "<system-out>&lt;failure/></system-out>", "failure", "error", "skipped"}).Draw(t, "test")
		switch inside {
		case "failure":
			own.Failed++
		case "error":
			own.Errored++
		case "skipped":
			own.Skipped++
		}
		if inside != "" && inside[0] != '<' {
			inside = fmt.Sprintf("<%s message=\"m\">text</%[1]s>", inside)
		}
		var name strings.Builder
		_ = xml.EscapeText(&name, []byte(rapid.String().Draw(t, "name")))
		fmt.Fprintf(&b, "<testcase name=\"%s\">%s</testcase>\n", name.String(), inside)
	}
	if depth < 3 {
		for range rapid.IntRange(0, 2).Draw(t, "suites") {
			b.WriteString(drawSuite(t, depth+1, &own))
		}
	}
	sum.Tests += own.Tests
	sum.Failed += own.Failed
	sum.Errored += own.Errored
	sum.Skipped += own.Skipped
	claims := ""
	if rapid.Bool().Draw(t, "counts in attributes") {
		claims = fmt.Sprintf(` tests="%d" failures="%d" errors="%d" skipped="%d"`, own.Tests, own.Failed, own.Errored, own.Skipped)
	}
	kind := "testsuite"
	if depth == 0 && rapid.Bool().Draw(t, "suites at the root") {
		kind = "testsuites"
	}
	return fmt.Sprintf("<%s%s>%s</%[1]s>", kind, claims, b.String())
}

func TestJUnitCountsEachTestOnce(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		var want promotion.TestCounts
		text := drawSuite(rt, 0, &want)
		if err := os.WriteFile(filepath.Join(dir, "report.xml"), []byte(text), 0o600); err != nil {
			rt.Fatal(err)
		}
		r := askJUnit(t.Context(), dir, 1, "report.xml")
		if r.Err != nil || *r.Tests != want {
			rt.Fatalf("counts %+v, want %+v (%v)\n%s", r.Tests, want, r.Err, text)
		}
		verdict := promotion.Pass
		if want.Failed+want.Errored > 0 {
			verdict = promotion.Fail
		} else if want.Tests == want.Skipped {
			verdict = promotion.Inconclusive
		}
		if r.Verdict != verdict {
			rt.Fatalf("verdict %s (%s) of %+v", r.Verdict, r.Reason, want)
		}
	})
}
