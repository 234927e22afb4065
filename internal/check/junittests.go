package check

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A tally is what the reports say so far, all of them together.
type tally struct {
	tests, failed, errored, skipped int
	red                             []redTest // the first that did not pass
	told                            int       // how many tests red stands for
}

// A redTest is one that did not pass. All of it is foreign.
type redTest struct{ kind, name, message, body string }

func (r redTest) text() string {
	parts := []string{r.name}
	body := strings.TrimSpace(r.body)
	if message := strings.TrimSpace(r.message); message != "" && !strings.HasPrefix(body, message) {
		parts = append(parts, message)
	}
	if body != "" {
		parts = append(parts, body)
	}
	return strings.Join(parts, "\n")
}

func (t *tally) show(r redTest, stands int) {
	if len(t.red) < maxShownTests {
		t.red = append(t.red, r)
		t.told += stands
	}
}

// attributes are those of one element.
type attributes []xml.Attr

func (a attributes) text(name string) string {
	for _, attr := range a {
		if attr.Name.Local == name {
			return attr.Value
		}
	}
	return ""
}

// number is a count, 0 if there is none. One that is too large to be true is still more than none.
func (a attributes) number(name string) int {
	const most = 1_000_000_000
	n, err := strconv.ParseUint(strings.TrimSpace(a.text(name)), 10, 32)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return int(min(n, most))
}

// A testCase is one test, or what went wrong with a suite outside of its tests.
type testCase struct {
	name    string
	ofSuite bool
	skipped bool
	reds    []redTest
	bodies  []*strings.Builder
	// status is what the attributes say: "failed", "error" or "skipped", "" for anything else.
	status string
}

func newTestCase(a attributes) *testCase {
	c := &testCase{name: a.text("name")}
	if class := a.text("classname"); class != "" && !strings.HasPrefix(c.name, class) {
		c.name = strings.TrimSuffix(class+" › "+c.name, " › ")
	}
	if c.name == "" {
		c.name = "a test without a name"
	}
	for _, word := range []string{a.text("status"), a.text("result")} {
		switch strings.ToLower(word) {
		case "fail", "failed", "failure":
			c.status = "failed"
		case "error", "errored", "broken":
			c.status = "error"
		case "skip", "skipped", "disabled", "ignored", "notrun", "pending", "suppressed":
			if c.status == "" {
				c.status = "skipped"
			}
		}
	}
	return c
}

// saw notes a failure or an error of the test, whose text is still to come.
func (c *testCase) saw(element string, a attributes, body *strings.Builder) {
	kind := "failed"
	if element == "error" {
		kind = "error"
	}
	c.reds = append(c.reds, redTest{kind: kind, name: c.name, message: a.text("message")})
	c.bodies = append(c.bodies, body)
}

// red is what the report shows first of why the test did not pass, false if it did or was skipped.
func (c *testCase) red() (redTest, bool) {
	for i, r := range c.reds {
		// A test that failed may not have been cleaned up after either: its failure tells more.
		if r.kind == "failed" || i == len(c.reds)-1 {
			r.body = c.bodies[i].String()
			return r, true
		}
	}
	return redTest{kind: c.status, name: c.name}, c.status == "failed" || c.status == "error"
}

// A suite counts what is in it, suites in it included, and compares that with what its attributes say: there are
// reports that count failures and do not show them.
type suite struct {
	name    string
	claimed struct{ tests, red, skipped int } // by its attributes
	cases   int
	marks   int // by which tests say that they did not pass; one may have several
	reruns  int // attempts that did not pass, of tests that were tried again; some count them as failures
	skipped int
}

func newSuite(a attributes) *suite {
	s := &suite{name: a.text("name")}
	if s.name == "" {
		s.name = "a suite without a name"
	}
	s.claimed.tests = a.number("tests")
	s.claimed.red = a.number("failures") + a.number("errors")
	s.claimed.skipped = max(a.number("skipped"), a.number("skip"))
	return s
}

// count adds a test that is complete.
func (s *suite) count(c *testCase, sum *tally) {
	sum.tests++
	if !c.ofSuite {
		s.cases++
	}
	red, is := c.red()
	switch {
	case is && red.kind == "failed":
		sum.failed++
	case is:
		sum.errored++
	case c.skipped || c.status == "skipped":
		sum.skipped++
		s.skipped++
	}
	if is {
		sum.show(red, 1)
		if len(c.reds) == 0 {
			s.marks++ // those of elements are counted where they begin
		}
	}
}

// settle compares a suite that is complete with its attributes, and adds it to the one around it, if there is one. In
// doubt a test did not pass: what is counted as red and not shown is red, and what is counted as skipped did not run.
func (s *suite) settle(around *suite, sum *tally) {
	unlisted := max(s.claimed.tests-s.cases, 0)
	if hidden := s.claimed.red - s.marks - s.reruns; hidden > 0 {
		sum.failed += hidden
		sum.tests += min(hidden, unlisted)
		s.cases += min(hidden, unlisted)
		s.marks += hidden
		sum.show(redTest{kind: "failed", name: s.name, message: fmt.Sprintf("the suite counts %d more that did not pass than it shows", hidden)}, hidden)
	}
	if hidden := s.claimed.skipped - s.skipped - unlisted; hidden > 0 {
		sum.skipped += hidden
		s.skipped += hidden
	}
	if around != nil {
		around.cases += s.cases
		around.marks += s.marks
		around.reruns += s.reruns
		around.skipped += s.skipped
	}
}

// counts are what the tally comes to. Where attributes contradict each other, what did not pass weighs most.
func (t *tally) counts() promotion.TestCounts {
	red := t.failed + t.errored
	tests := max(t.tests, red)
	return promotion.TestCounts{Tests: tests, Failed: t.failed, Errored: t.errored, Skipped: min(t.skipped, tests-red)}
}
