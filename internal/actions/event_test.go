package actions_test

import (
	"os"
	"path/filepath"
	"testing"
)

func event(t *testing.T, payload string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(file, []byte(payload), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestThePullRequestOfAnEvent(t *testing.T) {
	own := `{"number": 7, "pull_request": {"head": {"sha": "x", "repo": {"full_name": "octo-org/shop"}}}}`
	fork := `{"number": 7, "pull_request": {"head": {"sha": "x", "repo": {"full_name": "somebody/shop"}}}}`
	for name, tt := range map[string]struct {
		event, payload, actor string
		number                int
		readOnly              bool
	}{
		"of a branch":                      {"pull_request", own, "ann", 7, false},
		"of a fork":                        {"pull_request", fork, "ann", 7, true},
		"of a fork, with the target's own": {"pull_request_target", fork, "ann", 7, false},
		"of Dependabot":                    {"pull_request", own, "dependabot[bot]", 7, true},
		"a push":                           {"push", own, "ann", 0, false},
		"an event that cannot be read":     {"pull_request", `{`, "ann", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := inside("GITHUB_REPOSITORY", "octo-org/shop", "GITHUB_EVENT_NAME", tt.event, "GITHUB_ACTOR", tt.actor, "GITHUB_EVENT_PATH", event(t, tt.payload))
			if number, readOnly := s.PullRequest(); number != tt.number || readOnly != tt.readOnly {
				t.Errorf("got %d, read only %t", number, readOnly)
			}
		})
	}
}

func TestTheTagOfAnEvent(t *testing.T) {
	for name, tt := range map[string]struct{ event, payload, ref, want string }{
		"a tag's push":           {"push", `{}`, "refs/tags/v1.2.0", "v1.2.0"},
		"a branch's push":        {"push", `{}`, "refs/heads/main", ""},
		"a release":              {"release", `{"release": {"tag_name": "v1.3.0"}}`, "refs/tags/v1.3.0", "v1.3.0"},
		"a release without form": {"release", `{`, "refs/tags/v1.3.0", "v1.3.0"},
		"a dispatch from a tag":  {"workflow_dispatch", `{}`, "refs/tags/v1.2.0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := inside("GITHUB_EVENT_NAME", tt.event, "GITHUB_REF", tt.ref, "GITHUB_EVENT_PATH", event(t, tt.payload))
			if got := s.Tag(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
