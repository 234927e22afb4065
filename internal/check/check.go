// Package check asks the questions that decide whether a candidate may be promoted: it invokes versions by
// their number, sends requests to URLs or, as API Gateway would, to a version directly, and reads the JUnit
// reports of tests that ran elsewhere.
//
// A red check is a verdict with its reason, with what was seen, and with advice. A check that could not be
// asked at all (no such payload file, no permission, Lambda had no capacity for it) has an error instead.
// Text that came from outside is cut, cleaned of control characters and of the secrets that the request
// carried, and stands in the evidence; a reason quotes at most one line of it.
package check

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/promote-on-success/promote/internal/promotion"
)

// DefaultWithin is how long a check by URL is repeated when it says nothing else.
const DefaultWithin = 30 * time.Second

// Options are what checks need besides Lambda.
type Options struct {
	// Credentials and Region sign requests with auth: aws-iam. The region in an AWS host's name wins over Region.
	Credentials aws.CredentialsProvider
	Region      string
	// HTTP sends requests by URL; nil is a client of its own, which gives up on a host that does not take a
	// connection within 5 seconds. Redirects are never followed, whatever this client says.
	HTTP *http.Client
	// Workspace is the directory that payload files and reports are in. Nothing outside of it is read.
	Workspace string
}

// Checks implements promotion.Checks. It is safe for concurrent use.
type Checks struct {
	lambda  *lambda.Client
	http    *http.Client
	signer  *v4.Signer
	options Options
}

// New returns checks that invoke through the given client. The client's own retries are not used for
// invocations, since only some refusals leave a function unrun.
func New(client *lambda.Client, o Options) *Checks {
	h := http.Client{Transport: defaultTransport()}
	if o.HTTP != nil {
		h = *o.HTTP
	}
	// A redirect could carry the request's secrets to another host, and hides what the endpoint really answered.
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	h.Jar = nil
	return &Checks{lambda: client, http: &h, signer: v4.NewSigner(), options: o}
}

// defaultTransport is the standard one with less patience for hosts that do not answer, since a check is
// repeated anyway.
func defaultTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       30 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// A finding is what came of a check, before it is put into the form that reports want.
type finding struct {
	verdict  promotion.Verdict
	reason   string
	hint     string
	evidence []promotion.Evidence
	version  promotion.Version
	attempts int
	tests    *promotion.TestCounts
	err      error
}

// A question is one check with everything that belongs to it expanded.
type question struct {
	check   promotion.Check
	subject promotion.Subject
}

// Ask implements promotion.Checks.
func (k *Checks) Ask(ctx context.Context, c promotion.Check, s promotion.Subject) promotion.CheckResult {
	start := time.Now()
	q := question{check: c, subject: s}
	var f finding
	switch {
	case c.Invoke != nil:
		f = k.askInvoke(ctx, q, *c.Invoke)
	case c.HTTP != nil && c.HTTP.ViaInvoke:
		f = k.askViaInvoke(ctx, q, *c.HTTP)
	case c.HTTP != nil:
		f = k.askURL(ctx, q, *c.HTTP)
	case c.JUnit != nil:
		f = k.askJUnit(ctx, q, *c.JUnit)
	default:
		return promotion.CheckResult{Check: c.Name, Where: c.Where, Err: q.fault("it asks nothing", "")}
	}
	r := promotion.CheckResult{
		Check: c.Name, Where: c.Where, Function: c.Function(),
		Version: f.version, Attempts: f.attempts, Duration: time.Since(start),
	}
	if f.err != nil {
		r.Err = f.err
		// Whatever the last call made of it: the check did not end by itself, and the cause says why.
		if ctx.Err() != nil {
			r.Err = fmt.Errorf("check %q was not finished: %w", c.Name, context.Cause(ctx))
		}
		return r
	}
	r.Verdict, r.Reason, r.Hint, r.Evidence, r.Tests = f.verdict, f.reason, f.hint, f.evidence, f.tests
	return r
}

// fault is the error of a check that could not be asked, for a reason of its own.
func (q question) fault(what, hint string) error {
	return promotion.Fault{Where: q.check.Where, What: fmt.Sprintf("check %q could not be asked: %s", q.check.Name, what), Hint: hint}
}

// failed wraps an error that is explained already.
func (q question) failed(err error) error {
	return fmt.Errorf("check %q could not be asked: %w", q.check.Name, err)
}

// expand puts the subject's values into a template; field is what the configuration calls it.
func (q question) expand(field string, t promotion.Template) (string, error) {
	text, err := t.Expand(q.subject.Values)
	if err != nil {
		return "", q.fault(fmt.Sprintf("%s: %s", field, err), "")
	}
	return text, nil
}

// candidate is the version that the check invokes.
func (q question) candidate() (promotion.Candidate, error) {
	c := q.subject.Candidate
	if c.Name == "" || c.Version == 0 {
		return c, q.fault(fmt.Sprintf("function %q has no candidate version", q.check.Function()), "")
	}
	return c, nil
}
