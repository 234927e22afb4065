package check_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/check"
	"github.com/promote-on-success/promote/internal/promotion"
)

// workspace holds the given files.
func workspace(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func askJUnit(ctx context.Context, workspace string, atLeast int, patterns ...string) promotion.CheckResult {
	return check.New(nil, check.Options{Workspace: workspace}).Ask(ctx, promotion.Check{
		Name: "tests", Where: promotion.Where{File: "promote.yaml", Line: 12, Column: 5},
		JUnit: &promotion.JUnitCheck{Files: patterns, MinTests: atLeast},
	}, promotion.Subject{})
}

// askReport asks about one report with the given text.
func askReport(t *testing.T, text string) promotion.CheckResult {
	t.Helper()
	return askJUnit(t.Context(), workspace(t, map[string]string{"report.xml": text}), 1, "*.xml")
}

func wantCounts(t *testing.T, r promotion.CheckResult, want promotion.TestCounts) {
	t.Helper()
	if r.Tests == nil || *r.Tests != want {
		t.Errorf("counts %+v, want %+v", r.Tests, want)
	}
}

func TestJUnitReadsTheDialectsOfRunners(t *testing.T) {
	for _, c := range []struct {
		file   string
		counts promotion.TestCounts
		want   promotion.Verdict
		reason string
		shown  []string
	}{
		{"surefire", promotion.TestCounts{Tests: 5, Failed: 1, Errored: 1, Skipped: 1}, promotion.Fail,
			"2 of 5 tests did not pass, the first is com.example.shop.CartTest › rejectsNegativeQuantity",
			[]string{"expected: <400> but was: <200>", "CartTest.java:41", "Connection refused"}},
		{"pytest", promotion.TestCounts{Tests: 6, Failed: 1, Errored: 1, Skipped: 2}, promotion.Fail,
			"2 of 6 tests did not pass, the first is tests.test_orders › test_total[JPY]",
			[]string{"tests/test_orders.py:31", "tests.test_stock", "No module named 'shop.stock'"}},
		{"jest", promotion.TestCounts{Tests: 4, Failed: 1, Skipped: 1}, promotion.Fail,
			"1 of 4 tests did not pass, the first is cart sums up", []string{"Expected: 42"}},
		{"playwright", promotion.TestCounts{Tests: 3, Failed: 1, Skipped: 1}, promotion.Fail,
			"1 of 3 tests did not pass, the first is checkout.spec.ts › checkout › pays by invoice", []string{"getByText('Thank you')"}},
		{"go", promotion.TestCounts{Tests: 4, Failed: 1, Errored: 1, Skipped: 1}, promotion.Fail,
			"2 of 4 tests did not pass, the first is example.com/shop/cart › TestTotal/with_a_voucher", []string{"total is 12, want 10", "undefined: shelf"}},
		{"gradle", promotion.TestCounts{Tests: 3, Skipped: 1}, promotion.Pass, "", []string{"3 tests in 1 file", "junit/gradle.xml"}},
		{"phpunit", promotion.TestCounts{Tests: 3, Failed: 1}, promotion.Fail,
			"1 of 3 tests did not pass, the first is Tests.CartTest › testSum with data set #1", []string{"3 matches expected 4"}},
		{"googletest", promotion.TestCounts{Tests: 3, Skipped: 2}, promotion.Pass, "", nil},
	} {
		t.Run(c.file, func(t *testing.T) {
			r := askJUnit(t.Context(), "testdata", 1, "junit/"+c.file+".xml")
			wantVerdict(t, r, c.want, c.reason)
			wantCounts(t, r, c.counts)
			for _, s := range c.shown {
				if !strings.Contains(all(r), s) {
					t.Errorf("%q is not shown:\n%s", s, all(r))
				}
			}
		})
	}
	t.Run("all of them together", func(t *testing.T) {
		r := askJUnit(t.Context(), "testdata", 1, "**/*.xml", "junit/go.xml")
		wantVerdict(t, r, promotion.Fail, "9 of 31 tests did not pass")
		wantCounts(t, r, promotion.TestCounts{Tests: 31, Failed: 6, Errored: 3, Skipped: 9})
		if r.Check != "tests" || r.Where.Line != 12 || r.Function != "" || r.Attempts != 1 {
			t.Errorf("result %+v", r)
		}
	})
}

func TestJUnitCountsWhatDidNotPassInDoubt(t *testing.T) {
	const passed = `<testcase name="a"/>`
	for _, c := range []struct {
		name, report string
		counts       promotion.TestCounts
		want         promotion.Verdict
		reason       string
	}{
		{"failures in attributes alone are failures", `<testsuite name="s" tests="2" failures="1">` + passed + `</testsuite>`,
			promotion.TestCounts{Tests: 2, Failed: 1}, promotion.Fail, "the first is s"},
		{"so are those of the root", `<testsuites errors="1"><testsuite>` + passed + `</testsuite></testsuites>`,
			promotion.TestCounts{Tests: 1, Failed: 1}, promotion.Fail, "1 of 1 test did not pass"},
		{"and without any test", `<testsuite failures="3"/>`, promotion.TestCounts{Tests: 3, Failed: 3}, promotion.Fail, "3 of 3 tests"},
		{"absurd attributes too", `<testsuite failures="99999999999999999999">` + passed + `</testsuite>`,
			promotion.TestCounts{Tests: 1_000_000_000, Failed: 1_000_000_000}, promotion.Fail, "did not pass"},
		{"failures in elements alone are failures", `<testsuite tests="1" failures="0"><testcase name="a"><failure/></testcase></testsuite>`,
			promotion.TestCounts{Tests: 1, Failed: 1}, promotion.Fail, "the first is a"},
		{"each level's attributes are the same failure", `<testsuites failures="1"><testsuite failures="1"><testsuite failures="1"><testcase name="a"><failure/></testcase></testsuite></testsuite></testsuites>`,
			promotion.TestCounts{Tests: 1, Failed: 1}, promotion.Fail, ""},
		{"a failure is not skipped away", `<testsuite><testcase name="a"><failure/><skipped/></testcase></testsuite>`,
			promotion.TestCounts{Tests: 1, Failed: 1}, promotion.Fail, ""},
		{"a failure and an error are one test", `<testsuite tests="1" failures="1" errors="1"><testcase name="a"><error>teardown</error><failure>assert</failure></testcase></testsuite>`,
			promotion.TestCounts{Tests: 1, Failed: 1}, promotion.Fail, ""},
		{"an error of the suite itself is one", `<testsuite name="s"><error message="no database"/>` + passed + `</testsuite>`,
			promotion.TestCounts{Tests: 2, Errored: 1}, promotion.Fail, "the first is s"},
		{"a status is believed", `<testsuite><testcase name="a" status="failed"/><testcase name="b" status="error"/></testsuite>`,
			promotion.TestCounts{Tests: 2, Failed: 1, Errored: 1}, promotion.Fail, ""},
		{"unknown elements hide nothing", `<testsuites><group><testsuite><cases><testcase name="a"><outcome><failure/></outcome></testcase></cases></testsuite></group></testsuites>`,
			promotion.TestCounts{Tests: 1, Failed: 1}, promotion.Fail, ""},
		{"tests that passed at last passed", `<testsuite tests="1" failures="2"><testcase name="a"><flakyFailure/><flakyError/></testcase></testsuite>`,
			promotion.TestCounts{Tests: 1}, promotion.Pass, ""},
		{"what tests print is no report", `<testsuite>` + passed + `<system-out><testcase name="b"><failure/></testcase></system-out></testsuite>`,
			promotion.TestCounts{Tests: 1}, promotion.Pass, ""},
		{"skipped in attributes alone did not run", `<testsuite tests="1" skipped="1">` + passed + `</testsuite>`,
			promotion.TestCounts{Tests: 1, Skipped: 1}, promotion.Inconclusive, "the only test was skipped"},
		{"skipped and not listed takes nothing away", `<testsuite tests="2" skipped="1">` + passed + `</testsuite>`,
			promotion.TestCounts{Tests: 1}, promotion.Pass, ""},
		{"tests in attributes alone did not run", `<testsuite tests="7"/>`, promotion.TestCounts{}, promotion.Inconclusive, "there is no test in 1 report"},
		{"roots in a row are all read", `<testsuite>` + passed + `</testsuite><testsuite><testcase name="b"><failure/></testcase></testsuite>`,
			promotion.TestCounts{Tests: 2, Failed: 1}, promotion.Fail, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := askReport(t, c.report)
			wantVerdict(t, r, c.want, c.reason)
			wantCounts(t, r, c.counts)
		})
	}
}

