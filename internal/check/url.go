package check

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

const (
	// maxAttempt bounds one request. API Gateway answers within 30 seconds, whatever the function does.
	maxAttempt = 30 * time.Second
	// pause is how long is waited between two requests.
	pause = 500 * time.Millisecond
)

// askURL answers an HTTP check by URL. It is repeated until it passes or its time is over.
func (k *Checks) askURL(ctx context.Context, q question, c promotion.HTTPCheck) finding {
	req, err := q.request(c)
	if err != nil {
		return finding{err: err}
	}
	target, err := q.target(c.URL)
	if err != nil {
		return finding{err: err}
	}
	expect, err := q.httpExpectation(c, req.secrets)
	if err != nil {
		return finding{err: err}
	}
	within := c.Within
	if within <= 0 {
		within = DefaultWithin
	}
	deadline := time.Now().Add(within)
	var last finding
	attempts := 0
	for {
		attempts++
		f, cut := k.attempt(ctx, q, req, target, c.IAM, expect, deadline)
		// What an earlier attempt saw tells more than that time ran out during this one.
		if !cut || attempts == 1 {
			last = f
		}
		last.attempts = attempts
		if f.err != nil {
			last.err = f.err
			return last
		}
		wait := jitter(pause)
		if last.verdict == promotion.Pass || cut || time.Until(deadline) <= wait {
			break
		}
		if err := sleep(ctx, wait); err != nil {
			last.err = err
			return last
		}
	}
	if last.verdict != promotion.Pass {
		last.reason = fmt.Sprintf("%s %s: %s (asked %s within %s)", req.method, shownURL(target), last.reason, times(attempts), within)
	}
	return last
}

// attempt sends the request once. cut says that it was given up since the check's time was over.
func (k *Checks) attempt(ctx context.Context, q question, req request, target *url.URL, iam bool, expect httpExpectation, deadline time.Time) (f finding, cut bool) {
	limit, atEnd := maxAttempt, false
	if left := time.Until(deadline); left < limit {
		limit, atEnd = left, true
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	httpRequest, err := req.build(bounded, target)
	if err != nil {
		return finding{err: q.fault("the request cannot be built: "+req.secrets.quote(err.Error()), "")}, false
	}
	if iam {
		hidden, err := k.sign(bounded, httpRequest, req.body)
		if err != nil {
			return finding{err: q.failed(awserr.Explain(err, "sign the request"))}, false
		}
		expect.secrets = append(hidden, expect.secrets...)
	}
	start := time.Now()
	r, err := k.send(httpRequest)
	if err != nil {
		if ctx.Err() != nil {
			return finding{err: ctx.Err()}, false
		}
		timedOut := bounded.Err() != nil
		reason, hint := networkReason(err, target, timedOut, shownDuration(limit))
		return finding{verdict: promotion.Fail, reason: expect.secrets.scrub(reason), hint: hint}, timedOut && atEnd
	}
	f.evidence = append([]promotion.Evidence{{Name: "took", Text: shownDuration(time.Since(start))}}, expect.evidence(r)...)
	f.reason, f.err = expect.judge(ctx, r)
	f.verdict = promotion.Pass
	if f.reason != "" {
		f.verdict, f.hint = promotion.Fail, responseHint(r, target, iam)
	}
	return f, false
}

func (r request) build(ctx context.Context, target *url.URL) (*http.Request, error) {
	out, err := http.NewRequestWithContext(ctx, r.method, target.String(), strings.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	out.Header.Set("User-Agent", userAgent)
	for _, h := range r.headers {
		switch http.CanonicalHeaderKey(h.name) {
		case "Host":
			out.Host = h.value
		case "User-Agent":
			out.Header.Set(h.name, h.value)
		default:
			out.Header.Add(h.name, h.value)
		}
	}
	return out, nil
}

// send reads the response as far as a check looks at it.
func (k *Checks) send(req *http.Request) (response, error) {
	res, err := k.http.Do(req)
	if err != nil {
		return response{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return response{}, err
	}
	r := response{status: res.StatusCode, header: res.Header, body: body}
	if len(body) > maxBody {
		r.body, r.truncated = body[:maxBody], true
	}
	return r, nil
}

// sign puts an AWS signature on the request, and returns what of the credentials must not be shown.
func (k *Checks) sign(ctx context.Context, req *http.Request, body string) (secrets, error) {
	if k.options.Credentials == nil {
		return nil, promotion.Fault{What: "there are no AWS credentials", Hint: "auth: aws-iam signs with the run's own credentials"}
	}
	credentials, err := k.options.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	service, region := signingScope(req.URL.Hostname(), k.options.Region)
	if region == "" {
		return nil, promotion.Fault{What: "no region is set", Hint: "give the environment a region"}
	}
	sum := sha256.Sum256([]byte(body))
	if err := k.signer.SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), service, region, time.Now()); err != nil {
		return nil, errors.New("the request cannot be signed")
	}
	return newSecrets(credentials.SecretAccessKey, credentials.SessionToken, req.Header.Get("Authorization")), nil
}

// signingScope finds the service and the region that a signature has to name. AWS's own host names hold both:
// id.execute-api.eu-west-1.amazonaws.com, id.lambda-url.eu-west-1.on.aws.
func signingScope(host, region string) (service, inRegion string) {
	parts := strings.Split(strings.ToLower(host), ".")
	for i, p := range parts {
		if (p == "execute-api" || p == "lambda-url") && i > 0 && i+2 < len(parts) {
			region = parts[i+1]
		}
		if p == "lambda-url" && i > 0 {
			return "lambda", region
		}
	}
	return "execute-api", region
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
