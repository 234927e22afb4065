package check

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// A response is what an HTTP request was answered with, by a server or by a function in API Gateway's stead.
type response struct {
	status    int
	header    http.Header
	body      []byte
	truncated bool // the body goes on after what was read
}

// maxBody is how much of a body is read.
const maxBody = 1 << 20

// An httpExpectation is what an HTTP check demands, compiled.
type httpExpectation struct {
	status  int
	headers []headerPattern
	query   *query
	text    string
	match   *regexp.Regexp
	secrets secrets
}

type headerPattern struct {
	name  string
	match *regexp.Regexp
}

func (q question) httpExpectation(c promotion.HTTPCheck, s secrets) (e httpExpectation, err error) {
	e = httpExpectation{status: c.Status, secrets: s}
	for _, h := range c.ExpectHeaders {
		re, err := q.pattern("header "+h.Name, h.Match)
		if err != nil {
			return e, err
		}
		e.headers = append(e.headers, headerPattern{name: h.Name, match: re})
	}
	if e.query, err = q.query(c.JSON); err != nil {
		return e, err
	}
	if c.Text != "" {
		if e.text, err = q.expand("text", c.Text); err != nil {
			return e, err
		}
	}
	e.match, err = q.pattern("match", c.Match)
	return e, err
}

// judge compares a response with what is demanded and names the first thing that differs: a wrong status
// explains a wrong body, not the other way round. The error is that of a context that ended.
func (e httpExpectation) judge(ctx context.Context, r response) (reason string, err error) {
	if reason := e.judgeStatus(r); reason != "" {
		return reason, nil
	}
	for _, h := range e.headers {
		if reason := e.judgeHeader(r, h); reason != "" {
			return reason, nil
		}
	}
	if e.query != nil {
		if r.truncated {
			return "the body is larger than 1 MB, which is too large for a jq expression here", nil
		}
		value, err := decodeJSON(r.body)
		if err != nil {
			return "the body is not JSON" + e.excerpt(r), nil
		}
		held, why, err := e.query.holds(ctx, value, e.secrets)
		if err != nil || !held {
			return why, err
		}
	}
	where := "the body"
	if r.truncated {
		where = "the first 1 MB of the body"
	}
	if e.text != "" && !strings.Contains(string(r.body), e.text) {
		return fmt.Sprintf("%q does not occur in %s", e.secrets.quote(e.text), where), nil
	}
	if e.match != nil && !e.match.Match(r.body) {
		return fmt.Sprintf("nothing in %s matches %q", where, e.match), nil
	}
	return "", nil
}

func (e httpExpectation) judgeStatus(r response) string {
	switch {
	case e.status == 0 && (r.status < 200 || r.status > 299):
		return fmt.Sprintf("the status is %s; expected 200 to 299", shownStatus(r.status))
	case e.status != 0 && r.status != e.status:
		return fmt.Sprintf("the status is %s; expected %d", shownStatus(r.status), e.status)
	}
	return ""
}

func (e httpExpectation) judgeHeader(r response, h headerPattern) string {
	values := r.header.Values(h.name)
	if len(values) == 0 {
		return fmt.Sprintf("there is no header %s", h.name)
	}
	if h.match == nil {
		return ""
	}
	for _, v := range values {
		if h.match.MatchString(v) {
			return ""
		}
	}
	return fmt.Sprintf("header %s is %q; it has to match %q", h.name, e.secrets.quote(strings.Join(values, ", ")), h.match)
}

func (e httpExpectation) excerpt(r response) string {
	if len(r.body) == 0 {
		return ", it is empty"
	}
	return ": " + e.secrets.quote(string(r.body[:min(len(r.body), 4*maxQuote)]))
}

// evidence is what a report shows of a response.
func (e httpExpectation) evidence(r response) []promotion.Evidence {
	seen := []promotion.Evidence{{Name: "status", Text: shownStatus(r.status)}}
	shown := map[string]bool{}
	names := []string{"Content-Type", "Location"}
	for _, h := range e.headers {
		names = append(names, h.name)
	}
	for _, n := range names {
		name := http.CanonicalHeaderKey(n)
		if values := r.header.Values(name); len(values) > 0 && !shown[name] {
			shown[name] = true
			seen = append(seen, e.secrets.evidence("header "+name, strings.Join(values, ", ")))
		}
	}
	if len(r.body) > 0 {
		seen = append(seen, e.secrets.evidence("body", string(r.body)))
	}
	return seen
}

func shownStatus(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d %s", status, text)
	}
	return fmt.Sprint(status)
}
