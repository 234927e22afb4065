package github_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

const commentsPath = "/repos/{owner}/{repo}/issues/{issue_number}/comments"

func TestFaults(t *testing.T) {
	post := func(gh *api.Client) error {
		_, _, err := gh.Issues.CreateComment(ctx, "acme", "shop", 12, &api.IssueComment{Body: api.String("x")})
		return err
	}
	count := func(t *testing.T, base string) int {
		list, _, err := client(t, base, jobToken).Issues.ListComments(ctx, "acme", "shop", 12, nil)
		must(t, err)
		return len(list)
	}
	setup := func(t *testing.T, f github.Fault) (*github.Service, string, *api.Client) {
		hub, base := newHub(t)
		f.Path = commentsPath
		if f.Method == "" {
			f.Method = "POST"
		}
		_, err := hub.AddFault(f)
		must(t, err)
		return hub, base, client(t, base, jobToken)
	}
	t.Run("the n-th call and the ones counted fail, before the effect", func(t *testing.T) {
		hub, base, gh := setup(t, github.Fault{Kind: github.FaultStatus, Status: 502, Nth: 2, Count: 2})
		must(t, post(gh))
		for range 2 {
			equal(t, "status", failure(t, post(gh)).Response.StatusCode, 502)
		}
		must(t, post(gh))
		equal(t, "comments", count(t, base), 2)
		var seen []string
		for _, c := range hub.Calls() {
			seen = append(seen, fmt.Sprint(c.Operation, c.Status, c.Fault))
		}
		equal(t, "log", strings.Join(seen[:4], " "), "issues/create-comment201 issues/create-comment502status issues/create-comment502status issues/create-comment201")
	})
	t.Run("a failure after the effect leaves the effect", func(t *testing.T) {
		_, base, gh := setup(t, github.Fault{Kind: github.FaultStatus, Status: 500, After: true})
		equal(t, "status", failure(t, post(gh)).Response.StatusCode, 500)
		equal(t, "comments", count(t, base), 1)
	})
	t.Run("a validation lists its errors", func(t *testing.T) {
		_, _, gh := setup(t, github.Fault{Kind: github.FaultValidation, Errors: []github.FaultDetail{{Resource: "Issue", Field: "body", Code: "custom", Message: "no"}}})
		e := failure(t, post(gh))
		equal(t, "error", fmt.Sprint(e.Response.StatusCode, e.Errors[0].Field, e.Errors[0].Message), "422bodyno")
	})
	t.Run("a primary limit is known to go-github", func(t *testing.T) {
		_, _, gh := setup(t, github.Fault{Kind: github.FaultPrimaryLimit, RetryAfter: 600})
		var e *api.RateLimitError
		if err := post(gh); !errors.As(err, &e) {
			t.Fatal(err)
		}
		if wait := time.Until(e.Rate.Reset.Time); wait < 9*time.Minute || wait > 11*time.Minute {
			t.Errorf("reset in %v", wait)
		}
	})
	t.Run("a secondary limit is known to go-github", func(t *testing.T) {
		_, _, gh := setup(t, github.Fault{Kind: github.FaultSecondaryLimit, RetryAfter: 7})
		var e *api.AbuseRateLimitError
		if err := post(gh); !errors.As(err, &e) {
			t.Fatal(err)
		}
		equal(t, "retry after", *e.RetryAfter, 7*time.Second)
	})
	t.Run("a limit can be a 429", func(t *testing.T) {
		_, base, _ := setup(t, github.Fault{Kind: github.FaultSecondaryLimit, Status: 429, RetryAfter: 3})
		r := call(t, "POST", base+"/_github/api/v3/repos/acme/shop/issues/12/comments", jobToken, `{"body":"x"}`)
		equal(t, "answer", fmt.Sprintf("%d %s", r.status, r.header.Get("Retry-After")), "429 3")
	})
	t.Run("a reset connection is seen as such, with or without the effect", func(t *testing.T) {
		for _, after := range []bool{false, true} {
			_, base, gh := setup(t, github.Fault{Kind: github.FaultReset, After: after})
			if err := post(gh); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("after %v: %v", after, err)
			}
			equal(t, "comments", count(t, base), map[bool]int{true: 1}[after])
		}
	})
	t.Run("a timeout lasts as long as the client", func(t *testing.T) {
		_, base, gh := setup(t, github.Fault{Kind: github.FaultTimeout})
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		_, _, err := gh.Issues.CreateComment(short, "acme", "shop", 12, &api.IssueComment{Body: api.String("x")})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		equal(t, "comments", count(t, base), 0)
	})
	t.Run("a delay ends well", func(t *testing.T) {
		for _, after := range []bool{false, true} {
			_, _, gh := setup(t, github.Fault{Kind: github.FaultDelay, Delay: github.Duration(30 * time.Millisecond), After: after})
			began := time.Now()
			must(t, post(gh))
			if took := time.Since(began); took < 30*time.Millisecond {
				t.Errorf("took %v", took)
			}
		}
	})
	t.Run("a redirect to another host takes the call there, with its path", func(t *testing.T) {
		var asked string
		other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.Method + " " + r.URL.String() }))
		t.Cleanup(other.Close)
		_, _, gh := setup(t, github.Fault{Kind: github.FaultRedirect, Method: "GET", Status: 301, Location: other.URL + "/elsewhere{path}"})
		_, _, _ = gh.Issues.ListComments(ctx, "acme", "shop", 12, &api.IssueListCommentsOptions{ListOptions: api.ListOptions{Page: 2}})
		equal(t, "asked", asked, "GET /elsewhere/repos/acme/shop/issues/12/comments?page=2")
	})
	t.Run("a token and a text choose the call", func(t *testing.T) {
		hub, base := newHub(t)
		_, err := hub.AddFault(github.Fault{Kind: github.FaultStatus, Status: 503, Path: "/graphql", Contains: "viewer", Login: "ada", Count: -1})
		must(t, err)
		ask := func(token, q string) int {
			return call(t, "POST", base+"/_github/api/graphql", token, `{"query":"`+q+`"}`).status
		}
		equal(t, "another's", ask(jobToken, "{viewer{login}}"), 200)
		equal(t, "another text", ask(personToken, "{rateLimit{cost}}"), 200)
		equal(t, "this one", ask(personToken, "{viewer{login}}"), 503)
		equal(t, "and for ever", ask(personToken, "{viewer{login}}"), 503)
		hub.ClearFaults()
		equal(t, "cleared", ask(personToken, "{viewer{login}}"), 200)
	})
}