func TestJUnitWithoutEvidenceIsRed(t *testing.T) {
	const good = `<testsuite><testcase name="a"/><testcase name="b"/><testcase name="c"><skipped/></testcase></testsuite>`
	for _, c := range []struct {
		name    string
		files   map[string]string
		ask     []string
		atLeast int
		reason  string
		hint    string
	}{
		{"no file", nil, []string{"reports/*.xml"}, 1, "no file matches reports/*.xml", "actions/download-artifact"},
		{"a pattern without a file, beside one that has some", map[string]string{"unit/a.xml": good}, []string{"unit/*.xml", "e2e/*.xml"}, 1, "no file matches e2e/*.xml", ""},
		{"a directory", map[string]string{"reports/a.xml": good}, []string{"reports"}, 1, "no file matches reports", "reports/**/*.xml"},
		{"an empty file", map[string]string{"a.xml": ""}, []string{"*.xml"}, 1, "a.xml is empty", ""},
		{"a file with nothing but space", map[string]string{"a.xml": "<?xml version=\"1.0\"?>\n \n"}, []string{"*.xml"}, 1, "a.xml is empty", ""},
		{"a file that was cut off", map[string]string{"a.xml": "<?xml version=\"1.0\"?>\n<testsuite>\n<testcase name=\"a\"/>\n<testca"}, []string{"*.xml"}, 1, "a.xml is not complete: it ends in line 4", "cut off"},
		{"a file that was cut off between elements", map[string]string{"a.xml": "<testsuite>\n<testcase name=\"a\"/>\n"}, []string{"*.xml"}, 1, "a.xml is not complete: it ends in line 3", ""},
		{"tags that do not match", map[string]string{"a.xml": "<testsuite>\n</testcase>"}, []string{"*.xml"}, 1, "a.xml is not XML: line 2: ", ""},
		{"a text", map[string]string{"a.xml": "all tests passed\n"}, []string{"*.xml"}, 1, "a.xml is not XML: there is text outside of all elements", ""},
		{"another document", map[string]string{"a.xml": "\n<html><body/></html>"}, []string{"*.xml"}, 1, "a.xml is no JUnit report: its root in line 2 is <html>", ""},
		{"entities of its own", map[string]string{"a.xml": `<!DOCTYPE t [<!ENTITY x "xxxx"><!ENTITY y "&x;&x;">]>` + "\n<testsuite><testcase name=\"&y;\"/></testsuite>"}, []string{"*.xml"}, 1, "a.xml is not XML: line 2: invalid character entity &y;", ""},
		{"endless nesting", map[string]string{"a.xml": strings.Repeat("<testsuite>", 5000)}, []string{"*.xml"}, 1, "nested more than 200 deep", ""},
		{"another encoding", map[string]string{"a.xml": `<?xml version="1.0" encoding="EBCDIC-CP-US"?><testsuite/>`}, []string{"*.xml"}, 1, "a.xml is encoded in EBCDIC-CP-US", ""},
		{"two bytes a character", map[string]string{"a.xml": "\xff\xfe<\x00t\x00"}, []string{"*.xml"}, 1, "a.xml is encoded in UTF-16", ""},
		{"a broken report beside a good one", map[string]string{"a.xml": good, "b.xml": "", "c.xml": ""}, []string{"*.xml"}, 1, "b.xml is empty (and 1 more report cannot be read)", ""},
		{"suites without tests", map[string]string{"a.xml": "<testsuites/>", "b.xml": "<testsuite/>"}, []string{"*.xml"}, 1, "there is no test in 2 reports", ""},
		{"skipped tests only", map[string]string{"a.xml": `<testsuite><testcase name="a"><skipped/></testcase><testcase name="b"><skipped/></testcase></testsuite>`}, []string{"*.xml"}, 1, "all of 2 tests were skipped", ""},
		{"too few tests", map[string]string{"a.xml": good}, []string{"*.xml"}, 3, "2 tests ran (skipped: 1); min-tests asks for 3 that ran", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := askJUnit(t.Context(), workspace(t, c.files), c.atLeast, c.ask...)
			wantVerdict(t, r, promotion.Inconclusive, c.reason)
			if !strings.Contains(r.Hint, c.hint) {
				t.Errorf("hint %q, want %q in it", r.Hint, c.hint)
			}
		})
	}
	t.Run("enough tests pass", func(t *testing.T) {
		wantVerdict(t, askJUnit(t.Context(), workspace(t, map[string]string{"a.xml": good}), 2, "*.xml"), promotion.Pass, "")
	})
	t.Run("a failure outweighs what is missing", func(t *testing.T) {
		r := askJUnit(t.Context(), workspace(t, map[string]string{
			"a.xml": "<testsuite>\n<testcase name=\"pays\"><failure/></testcase>\n<testc",
		}), 1, "*.xml", "e2e/*.xml")
		wantVerdict(t, r, promotion.Fail, "1 of 1 test did not pass, the first is pays")
		if !strings.Contains(evidence(r, "unreadable"), "a.xml is not complete") {
			t.Errorf("evidence %+v", r.Evidence)
		}
	})
}

