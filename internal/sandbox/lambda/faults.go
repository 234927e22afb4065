package lambda

import (
	"slices"
	"time"
)

// A Target says which asynchronous work a fault is for. An empty member matches everything.
type Target struct {
	Account, Region, Function string
	// Qualifier is "$LATEST", a version's number, [AnyVersion], or for weights an alias.
	Qualifier string
}

// AnyVersion is the qualifier of every published version.
const AnyVersion = "version"

func (t Target) matches(f *function, qualifier string) bool {
	return (t.Account == "" || t.Account == f.home.account) &&
		(t.Region == "" || t.Region == f.home.region) &&
		(t.Function == "" || t.Function == f.name) &&
		(t.Qualifier == "" || t.Qualifier == qualifier || t.Qualifier == AnyVersion && isNumber(qualifier))
}

// A Failure is how AWS explains that a function or a version did not come up.
type Failure struct{ Reason, ReasonCode string }

type faultKind int

const (
	failing faultKind = iota
	stalling
	weighing
)

// A fault waits for the work that it is for, or has found it.
type fault struct {
	kind         faultKind
	target       Target
	reason, code string
	lasts        time.Duration
	released     bool
}

func (f *fault) stalls() bool { return f != nil && f.kind == stalling && !f.released }

func (f *fault) fails() bool { return f != nil && f.kind == failing }

// FailNext makes the next creation, update or publish that matches end Failed instead of well: State for a
// creation and a version, LastUpdateStatus for an update, whose function goes on serving the old code.
// With Publish the version of a failed update fails too. Calling release before anything matched
// withdraws the fault.
func (s *Service) FailNext(t Target, why Failure) (release func()) {
	if why.ReasonCode == "" {
		why.ReasonCode = "InternalError"
	}
	return s.arm(&fault{kind: failing, target: t, reason: why.Reason, code: why.ReasonCode})
}

// StallNext makes the next creation, update or publish that matches stay unfinished until release is
// called, after which it settles well.
func (s *Service) StallNext(t Target) (release func()) {
	return s.arm(&fault{kind: stalling, target: t})
}

// WeighNext makes AWS edit the next alias that matches and moves to another version, as it does by itself
// for an alias with provisioned concurrency: all traffic stays at the old version by a weight of 1 until
// the new one is ready, for as long as said, then the weight goes; the RevisionId moves each time. With
// lasts < 0 it stays until release is called.
func (s *Service) WeighNext(t Target, lasts time.Duration) (release func()) {
	return s.arm(&fault{kind: weighing, target: t, lasts: lasts})
}

func (s *Service) arm(f *fault) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f.released = true
		s.faults = slices.DeleteFunc(s.faults, func(other *fault) bool { return other == f })
	}
}

// takeFault returns the fault for work that begins now, and strikes it off.
func (s *Service) takeFault(f *function, qualifier string) *fault {
	return s.take(func(o *fault) bool { return o.kind != weighing && o.target.matches(f, qualifier) })
}

func (s *Service) take(wanted func(*fault) bool) *fault {
	i := slices.IndexFunc(s.faults, wanted)
	if i < 0 {
		return nil
	}
	found := s.faults[i]
	s.faults = slices.Delete(s.faults, i, i+1)
	return found
}
