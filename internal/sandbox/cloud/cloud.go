// Package cloud is what the services of the sandbox share: one request after its signature was read
// ([Call]), one answer before it is sent ([Reply]), and the contract of a service ([Service]).
//
// A service never sees a connection. The server in front of it (package sandbox) reads the request,
// finds the service and the operation, writes the call log, applies denials, quotas and faults, and
// sends the reply; so a fault can lose the answer of a call that took effect, or hold the call itself,
// for every service alike and without the service knowing.
package cloud

import (
	"context"
	"fmt"
	"net/http"
)

// A Call is one request to a service. Account and Region are those of the caller's credentials and of
// its signature; Principal is the ARN that the credentials stand for.
type Call struct {
	Account   string
	Region    string
	Principal string

	// Operation is the API's name of the operation, as in the SDK and in IAM: "UpdateAlias".
	Operation string
	// Resource is what the call is about, in the shortest form that a person would type: a function's
	// name, an API's id, "bucket/key", a table's name. Faults and denials are matched against it.
	Resource string

	Request *http.Request
	Body    []byte
}

// A Reply is a complete answer, not yet sent.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// An Error is a refusal by a service: what AWS calls a code, and the HTTP status that goes with it.
// Fields are further members of the error's body (Reason, Type, ...).
type Error struct {
	Status  int
	Code    string
	Message string
	Fields  map[string]any
	// RetryAfter, in seconds, is sent as a Retry-After header when it is not zero.
	RetryAfter int
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

// A Service is one AWS API (or one data plane) of the sandbox.
type Service interface {
	// Name is the service's name in a credential scope, in the call log, in faults and in denials:
	// "lambda", "apigateway", "sts", "s3", "ecr", "sns", "dynamodb", "execute-api", "lambda-url".
	Name() string

	// Identify names the operation of a request and the resource it is about, without any effect.
	// It returns false for an operation that the sandbox does not implement; operation then holds the
	// best name that can be given, for the 501 that the caller gets.
	Identify(r *http.Request, body []byte) (operation, resource string, ok bool)

	// Do carries the call out and returns its answer, also when that answer is an error. It may block
	// while a function runs; ctx ends with the sandbox or, for an invocation, with the client.
	Do(ctx context.Context, call Call) Reply

	// Fail renders an error in the service's protocol. The server uses it for denials, quotas and faults.
	Fail(call Call, e *Error) Reply
}

// An Invocation is a request to run a function's code, from the Invoke operation or from a data plane.
type Invocation struct {
	Account, Region string
	Function        string
	// Qualifier is a version's number, an alias's name, "$LATEST", or "" for $LATEST.
	Qualifier string
	Payload   []byte
	// Principal and SourceARN are set by a data plane ("apigateway.amazonaws.com" and the route's ARN).
	// With a Principal the resource policy of the qualifier has to allow the call.
	Principal, SourceARN string
}

// An Invoked is what came of an [Invocation].
type Invoked struct {
	Version string // the version that ran: a number or "$LATEST"
	// FunctionError is "" for success, "Unhandled" when the code failed; Payload then holds the error document.
	FunctionError string
	Payload       []byte
	LogTail       []byte
}

// An Invoker runs functions for the data planes. The error is an [*Error] as the Invoke operation would
// answer it: not found, not permitted, throttled.
type Invoker interface {
	Invoke(ctx context.Context, in Invocation) (Invoked, error)
}

// Objects reads stored objects for services that take code from S3. version "" is the newest one.
// The error is an [*Error] with S3's code (NoSuchKey, NoSuchBucket, NoSuchVersion, AccessDenied).
type Objects interface {
	Object(account, region, bucket, key, version string) ([]byte, error)
}

// Images resolves a container image to its digest for services that take code from ECR.
// image is "registry/repository:tag" or "registry/repository@sha256:...".
type Images interface {
	Image(account, region, image string) (digest string, err error)
}
