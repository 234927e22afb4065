package check

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// maxDepth is how deep the elements of a report may be nested. Suites in suites need a dozen.
const maxDepth = 200

// A brokenReport says what is wrong with a report, as the rest of a sentence that begins with its name.
type brokenReport string

func (b brokenReport) Error() string { return string(b) }

// readReport adds what one file says to the sum. The error is a brokenReport where its text is no report.
func readReport(ctx context.Context, root *os.Root, name string, sum *tally) error {
	file, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return unreadableFile(name, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return unreadableFile(name, err)
	}
	if info.Size() > maxReport {
		return promotion.Fault{
			What: fmt.Sprintf("%s has %d MB, at most %d MB of a report are read", shownPath(name), info.Size()>>20, maxReport>>20),
			Hint: "let the runner of the tests leave what they print out of its report",
		}
	}
	// A file that grows while it is read is no finished report either.
	err = parseReport(ctx, io.LimitReader(file, maxReport), sum)
	var at *os.PathError
	if errors.As(err, &at) {
		return unreadableFile(name, err)
	}
	return err
}

// parseReport reads a report from its beginning to its end without holding more of it than one element's text.
// Entities of the report's own are not expanded: encoding/xml knows XML's five and refuses all others.
func parseReport(ctx context.Context, r io.Reader, sum *tally) error {
	text, err := newReportText(ctx, r)
	if err != nil {
		return err
	}
	decoder := xml.NewDecoder(text)
	p := reportParser{sum: sum}
	for {
		token, err := decoder.Token()
		line, _ := decoder.InputPos()
		switch {
		case errors.Is(err, io.EOF) && !p.begun:
			return brokenReport("is empty")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return parseError(ctx, err, line)
		}
		if err := p.take(token, line); err != nil {
			return err
		}
	}
}

func parseError(ctx context.Context, err error, line int) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var at *os.PathError
	var syntax *xml.SyntaxError
	switch {
	case errors.As(err, &at):
		return err
	case errors.As(err, &syntax) && syntax.Msg == "unexpected EOF":
		return brokenReport(fmt.Sprintf("is not complete: it ends in line %d", syntax.Line))
	case errors.As(err, &syntax):
		return brokenReport(fmt.Sprintf("is not XML: line %d: %s", syntax.Line, secrets(nil).quote(syntax.Msg)))
	}
	return brokenReport(fmt.Sprintf("is not XML: line %d: %s", line, secrets(nil).quote(err.Error())))
}

// A reportParser follows the elements of one report. Elements that it does not know may hold suites and tests, so
// that none that failed is overlooked; what tests printed is not looked into.
type reportParser struct {
	sum   *tally
	open  []element
	begun bool
}

// An element is one that is open. Suites and cases have their state in it.
type element struct {
	opaque bool // its text and its elements are nobody's business
	suite  *suite
	test   *testCase
	// mark is the text of a failure or an error, of which the test case wants the beginning.
	mark *strings.Builder
}

func (p *reportParser) take(token xml.Token, line int) error {
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t, line)
	case xml.EndElement:
		p.end()
	case xml.CharData:
		if len(p.open) == 0 && strings.TrimSpace(string(t)) != "" {
			return brokenReport(fmt.Sprintf("is not XML: there is text outside of all elements before line %d", line+1))
		}
		if len(p.open) > 0 {
			if m := p.open[len(p.open)-1].mark; m != nil && m.Len() < maxEvidence {
				m.Write(t[:min(len(t), maxEvidence)])
			}
		}
	}
	return nil
}

func (p *reportParser) start(t xml.StartElement, line int) error {
	name := t.Name.Local
	if len(p.open) == 0 && name != "testsuites" && name != "testsuite" {
		return brokenReport(fmt.Sprintf("is no JUnit report: its root in line %d is <%s>", line, secrets(nil).quote(name)))
	}
	if len(p.open) == maxDepth {
		return brokenReport(fmt.Sprintf("is no JUnit report: in line %d elements are nested more than %d deep", line, maxDepth))
	}
	p.begun = true
	e := element{}
	if len(p.open) > 0 {
		e = p.open[len(p.open)-1]
		e.mark = nil
	}
	if !e.opaque {
		e = p.enter(e, name, attributes(t.Attr))
	}
	p.open = append(p.open, e)
	return nil
}

// enter is the state of a child element: mostly that of the element around it.
func (p *reportParser) enter(around element, name string, a attributes) element {
	e := around
	switch name {
	case "testsuites", "testsuite":
		e.suite, e.test = newSuite(a), nil
	case "testcase":
		e.test = newTestCase(a)
	case "failure", "error":
		e.opaque, e.mark = true, &strings.Builder{}
		around.suite.marks++
		e.test = around.test
		if e.test == nil {
			// Of the suite itself: it could not be set up, or was not there to be loaded.
			e.test = &testCase{name: around.suite.name, ofSuite: true}
		}
		e.test.saw(name, a, e.mark)
	case "skipped":
		e.opaque = true
		if e.test != nil {
			e.test.skipped = true
		}
	case "flakyFailure", "flakyError", "rerunFailure", "rerunError":
		// Other attempts of the same test. Its own failure, if it did not pass in the end, is beside them.
		e.opaque = true
		around.suite.reruns++
	case "system-out", "system-err", "properties":
		e.opaque = true
	}
	return e
}

// end settles what the innermost element has brought.
func (p *reportParser) end() {
	last := len(p.open) - 1
	e := p.open[last]
	p.open = p.open[:last]
	var around element
	if last > 0 {
		around = p.open[last-1]
	}
	switch {
	case e.mark != nil && e.test.ofSuite:
		e.suite.count(e.test, p.sum)
	case e.test != around.test && e.test != nil:
		e.suite.count(e.test, p.sum)
	case e.suite != around.suite:
		e.suite.settle(around.suite, p.sum)
	}
}
