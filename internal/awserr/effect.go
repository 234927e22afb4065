package awserr

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// NoEffect marks the error of a call that certainly changed nothing, though the error alone does not tell: it ended
// before any part of it left this machine, or between two attempts of which the first was refused.
type NoEffect struct{ Err error }

func (e *NoEffect) Error() string { return e.Err.Error() }
func (e *NoEffect) Unwrap() error { return e.Err }

// Uncertain marks the error of a call of which an earlier attempt has, for all that is known, been carried out.
// The SDK reports the last attempt only: a 412 after a lost answer may well be our own success.
type Uncertain struct{ Err error }

func (e *Uncertain) Error() string { return e.Err.Error() }
func (e *Uncertain) Unwrap() error { return e.Err }

// refusals are answers of 5xx by which AWS says that nothing was done:
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors,
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
var refusals = map[string]bool{
	"SlowDown": true, "NotImplemented": true, "ThrottlingException": true,
	"EC2AccessDeniedException": true, "EC2ThrottledException": true, "ENILimitReachedException": true,
	"InvalidRuntimeException": true, "InvalidZipFileException": true, "InvalidSecurityGroupIDException": true,
	"InvalidSubnetIDException": true, "KMSAccessDeniedException": true, "KMSDisabledException": true,
	"KMSInvalidStateException": true, "KMSNotFoundException": true, "ResourceNotReadyException": true,
	"SubnetIPAddressLimitReachedException": true,
}

// UnknownEffect tells whether a write that ended with err may have been carried out all the same, or may still
// be: the answer was lost, late, a server's fault or unreadable, or the call was given up after it may have been
// sent. Where that cannot be told, it is true. It is false for nil, for every refusal, and for what never left
// this machine: no credentials, no connection, no region.
//
// Ask it before [Code] and [Status]: after a lost answer, the SDK's own repetition of a write that succeeded is
// refused with 412 or 409.
func UnknownEffect(err error) bool {
	var uncertain *Uncertain
	var noEffect *NoEffect
	switch {
	case err == nil:
		return false
	case errors.As(err, &uncertain):
		return true
	case errors.As(err, &noEffect), CredentialsFailed(err):
		return false
	}
	if code := status(err); code != 0 {
		return unknownStatus(code, Code(err))
	}
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorFault() == smithy.FaultServer && !refusals[answer.ErrorCode()]
	}
	var unreadable *smithy.DeserializationError
	var sending *smithyhttp.RequestSendError
	switch {
	case dialled(err), handshake(err):
		return false
	case errors.As(err, &sending), errors.As(err, &unreadable):
		return true
	}
	return errors.Is(err, context.Canceled) || timedOut(err) || lost(err)
}

func unknownStatus(status int, code string) bool {
	switch {
	case status < 300: // carried out, but the answer could not be read
		return true
	case status == http.StatusRequestTimeout:
		return true
	case status == http.StatusNotImplemented, refusals[code]:
		return false
	}
	return status >= 500
}
