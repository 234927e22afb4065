package function

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// A call watches one call of the SDK: each attempt gets a deadline of its own that begins when it is sent, since
// waiting for the account's API budget before it is nobody's fault; and it is known afterwards whether a request is
// out of which nobody can tell what became of it.
type call struct {
	timeout time.Duration
	pending bool // a request was handed to the transport, and no refusal came back
}

func (a *Account) call() *call { return &call{timeout: a.options.CallTimeout} }

// transfer is a call that carries code. It may be as slow as 256 KiB/s, and Lambda takes its time to unpack.
func transfer(size int64) *call {
	return &call{timeout: 30*time.Second + time.Duration(size)*time.Second/(256<<10)}
}

// watch makes the SDK client's call this one.
func (c *call) watch(o *lambda.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("promoteAttempt", c.attempt), middleware.Before)
	})
}

// once makes the call one attempt, but for refusals by a quota. A write that the SDK repeated after a lost answer
// would be refused by its own revision, and what became of the first one would be lost.
func once(o *lambda.Options) { o.Retryer = throttledOnly{o.Retryer} }

func (c *call) attempt(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, c.within(ctx))
	defer cancel()
	c.pending = true
	out, meta, err := next.HandleDeserialize(ctx, in)
	if answer, ok := out.RawResponse.(*smithyhttp.Response); ok && answer != nil && answer.Response != nil {
		refused := answer.StatusCode >= 400 && answer.StatusCode < 500 && answer.StatusCode != http.StatusRequestTimeout
		c.pending = !refused
	}
	return out, meta, err
}

// within is how long an attempt may take. One that puts an alias back leaves time for another: the little that there
// is after a signal must not be lost with one answer.
func (c *call) within(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok && promotion.IsUrgent(ctx) {
		return min(c.timeout, time.Until(deadline)*2/3)
	}
	return c.timeout
}

// unknown tells whether the write that ended with err may have been carried out, or may still be.
func (c *call) unknown(err error) bool { return c.pending && awserr.UnknownEffect(err) }

// transient tells whether asking again may help: a fault of the other side or of the way there, or a quota.
func (c *call) transient(err error) bool {
	status := awserr.Status(err)
	return status >= 500 || status == http.StatusTooManyRequests || throttle.IsErrorThrottle(err) == aws.TrueTernary ||
		status == 0 && c.pending
}

// notFound tells whether Lambda said that what was asked for does not exist.
func notFound(err error) bool { return awserr.Code(err) == "ResourceNotFoundException" }

// throttle knows the errors by which AWS refuses a call for its quota: nothing was carried out.
var throttle = retry.IsErrorThrottles(retry.DefaultThrottles)

type throttledOnly struct{ aws.Retryer }

func (r throttledOnly) IsErrorRetryable(err error) bool {
	return throttle.IsErrorThrottle(err) == aws.TrueTernary && r.Retryer.IsErrorRetryable(err)
}

// GetAttemptToken hands on what a retryer of the second kind does before each attempt, which embedding hides.
func (r throttledOnly) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	if v2, ok := r.Retryer.(aws.RetryerV2); ok {
		return v2.GetAttemptToken(ctx)
	}
	return r.GetInitialToken(), nil
}
