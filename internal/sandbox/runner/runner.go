// Package runner runs the code of the sandbox's Lambda functions.
//
// A [Runner] gets one [Input] for each invocation: the code and configuration of one version, and the
// event. It answers with an [Output]: what the code returned, or the error document that Lambda would
// return in its place, and the log. Two runners exist. [Process] unpacks the zip and runs it on this
// machine against a Lambda Runtime API of its own, as AWS does in a microVM. [Go] runs Go functions that
// tests have registered, without processes or sockets, so that it works in virtual time.
//
// A runner keeps warm instances; which version runs, and who may call it, is not its concern.
package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// A Code is what was uploaded for a version, and how it is started.
type Code struct {
	// Digest is Lambda's CodeSha256; equal digests are equal code.
	Digest string
	// Zip is the deployment package; nil for a container image.
	Zip []byte
	// Image is the image that the version runs, by digest; "" for a zip.
	Image   string
	Runtime string
	Handler string
}

// An Input is one invocation of one version.
type Input struct {
	Code
	// Instance tells apart what must not share a running instance: two versions, or $LATEST before and
	// after an update. Invocations with equal Instance may be served by the same warm process.
	Instance string

	Account, Region string
	Function        string
	Version         string // a number, or "$LATEST"
	InvokedARN      string // as the caller addressed the function
	Environment     map[string]string
	Timeout         time.Duration
	MemoryMB        int
	LogGroup        string

	RequestID     string
	ClientContext []byte // JSON, nil without one
	Payload       []byte // JSON
}

// An Output is what came of an invocation.
type Output struct {
	// Payload is the code's answer, or, with FunctionError, the error document.
	Payload []byte
	// FunctionError is "" for success and "Unhandled" for an error, a crash or a timeout.
	FunctionError string
	// Log holds everything the code wrote between Lambda's START, END and REPORT lines.
	Log []byte
}

// A Runner executes invocations, several at a time. A failure of the code is an Output with a
// FunctionError; the error is for a runner that could not do its work at all.
type Runner interface {
	Invoke(ctx context.Context, in Input) (Output, error)
	// Close ends everything that the runner started. Invocations under way end with an error.
	Close() error
}

// maxResponse is Lambda's limit for a synchronous answer: 6 MB and a little for the envelope.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxResponse = 6*1024*1024 + 100

// failure is the document that a caller gets in place of the code's answer.
type failure struct {
	Message string   `json:"errorMessage"`
	Type    string   `json:"errorType"`
	Request string   `json:"requestId,omitempty"`
	Trace   []string `json:"stackTrace,omitempty"`
}

func (f failure) output() Output {
	doc, err := json.Marshal(f)
	if err != nil { // strings always marshal
		doc = []byte(`{}`)
	}
	return Output{Payload: doc, FunctionError: "Unhandled"}
}

// timedOut is the answer for code that did not return in the function's time.
func timedOut(in Input) Output {
	return failure{
		Type:    "Sandbox.Timedout",
		Message: fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", in.RequestID, in.Timeout.Seconds()),
	}.output()
}

// checked replaces an answer that Lambda would not pass on.
func checked(out Output) Output {
	if out.FunctionError == "" && len(out.Payload) > maxResponse {
		return failure{
			Type:    "Function.ResponseSizeTooLarge",
			Message: fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse),
		}.output()
	}
	return out
}

// framed puts Lambda's lines around what the code wrote.
func framed(in Input, wrote []byte, took, initTook time.Duration) []byte {
	log := fmt.Appendf(nil, "START RequestId: %s Version: %s\n", in.RequestID, in.Version)
	log = append(log, wrote...)
	if len(wrote) > 0 && wrote[len(wrote)-1] != '\n' {
		log = append(log, '\n')
	}
	ms := float64(took.Microseconds()) / 1000
	log = fmt.Appendf(log, "END RequestId: %s\nREPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: %d MB\tMax Memory Used: %d MB",
		in.RequestID, in.RequestID, ms, math.Ceil(ms), in.MemoryMB, min(in.MemoryMB, 32))
	if initTook > 0 {
		log = fmt.Appendf(log, "\tInit Duration: %.2f ms", float64(initTook.Microseconds())/1000)
	}
	return append(log, "\t\n"...)
}
