package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

// What can go wrong with a call, for ever.
var misfortunes = []github.Fault{
	{Kind: github.FaultStatus, Status: 403, Message: "Resource not accessible by integration"},
	{Kind: github.FaultStatus, Status: 404, Message: "Not Found"},
	{Kind: github.FaultValidation, Errors: []github.FaultDetail{{Resource: "Any", Field: "any", Code: "invalid"}}},
	{Kind: github.FaultSecondaryLimit, Status: 429, RetryAfter: 5},
	{Kind: github.FaultPrimaryLimit, Status: 403, RetryAfter: 3000},
	{Kind: github.FaultStatus, Status: 500, Message: "Server Error"},
	{Kind: github.FaultTimeout},
	{Kind: github.FaultReset},
}

// A brittle is a call that telling people makes, what the one warning says that its failure leads to, and the line that
// switches it off.
type brittle struct {
	name    string
	fault   github.Fault
	warning string
	off     string
	modes   string // in which it is made
}

const repo = "/repos/{owner}/{repo}"

var brittles = []brittle{
	{"the pull request of a commit", github.Fault{Path: repo + "/commits/{sha}/pulls"}, "pull request", "comment: off", "run promote"},
	{"the comments", github.Fault{Path: "/graphql", Contains: "comments(first"}, "comment on pull request #7", "comment: off", "run promote"},
	{"a new comment", github.Fault{Method: "POST", Path: repo + "/issues/7/comments"}, "comment on pull request #7", "comment: off", "run promote"},
	{"an edited comment", github.Fault{Method: "PATCH", Path: repo + "/issues/comments/{id}"}, "comment on pull request #7", "comment: off", "run promote"},
	{"the deployments", github.Fault{Method: "GET", Path: repo + "/deployments"}, "deployments to prod", "deployments: off", "run promote rollback"},
	{"a new deployment", github.Fault{Method: "POST", Path: repo + "/deployments"}, "file deployment", "deployments: off", "run promote"},
	{"a deployment's status", github.Fault{Method: "POST", Path: repo + "/deployments/{id}/statuses"}, "deployment", "deployments: off", "run promote rollback"},
	{"the deployments' states", github.Fault{Path: "/graphql", Contains: "latestStatus"}, "deployments to prod", "deployments: off", "run promote rollback"},
	{"the commit's status", github.Fault{Method: "POST", Path: repo + "/statuses/{sha}"}, "set status", "commit-status: false", "run promote"},
	{"the release", github.Fault{Method: "GET", Path: repo + "/releases/tags/{tag...}"}, "release", "release: off", "run promote rollback"},
	{"the drafts", github.Fault{Method: "GET", Path: repo + "/releases"}, "release", "release: off", "run promote rollback"},
	{"a new release", github.Fault{Method: "POST", Path: repo + "/releases"}, "release", "release: off", "run promote rollback"},
	{"the release that was written", github.Fault{Method: "GET", Path: repo + "/releases/{id}"}, "release", "release: off", "run promote rollback"},
	{"the generated notes", github.Fault{Method: "POST", Path: repo + "/releases/generate-notes"}, "notes", "generated-notes: false", "run promote"},
	{"the categories", github.Fault{Path: repo + "/contents/{path...}"}, "release.yml", "", "run promote"},
	{"the pull requests among the changes", github.Fault{Path: "/graphql", Contains: "associatedPullRequests"}, "", "", "run promote"},
}

