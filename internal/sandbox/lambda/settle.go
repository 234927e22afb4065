package lambda

import "time"

// A pending is a creation or an update that AWS is still working on.
type pending struct {
	creating bool
	until    time.Time
	// fault is how it ends other than well; nil for the usual end.
	fault *fault
}

const (
	active     = "Active"
	failed     = "Failed"
	waiting    = "Pending"
	successful = "Successful"
	inProgress = "InProgress"

	// AWS words updates like creations; recorded so.
	creatingCode   = "Creating"
	creatingReason = "The function is being created."
)

// begin marks a release as being worked on. For $LATEST the revision moves now and again when it settles;
// https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
func (s *Service) begin(f *function, r *release, creating bool, now time.Time) {
	r.modified = now
	r.revision = s.uuid()
	if creating {
		r.state, r.stateReason, r.stateCode = waiting, creatingReason, creatingCode
		r.update, r.updateReason, r.updateCode = "", "", ""
	} else {
		r.update, r.updateReason, r.updateCode = inProgress, creatingReason, creatingCode
	}
	r.pending = &pending{creating: creating, until: now.Add(s.options.UpdateTime), fault: s.takeFault(f, r.version)}
}

// settle advances everything about a function that is due by now.
func (s *Service) settle(f *function, now time.Time) {
	if s.settleRelease(f.latest, now) && f.latest.update == successful {
		f.running = f.latest.snapshot
	}
	for _, v := range f.versions {
		s.settleRelease(v, now)
	}
	for _, p := range f.provisioned {
		p.settle(now)
	}
	for _, a := range f.aliases {
		s.settleAlias(f, a, now)
	}
}

// settleRelease reports whether something was settled.
func (s *Service) settleRelease(r *release, now time.Time) bool {
	p := r.pending
	if p == nil || now.Before(p.until) || p.fault.stalls() {
		return false
	}
	r.pending = nil
	switch {
	case !p.fault.fails():
		r.state, r.stateReason, r.stateCode = active, "", ""
		r.update, r.updateReason, r.updateCode = successful, "", ""
	case p.creating:
		r.state, r.stateReason, r.stateCode = failed, p.fault.reason, p.fault.code
		r.update, r.updateReason, r.updateCode = failed, p.fault.reason, p.fault.code
	default: // the old code goes on serving
		r.update, r.updateReason, r.updateCode = failed, p.fault.reason, p.fault.code
	}
	if r.version == latestName { // a version keeps its revision when it becomes active; recorded so
		r.revision = s.uuid()
	}
	return true
}
