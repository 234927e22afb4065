package check

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/promote-on-success/promote/internal/promotion"
)

// askInvoke answers an invoke check.
func (k *Checks) askInvoke(ctx context.Context, q question, c promotion.InvokeCheck) finding {
	payload, err := k.payload(q, c)
	if err != nil {
		return finding{err: err}
	}
	expect, err := q.invokeExpectation(c)
	if err != nil {
		return finding{err: err}
	}
	a, attempts, err := k.invoke(ctx, q, payload, c.Within)
	f := finding{version: q.subject.Candidate.Version, attempts: attempts}
	var slow errTooSlow
	switch {
	case errors.As(err, &slow):
		f.verdict, f.reason = promotion.Fail, fmt.Sprintf("it had not answered after %s; it has to answer within %s", slow.after, allowed(c.Within))
		return f
	case err != nil:
		f.err = err
		return f
	}
	f.evidence = append(f.evidence, promotion.Evidence{Name: "took", Text: shownDuration(a.took)})
	if a.functionError == "" {
		f.evidence = append(f.evidence, secrets(nil).evidence("answer", string(a.payload)))
	} else {
		f.evidence = append(f.evidence, secrets(nil).evidence("function error", a.failure().Type+": "+a.failure().Message))
	}
	f.verdict, f.reason, f.hint, f.err = expect.judge(ctx, a)
	// A log may hold more than a report should: it is shown where it explains something.
	if a.log != "" && (f.verdict != promotion.Pass || expect.log != nil) {
		f.evidence = append(f.evidence, secrets(nil).tail("log tail", a.log))
	}
	return f
}

// An invokeExpectation is what an invoke check demands, compiled.
type invokeExpectation struct {
	functionError string
	within        time.Duration
	query         *query
	log           *regexp.Regexp
}

func (q question) invokeExpectation(c promotion.InvokeCheck) (e invokeExpectation, err error) {
	e = invokeExpectation{functionError: c.FunctionError, within: c.Within}
	if e.query, err = q.query(c.JSON); err != nil {
		return e, err
	}
	e.log, err = q.pattern("log", c.Log)
	return e, err
}

// query compiles a jq expression of the check, nil if there is none.
func (q question) query(t promotion.Template) (*query, error) {
	if t == "" {
		return nil, nil
	}
	text, err := q.expand("json", t)
	if err != nil {
		return nil, err
	}
	compiled, err := newQuery(text)
	if err != nil {
		return nil, q.fault("json: "+err.Error(), "https://jqlang.org/manual describes the language")
	}
	return compiled, nil
}

// pattern compiles a regular expression of the check, nil if there is none.
func (q question) pattern(field, text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, q.fault(fmt.Sprintf("%s: %q is not a regular expression: %s", field, text, err), "https://github.com/google/re2/wiki/Syntax describes them")
	}
	return re, nil
}

// judge compares an answer with what is demanded. The error is that of a context that ended.
func (e invokeExpectation) judge(ctx context.Context, a answer) (v promotion.Verdict, reason, hint string, err error) {
	if v, reason, hint := e.judgeError(a); v != promotion.Pass {
		return v, reason, hint, nil
	}
	if e.within > 0 && a.took > e.within {
		return promotion.Fail, fmt.Sprintf("it took %s; it has to answer within %s", shownDuration(a.took), e.within),
			"the first invocation of a version includes its cold start", nil
	}
	if e.query != nil {
		value, err := decodeJSON(a.payload)
		if err != nil {
			return promotion.Fail, "the answer is not JSON: " + secrets(nil).quote(string(a.payload)), "", nil
		}
		held, why, err := e.query.holds(ctx, value, nil)
		if err != nil || !held {
			return promotion.Fail, why, "", err
		}
	}
	if e.log != nil && a.log == "" {
		return promotion.Inconclusive, "Lambda sent no log with the answer", "leave out log for this function", nil
	}
	if e.log != nil && !e.log.MatchString(a.log) {
		return promotion.Fail, fmt.Sprintf("nothing in the last 4 KB of the log matches %q", e.log), "", nil
	}
	return promotion.Pass, "", "", nil
}

// judgeError compares the function's own error with the one that is demanded, if one is.
func (e invokeExpectation) judgeError(a answer) (v promotion.Verdict, reason, hint string) {
	failure := a.failure()
	says := failure.says(nil)
	switch {
	case a.functionError == "" && e.functionError == "":
		return promotion.Pass, "", ""
	case a.functionError == "" && e.functionError == "any":
		return promotion.Fail, "the function succeeded; it has to fail", ""
	case a.functionError == "":
		return promotion.Fail, fmt.Sprintf("the function succeeded; it has to fail with %s", e.functionError), ""
	case e.functionError == "":
		return promotion.Fail, "the function failed with " + says, failureHint(failure.Type)
	case e.functionError != "any" && e.functionError != failure.Type:
		return promotion.Fail, fmt.Sprintf("the function failed with %s; it has to fail with %s", says, e.functionError), failureHint(failure.Type)
	}
	return promotion.Pass, "", ""
}

func allowed(within time.Duration) time.Duration {
	if within == 0 {
		return maxInvocation
	}
	return within
}

// shownDuration is a duration with as many digits as are worth reading.
func shownDuration(d time.Duration) string {
	if d >= time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return max(d.Round(time.Millisecond), time.Millisecond).String()
}
