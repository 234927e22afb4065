// Package sandbox is an AWS and a GitHub for a laptop and for tests: one http.Handler that speaks the
// wire protocols of the services that promote calls, with real rules behind them (revisions, states
// that settle late, quotas, permissions) and faults on command.
//
// The server reads a request's signature, finds the service and the operation, applies quotas, denials
// and faults, writes the call log and sends the answer; the services (packages lambda, apigateway,
// dynamodb, s3, ecr, sns, sts) know nothing of connections. What is not implemented answers 501 with the
// operation's name. It is a test bed and our reading of AWS, not AWS.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/promote-on-success/promote/internal/sandbox/cloud"
	"github.com/promote-on-success/promote/internal/sandbox/github"
	"github.com/promote-on-success/promote/internal/sandbox/lambda"
	"github.com/promote-on-success/promote/internal/sandbox/runner"
	"github.com/promote-on-success/promote/internal/sandbox/sns"
	"github.com/promote-on-success/promote/internal/sandbox/sts"
)

// maxBody bounds what one request may carry. Lambda's own limit is 70 MB; objects may be larger.
const maxBody = 512 << 20

// Options are what a sandbox can be told. The zero value is a good sandbox for a test.
type Options struct {
	// UpdateTime is how long an update, a creation and a version's activation take. With 0 they have
	// settled at the next read.
	UpdateTime time.Duration
	// Latency is added to each control-plane call.
	Latency time.Duration
	// RateLimit is the number of calls a second in Lambda's shared class; 0 is no limit at all. With a
	// limit, GetFunction has 100/s and GetPolicy 15/s of their own, as on AWS.
	RateLimit int
	// Seed decides what is left to chance: revision ids, keys, which version a weighted alias runs.
	Seed int64
	// Runner is how code runs; nil is one process for each running version.
	Runner runner.Runner
	// BaseURL is where the sandbox is reached; function URLs and API endpoints start with it.
	BaseURL string
	// Accounts are the accounts; without any there is one, DefaultAccount.
	Accounts []Account
	// Repository is the GitHub repository whose workflow the identity tokens speak for.
	Repository string
}

// Server is the sandbox. Make it with New.
type Server struct {
	options Options
	random  *random
	ctx     context.Context
	stop    context.CancelFunc

	ids      *identities
	issuer   *issuer
	services map[string]cloud.Service
	sts      *sts.Service
	topics   *sns.Service
	closers  []io.Closer
	control  http.Handler
	lambda   *lambda.Service
	github   *github.Service
	// githubEnv are the variables that point tools at the GitHub of the sandbox.
	githubEnv map[string]string

	log     callLog
	quotas  *quotas
	denials denials
	faults  faults

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
}

// New returns a sandbox that serves until it is closed.
func New(o Options) (*Server, error) {
	if o.BaseURL == "" {
		o.BaseURL = "http://localhost"
	}
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	if o.Repository == "" {
		o.Repository = "octo-org/shop"
	}
	if len(o.Accounts) == 0 {
		o.Accounts = []Account{{ID: DefaultAccount}}
	}
	accounts := make([]Account, len(o.Accounts))
	for i, a := range o.Accounts {
		var err error
		if accounts[i], err = a.withDefaults(); err != nil {
			return nil, err
		}
	}
	o.Accounts = accounts
	s := &Server{
		options: o,
		random:  newRandom(o.Seed),
		ids:     newIdentities(accounts),
		quotas:  newQuotas(o.RateLimit),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.issuer = newIssuer(o, s.random)
	s.addServices()
	s.control = s.controlHandler()
	if err := s.addGitHub(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close ends held calls without carrying them out, waits for those under way and ends the processes
// that run functions.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.calls.Wait()
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c.Close())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// begin counts a request in, or refuses it because the sandbox is closed.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.calls.Add(1)
	return true
}

// ServeHTTP answers one request. A fault may cut the connection instead.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.serve(w, r) {
		cut(w)
	}
}

// cut ends the connection without an answer. What it sends first is no answer, every client waits for
// the one after it; but where not even a byte came back, Go's client, for one, makes reads again by
// itself, and nobody would see that an answer was lost.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // what net/http has where a connection cannot be taken over; it logs nothing
	}
	_, _ = conn.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	_ = conn.Close()
}

// serve answers one request, or says that the client is to see its connection cut and no answer.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) (dropped bool) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, githubPrefix+"/"), strings.HasPrefix(path, "/_sandbox/github"):
		// Its faults wait for the end of the request, which the end of the sandbox has to be too.
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)()
		s.github.ServeHTTP(w, r.WithContext(ctx))
		return false
	case strings.HasPrefix(path, "/_sandbox/"):
		s.control.ServeHTTP(w, r)
		return false
	case path == tokenPath:
		s.issuer.ServeHTTP(w, r)
		return false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "read request: "+err.Error(), http.StatusRequestEntityTooLarge)
		return false
	}
	reply, dropped := s.counted(r, body)
	if !dropped {
		send(w, r, reply, s.random)
	}
	return dropped
}

// counted answers an AWS call. Close waits for it, but neither for its client to send nor to receive.
func (s *Server) counted(r *http.Request, body []byte) (reply cloud.Reply, dropped bool) {
	if !s.begin() {
		return reply, true
	}
	defer s.calls.Done()
	return s.answer(r, body)
}

func send(w http.ResponseWriter, r *http.Request, reply cloud.Reply, random *random) {
	header := w.Header()
	for name, values := range reply.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	if header.Get("X-Amzn-Requestid") == "" && header.Get("Apigw-Requestid") == "" {
		header.Set("X-Amzn-Requestid", random.UUID())
	}
	if header.Get("Content-Length") == "" && r.Method != http.MethodHead {
		header.Set("Content-Length", strconv.Itoa(len(reply.Body)))
	}
	w.WriteHeader(reply.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(reply.Body) // a client that went away is no fault of ours
	}
}

// random is a seeded source that many calls share.
type random struct {
	mu  sync.Mutex
	rng *rand.ChaCha8
}

func newRandom(seed int64) *random {
	var key [32]byte
	copy(key[:], fmt.Sprintf("sandbox %d", seed))
	return &random{rng: rand.NewChaCha8(key)}
}

// Bytes returns n bytes.
func (r *random) Bytes(n int) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := make([]byte, n)
	_, _ = r.rng.Read(b) // never fails
	return b
}

// UUID returns a random UUID.
func (r *random) UUID() string {
	b := r.Bytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
