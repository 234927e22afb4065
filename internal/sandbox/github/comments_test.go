package github_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

var ctx = context.Background()

// failure is the error of a call as go-github sees it.
func failure(t testing.TB, err error) *api.ErrorResponse {
	t.Helper()
	var e *api.ErrorResponse
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error response", err)
	}
	return e
}

func TestComments(t *testing.T) {
	_, base := newHub(t)
	job, ada := client(t, base, jobToken), client(t, base, personToken)
	first, _, err := job.Issues.CreateComment(ctx, "acme", "shop", 12, &api.IssueComment{Body: api.String("one")})
	must(t, err)
	second, _, err := ada.Issues.CreateComment(ctx, "acme", "shop", 12, &api.IssueComment{Body: api.String("two")})
	must(t, err)

	t.Run("belong to the token that made them", func(t *testing.T) {
		equal(t, "login", first.User.GetLogin(), "github-actions[bot]")
		equal(t, "type", first.User.GetType(), "Bot")
		equal(t, "login", second.User.GetLogin(), "ada")
		equal(t, "type", second.User.GetType(), "User")
		if !strings.HasSuffix(first.GetHTMLURL(), fmt.Sprintf("/acme/shop/pull/12#issuecomment-%d", first.GetID())) {
			t.Error(first.GetHTMLURL())
		}
	})
	t.Run("keep their author when another edits them", func(t *testing.T) {
		edited, _, err := job.Issues.EditComment(ctx, "acme", "shop", second.GetID(), &api.IssueComment{Body: api.String("two, edited")})
		must(t, err)
		equal(t, "body", edited.GetBody(), "two, edited")
		equal(t, "login", edited.User.GetLogin(), "ada")
	})
	t.Run("are listed to the last page, for their issue alone", func(t *testing.T) {
		for i := range 203 {
			_, _, err := job.Issues.CreateComment(ctx, "acme", "shop", 4, &api.IssueComment{Body: api.String(fmt.Sprint("n", i))})
			must(t, err)
		}
		var bodies []string
		opts := &api.IssueListCommentsOptions{ListOptions: api.ListOptions{PerPage: 100}}
		for {
			page, res, err := job.Issues.ListComments(ctx, "acme", "shop", 4, opts)
			must(t, err)
			for _, c := range page {
				bodies = append(bodies, c.GetBody())
			}
			if res.NextPage == 0 {
				break
			}
			opts.Page = res.NextPage
		}
		equal(t, "comments", len(bodies), 203)
		equal(t, "last", bodies[202], "n202")
	})
	t.Run("are gone when deleted", func(t *testing.T) {
		_, err := job.Issues.DeleteComment(ctx, "acme", "shop", first.GetID())
		must(t, err)
		_, res, _ := job.Issues.EditComment(ctx, "acme", "shop", first.GetID(), &api.IssueComment{Body: api.String("x")})
		equal(t, "status", res.StatusCode, 404)
		left, _, err := job.Issues.ListComments(ctx, "acme", "shop", 12, nil)
		must(t, err)
		equal(t, "left", len(left), 1)
	})
}

func TestCommentLimits(t *testing.T) {
	_, base := newHub(t)
	job := client(t, base, jobToken)
	for _, c := range []struct {
		name, body, message string
	}{
		{"65,536 characters are taken", strings.Repeat("x", 65536), ""},
		{"65,536 wide characters are taken", strings.Repeat("ü", 65536), ""},
		{"one more is refused", strings.Repeat("x", 65537), "Body is too long (maximum is 65536 characters)"},
		{"blanks are refused", " \n", "Body cannot be blank"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := job.Issues.CreateComment(ctx, "acme", "shop", 12, &api.IssueComment{Body: &c.body})
			if c.message == "" {
				must(t, err)
				return
			}
			e := failure(t, err)
			equal(t, "status", e.Response.StatusCode, 422)
			equal(t, "message", e.Message, "Validation Failed")
			equal(t, "detail", e.Errors[0].Message, c.message)
			equal(t, "code", e.Errors[0].Code, "unprocessable")
		})
	}
	t.Run("no body is named", func(t *testing.T) {
		r := call(t, "POST", base+"/_github/api/v3/repos/acme/shop/issues/12/comments", jobToken, `{}`)
		equal(t, "message", dig(r.object(t), "message"), any("Invalid request.\n\n\"body\" wasn't supplied."))
	})
	t.Run("no JSON is 400", func(t *testing.T) {
		r := call(t, "POST", base+"/_github/api/v3/repos/acme/shop/issues/12/comments", jobToken, `{"body":`)
		equal(t, "status", r.status, 400)
		equal(t, "message", dig(r.object(t), "message"), any("Problems parsing JSON"))
	})
}

