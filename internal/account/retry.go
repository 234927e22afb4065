package account

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/promote-on-success/promote/internal/awserr"
)

const (
	attempts      = 8 // of a call that is throttled
	faultAttempts = 3 // of a call that meets anything else that may pass
	longestRest   = time.Minute
)

var (
	errGivenUp   = errors.New("no further attempt")
	errNotTwice  = errors.New("not made twice")
	throttles    = retry.IsErrorThrottles(retry.DefaultThrottles)
	neverAgain   = retry.IsErrorRetryableFunc(refusedForGood)
	retryReasons = append([]retry.IsErrorRetryable{neverAgain}, retry.DefaultRetryables...)
)

// retryer is the SDK's standard policy with more patience for throttling. The SDK's own budget of retries is off:
// it would run dry when hundreds of functions are throttled at once, which the limits see to already.
type retryer struct{ *retry.Standard }

func newRetryer() retryer {
	return retryer{retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.RateLimiter = ratelimit.None
		o.Retryables = retryReasons
		o.Backoff = retry.BackoffDelayerFunc(backoff)
	})}
}

// refusedForGood names what another attempt cannot change: an answer about the state of the thing, a call whose
// time was up before it was sent, and credentials that could not be had after attempts of their own.
func refusedForGood(err error) aws.Ternary {
	var noEffect *awserr.NoEffect
	switch status := awserr.Status(err); {
	case errors.As(err, &noEffect), awserr.CredentialsFailed(err), status == http.StatusConflict, status == http.StatusPreconditionFailed:
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// GetRetryToken is asked before each further attempt, and knows the call by its context.
func (r retryer) GetRetryToken(ctx context.Context, err error) (func(error) error, error) {
	call := callOf(ctx)
	switch {
	case call == nil || throttled(err):
	case call.faults >= faultAttempts:
		return nil, errGivenUp
	case !repeatable(ctx) && awserr.UnknownEffect(err):
		return nil, errNotTwice
	}
	return r.Standard.GetRetryToken(ctx, err)
}

// repeatable tells whether an operation may be carried out twice without leaving two things. API Gateway makes
// another API, route or integration each time that it is asked.
func repeatable(ctx context.Context) bool {
	return awsmiddleware.GetServiceID(ctx) != "ApiGatewayV2" || !strings.HasPrefix(awsmiddleware.GetOperationName(ctx), "Create")
}

func throttled(err error) bool {
	return awserr.Code(err) != "" && throttles.IsErrorThrottle(err).Bool() || awserr.Status(err) == http.StatusTooManyRequests
}

// backoff grows from a tenth of a second, or from half a second for throttling, at random between half and all of
// the step. What AWS asks for is the least.
func backoff(attempt int, err error) (time.Duration, error) {
	step := 100 * time.Millisecond
	if throttled(err) {
		step = 500 * time.Millisecond
	}
	step = min(step<<max(attempt-1, 0), 10*time.Second)
	return max(step/2+rand.N(step/2), retryAfter(err)), nil
}

// retryAfter is the pause that AWS asks for, 0 if it does not. Lambda's RetryAfterSeconds is the same header.
func retryAfter(err error) time.Duration {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil {
		return 0
	}
	seconds, parseErr := strconv.ParseFloat(answer.Response.Header.Get("Retry-After"), 64)
	if parseErr != nil || !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, longestRest.Seconds()) * float64(time.Second))
}