func TestJUnitStaysInTheWorkspace(t *testing.T) {
	const good = `<testsuite><testcase name="a"/></testsuite>`
	outside := workspace(t, map[string]string{"secret.xml": good})
	dir := workspace(t, map[string]string{"reports/a.xml": good, "build/out/b.xml": good, "fifo/x": ""})
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link(filepath.Join(outside, "secret.xml"), "link.xml")
	link(outside, "away")
	link("build", "alias")
	link("reports/a.xml", "inner.xml")
	link("nowhere.xml", "dangling.txt")
	for _, c := range []struct{ name, pattern, err string }{
		{"by its parent", "../*.xml", "../*.xml lies outside of the workspace"},
		{"by a path with dots", "reports/../../x.xml", "lies outside of the workspace"},
		{"by an absolute path", filepath.Join(outside, "*.xml"), "lies outside of the workspace"},
		{"by a choice with dots", "{reports,../away}/*.xml", "check \"tests\" could not be asked"},
		{"by a link", "link.xml", "link.xml: path escapes from parent"},
		{"by a link that a wildcard finds", "l*.xml", "link.xml: path escapes from parent"},
		{"by a link that is a folder", "away/*.xml", "path escapes from parent"},
		{"by a link that leads nowhere", "dang*", "dangling.txt: it does not exist"},
		{"by a pattern that is none", "reports/[", "reports/[ is not a pattern of file names"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := askJUnit(t.Context(), dir, 1, c.pattern)
			wantError(t, r, c.err)
			if f := promotion.FaultOf(r.Err); f.Where.Line != 12 {
				t.Errorf("the fault does not say where: %+v", f)
			}
		})
	}
	t.Run("links inside of it are read, and folders behind links once", func(t *testing.T) {
		r := askJUnit(t.Context(), dir, 1, "alias/**/*.xml", "inner.xml", "./build//out/*.xml")
		wantVerdict(t, r, promotion.Pass, "")
		wantCounts(t, r, promotion.TestCounts{Tests: 3})
	})
	t.Run("no folder behind a link is walked by a wildcard", func(t *testing.T) {
		r := askJUnit(t.Context(), dir, 1, "**/{a,b,secret}.xml")
		wantVerdict(t, r, promotion.Pass, "")
		wantCounts(t, r, promotion.TestCounts{Tests: 2})
	})
	t.Run("without a workspace", func(t *testing.T) {
		wantError(t, askJUnit(t.Context(), filepath.Join(dir, "absent"), 1, "*.xml"), "the workspace cannot be read: it does not exist")
	})
}

