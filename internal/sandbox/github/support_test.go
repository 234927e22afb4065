package github_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

const (
	jobToken    = "ghs_job"
	forkToken   = "ghs_fork"
	personToken = "github_pat_person"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func sha(name string) string { return github.SHA(name) }

func text(s string) *string { return &s }

// shop is a repository with a line of commits c1 to c6, pull requests of every kind, and a side branch:
//
//	c1 -- c2 -- c3 -- m4 -- c5 -- c6   main (v1.0.0 at c2)
//	        \     /
//	         t1--t2                    topic (pull request 12, merged as m4)
//	          \
//	           u1                      open (pull request 15)
func shop() github.Repository {
	at := func(hours int) time.Time { return start.Add(time.Duration(hours) * time.Hour) }
	commit := func(name, author string, hours int, files []github.File, parents ...string) github.Commit {
		c := github.Commit{SHA: sha(name), Message: name + ": a change\n\nwith a body", Author: author, Date: at(hours), Files: files}
		for _, p := range parents {
			c.Parents = append(c.Parents, sha(p))
		}
		return c
	}
	return github.Repository{
		Owner: "acme", Name: "shop", ID: 77, Description: "a shop", FormerNames: []string{"acme/store"},
		Commits: []github.Commit{
			commit("c1", "ada", 0, []github.File{
				{Path: "README.md", Status: "added", Additions: 3, Content: text("# shop\n")},
				{Path: ".github/workflows/promote.yml", Status: "added", Additions: 9, Content: text("name: promote\n")}}),
			commit("c2", "ada", 1, []github.File{{Path: "checkout/main.go", Status: "added", Additions: 10}}, "c1"),
			commit("t1", "bob", 2, []github.File{{Path: "payments/main.go", Status: "added", Additions: 5, Content: text("package main\n")}}, "c2"),
			commit("u1", "eve", 3, []github.File{{Path: "u.txt", Status: "added", Additions: 1}}, "t1"),
			commit("t2", "bob", 4, []github.File{{Path: "payments/main.go", Additions: 2, Deletions: 1, Patch: "@@ -1 +1,2 @@"}}, "t1"),
			commit("c3", "dependabot[bot]", 5, []github.File{{Path: "go.mod", Status: "added", Additions: 1}}, "c2"),
			commit("m4", "ada", 6, nil, "c3", "t2"),
			commit("c5", "-", 7, []github.File{{Path: "README.md", Additions: 1, Content: text("# shop 2\n")}}, "m4"),
			commit("c6", "eve", 8, []github.File{{Path: "READ.md", Previous: "README.md", Status: "renamed", Content: text("# shop 2\n")}}, "c5"),
		},
		Branches: map[string]string{"main": sha("c6"), "topic": sha("t2"), "open/one": sha("u1")},
		Tags: []github.Tag{
			{Name: "v1.0.0", SHA: sha("c2"), Message: "the first", Tagger: "ada", Date: at(1)},
			{Name: "nightly", SHA: sha("m4")},
		},
		Issues: []github.Issue{
			{Number: 3, Title: "payments are missing", Author: "eve", Closed: true, CreatedAt: at(0), Labels: []github.Label{{Name: "bug", Color: "d73a4a"}}},
			{Number: 4, Title: "still open", Author: "bob", CreatedAt: at(1)},
		},
		Pulls: []github.PullRequest{
			{Number: 11, Title: "Bump the library", Author: "dependabot[bot]", Head: "dependabot/go", HeadSHA: sha("c3"), Merged: true,
				MergeCommit: sha("c3"), MergedBy: "ada", Commits: []string{sha("c3")}, Labels: []github.Label{{Name: "dependencies"}}},
			{Number: 12, Title: "Add payments", Body: "Closes #3", Author: "bob", Head: "topic", HeadSHA: sha("t2"), Merged: true,
				MergeCommit: sha("m4"), MergedBy: "ada", Closes: []int{3}, Labels: []github.Label{{Name: "feature", Color: "00ff00", Description: "new"}}},
			{Number: 13, Title: "Rename the page", Author: "eve", Head: "rename", HeadOwner: "eve", HeadSHA: sha("c6"), Merged: true,
				MergeCommit: sha("c6"), Commits: []string{sha("c6")}},
			{Number: 14, Title: "Given up", Author: "eve", Head: "gone", HeadSHA: sha("t1"), Closed: true, CreatedAt: at(3)},
			{Number: 15, Title: "In work", Author: "eve", Head: "open/one", Commits: []string{sha("t1"), sha("u1")}, Draft: true, CreatedAt: at(4)},
		},
		Runs: []github.Run{{
			ID: 9001, SHA: sha("c6"), Actor: "eve", Attempt: 2, StartedAt: at(8), Jobs: []github.Job{
				{Name: "deploy", Attempt: 1, Status: "completed", Conclusion: "failure", Steps: []github.Step{{Name: "promote", Conclusion: "failure"}}},
				{Name: "deploy", Status: "in_progress", RunnerName: "GitHub Actions 2"},
			}}},
	}
}

// newHub is a GitHub on loopback with the shop and three tokens.
func newHub(t testing.TB) (*github.Service, string) {
	t.Helper()
	hub := github.New(github.Options{Prefix: "/_github"})
	server := httptest.NewServer(hub)
	t.Cleanup(server.Close)
	must(t, hub.AddRepository(shop()))
	must(t, hub.AddToken(github.Token{Value: jobToken, Permissions: github.ReadWrite(), Repositories: []string{"acme/shop"}}))
	must(t, hub.AddToken(github.Token{Value: forkToken, Permissions: github.ReadOnly(), Repositories: []string{"acme/shop"}}))
	must(t, hub.AddToken(github.Token{Value: personToken, Login: "ada", Kind: github.Personal, Permissions: github.ReadWrite()}))
	return hub, server.URL
}

// client is go-github as a GitHub Enterprise user sets it up.
func client(t testing.TB, base, token string) *api.Client {
	t.Helper()
	c, err := api.NewClient(nil).WithAuthToken(token).WithEnterpriseURLs(base+"/_github", base+"/_github")
	must(t, err)
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// response is an answer read to its end.
type response struct {
	status int
	header http.Header
	body   []byte
}

func (r response) object(t testing.TB) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(r.body, &o); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	return o
}

// call sends one plain request; header holds pairs.
func call(t testing.TB, method, address, token, body string, header ...string) response {
	t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	must(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	noRedirect := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := noRedirect.Do(req)
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	out, err := io.ReadAll(res.Body)
	must(t, err)
	return response{res.StatusCode, res.Header, out}
}

func query(t testing.TB, base, token, q string, variables map[string]any) map[string]any {
	t.Helper()
	var body bytes.Buffer
	must(t, json.NewEncoder(&body).Encode(map[string]any{"query": q, "variables": variables}))
	r := call(t, "POST", base+"/_github/api/graphql", token, body.String())
	equal(t, "status", r.status, 200)
	return r.object(t)
}

// dig follows keys and indexes into a JSON value.
func dig(v any, path ...any) any {
	for _, p := range path {
		switch k := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}
