package conformance

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

const (
	// controlRate is our share of the calls a second that Lambda's control plane takes from an account in a
	// region, which are 15: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests
	controlRate = 8.0
	// invokeRate is how often functions are invoked; invocations are not in that quota.
	invokeRate = 40
	// maxCalls bounds a whole run.
	maxCalls = 8000
)

var errSpent = errors.New("the run has made all the calls that it may make")

// Calls count what was sent.
type Calls struct{ Lambda, Invoke, DynamoDB int }

// pace keeps calls under the rates, counts them and bounds their number.
type pace struct {
	control, invoke *rate.Limiter

	mu    sync.Mutex
	calls Calls
	left  int
}

func newPace(perSecond float64) *pace {
	perSecond = cmp.Or(perSecond, controlRate)
	return &pace{control: rate.NewLimiter(rate.Limit(perSecond), 1), invoke: rate.NewLimiter(invokeRate, 1), left: maxCalls}
}

// burstKey marks the context of calls that are meant to arrive at once.
type burstKey struct{}

// install makes every call of a client wait for its turn.
func (p *pace) install(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("pace", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		if err := p.take(ctx, awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)); err != nil {
			return middleware.InitializeOutput{}, middleware.Metadata{}, err
		}
		return next.HandleInitialize(ctx, in)
	}), middleware.After)
}

func (p *pace) take(ctx context.Context, service, operation string) error {
	var limiter *rate.Limiter
	p.mu.Lock()
	spent := p.left == 0
	if !spent {
		p.left--
	}
	switch {
	case service == "DynamoDB":
		p.calls.DynamoDB++
	case strings.HasPrefix(operation, "Invoke"):
		p.calls.Invoke++
		limiter = p.invoke
	case service == "Lambda":
		p.calls.Lambda++
		limiter = p.control
	}
	p.mu.Unlock()
	switch {
	case spent:
		return errSpent
	case limiter == nil, ctx.Value(burstKey{}) != nil:
		return nil
	}
	return limiter.Wait(ctx)
}

func (p *pace) count() Calls {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

// burst makes n calls at once, and then pauses for as long as the rate would have spread them over. Each call is
// given its number. A burst takes the account's whole quota for about a second.
func (e *Env) burst(ctx context.Context, n int, call func(ctx context.Context, i int)) error {
	hasty := context.WithValue(ctx, burstKey{}, true)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			call(hasty, i)
		})
	}
	close(start)
	all.Wait()
	return wait(ctx, time.Duration(float64(n)/float64(e.pace.control.Limit())*float64(time.Second)))
}
