// Package github is a GitHub that remembers: the part of its REST and GraphQL API that a release tool
// uses, over repositories whose commits, pull requests, workflow runs and tokens the caller defines.
//
// It answers as GitHub documents and words it, and keeps state as GitHub does: a comment created is
// listed, a deployment that succeeds makes earlier ones inactive, a release makes its tag, and a
// comparison is computed from the commit graph. Tokens have permissions, answers have limits, and
// faults can be set for the n-th matching call. A path that it does not know is a 501 that names it;
// an unknown GraphQL field is an error in GitHub's words.
//
// A [Service] is one http.Handler for the API, for the web addresses that the API's answers point to,
// and for its own controls under /_sandbox/github/ (see control.go).
package github

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options of a [Service]. The zero value is ready for use.
type Options struct {
	// Prefix is the path below which the service is mounted: "/_github". The API is then at
	// Prefix + "/api/v3", "/api/graphql" and "/api/uploads", as on a GitHub Enterprise Server.
	Prefix string

	// URL is the address that answers refer to, Prefix included, without a final slash:
	// "http://127.0.0.1:4566/_github". When it is empty, each answer uses the request's own host.
	URL string

	// RateLimit is how many calls an hour a token has, when the token does not say: 0 is 5,000.
	RateLimit int
}

// A Service is one GitHub. Its methods and its handler may be used by many goroutines.
type Service struct {
	options Options
	routes  []*route

	mu      sync.Mutex
	repos   map[string]*repository // by lower-case "owner/name", former names included
	tokens  map[string]*token      // by value
	logins  map[string]bool        // everybody who was ever mentioned
	faults  []*fault
	calls   []Call
	lastID  int64
	lastReq int64
}

// New returns a GitHub without repositories and tokens.
func New(o Options) *Service {
	if o.RateLimit == 0 {
		o.RateLimit = 5000
	}
	o.Prefix = strings.TrimSuffix(o.Prefix, "/")
	o.URL = strings.TrimSuffix(o.URL, "/")
	s := &Service{
		options: o,
		repos:   map[string]*repository{},
		tokens:  map[string]*token{},
		logins:  map[string]bool{"github-actions[bot]": true, "web-flow": true},
		lastID:  1000,
	}
	s.routes = s.table()
	return s
}

// nextID gives the numbers of comments, releases, deployments and the like: unique, growing.
func (s *Service) nextID() int64 {
	s.lastID++
	return s.lastID
}

// ServeHTTP serves the API, the raw files, and the controls.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if rest, ok := strings.CutPrefix(path, controlPrefix); ok {
		s.control(w, r, rest)
		return
	}
	if s.options.Prefix != "" {
		rest, ok := strings.CutPrefix(path, s.options.Prefix)
		if !ok {
			http.NotFound(w, r)
			return
		}
		path = rest
	}
	switch {
	case strings.HasPrefix(path, "/api/v3/"):
		s.serve(w, r, strings.TrimPrefix(path, "/api/v3"))
	case strings.HasPrefix(path, "/api/uploads/"):
		s.serve(w, r, strings.TrimPrefix(path, "/api"))
	case path == "/api/graphql":
		s.serve(w, r, "/graphql")
	case strings.HasPrefix(path, "/raw/"):
		s.serve(w, r, path)
	default:
		http.NotFound(w, r)
	}
}

// origin is where answers say that this GitHub is.
func (s *Service) origin(r *http.Request) string {
	if s.options.URL != "" {
		return s.options.URL
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + s.options.Prefix
}

// now is a time as GitHub writes it: UTC, whole seconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

func requestID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	h := strings.ToUpper(hex.EncodeToString(b[:]))
	return h[:4] + ":" + h[4:10] + ":" + h[10:17] + ":" + h[17:]
}
