package sandbox

import (
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// quotas are Lambda's limits on control-plane calls: GetFunction and GetPolicy have limits of their own,
// Invoke is in none of them, and all other calls share one. Each account has them in each region.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests
type quotas struct {
	shared int // calls a second; 0: no limits

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

func newQuotas(shared int) *quotas {
	return &quotas{shared: shared, buckets: map[string]*rate.Limiter{}}
}

// take counts the call and says if it is one too many. A bucket holds as many calls as flow in within
// a second.
func (q *quotas) take(service string, call cloud.Call) *cloud.Error {
	if q.shared <= 0 || service != "lambda" || strings.HasPrefix(call.Operation, "Invoke") {
		return nil
	}
	class, perSecond := "shared", q.shared
	switch call.Operation {
	case "GetFunction":
		class, perSecond = call.Operation, 100
	case "GetPolicy":
		class, perSecond = call.Operation, 15
	}
	key := call.Account + " " + call.Region + " " + class
	q.mu.Lock()
	defer q.mu.Unlock()
	bucket := q.buckets[key]
	if bucket == nil {
		bucket = rate.NewLimiter(rate.Limit(perSecond), perSecond)
		q.buckets[key] = bucket
	}
	if bucket.AllowN(time.Now(), 1) {
		return nil
	}
	return throttled(service, "", 1)
}

// throttled is how a service refuses a call that its caller makes too soon.
func throttled(service, message string, retryAfter int) *cloud.Error {
	if message == "" {
		message = "Rate exceeded"
	}
	e := &cloud.Error{Status: 400, Code: "ThrottlingException", Message: message, RetryAfter: retryAfter}
	switch service {
	case "lambda":
		e.Status, e.Code = 429, "TooManyRequestsException"
		e.Fields = map[string]any{"Reason": "CallerRateLimitExceeded", "Type": "User"}
	case "apigateway":
		e.Status, e.Code = 429, "TooManyRequestsException"
	case "execute-api", "lambda-url":
		e.Status, e.Code = 429, "TooManyRequestsException"
		e.Message = "Too Many Requests"
	case "sts":
		e.Code = "Throttling"
	case "sns":
		e.Status, e.Code = 429, "Throttled"
	case "s3":
		e.Status, e.Code = 503, "SlowDown"
	}
	return e
}