func TestNoFailureOfGitHubChangesAnOutcome(t *testing.T) {
	t.Parallel()
	told := []string{"release", "v9", "commit-status", "true", "generated-notes", "true"}
	modes := map[string]struct {
		outcome string
		holds   string
		play    func(*office, func()) heard
	}{
		"run": {"promoted", "3", func(f *office, arm func()) heard {
			arm()
			return f.job("c2", "v2", told...).run()
		}},
		"promote": {"promoted", "3", func(f *office, arm func()) heard {
			deploy := f.job("c2", "v2", "mode", "deploy", "comment", "off", "deployments", "off")
			deploy.run().ended(f.t, "deployed", 0)
			arm()
			j := f.job("c2", "v2", append([]string{"mode", "promote"}, told...)...)
			j.env["GITHUB_RUN_ID"] = deploy.env["GITHUB_RUN_ID"]
			return j.run()
		}},
		"rollback": {"rolled-back", "2", func(f *office, arm func()) heard {
			f.job("c2", "v2").run().ended(f.t, "promoted", 0)
			arm()
			return f.job("c2", "v2", "mode", "rollback", "reason", "it is bad", "release", "v9").run()
		}},
	}
	for mode, m := range modes {
		for _, b := range brittles {
			if !strings.Contains(" "+b.modes+" ", " "+mode+" ") {
				continue
			}
			t.Run(mode+"/"+b.name, func(t *testing.T) {
				t.Parallel()
				for _, bad := range misfortunes {
					inOffice(t, func(t *testing.T, f *office) {
						f.job("c1", "v1").run().ended(t, "promoted", 0)
						what := fmt.Sprintf("%s %d", bad.Kind, bad.Status)
						r := m.play(f, func() {
							bad.Method, bad.Path, bad.Contains, bad.Count = b.fault.Method, b.fault.Path, b.fault.Contains, -1
							_, err := f.hub.AddFault(bad)
							f.must(err)
						})
						if r.outputs["outcome"].value != m.outcome || r.code != 0 {
							t.Fatalf("%s: it ended %q with %d\n%s", what, r.outputs["outcome"].value, r.code, r.log)
						}
						if got := f.holding("prod"); got != m.holds {
							t.Errorf("%s: prod holds %s, want %s", what, got, m.holds)
						}
						met := false
						for _, c := range f.hub.Calls() {
							met = met || c.Fault == bad.Kind
						}
						if !met {
							t.Fatalf("%s: no such call was made: %v", what, f.calls())
						}
						b.warns(t, what, r)
					})
				}
			})
		}
	}
}

// warns holds a run to one warning of what failed. A limit concerns every call after it, and a 404 is not always a failure.
func (b brittle) warns(t *testing.T, what string, r heard) {
	t.Helper()
	var found []string
	for line := range strings.Lines(r.log) {
		if strings.HasPrefix(line, "::warning") {
			found = append(found, line)
		}
	}
	about := 0
	for _, w := range found {
		if strings.Contains(w, b.warning) {
			about++
			if b.off != "" && !strings.Contains(w, b.off) {
				t.Errorf("%s: the warning does not say %q: %s", what, b.off, w)
			}
			if strings.Contains(what, "403") && strings.Contains(what, "status") && b.off != "" && !strings.Contains(w, "permissions: {") {
				t.Errorf("%s: the warning names no permission: %s", what, w)
			}
		}
	}
	if strings.Contains(what, "limit") { // which calls meet it first is a matter of chance
		text := strings.Join(found, "")
		if len(found) == 0 || strings.Count(text, "limit of calls is used up until")+strings.Count(text, "takes no calls until") != len(found) {
			t.Errorf("%s: the warnings are not of the limit:\n%s", what, text)
		}
		return
	}
	absent := what == "status 404"
	if about != 1 && !(absent && about == 0) && b.warning != "" || len(found) > 1 {
		t.Errorf("%s: there are %d warnings, %d of them of this:\n%s", what, len(found), about, strings.Join(found, ""))
	}
}

func TestAGitHubThatRefusesConnectionsLeavesAFewWarnings(t *testing.T) {
	inOffice(t, func(t *testing.T, f *office) {
		f.job("c1", "v1").run().ended(t, "promoted", 0)
		// All but the order of commits, without which nothing is promoted.
		for _, path := range []string{"/graphql", repo + "/commits/{x...}", repo + "/deployments", repo + "/deployments/{x...}", repo + "/releases", repo + "/releases/{x...}", repo + "/issues/{x...}", repo + "/statuses/{x...}", repo + "/contents/{x...}"} {
			_, err := f.hub.AddFault(github.Fault{Kind: github.FaultReset, Path: path, Count: -1})
			f.must(err)
		}
		r := f.job("c2", "v2", "release", "v9", "commit-status", "true").run()
		r.ended(t, "promoted", 0, "pull requests", "deployments", "release v9", "set status", "from ", "release.yml")
		t.Logf("it took %s", r.took)
	})
}
