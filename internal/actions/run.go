package actions

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
)

// Event is what started the workflow: "push", "pull_request", "workflow_run".
func (s *Step) Event() string { return s.getenv("GITHUB_EVENT_NAME") }

// Repository is "owner/name".
func (s *Step) Repository() string { return s.getenv("GITHUB_REPOSITORY") }

// RunID is the workflow run's number, the same in all of its attempts.
func (s *Step) RunID() string { return s.getenv("GITHUB_RUN_ID") }

// Attempt is "1" for a run, and counts how often it was run again.
func (s *Step) Attempt() string { return s.getenv("GITHUB_RUN_ATTEMPT") }

// Actor is who started this attempt, which for a run that was run again need not be who pushed.
func (s *Step) Actor() string {
	if who := s.getenv("GITHUB_TRIGGERING_ACTOR"); who != "" {
		return who
	}
	return s.getenv("GITHUB_ACTOR")
}

// RunURL is the page of this attempt, "" outside of Actions.
func (s *Step) RunURL() string {
	if s.Repository() == "" || s.RunID() == "" {
		return ""
	}
	server := s.getenv("GITHUB_SERVER_URL")
	if server == "" {
		server = "https://github.com"
	}
	url := server + "/" + s.Repository() + "/actions/runs/" + s.RunID()
	if attempt := s.Attempt(); attempt != "" {
		url += "/attempts/" + attempt
	}
	return url
}

// maxEvent bounds what is read of the event. GitHub sends 25 MB at most.
const maxEvent = 32 << 20

var commitPattern = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// Commit is the commit that the run is about, "" outside of Actions. It is GITHUB_SHA, but for two events of which
// that is another one: after a pull request's event it is a merge that nobody will keep, after another workflow's
// end it is the tip of the default branch and not what that workflow tested.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
func (s *Step) Commit() (string, error) {
	sha := s.getenv("GITHUB_SHA")
	event := s.Event()
	if event == "workflow_run" || event == "pull_request" || event == "pull_request_target" {
		payload, err := s.payload()
		if err != nil {
			return "", fmt.Errorf("find the commit of the event %s: %w", event, err)
		}
		if sha = payload.PullRequest.Head.SHA; event == "workflow_run" {
			sha = payload.WorkflowRun.HeadSHA
		}
	} else if sha == "" {
		return "", nil
	}
	if !commitPattern.MatchString(sha) {
		return "", fmt.Errorf("find the commit of the event %s: %q is no commit", event, cut(sha, 64))
	}
	return sha, nil
}

// A payload is what is needed of the event.
type payload struct {
	WorkflowRun struct {
		HeadSHA string `json:"head_sha"`
	} `json:"workflow_run"`
	PullRequest struct {
		Head struct {
			SHA string `json:"sha"`
		} `json:"head"`
	} `json:"pull_request"`
}

func (s *Step) payload() (p payload, err error) {
	path := s.getenv("GITHUB_EVENT_PATH")
	if path == "" {
		return p, errors.New("GITHUB_EVENT_PATH is not set")
	}
	f, err := os.Open(path)
	if err != nil {
		return p, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxEvent+1))
	switch {
	case err != nil:
		return p, err
	case len(data) > maxEvent:
		return p, fmt.Errorf("the event is larger than %d bytes", maxEvent)
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return p, errors.New("the event is no JSON of the expected form")
	}
	return p, nil
}
