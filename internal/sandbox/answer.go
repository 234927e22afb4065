package sandbox

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// answer carries one AWS call through signature, quota, denial and faults to its service. dropped says
// that the client is to see its connection cut and no answer.
func (s *Server) answer(r *http.Request, body []byte) (reply cloud.Reply, dropped bool) {
	sig, unreadableSig := readSignature(r, body)
	name := serviceOf(r, body, sig)
	service, ok := s.services[name]
	if !ok {
		call := cloud.Call{Operation: guessOperation(r, body), Region: sig.region}
		reply = noService(name, call.Operation)
		s.log.begin(name, call)(reply)
		return reply, false
	}
	id, why := s.ids.authenticate(sig, r, body)
	detail := ""
	if unreadableSig != nil {
		why, detail = unreadable, unreadableSig.Error()
	}
	call := cloud.Call{Request: r, Body: body}
	var known bool
	call.Operation, call.Resource, known = service.Identify(r, body)
	if why == 0 {
		call.Account, call.Region, call.Principal = id.Account, sig.region, id.Principal
	}
	done := func(cloud.Reply) {}
	if !dataPlane(name) {
		done = s.log.begin(name, call)
	}
	switch {
	case why != 0 && !worksUnsigned(name, call.Operation):
		reply = fail(service, call, refusal(name, why, detail))
	case !known:
		reply = fail(service, call, &cloud.Error{Status: http.StatusNotImplemented, Code: "NotImplementedException",
			Message: "the sandbox does not implement " + name + ":" + call.Operation})
	default:
		reply, dropped = s.admit(service, call, id.RoleARN)
	}
	done(reply)
	return reply, dropped
}

// admit lets a call through if quotas and denials do.
func (s *Server) admit(service cloud.Service, call cloud.Call, role string) (reply cloud.Reply, dropped bool) {
	name := service.Name()
	if !invocation(name, call.Operation) {
		s.sleep(s.options.Latency)
	}
	if e := s.quotas.take(name, call); e != nil {
		return fail(service, call, e), false
	}
	if e := s.denials.refuse(name, call, role); e != nil {
		return fail(service, call, e), false
	}
	return s.carryOut(service, call)
}

// carryOut does the call, with the faults that are due for it.
func (s *Server) carryOut(service cloud.Service, call cloud.Call) (reply cloud.Reply, dropped bool) {
	var (
		name = service.Name()
		due  = s.faults.due(name, call)
		held bool
		tell []func(cloud.Reply) // those that wait for the answer
	)
	for _, f := range due {
		switch f.Kind {
		case Delay:
			s.sleep(f.Delay)
		case Hold:
			defer f.count(-1)
			if !f.hold(s.ctx) {
				return reply, true
			}
			held = true
		case Throttle, FailBefore:
			return fail(service, call, f.refusal(name)), false
		case ForeignWrite:
			if f.Write.When == Before {
				f.failed(s.foreignWrite(*f.Write, call))
			}
		case EndFailed, NeverSettle, TransientWeights:
			tell = append(tell, s.disturb(f, call))
		}
	}
	ctx := s.ctx
	if invocation(name, call.Operation) && !held {
		// An invocation ends with its client. Everything else is carried out all the same, and so is
		// what was held past its client's life.
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(call.Request.Context())
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)()
	}
	reply = service.Do(ctx, call)
	for _, t := range tell {
		t(reply)
	}
	for _, f := range due {
		switch f.Kind {
		case FailAfter:
			reply = fail(service, call, f.refusal(name))
		case DropResponse:
			dropped = true
		case ForeignWrite:
			if f.Write.When == After {
				f.failed(s.foreignWrite(*f.Write, call))
			}
		}
	}
	return reply, dropped
}

// fail renders an error in the service's protocol.
func fail(service cloud.Service, call cloud.Call, e *cloud.Error) cloud.Reply {
	reply := service.Fail(call, e)
	if e.RetryAfter != 0 {
		if reply.Header == nil {
			reply.Header = http.Header{}
		}
		reply.Header.Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	return reply
}

// sleep waits, but not longer than the sandbox lives.
func (s *Server) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
	}
}