func TestJUnitBounds(t *testing.T) {
	t.Run("a file that is too large", func(t *testing.T) {
		dir := workspace(t, map[string]string{"big.xml": "<testsuite>"})
		if err := os.Truncate(filepath.Join(dir, "big.xml"), 51<<20); err != nil {
			t.Fatal(err)
		}
		wantError(t, askJUnit(t.Context(), dir, 1, "*.xml"), "big.xml has 51 MB, at most 50 MB of a report are read")
	})
	t.Run("too many files", func(t *testing.T) {
		dir := t.TempDir()
		for i := range 10_001 {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.xml", i)), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		wantError(t, askJUnit(t.Context(), dir, 1, "*.xml"), "more than 10000 files match")
	})
	t.Run("an interrupted check tells what interrupted it", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("interrupted by a signal"))
		wantError(t, askJUnit(ctx, "testdata", 1, "**/*.xml"), `check "tests" was not finished: interrupted by a signal`)
	})
	t.Run("hundreds of failures are counted, and ten shown", func(t *testing.T) {
		var b strings.Builder
		b.WriteString("<testsuite>")
		for i := range 300 {
			fmt.Fprintf(&b, `<testcase name="t%d"><failure message="%s">%[2]s</failure></testcase>`, i, strings.Repeat("x", 5000))
		}
		b.WriteString("</testsuite>")
		r := askReport(t, b.String())
		wantVerdict(t, r, promotion.Fail, "300 of 300 tests did not pass, the first is t0")
		if len(r.Evidence) != 12 || evidence(r, "not shown") != "290 more that did not pass" {
			t.Errorf("%d pieces of evidence, %q", len(r.Evidence), evidence(r, "not shown"))
		}
	})
}

