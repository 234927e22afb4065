package github

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The kinds of [Token].
const (
	// Installation is a job's GITHUB_TOKEN or another app's token. It is nobody: GET /user is refused.
	Installation = "installation"
	// Personal is a fine-grained personal access token.
	Personal = "personal"
)

// scopes are the permissions that a token can have, as a workflow names them.
var scopes = []string{"actions", "checks", "contents", "deployments", "issues", "pull-requests", "statuses"}

// A Token is a secret that opens some repositories to some degree.
type Token struct {
	Value string `json:"value"`
	// Login is who writes with it. Empty is "github-actions[bot]" for an [Installation].
	Login string `json:"login,omitempty"`
	Kind  string `json:"kind,omitempty"` // [Installation] when empty
	// Permissions maps a scope as workflows name it (contents, pull-requests, issues, deployments,
	// statuses, checks, actions) to none, read or write. A scope that is absent is none.
	Permissions map[string]string `json:"permissions,omitempty"`
	// Repositories ("owner/name") are what it may see; none is every one.
	Repositories []string `json:"repositories,omitempty"`
	// RateLimit is its calls an hour, for REST and GraphQL each; 0 is the service's.
	RateLimit int `json:"rate_limit,omitempty"`
}

// ReadOnly are the permissions of a job's token on a pull request from a fork.
func ReadOnly() map[string]string { return grant("read") }

// ReadWrite are all permissions.
func ReadWrite() map[string]string { return grant("write") }

func grant(level string) map[string]string {
	m := map[string]string{}
	for _, s := range scopes {
		m[s] = level
	}
	return m
}

// token is a [Token] with its use.
type token struct {
	Token
	core, graphql window
}

// AddToken makes a token valid, or replaces the one of the same value.
func (s *Service) AddToken(t Token) error {
	t.Kind = cmp.Or(t.Kind, Installation)
	if t.Kind == Installation {
		t.Login = cmp.Or(t.Login, "github-actions[bot]")
	}
	switch {
	case t.Value == "" || strings.ContainsAny(t.Value, " \t\r\n"):
		return fmt.Errorf("add token: a value is not empty and holds no blanks")
	case t.Kind != Installation && t.Kind != Personal:
		return fmt.Errorf("add token of %q: kind %q is none of %s, %s", t.Login, t.Kind, Installation, Personal)
	case t.Login == "":
		return fmt.Errorf("add token: a %s token has a login", t.Kind)
	}
	for _, scope := range slices.Sorted(maps.Keys(t.Permissions)) {
		if !slices.Contains(scopes, scope) {
			return fmt.Errorf("add token of %s: %q is none of %s", t.Login, scope, strings.Join(scopes, ", "))
		}
		if level := t.Permissions[scope]; level != "none" && level != "read" && level != "write" {
			return fmt.Errorf("add token of %s: %s is %q, not none, read or write", t.Login, scope, level)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := cmp.Or(t.RateLimit, s.options.RateLimit)
	s.tokens[t.Value] = &token{Token: t, core: window{Limit: limit}, graphql: window{Limit: limit}}
	s.logins[t.Login] = true
	return nil
}

// RemoveToken makes a token unknown, as when its job has ended.
func (s *Service) RemoveToken(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, value)
}

// authenticate finds the token of a request. The refusal is nil when there is one.
func (s *Service) authenticate(r *http.Request) (*token, *reply) {
	header := r.Header.Get("Authorization")
	scheme, value, _ := strings.Cut(header, " ")
	switch strings.ToLower(scheme) {
	case "":
		return nil, refuse(http.StatusUnauthorized, "Requires authentication")
	case "basic":
		plain, _ := base64.StdEncoding.DecodeString(value)
		_, value, _ = strings.Cut(string(plain), ":")
	case "bearer", "token":
	default:
		value = ""
	}
	if t := s.tokens[strings.TrimSpace(value)]; t != nil {
		return t, nil
	}
	return nil, refuse(http.StatusUnauthorized, "Bad credentials")
}

// sees tells whether the token may know that the repository exists.
func (t *token) sees(r *repository) bool {
	if r.Public || len(t.Repositories) == 0 {
		return true
	}
	return slices.ContainsFunc(t.Repositories, func(n string) bool { return strings.EqualFold(n, r.fullName()) })
}

// belongs tells whether the repository is one of the token's own, not merely public.
func (t *token) belongs(r *repository) bool {
	return len(t.Repositories) == 0 ||
		slices.ContainsFunc(t.Repositories, func(n string) bool { return strings.EqualFold(n, r.fullName()) })
}

// may judges a need in the notation of X-Accepted-GitHub-Permissions: "issues=write; pull_requests=write"
// is either, "contents=read,issues=read" is both, "" is nothing.
func (t *token) may(need string, r *repository) bool {
	if need == "" {
		return true
	}
	for either := range strings.SplitSeq(need, ";") {
		all := true
		for one := range strings.SplitSeq(either, ",") {
			scope, level, _ := strings.Cut(strings.TrimSpace(one), "=")
			all = all && t.has(strings.ReplaceAll(scope, "_", "-"), level, r)
		}
		if all {
			return true
		}
	}
	return false
}

func (t *token) has(scope, level string, r *repository) bool {
	if scope == "metadata" { // every token that sees a repository has it
		return true
	}
	if level == "read" && r != nil && r.Public {
		return true
	}
	if r != nil && !t.belongs(r) {
		return false
	}
	have := t.Permissions[scope]
	return have == "write" || have == level
}

// forbidden is the refusal for a missing permission.
func (t *token) forbidden() *reply {
	if t.Kind == Personal {
		return refuse(http.StatusForbidden, "Resource not accessible by personal access token")
	}
	return refuse(http.StatusForbidden, "Resource not accessible by integration")
}

// A window counts the calls of one hour against a limit.
type window struct {
	Limit, Used int
	Reset       time.Time
}

// roll begins a new hour when the old one is over.
func (w *window) roll() {
	if t := time.Now(); !t.Before(w.Reset) {
		w.Used, w.Reset = 0, t.Add(time.Hour).UTC().Truncate(time.Second)
	}
}

func (w *window) remaining() int { return max(0, w.Limit-w.Used) }

// SetRemaining says how many REST and GraphQL calls the token has left, and when its hour ends.
func (s *Service) SetRemaining(value string, remaining int, reset time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[value]
	if t == nil {
		return fmt.Errorf("set remaining calls: no such token")
	}
	for _, w := range []*window{&t.core, &t.graphql} {
		w.Limit, w.Reset = max(w.Limit, remaining), reset.UTC().Truncate(time.Second)
		w.Used = w.Limit - remaining
	}
	return nil
}
