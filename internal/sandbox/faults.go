package sandbox

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
)

// A Kind is what a fault does to the calls that it is due for.
type Kind string

// The kinds of faults.
const (
	FailBefore   Kind = "fail-before"   // refuse the call; it has no effect
	FailAfter    Kind = "fail-after"    // carry the call out, then answer with an error
	DropResponse Kind = "drop-response" // carry the call out, then cut the connection
	Hold         Kind = "hold"          // keep the call until it is released, also past its client's life; then carry it out
	Delay        Kind = "delay"         // carry the call out later, by Delay
	Throttle     Kind = "throttle"      // answer 429 with RetryAfter
	ForeignWrite Kind = "foreign-write" // let another writer's call take effect at that moment

	// What AWS itself does to functions; for calls of the service "lambda" that name one.
	EndFailed        Kind = "end-failed"        // what the call starts ends Failed
	NeverSettle      Kind = "never-settle"      // what the call starts stays in progress
	TransientWeights Kind = "transient-weights" // the alias that the call moves first carries weights of AWS's own
)

// When says on which side of a call another writer's change takes effect.
type When string

// The two sides.
const (
	Before When = "before"
	After  When = "after"
)

// A Write is another writer's call: an operation of Lambda or DynamoDB with its parameters, spelled as
// in the API. It is made in the account and region of the call that it goes with, by the principal
// ForeignPrincipal names, and it appears neither in the call log nor in quotas, denials or faults.
type Write struct {
	When       When           `json:"when"` // default Before
	Service    string         `json:"service,omitempty"`
	Operation  string         `json:"operation"`
	Parameters map[string]any `json:"parameters"`
}

// A Fault is something that goes wrong, once armed, for the Nth call that fits and the Count-1 after it.
// Service, Operation, Resource, Account and Region are patterns ("*", "?"); an empty one fits all. A
// Resource is a call's as the log shows it, or for Lambda "function:qualifier".
type Fault struct {
	Kind      Kind   `json:"kind"`
	Service   string `json:"service,omitempty"`
	Operation string `json:"operation,omitempty"`
	Resource  string `json:"resource,omitempty"`
	Account   string `json:"account,omitempty"`
	Region    string `json:"region,omitempty"`

	Nth   int `json:"nth,omitempty"`   // from 1; 0 is 1
	Count int `json:"count,omitempty"` // 0 is 1; -1 is every one from the Nth on

	Status     int           `json:"status,omitempty"`     // fail-before, fail-after: default 500
	Code       string        `json:"code,omitempty"`       // fail-before, fail-after: default the service's internal error; end-failed: the reason's code
	Message    string        `json:"message,omitempty"`    // fail-before, fail-after, throttle, end-failed
	RetryAfter int           `json:"retryAfter,omitempty"` // throttle: seconds
	Delay      time.Duration `json:"-"`                    // delay; "delay": "1.5s" in JSON
	Lasts      time.Duration `json:"-"`                    // transient-weights: 0 until cleared; "lasts": "5s" in JSON
	Write      *Write        `json:"write,omitempty"`      // foreign-write
}

// A FaultState is an armed fault and what came of it so far.
type FaultState struct {
	Fault
	ID       string
	Matched  int    // calls that fitted
	Fired    int    // calls that it was due for
	Held     int    // calls that it holds now
	Released bool   // hold: no call is held any more
	Error    string // why another writer's change, or AWS's own, was refused
}

// armed is a fault on duty.
type armed struct {
	Fault
	id  string
	set *faults

	// Guarded by set.mu.
	matched, fired, held int
	err                  string
	changed              chan struct{} // closed, and replaced, when held changes
	release              chan struct{} // closed when released
	released             bool
	undo                 []func() // what ends with the fault
}

// faults is the set of those on duty, in the order of their arrival.
type faults struct {
	mu   sync.Mutex
	next int
	list []*armed
}

func (f *faults) add(fault Fault) (string, error) {
	if fault.Write != nil {
		write := *fault.Write
		fault.Write = &write
	}
	if err := fault.check(); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	a := &armed{Fault: fault, id: "fault-" + strconv.Itoa(f.next), set: f, changed: make(chan struct{}), release: make(chan struct{})}
	f.list = append(f.list, a)
	return a.id, nil
}

func (f *faults) states() []FaultState {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []FaultState{}
	for _, a := range f.list {
		list = append(list, FaultState{Fault: a.Fault, ID: a.id, Matched: a.matched, Fired: a.fired, Held: a.held, Released: a.released, Error: a.err})
	}
	return list
}

// clear takes all faults off duty. What they hold is carried out, what they keep from settling settles.
func (f *faults) clear() {
	f.mu.Lock()
	var undo []func()
	for _, a := range f.list {
		a.letGo()
		undo = append(undo, a.undo...)
	}
	f.list = nil
	f.mu.Unlock()
	for _, u := range undo {
		u()
	}
}

