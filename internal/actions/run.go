package actions

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/promote-on-success/promote/internal/promotion"
)

// Event is what started the workflow: "push", "pull_request", "workflow_run".
func (s *Step) Event() string { return s.getenv("GITHUB_EVENT_NAME") }

// Repository is "owner/name".
func (s *Step) Repository() string { return s.getenv("GITHUB_REPOSITORY") }

// RepositoryID is GitHub's number of the repository, the same after a renaming.
func (s *Step) RepositoryID() string { return s.getenv("GITHUB_REPOSITORY_ID") }

// Ref is what the run was started for: "refs/heads/main", "refs/tags/v1.2.0", "refs/pull/7/merge".
func (s *Step) Ref() string { return s.getenv("GITHUB_REF") }

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
	url := s.Server() + "/" + s.Repository() + "/actions/runs/" + s.RunID()
	if attempt := s.Attempt(); attempt != "" {
		url += "/attempts/" + attempt
	}
	return url
}

// PullRequest is the number of the pull request that the event is about, 0 if it is about none. ReadOnly tells that it
// comes from a fork or from Dependabot, whose runs get a token that can only read:
// https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#workflows-in-forked-repositories
func (s *Step) PullRequest() (number int, readOnly bool) {
	if !strings.HasPrefix(s.Event(), "pull_request") {
		return 0, false
	}
	payload, err := s.payload()
	if err != nil {
		return 0, false
	}
	pull := payload.PullRequest
	fork := pull.Head.Repo.FullName != "" && pull.Head.Repo.FullName != s.Repository()
	readOnly = s.Event() != "pull_request_target" && (fork || s.getenv("GITHUB_ACTOR") == "dependabot[bot]")
	return payload.Number, readOnly
}

// Tag is the tag that a tag's push or a release's event is about, "" for any other event.
func (s *Step) Tag() string {
	if s.Event() == "release" {
		if payload, err := s.payload(); err == nil && payload.Release.TagName != "" {
			return payload.Release.TagName
		}
	}
	if s.Event() != "push" && s.Event() != "release" {
		return ""
	}
	tag, _ := strings.CutPrefix(s.Ref(), "refs/tags/")
	if tag == s.Ref() {
		return ""
	}
	return tag
}

// Server is the address of the GitHub that the run belongs to: "https://github.com".
func (s *Step) Server() string {
	if server := s.getenv("GITHUB_SERVER_URL"); server != "" {
		return server
	}
	return "https://github.com"
}

// Temp is the job's folder for temporary files, "" outside of Actions.
func (s *Step) Temp() string { return s.getenv("RUNNER_TEMP") }

// Workflow is the name of the workflow, "" outside of Actions.
func (s *Step) Workflow() string { return s.getenv("GITHUB_WORKFLOW") }

// maxEvent bounds what is read of the event. GitHub sends 25 MB at most.
const maxEvent = 32 << 20

// Commit is the commit that the run is about, "" outside of Actions. It is GITHUB_SHA, which a run keeps when it is run
// again, but for these events:
//
//   - after another workflow's end GITHUB_SHA is the tip of the default branch, and not what that workflow tested;
//   - in an open pull request's events it is a merge that nobody will keep (or the base), and what is proposed is the head;
//   - in those of a pull request that was merged it may be the base's tip by then, and what came of the merge, squash or
//     rebase is the merge commit. Its head may never be part of the base's history.
//
// For a tag, pushed, released or dispatched, it is the commit that was tagged. Where the hash should be that of an
// annotated tag's object all the same, as in a value given by hand, only GitHub or git can tell; see [Step.Ref].
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
func (s *Step) Commit() (string, error) {
	sha := s.getenv("GITHUB_SHA")
	event := s.Event()
	switch event {
	case "workflow_run", "pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment":
		payload, err := s.payload()
		if err != nil {
			return "", fmt.Errorf("find the commit of the event %s: %w", event, err)
		}
		pull := payload.PullRequest
		switch {
		case event == "workflow_run":
			sha = payload.WorkflowRun.HeadSHA
		case pull.Merged || pull.MergedAt != "": // reviews come with the latter alone
			sha = pull.MergeCommitSHA
		default:
			sha = pull.Head.SHA
		}
	default:
		if sha == "" {
			return "", nil
		}
	}
	if wrong := promotion.CheckCommit(sha); wrong != "" {
		return "", fmt.Errorf("find the commit of the event %s: %s", event, wrong)
	}
	return sha, nil
}

// A payload is what is needed of the event.
type payload struct {
	WorkflowRun struct {
		HeadSHA string `json:"head_sha"`
	} `json:"workflow_run"`
	Release struct {
		TagName string `json:"tag_name"`
	} `json:"release"`
	Number      int `json:"number"`
	PullRequest struct {
		Head struct {
			SHA  string `json:"sha"`
			Repo struct {
				FullName string `json:"full_name"`
			} `json:"repo"`
		} `json:"head"`
		Merged         bool   `json:"merged"`
		MergedAt       string `json:"merged_at"`
		MergeCommitSHA string `json:"merge_commit_sha"`
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