func TestJUnitText(t *testing.T) {
	const failed = `<testsuite><testcase name="%s"><failure message="%s"/></testcase></testsuite>`
	for _, c := range []struct{ name, report, shown string }{
		{"a byte order mark", "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + fmt.Sprintf(failed, "größe", "m"), "größe"},
		{"a byte order mark outweighs the declaration", "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n" + fmt.Sprintf(failed, "größe", "m"), "größe"},
		{"ISO-8859-1", "<?xml version='1.0' encoding='ISO-8859-1'?>" + fmt.Sprintf(failed, "gr\xf6\xdfe", "m"), "größe"},
		{"windows-1252", `<?xml version="1.0" encoding="Windows-1252"?>` + fmt.Sprintf(failed, "5 \x80", "m"), "5 €"},
		{"XML 1.1", `<?xml version="1.1" encoding="UTF-8"?>` + fmt.Sprintf(failed, "one", "m"), "one"},
		{"what is no UTF-8", fmt.Sprintf(failed, "gr\xf6sse", "m"), "gr\ufffdsse"},
		{"the codes of a terminal", fmt.Sprintf(failed, "a", "\x1b[31mred\x1b[0m \x00"), "[31mred"},
		{"a name over lines and of both directions", fmt.Sprintf(failed, "a&#10;b \u202e c", "m"), "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := askReport(t, c.report)
			wantVerdict(t, r, promotion.Fail, "1 of 1 test did not pass")
			if !strings.Contains(evidence(r, "failed"), c.shown) {
				t.Errorf("evidence %q, want %q in it", evidence(r, "failed"), c.shown)
			}
		})
	}
	t.Run("lines are counted from the declaration", func(t *testing.T) {
		wantVerdict(t, askReport(t, "<?xml version=\"1.0\"\n encoding=\"UTF-8\"?>\n<testsuite>\n<a></b>"), promotion.Inconclusive, "line 4")
	})
}
