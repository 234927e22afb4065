package account

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// Rates are calls a second in the classes of Lambda's quotas, which an account and region share with everything
// else that runs there. 0 takes the default; math.Inf(1) switches a limit off.
//
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests
type Rates struct {
	Shared      float64 // every call but those below and Invoke: 10 of AWS's 15
	GetFunction float64 // 60 of 100
	GetPolicy   float64 // 10 of 15
}

// A Call is an operation and how often it was requested, each attempt counted.
type Call struct {
	Service, Operation string
	Requests           int
	Throttled          int // how many of them were refused since there were too many
}

// limits is what the account's clients share.
type limits struct {
	shared, getFunction, getPolicy *class
	tell                           func(string, ...any)

	mu     sync.Mutex
	others map[string]*class // services without a limit of ours, which may ask for a pause all the same
	count  map[[2]string]*Call
}

func newLimits(r Rates, tell func(string, ...any)) *limits {
	return &limits{
		shared:      newClass("Lambda", cmp.Or(r.Shared, 10), 15),
		getFunction: newClass("Lambda's GetFunction", cmp.Or(r.GetFunction, 60), 100),
		getPolicy:   newClass("Lambda's GetPolicy", cmp.Or(r.GetPolicy, 10), 15),
		tell:        tell,
		others:      map[string]*class{},
		count:       map[[2]string]*Call{},
	}
}

// class finds the calls that share a quota with this one; nil if it shares none.
func (l *limits) class(service, operation string) *class {
	if service != "Lambda" {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.others[service] == nil {
			l.others[service] = newClass(service, math.Inf(1), 0)
		}
		return l.others[service]
	}
	switch {
	case operation == "GetFunction":
		return l.getFunction
	case operation == "GetPolicy":
		return l.getPolicy
	case invokes(operation): // throttled by the concurrency of one function, which is no matter of the others
		return nil
	}
	return l.shared
}

// install puts two steps into an operation: one around the whole call, one around each attempt, before it is
// signed.
func (l *limits) install(stack *middleware.Stack) error {
	if err := stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("promote.Call", whole), "Retry", middleware.Before); err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("promote.Attempt", l.attempt), "Retry", middleware.After)
}

// A callState is what the attempts of one call leave for those after them. They come one after the other.
type callState struct {
	faults  int  // attempts that failed otherwise than by throttling
	unknown bool // an attempt may have been carried out
}

type callKey struct{}

func callOf(ctx context.Context) *callState {
	call, _ := middleware.GetStackValue(ctx, callKey{}).(*callState)
	return call
}

// whole marks the error of a write by what all of its attempts came to: the SDK reports the last alone, or an
// interruption that may have come before the first or between two.
func whole(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	call := &callState{}
	out, metadata, err := next.HandleFinalize(middleware.WithStackValue(ctx, callKey{}, call), in)
	switch {
	case err == nil || reads(awsmiddleware.GetOperationName(ctx)):
	case call.unknown:
		err = &awserr.Uncertain{Err: err}
	case awserr.UnknownEffect(err):
		err = &awserr.NoEffect{Err: err}
	}
	return out, metadata, err
}

func reads(operation string) bool {
	for _, verb := range []string{"Get", "List", "Describe", "Head", "BatchGet", "AssumeRole"} {
		if strings.HasPrefix(operation, verb) {
			return true
		}
	}
	return false
}

// attempt waits for its turn, makes the request within its time, and learns from the answer.
func (l *limits) attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	service, operation := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
	class := l.class(service, operation)
	if class != nil {
		if err := class.wait(ctx, promotion.IsUrgent(ctx)); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
	}
	out, metadata, err := timed(ctx, small(service, operation), in, next)
	l.note(service, operation, err)
	if err == nil {
		return out, metadata, nil
	}
	if call := callOf(ctx); call != nil {
		call.unknown = call.unknown || awserr.UnknownEffect(err)
		if !throttled(err) {
			call.faults++
		}
	}
	if class != nil && throttled(err) {
		if d := retryAfter(err); class.pause(d) {
			l.tell("%s asks for a pause of %s: too many calls in this account and region", service, d.Round(time.Millisecond))
		}
	}
	return out, metadata, err
}

// errSlow is the end of an attempt that took too long. The call may still have time for another.
type errSlow struct{}

func (errSlow) Error() string { return "no answer within " + attemptWithin.String() }
func (errSlow) Timeout() bool { return true }

func timed(ctx context.Context, limited bool, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	if !limited {
		return next.HandleFinalize(ctx, in)
	}
	within, cancel := context.WithTimeoutCause(ctx, attemptWithin, errSlow{})
	defer cancel()
	out, metadata, err := next.HandleFinalize(within, in)
	// The SDK does not repeat what was cancelled, so an attempt that was only slow has to look different.
	if err != nil && errors.Is(context.Cause(within), errSlow{}) && ctx.Err() == nil {
		err = &smithyhttp.RequestSendError{Err: errSlow{}}
	}
	return out, metadata, err
}

// note counts a request. What never left this machine is none.
func (l *limits) note(service, operation string, err error) {
	if err != nil && awserr.Status(err) == 0 && !awserr.UnknownEffect(err) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := [2]string{service, operation}
	if l.count[key] == nil {
		l.count[key] = &Call{Service: service, Operation: operation}
	}
	l.count[key].Requests++
	if err != nil && throttled(err) {
		l.count[key].Throttled++
	}
}

func (l *limits) calls() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	var calls []Call
	for _, c := range l.count {
		calls = append(calls, *c)
	}
	slices.SortFunc(calls, func(a, b Call) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation))
	})
	return calls
}
