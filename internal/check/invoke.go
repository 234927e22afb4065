package check

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

const (
	// maxInvocation is Lambda's longest timeout of a function, with some room for the way there and back.
	maxInvocation = 15*time.Minute + 30*time.Second
	// grace is how much longer than it may take an invocation is awaited, for the sake of its log.
	grace = 30 * time.Second
	// patience bounds the waiting for Lambda to take an invocation at all.
	patience = time.Minute
	// minPatience is how long a throttled invocation is tried again also where the answer has to be quick: checks
	// that run side by side throttle each other for a moment in an account with little concurrency.
	minPatience = 5 * time.Second
)

// An answer is what an invocation of the candidate gave.
type answer struct {
	payload       []byte
	functionError string // "" for success, else what Lambda calls it: Handled, Unhandled
	log           string // the last 4 KB, "" where Lambda sent none
	took          time.Duration
}

// errTooSlow says that an invocation was given up since it took longer than any answer is worth.
type errTooSlow struct{ after time.Duration }

func (e errTooSlow) Error() string { return fmt.Sprintf("there was no answer within %s", e.after) }

// invoke asks the candidate once, by its number. Lambda's refusals that pass (no capacity, the version is
// waking up) are waited out; the function has not run then. within is 0 where nothing is expected of it.
func (k *Checks) invoke(ctx context.Context, q question, payload []byte, within time.Duration) (a answer, attempts int, err error) {
	candidate, err := q.candidate()
	if err != nil {
		return a, 0, err
	}
	deed := fmt.Sprintf("invoke version %s of %s", candidate.Version, candidate.Name)
	limit := maxInvocation
	if within > 0 && within+grace < limit {
		limit = within + grace
	}
	start := time.Now()
	for delay := 250 * time.Millisecond; ; delay = min(2*delay, 4*time.Second) {
		attempts++
		a, err = k.invokeOnce(ctx, candidate, payload, limit)
		if err == nil || errors.As(err, new(errTooSlow)) {
			return a, attempts, err
		}
		wait := jitter(delay)
		refusal, passes := refusalOf(err, within)
		if ctx.Err() != nil || !passes || time.Since(start)+max(wait, refusal.after) > refusal.patience {
			break
		}
		if err := sleep(ctx, max(wait, refusal.after)); err != nil {
			return a, attempts, q.failed(err)
		}
	}
	if errors.As(err, new(wrongVersion)) {
		return a, attempts, q.fault(err.Error(), "nothing is concluded from an answer of other code")
	}
	explained := awserr.Explain(err, deed)
	var invalid *types.InvalidParameterValueException
	if errors.As(err, &invalid) && strings.Contains(strings.ToLower(aws.ToString(invalid.Message)), "tenant") {
		fault := promotion.FaultOf(explained)
		fault.Hint = "a function with tenant isolation cannot be checked by invoking it; use an http check by URL"
		explained = fault
	}
	return a, attempts, q.failed(explained)
}

// wrongVersion is an answer that did not come from the candidate.
type wrongVersion struct{ executed, wanted string }

func (w wrongVersion) Error() string {
	if w.executed == "" {
		return "Lambda did not say which version answered; version " + w.wanted + " was invoked"
	}
	return fmt.Sprintf("version %s answered, but version %s was invoked", w.executed, w.wanted)
}

func (k *Checks) invokeOnce(ctx context.Context, c promotion.Candidate, payload []byte, limit time.Duration) (answer, error) {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := time.Now()
	out, err := k.lambda.Invoke(bounded, &lambda.InvokeInput{
		FunctionName: aws.String(c.Name),
		Qualifier:    aws.String(c.Version.String()),
		LogType:      types.LogTypeTail,
		Payload:      payload,
	}, withoutRetries)
	a := answer{took: time.Since(start)}
	if err != nil {
		if ctx.Err() == nil && bounded.Err() != nil {
			return a, errTooSlow{after: limit}
		}
		return a, err
	}
	if executed := aws.ToString(out.ExecutedVersion); executed != c.Version.String() {
		return a, wrongVersion{executed: executed, wanted: c.Version.String()}
	}
	a.payload, a.functionError = out.Payload, aws.ToString(out.FunctionError)
	// A tail that cannot be read is no tail; the answer counts all the same.
	if log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult)); err == nil {
		a.log = string(log)
	}
	return a, nil
}

