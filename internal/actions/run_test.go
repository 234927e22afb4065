package actions_test

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestInputs(t *testing.T) {
	s, _ := inside("INPUT_FUNCTION", "shop", "INPUT_JOB-STATUS", "  success\n", "INPUT_TWO_WORDS", "2", "INPUT_OTHER", "x")
	want := map[string]string{"function": "shop", "job-status": "success", "two words": "2", "environment": ""}
	if got := s.Inputs([]string{"function", "job-status", "two words", "environment"}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheRun(t *testing.T) {
	s, _ := inside("GITHUB_REPOSITORY", "octo-org/shop", "GITHUB_RUN_ID", "77", "GITHUB_RUN_ATTEMPT", "2", "GITHUB_SERVER_URL", "https://ghe.example",
		"GITHUB_ACTOR", "ann", "GITHUB_TRIGGERING_ACTOR", "bob", "GITHUB_EVENT_NAME", "push",
		"GITHUB_REPOSITORY_ID", "77", "GITHUB_REF", "refs/tags/v1")
	for got, want := range map[string]string{
		s.Repository(): "octo-org/shop", s.RunID(): "77", s.Attempt(): "2", s.Actor(): "bob", s.Event(): "push", s.Ref(): "refs/tags/v1",
		s.RunURL(): "https://ghe.example/octo-org/shop/actions/runs/77/attempts/2",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if s.RepositoryID() != "77" {
		t.Errorf("the repository is %s", s.RepositoryID())
	}
	if !s.Inside() {
		t.Error("it does not know that it is inside")
	}
	s, _ = outside()
	if s.Inside() || s.RunURL() != "" || s.Actor() != "" {
		t.Error("it makes up a run")
	}
	s, _ = inside("GITHUB_REPOSITORY", "octo-org/shop", "GITHUB_RUN_ID", "77", "GITHUB_ACTOR", "ann")
	if s.RunURL() != "https://github.com/octo-org/shop/actions/runs/77" || s.Actor() != "ann" {
		t.Errorf("got %s by %s", s.RunURL(), s.Actor())
	}
}

func TestCommit(t *testing.T) {
	tip, other := strings.Repeat("a", 40), strings.Repeat("b", 40)
	for name, tt := range map[string]struct {
		event, payload, sha string
		want                string
		fails               string
	}{
		"a push":                              {"push", ``, tip, tip, ""},
		"another workflow's end":              {"workflow_run", `{"workflow_run": {"head_sha": "` + other + `"}}`, tip, other, ""},
		"a pull request":                      {"pull_request", `{"pull_request": {"head": {"sha": "` + other + `"}}}`, tip, other, ""},
		"a review of a pull request":          {"pull_request_review", `{"pull_request": {"head": {"sha": "` + other + `"}, "merged_at": null, "merge_commit_sha": "` + tip + `"}}`, tip, other, ""},
		"a review after the merge":            {"pull_request_review", `{"pull_request": {"head": {"sha": "` + tip + `"}, "merged_at": "2026-03-01T12:00:00Z", "merge_commit_sha": "` + other + `"}}`, tip, other, ""},
		"a comment in a review":               {"pull_request_review_comment", `{"pull_request": {"head": {"sha": "` + other + `"}}}`, tip, other, ""},
		"a pull request's test merge":         {"pull_request", `{"pull_request": {"head": {"sha": "` + other + `"}, "merged": false, "merge_commit_sha": "` + tip + `"}}`, tip, other, ""},
		"a pull request that was merged":      {"pull_request", `{"action": "closed", "pull_request": {"head": {"sha": "` + tip + `"}, "merged": true, "merge_commit_sha": "` + other + `"}}`, strings.Repeat("d", 40), other, ""},
		"one from outside that was merged":    {"pull_request_target", `{"pull_request": {"head": {"sha": "` + tip + `"}, "merged": true, "merge_commit_sha": "` + other + `"}}`, tip, other, ""},
		"one that was merged to nobody knows": {"pull_request", `{"pull_request": {"head": {"sha": "` + tip + `"}, "merged": true, "merge_commit_sha": null}}`, tip, "", "no commit"},
		"a tag":                               {"push", `{"after": "` + other + `", "head_commit": {"id": "` + tip + `"}}`, tip, tip, ""},
		"a release":                           {"release", `{"release": {"target_commitish": "main"}}`, tip, tip, ""},
		"a run by hand":                       {"workflow_dispatch", `{"inputs": {}}`, tip, tip, ""},
		"a schedule":                          {"schedule", `{}`, tip, tip, ""},
		"a merge queue":                       {"merge_group", `{"merge_group": {"head_sha": "` + tip + `"}}`, tip, tip, ""},
		"a deployment":                        {"deployment", `{"deployment": {"sha": "` + tip + `"}}`, tip, tip, ""},
		"a branch that was deleted":           {"push", `{"deleted": true}`, strings.Repeat("0", 40), "", "no commit"},
		"a pull request from outside":         {"pull_request_target", `{"pull_request": {"head": {"sha": "` + other + `"}}}`, tip, other, ""},
		"SHA-256":                             {"push", ``, strings.Repeat("c", 64), strings.Repeat("c", 64), ""},
		"no run":                              {"", ``, "", "", ""},
		"a payload without the commit":        {"workflow_run", `{"pull_request": {"head": {"sha": "` + other + `"}}}`, tip, "", "no commit"},
		"a payload of another form":           {"workflow_run", `{"workflow_run": 3}`, tip, "", "no JSON of the expected form"},
		"a payload that is no JSON":           {"pull_request", `<html>`, tip, "", "no JSON"},
		"no payload":                          {"workflow_run", ``, tip, "", "GITHUB_EVENT_PATH"},
		"something else in place of a commit": {"push", ``, "main; rm -rf", "", "no commit"},
	} {
		t.Run(name, func(t *testing.T) {
			pairs := []string{"GITHUB_EVENT_NAME", tt.event, "GITHUB_SHA", tt.sha}
			if tt.payload != "" {
				path := file(t)
				if err := os.WriteFile(path, []byte(tt.payload), 0o644); err != nil {
					t.Fatal(err)
				}
				pairs = append(pairs, "GITHUB_EVENT_PATH", path)
			}
			s, _ := inside(pairs...)
			got, err := s.Commit()
			if got != tt.want || (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("got %q, %v; want %q, %q", got, err, tt.want, tt.fails)
			}
		})
	}
	s, _ := inside("GITHUB_EVENT_NAME", "pull_request", "GITHUB_EVENT_PATH", t.TempDir())
	if _, err := s.Commit(); err == nil {
		t.Error("a folder passes for an event")
	}
}