func (f *faults) find(id string) *armed {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.list {
		if a.id == id {
			return a
		}
	}
	return nil
}

// due counts the call for every fault that it fits, and returns those that it sets off.
func (f *faults) due(service string, call cloud.Call) []*armed {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []*armed
	for _, a := range f.list {
		if !a.fits(service, call) {
			continue
		}
		a.matched++
		first, count := max(a.Nth, 1), max(a.Count, 1)
		if a.matched < first || (a.Count >= 0 && a.matched >= first+count) || a.released {
			continue
		}
		a.fired++
		list = append(list, a)
	}
	return list
}

func (f *Fault) fits(service string, call cloud.Call) bool {
	for _, c := range [][2]string{
		{f.Service, service}, {f.Operation, call.Operation}, {f.Account, call.Account}, {f.Region, call.Region},
	} {
		if !matches(c[0], c[1]) {
			return false
		}
	}
	return matches(f.Resource, call.Resource, call.Resource+":"+qualifier(service, call))
}

// qualifier is the alias or version that a call of Lambda names, so that a fault can tell the aliases of
// one function apart.
func qualifier(service string, call cloud.Call) string {
	if service != "lambda" {
		return ""
	}
	if _, alias, ok := strings.Cut(call.Request.URL.Path, "/aliases/"); ok {
		return alias
	}
	return call.Request.URL.Query().Get("Qualifier")
}

// refusal is the error that the fault answers with, by default the service's own for a fault of its own.
func (f *Fault) refusal(service string) *cloud.Error {
	if f.Kind == Throttle {
		return throttled(service, f.Message, f.RetryAfter)
	}
	e := &cloud.Error{Status: f.Status, Code: f.Code, Message: f.Message}
	if e.Status == 0 {
		e.Status = 500
	}
	if e.Code == "" {
		switch service {
		case "lambda":
			e.Code = "ServiceException"
		case "dynamodb":
			e.Code = "InternalServerError"
		case "s3":
			e.Code = "InternalError"
		case "ecr":
			e.Code = "ServerException"
		case "sns":
			e.Code = "InternalError"
		default:
			e.Code = "InternalFailure"
		}
	}
	if e.Message == "" {
		e.Message = "The service encountered an internal error."
	}
	return e
}

// hold keeps a call until the fault is released, and says false if the sandbox ended first.
func (a *armed) hold(ctx context.Context) bool {
	a.count(1)
	select {
	case <-a.release:
		return true
	case <-ctx.Done():
		return false
	}
}

// count adds to the number of calls that are held or, once released, not carried out yet.
func (a *armed) count(n int) {
	a.set.mu.Lock()
	defer a.set.mu.Unlock()
	a.held += n
	close(a.changed)
	a.changed = make(chan struct{})
}

// letGo releases; the caller has the lock.
func (a *armed) letGo() {
	if !a.released {
		a.released = true
		close(a.release)
	}
}

// until waits for the number of held calls to be what want says.
func (a *armed) until(ctx context.Context, want func(held int) bool) error {
	for {
		a.set.mu.Lock()
		ok, changed := want(a.held), a.changed
		a.set.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (a *armed) failed(err error) {
	if err == nil {
		return
	}
	a.set.mu.Lock()
	defer a.set.mu.Unlock()
	a.err = err.Error()
}

// Fault arms a fault and returns its id.
func (s *Server) Fault(f Fault) (id string, err error) { return s.faults.add(f) }

// Faults returns the faults on duty, in the order in which they were armed.
func (s *Server) Faults() []FaultState { return s.faults.states() }

// ClearFaults takes all faults off duty and lets go of the calls that they hold.
func (s *Server) ClearFaults() { s.faults.clear() }

// Release lets go of the calls that a fault of kind Hold holds, and returns when they were carried out or
// the sandbox was closed. The fault holds no further ones.
func (s *Server) Release(id string) error {
	a := s.faults.find(id)
	if a == nil || a.Kind != Hold {
		return fmt.Errorf("release %s: no fault of kind hold has this id", id)
	}
	s.faults.mu.Lock()
	a.letGo()
	s.faults.mu.Unlock()
	return a.until(s.ctx, func(held int) bool { return held == 0 })
}

// Held waits until a fault of kind Hold holds a call.
func (s *Server) Held(ctx context.Context, id string) error {
	a := s.faults.find(id)
	if a == nil || a.Kind != Hold {
		return fmt.Errorf("wait for %s to hold a call: no fault of kind hold has this id", id)
	}
	return a.until(ctx, func(held int) bool { return held > 0 })
}
