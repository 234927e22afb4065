// Package lambda is the sandbox's AWS Lambda: the control plane, Invoke and function URLs.
//
// It keeps what AWS keeps, for each account and region: functions with their mutable $LATEST, immutable
// versions, aliases with weights, resource policies, provisioned and reserved concurrency, each with the
// RevisionId that moves when AWS moves it. Updates take time: nothing runs in the background, the state
// is advanced by the clock whenever somebody looks at it, so it works in virtual time too.
//
// The rules come from recordings of real AWS and from its documentation; where neither says, the code
// says so. What runs, and how, is package runner's business; who called is read by the server in front.
package lambda

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
)

// Options say how a [Service] behaves.
type Options struct {
	// UpdateTime is how long a creation, an update and the activation of a version take. With 0 they
	// have settled when the next request looks.
	UpdateTime time.Duration
	// Seed makes revision ids, request ids and the chance of weights repeatable.
	Seed int64
	// Runner executes the code.
	Runner runner.Runner
	// BaseURL is what function URLs start with: "http://127.0.0.1:4566".
	BaseURL string
	// Objects gives code from S3; without it S3 has no buckets.
	Objects cloud.Objects
	// Images gives the digests of container images; without it there are none.
	Images cloud.Images
}

// A Service is Lambda in all accounts and regions of one sandbox. It is safe for concurrent use.
type Service struct {
	options Options
	ctx     context.Context // ends with Close; asynchronous invocations run under it
	cancel  context.CancelFunc
	async   sync.WaitGroup

	mu      sync.Mutex
	random  *rand.Rand
	homes   map[place]*home
	urls    map[string]*urlConfig // by the id in the URL
	faults  []*fault
	history map[aliasKey][]AliasValue
}

// A place is where functions live.
type place struct{ account, region string }

// A home holds the functions of one place.
type home struct {
	place
	functions map[string]*function
}

// New returns a Lambda without functions.
func New(o Options) *Service {
	ctx, cancel := context.WithCancel(context.Background())
	return &Service{
		options: o, ctx: ctx, cancel: cancel,
		random:  rand.New(rand.NewPCG(uint64(o.Seed), 0x1a3bda)),
		homes:   map[place]*home{},
		urls:    map[string]*urlConfig{},
		history: map[aliasKey][]AliasValue{},
	}
}

// Close waits for asynchronous invocations to end. The runner stays open: it is its owner's to close.
func (s *Service) Close() error {
	s.cancel()
	s.async.Wait()
	return nil
}

// Name is "lambda".
func (s *Service) Name() string { return "lambda" }

// Identify names the operation by method and path, and the function that it is about.
func (s *Service) Identify(r *http.Request, body []byte) (name, resource string, ok bool) {
	op, labels := route(r)
	if op == nil {
		return r.Method + " " + r.URL.Path, "", false
	}
	return op.name, resourceOf(op, labels, body), op.do != nil
}

// A request is a call with its path, query and place read.
type request struct {
	cloud.Call
	labels map[string]string
	now    time.Time
	home   *home
}

func (r *request) query(name string) string { return r.Request.URL.Query().Get(name) }

// given tells an absent query parameter from an empty one.
func (r *request) given(name string) *string {
	if q := r.Request.URL.Query(); q.Has(name) {
		v := q.Get(name)
		return &v
	}
	return nil
}

// Do carries out one operation.
func (s *Service) Do(ctx context.Context, call cloud.Call) cloud.Reply {
	op, labels := route(call.Request)
	if op == nil || op.do == nil {
		return s.Fail(call, &cloud.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "the sandbox does not implement lambda:" + call.Operation})
	}
	r := &request{Call: call, labels: labels}
	var reply cloud.Reply
	var err error
	if op.unlocked {
		reply, err = op.do(s, ctx, r)
	} else {
		s.mu.Lock()
		r.now, r.home = time.Now(), s.home(place{call.Account, call.Region})
		reply, err = op.do(s, ctx, r)
		s.mu.Unlock()
	}
	if err != nil {
		return s.Fail(call, asError(err))
	}
	if reply.Header == nil {
		reply.Header = http.Header{}
	}
	reply.Header.Set("X-Amzn-Requestid", s.requestID())
	return reply
}

// asError keeps a refusal as it is; anything else is a fault of the sandbox.
func asError(err error) *cloud.Error {
	var refusal *cloud.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	return &cloud.Error{Status: 500, Code: "ServiceException", Message: err.Error()}
}

// home returns the state of a place with everything settled that is due.
func (s *Service) home(p place) *home {
	h := s.homes[p]
	if h == nil {
		h = &home{place: p, functions: map[string]*function{}}
		s.homes[p] = h
	}
	return h
}

// uuid is the next revision or request id.
func (s *Service) uuid() string {
	a, b := s.random.Uint64(), s.random.Uint64()
	a = a&^0xf000 | 0x4000
	b = b&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&(1<<48-1))
}

func (s *Service) requestID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uuid()
}
