package sandbox

import (
	"errors"
	"net/http"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
	"github.com/promote-on-success/promote/internal/sandbox/lambda"
)

// disturb prepares Lambda for what AWS itself is going to do to the function that the call is about. The
// function that it returns is to be called with the call's answer: what a refused call did not start
// must not hit another one.
func (s *Server) disturb(a *armed, call cloud.Call) func(cloud.Reply) {
	target := lambda.Target{Account: call.Account, Region: call.Region, Function: call.Resource}
	failure := lambda.Failure{Reason: a.Message, ReasonCode: a.Code}
	if failure.Reason == "" {
		failure.Reason = "The function could not be initialized."
	}
	var undo func()
	switch a.Kind {
	case EndFailed:
		undo = s.lambda.FailNext(target, failure)
	case NeverSettle:
		undo = s.lambda.StallNext(target)
	default:
		lasts := a.Lasts
		if lasts == 0 {
			lasts = -1 // until the fault is cleared
		}
		undo = s.lambda.WeighNext(target, lasts)
	}
	return func(reply cloud.Reply) {
		switch {
		case reply.Status >= http.StatusBadRequest:
			undo()
			a.failed(errors.New("the call was refused, so that there was nothing to disturb"))
		case a.Kind == EndFailed:
			undo() // in case that the call started nothing
		default:
			a.atEnd(undo)
		}
	}
}

// atEnd keeps what is to be undone when the fault is cleared.
func (a *armed) atEnd(undo func()) {
	a.set.mu.Lock()
	defer a.set.mu.Unlock()
	a.undo = append(a.undo, undo)
}