// withoutRetries keeps the SDK from repeating an invocation whose answer was lost: it may have run.
func withoutRetries(o *lambda.Options) { o.Retryer = aws.NopRetryer{} }

// A refusal is Lambda's answer that an invocation did not take place, for a reason that passes. An internal error
// of Lambda is none: the function may have run.
type refusal struct {
	after    time.Duration // what Lambda asked to wait
	patience time.Duration // how long it is worth waiting
}

// refusalOf tells whether err is one. A check that says within how long it wants its answer does not wait much longer
// for the chance to ask.
func refusalOf(err error, within time.Duration) (refusal, bool) {
	var throttled *types.TooManyRequestsException
	if errors.As(err, &throttled) {
		r := refusal{patience: patience}
		if within > 0 {
			r.patience = min(patience, max(within, minPatience))
		}
		if s, err := strconv.ParseFloat(aws.ToString(throttled.RetryAfterSeconds), 64); err == nil && s > 0 {
			r.after = time.Duration(min(s, 30) * float64(time.Second))
		}
		// Reserved concurrency may be 0, and then nothing passes.
		if throttled.Reason == types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded {
			r.patience = min(r.patience, patience/4)
		}
		return r, true
	}
	// A version that was idle for long, or whose snapshot is being made, is Pending when it is first invoked.
	switch awserr.Code(err) {
	case "ResourceConflictException", "ResourceNotReadyException", "SnapStartNotReadyException", "CodeArtifactUserPendingException",
		"EC2ThrottledException", "ENINotReadyException":
		return refusal{patience: patience}, true
	}
	return refusal{}, false
}

// A functionFailure is what Lambda says of a function that failed.
type functionFailure struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// failure reads the error document. A runtime may send anything in its place, so its parts may be missing.
func (a answer) failure() functionFailure {
	var f functionFailure
	if json.Unmarshal(a.payload, &f) != nil {
		f = functionFailure{}
	}
	if f.Type == "" {
		f.Type = a.functionError
		if strings.Contains(f.Message, "Task timed out") {
			f.Type = "Sandbox.Timedout"
		}
	}
	return f
}

// invocationID is what Lambda's own messages begin with. It differs each time and tells nobody anything.
var invocationID = regexp.MustCompile(`^(?:RequestId: \S+ (?:Error: )?|\d{4}-\d\d-\d\dT\S+ \S+ )`)

// says is the failure in a sentence. Both of its parts are foreign.
func (f functionFailure) says(s secrets) string {
	message := s.quote(invocationID.ReplaceAllString(strings.TrimSpace(f.Message), ""))
	if message == "" {
		return s.quote(f.Type)
	}
	return fmt.Sprintf("%s (%s)", s.quote(f.Type), message)
}

// failureHint is advice for the errors that Lambda itself reports of a function.
func failureHint(errorType string) string {
	switch errorType {
	case "Runtime.ExitError":
		return "the runtime ended before it answered: see the log; often a crash at start, a missing environment variable, or a binary for another architecture"
	case "Runtime.InvalidEntrypoint":
		return "the bootstrap or the image's entry point cannot be run: is it there, executable and built for the function's architecture?"
	case "Runtime.ImportModuleError", "Runtime.HandlerNotFound", "Runtime.UserCodeSyntaxError", "Runtime.MalformedHandlerName":
		return "the function's Handler does not fit the code in the artifact"
	case "Sandbox.Timedout":
		return "the function ran into its own timeout (Timeout in its configuration)"
	case "Runtime.OutOfMemory":
		return "the function needs more memory (MemorySize in its configuration)"
	}
	return ""
}

// jitter spreads a delay by a quarter to either side, so that checks that began together do not return together.
func jitter(d time.Duration) time.Duration {
	return d - d/4 + rand.N(d/2)
}

// sleep waits, or ends with the context and its cause.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