func TestTokens(t *testing.T) {
	hub, base := newHub(t)
	must(t, hub.AddToken(github.Token{Value: "pulls-only", Permissions: map[string]string{"pull-requests": "write"}}))
	must(t, hub.AddToken(github.Token{Value: "nothing"}))
	must(t, hub.AddToken(github.Token{Value: "elsewhere", Permissions: github.ReadWrite(), Repositories: []string{"acme/other"}}))
	must(t, hub.AddToken(github.Token{Value: "fine", Login: "bob", Kind: github.Personal}))
	must(t, hub.AddRepository(github.Repository{Owner: "acme", Name: "open", Public: true, Issues: []github.Issue{{Number: 1, Title: "x"}}}))
	shop, open := "/_github/api/v3/repos/acme/shop", "/_github/api/v3/repos/acme/open"
	const integration = "Resource not accessible by integration"
	for _, c := range []struct {
		name, token, method, path string
		status                    int
		message, accepted         string
	}{
		{"no token", "", "GET", shop, 401, "Requires authentication", ""},
		{"an unknown token", "wrong", "GET", shop, 401, "Bad credentials", ""},
		{"a fork's token reads", forkToken, "GET", shop + "/issues/12/comments", 200, "", "issues=read; pull_requests=read"},
		{"a fork's token cannot comment", forkToken, "POST", shop + "/issues/12/comments", 403, integration, "issues=write; pull_requests=write"},
		{"a fork's token cannot deploy", forkToken, "POST", shop + "/deployments", 403, integration, "deployments=write"},
		{"a fork's token cannot release", forkToken, "POST", shop + "/releases", 403, integration, "contents=write"},
		{"a fork's token cannot set a status", forkToken, "POST", shop + "/statuses/" + sha("c6"), 403, integration, "statuses=write"},
		{"a token of nothing cannot read a private repository", "nothing", "GET", shop + "/commits", 403, integration, "contents=read"},
		{"metadata is for every token", "nothing", "GET", shop, 200, "", "metadata=read"},
		{"a public repository can be read", "nothing", "GET", open + "/issues/1/comments", 200, "", "issues=read; pull_requests=read"},
		{"a public repository cannot be written", "nothing", "POST", open + "/issues/1/comments", 403, integration, "issues=write; pull_requests=write"},
		{"another repository's token finds nothing", "elsewhere", "GET", shop, 404, "Not Found", "metadata=read"},
		{"another repository's token cannot write to a public one", "elsewhere", "POST", open + "/issues/1/comments", 403, integration, "issues=write; pull_requests=write"},
		{"pull requests alone do not open issues", "pulls-only", "POST", shop + "/issues/4/comments", 403, integration, "issues=write; pull_requests=write"},
		{"a person's token is told so", "fine", "POST", shop + "/issues/12/comments", 403, "Resource not accessible by personal access token", "issues=write; pull_requests=write"},
		{"a job's token is nobody", jobToken, "GET", "/_github/api/v3/user", 403, integration, ""},
		{"a person's token is somebody", personToken, "GET", "/_github/api/v3/user", 200, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := call(t, c.method, base+c.path, c.token, `{}`)
			equal(t, "status", r.status, c.status)
			equal(t, "accepted", r.header.Get("X-Accepted-GitHub-Permissions"), c.accepted)
			if c.message != "" {
				equal(t, "message", dig(r.object(t), "message"), any(c.message))
			}
		})
	}
	t.Run("pull requests alone open pull requests", func(t *testing.T) {
		_, _, err := client(t, base, "pulls-only").Issues.CreateComment(ctx, "acme", "shop", 12, &api.IssueComment{Body: api.String("x")})
		must(t, err)
	})
	t.Run("a client without a name is refused", func(t *testing.T) {
		equal(t, "status", call(t, "GET", base+shop, jobToken, "", "User-Agent", "").status, 403)
	})
	t.Run("the addresses of a job's environment work as they are", func(t *testing.T) {
		gh, err := api.NewClient(nil).WithAuthToken(jobToken).WithEnterpriseURLs(base+"/_github/api/v3", base+"/_github/api/uploads")
		must(t, err)
		_, _, err = gh.Repositories.Get(ctx, "acme", "shop")
		must(t, err)
	})
	t.Run("a removed token is bad", func(t *testing.T) {
		hub.RemoveToken("fine")
		equal(t, "status", call(t, "GET", base+shop, "fine", "").status, 401)
	})
	for name, bad := range map[string]github.Token{
		"an unknown scope": {Value: "x", Permissions: map[string]string{"pull_requests": "read"}}, "an unknown level": {Value: "x", Permissions: map[string]string{"contents": "admin"}},
		"an unknown kind": {Value: "x", Kind: "robot"}, "a person without a login": {Value: "x", Kind: github.Personal}, "no value": {},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			if hub.AddToken(bad) == nil {
				t.Error("accepted")
			}
		})
	}
}
