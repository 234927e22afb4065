package github_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

func TestControls(t *testing.T) {
	server := httptest.NewServer(github.New(github.Options{}))
	t.Cleanup(server.Close)
	control := func(t *testing.T, method, path, body string) response {
		t.Helper()
		return call(t, method, server.URL+"/_sandbox/github"+path, "", body)
	}
	created := func(method, path, body string) map[string]any {
		t.Helper()
		r := control(t, method, path, body)
		if r.status >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
		}
		return r.object(t)
	}
	created("POST", "/repositories", `{"owner":"o","name":"r","commits":[{"sha":"`+sha("a")+`","message":"one","author":"ada","branch":"main"}]}`)
	made, _ := created("POST", "/repositories/o/r/commits", `{"message":"two","branch":"main","files":[{"path":"a.txt","status":"added"}]}`)["sha"].(string)
	created("POST", "/repositories/o/r/refs", `{"ref":"refs/heads/side","sha":"`+made+`"}`)
	created("POST", "/repositories/o/r/tags", `{"name":"v1","sha":"`+made+`"}`)
	created("POST", "/repositories/o/r/issues", `{"number":1,"title":"an issue"}`)
	created("POST", "/repositories/o/r/pulls", `{"number":2,"title":"a change","head":"side","merged":true,"merge_commit":"`+made+`","commits":["`+made+`"],"closes":[1]}`)
	created("POST", "/repositories/o/r/runs", `{"id":5,"sha":"`+made+`","jobs":[{"name":"deploy"}]}`)
	created("POST", "/tokens", `{"value":"tok","permissions":{"contents":"read","pull-requests":"read","actions":"read"}}`)
	created("POST", "/faults", `{"kind":"status","status":500,"path":"/repos/{owner}/{repo}/compare/{basehead...}"}`)

	gh, err := api.NewClient(nil).WithAuthToken("tok").WithEnterpriseURLs(server.URL, server.URL)
	must(t, err)
	t.Run("define what the API answers", func(t *testing.T) {
		_, _, err := gh.Repositories.CompareCommits(ctx, "o", "r", sha("a"), "v1", nil)
		equal(t, "the fault", failure(t, err).Response.StatusCode, 500)
		got, _, err := gh.Repositories.CompareCommits(ctx, "o", "r", sha("a"), "v1", nil)
		must(t, err)
		equal(t, "status", got.GetStatus(), "ahead")
		pulls, _, err := gh.PullRequests.ListPullRequestsWithCommit(ctx, "o", "r", made, nil)
		must(t, err)
		equal(t, "pull request", pulls[0].GetNumber(), 2)
	})
	t.Run("list calls, without secrets, and faults", func(t *testing.T) {
		log := string(control(t, "GET", "/calls", "").body)
		if strings.Contains(log, "tok\"") || strings.Count(log, `"operation":"repos/compare-commits-with-basehead"`) != 2 {
			t.Error(log)
		}
		if faults := string(control(t, "GET", "/faults", "").body); !strings.Contains(faults, `"status":500`) {
			t.Error(faults)
		}
		created("DELETE", "/faults", "")
		created("DELETE", "/calls", "")
		equal(t, "left", string(control(t, "GET", "/calls", "").body)+string(control(t, "GET", "/faults", "").body), "[]\n[]\n")
	})
	t.Run("set the calls that are left, and end a token", func(t *testing.T) {
		created("POST", "/limits", `{"value":"tok","remaining":0,"reset_in":"90s"}`)
		_, res, _ := gh.Repositories.Get(ctx, "o", "r")
		equal(t, "status", res.StatusCode, 403)
		created("DELETE", "/tokens", `{"value":"tok"}`)
		equal(t, "status", call(t, "GET", server.URL+"/api/v3/repos/o/r", "tok", "").status, 401)
	})
	for _, c := range []struct{ name, method, path, body, says string }{
		{"an unknown member", "POST", "/faults", `{"kind":"reset","nht":2}`, `unknown field "nht"`},
		{"everything wrong with a fault", "POST", "/faults", `{"kind":"x","path":"y"}`, `does not begin with /`},
		{"no JSON", "POST", "/tokens", `{`, "read JSON"},
		{"two values", "POST", "/tokens", `{"value":"a"}{}`, "something follows"},
		{"a taken name", "POST", "/repositories", `{"owner":"O","name":"R"}`, "is taken"},
		{"an unknown parent", "POST", "/repositories/o/r/commits", `{"message":"x","parents":["` + sha("z") + `"]}`, "unknown parent"},
		{"a short sha", "POST", "/repositories/o/r/commits", `{"message":"x","sha":"abc"}`, "40 lower-case hexadecimal digits"},
		{"a ref to nothing", "POST", "/repositories/o/r/refs", `{"ref":"refs/heads/x","sha":"` + sha("z") + `"}`, "no commit"},
		{"a ref of another kind", "POST", "/repositories/o/r/refs", `{"ref":"refs/notes/x","sha":"` + made + `"}`, "refs/heads/"},
		{"a merge without a commit", "POST", "/repositories/o/r/pulls", `{"number":9,"title":"x","head":"side","merged":true}`, "merge commit"},
		{"an issue that is not there", "POST", "/repositories/o/r/pulls", `{"number":9,"title":"x","head":"side","closes":[7]}`, "does not exist"},
		{"a number that is taken", "POST", "/repositories/o/r/issues", `{"number":2,"title":"x"}`, "not that of a pull request"},
		{"a run without a commit", "POST", "/repositories/o/r/runs", `{"id":6,"sha":"x"}`, "known commit"},
		{"an unknown repository", "POST", "/repositories/o/other/issues", `{"number":2,"title":"x"}`, "no repository"},
	} {
		t.Run("refuse "+c.name, func(t *testing.T) {
			r := control(t, c.method, c.path, c.body)
			equal(t, "status", r.status, 400)
			if !strings.Contains(string(r.body), strings.ReplaceAll(c.says, `"`, `\"`)) {
				t.Error(string(r.body))
			}
		})
	}
	t.Run("do not know other paths", func(t *testing.T) {
		equal(t, "status", control(t, "GET", "/nothing", "").status, 404)
		equal(t, "status", control(t, "POST", "/repositories/o/r", "").status, 404)
	})
}

// Releases have no conditional write: of two writers the later one wins, and both see its text afterwards.
func TestConcurrentCalls(t *testing.T) {
	hub, base := newHub(t)
	gh := client(t, base, jobToken)
	r, _, err := gh.Repositories.CreateRelease(ctx, "acme", "shop", &api.RepositoryRelease{TagName: api.String("v1.0.0")})
	must(t, err)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			_, _, err := gh.Repositories.EditRelease(ctx, "acme", "shop", r.GetID(), &api.RepositoryRelease{Body: api.String(fmt.Sprint("writer ", i))})
			if err != nil {
				t.Error(err)
			}
			_, _, err = gh.Issues.CreateComment(ctx, "acme", "shop", 12, &api.IssueComment{Body: api.String("x")})
			if err != nil {
				t.Error(err)
			}
			_ = hub.Calls()
		})
	}
	group.Wait()
	end, _, err := gh.Repositories.GetRelease(ctx, "acme", "shop", r.GetID())
	must(t, err)
	if !strings.HasPrefix(end.GetBody(), "writer ") {
		t.Error(end.GetBody())
	}
	list, _, err := gh.Issues.ListComments(ctx, "acme", "shop", 12, nil)
	must(t, err)
	equal(t, "comments", len(list), 8)
	seen := map[int64]bool{}
	for _, c := range list {
		seen[c.GetID()] = true
	}
	equal(t, "ids", len(seen), 8)
}