func TestFaultsAreChecked(t *testing.T) {
	for name, f := range map[string]github.Fault{
		"kind": {Kind: "explode"}, "status of a status": {Kind: github.FaultStatus}, "status of a limit": {Kind: github.FaultPrimaryLimit, Status: 500},
		"status of a reset": {Kind: github.FaultReset, Status: 500}, "path": {Kind: github.FaultReset, Path: "repos"}, "nth": {Kind: github.FaultReset, Nth: -1},
		"count": {Kind: github.FaultReset, Count: -2}, "redirect without place": {Kind: github.FaultRedirect}, "place without redirect": {Kind: github.FaultReset, Location: "/"},
		"delay without time": {Kind: github.FaultDelay}, "validation without errors": {Kind: github.FaultValidation}, "errors elsewhere": {Kind: github.FaultReset, Errors: make([]github.FaultDetail, 1)},
		"retry of a reset": {Kind: github.FaultReset, RetryAfter: 1}, "late redirect": {Kind: github.FaultRedirect, Location: "/", After: true},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := github.New(github.Options{}).AddFault(f); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestPrimaryLimit(t *testing.T) {
	hub, base := newHub(t)
	repo := base + "/_github/api/v3/repos/acme/shop"
	reset := time.Now().Add(20 * time.Minute)
	must(t, hub.SetRemaining(jobToken, 2, reset))
	left := func(r response) string { return r.header.Get("X-RateLimit-Remaining") }

	first := call(t, "GET", repo, jobToken, "")
	equal(t, "first", left(first), "1")
	equal(t, "reset", first.header.Get("X-RateLimit-Reset"), fmt.Sprint(reset.Unix()))
	t.Run("an answer that has not changed costs nothing", func(t *testing.T) {
		same := call(t, "GET", repo, jobToken, "", "If-None-Match", first.header.Get("ETag"))
		equal(t, "answer", fmt.Sprintf("%d %d %s", same.status, len(same.body), left(same)), "304 0 1")
	})
	t.Run("another ETag is answered in full", func(t *testing.T) {
		equal(t, "status", call(t, "GET", repo, jobToken, "", "If-None-Match", `W/"other"`).status, 200)
	})
	t.Run("at zero calls are refused", func(t *testing.T) {
		r := call(t, "GET", repo, jobToken, "")
		equal(t, "answer", fmt.Sprintf("%d %s", r.status, left(r)), "403 0")
		if m, _ := dig(r.object(t), "message").(string); !strings.HasPrefix(m, "API rate limit exceeded for installation ID") {
			t.Error(m)
		}
		var e *api.RateLimitError
		if _, _, err := client(t, base, jobToken).Repositories.Get(ctx, "acme", "shop"); !errors.As(err, &e) {
			t.Error(err)
		}
	})
	t.Run("the limits can be asked for, and others are not touched", func(t *testing.T) {
		limits, _, err := client(t, base, jobToken).RateLimit.Get(ctx)
		must(t, err)
		equal(t, "remaining", limits.Core.Remaining, 0)
		equal(t, "another token", call(t, "GET", repo, personToken, "").status, 200)
	})
	t.Run("GraphQL has a limit of its own, told in the body", func(t *testing.T) {
		must(t, hub.SetRemaining(jobToken, 1, reset))
		equal(t, "one", dig(query(t, base, jobToken, "{viewer{login}}", nil), "data", "viewer", "login"), any("github-actions[bot]"))
		equal(t, "two", dig(query(t, base, jobToken, "{viewer{login}}", nil), "errors", 0, "type"), any("RATE_LIMITED"))
	})
	t.Run("a new hour begins at the reset", func(t *testing.T) {
		must(t, hub.SetRemaining(jobToken, 0, time.Now().Add(-time.Second)))
		equal(t, "status", call(t, "GET", repo, jobToken, "").status, 200)
	})
}
