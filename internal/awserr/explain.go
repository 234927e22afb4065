// Package awserr turns what the AWS SDK returns into what a person can act on: a [promotion.Fault] whose What
// says in plain words what went wrong, whose Hint says what to do about it, and whose Detail holds AWS's own
// message, cleaned and cut. The SDK's error stays in the chain for errors.As; its text is never shown.
//
// It also answers the question that every conditional write has to ask after a failure: may it have been
// carried out all the same? See [UnknownEffect].
//
// It knows the SDK and nothing of any one call. What a 404 or a 412 means for the caller, the caller decides.
package awserr

import (
	"errors"

	"github.com/aws/smithy-go"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Explain says what went wrong with the deed ("publish version of orders-api"). It returns nil for nil. The
// result's chain holds a [promotion.Fault] and err itself. A fault that is in err's chain already, because the
// credentials could not be had for instance, keeps its words and its hint.
func Explain(err error, deed string) error {
	if err == nil {
		return nil
	}
	f := reason(err)
	f.What = deed + ": " + f.What
	return &explained{fault: f, cause: err}
}

type explained struct {
	fault promotion.Fault
	cause error
}

func (e *explained) Error() string   { return e.fault.Error() }
func (e *explained) Unwrap() []error { return []error{e.fault, e.cause} }

// Code is the error code of AWS's answer to the call, "" if there was none. When it was the credentials that
// could not be had, the call itself was never answered.
func Code(err error) string {
	var api smithy.APIError
	if !CredentialsFailed(err) && errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Status is the HTTP status of AWS's answer to the call, 0 if there was none.
func Status(err error) int {
	if CredentialsFailed(err) {
		return 0
	}
	return status(err)
}

func status(err error) int {
	var answered interface{ HTTPStatusCode() int }
	if errors.As(err, &answered) {
		return answered.HTTPStatusCode()
	}
	return 0
}

// operation is the innermost operation of the chain: the one that AWS answered.
func operation(err error) *smithy.OperationError {
	var found, next *smithy.OperationError
	for errors.As(err, &next) {
		found, err = next, next.Err
	}
	return found
}

// reason finds the fault without the deed. The order matters: what was never sent first, then what AWS
// answered, then what became of the connection.
func reason(err error) promotion.Fault {
	var op *smithy.OperationError
	var known promotion.Fault
	if errors.As(err, &op) && errors.As(op.Err, &known) {
		return known
	}
	if errors.As(err, &known) {
		return promotion.FaultOf(err)
	}
	for _, explain := range []func(error) (promotion.Fault, bool){
		answered, interrupted, late, configured, absentCredentials, connected,
	} {
		if f, ok := explain(err); ok {
			return f
		}
	}
	return promotion.Fault{What: "the call failed", Detail: Clean(deepest(err).Error())}
}

// deepest is the error that began it, whose text carries no wrapping of the SDK.
func deepest(err error) error {
	for {
		next := errors.Unwrap(err)
		if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) > 0 {
			next = joined.Unwrap()[0]
		}
		if next == nil {
			return err
		}
		err = next
	}
}
