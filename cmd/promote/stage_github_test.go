package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

// hubPull opens a pull request at GitHub and makes the step one of it: NUMBER and the variable that has its commit.
func (s *stage) hubPull(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	number, err := strconv.Atoi(args[0])
	if err != nil {
		return errUsage
	}
	head := ts.Getenv(args[1])
	if err := s.cloud.Server().GitHub().PutPull(repository, github.PullRequest{Number: number, Title: "Change it", Head: "topic", HeadSHA: head}); err != nil {
		return err
	}
	event, err := json.Marshal(map[string]any{"number": number, "pull_request": map[string]any{
		"head": map[string]any{"sha": head, "repo": map[string]any{"full_name": repository}},
	}})
	if err != nil {
		return err
	}
	ts.Setenv("GITHUB_EVENT_NAME", "pull_request")
	ts.Setenv("GITHUB_REF", fmt.Sprintf("refs/pull/%d/merge", number))
	ts.Setenv("GITHUB_EVENT_PATH", ts.MkAbs("event.json"))
	return write(ts, "event.json", event, 0o644)
}

// commented holds the one comment of a pull request to a pattern.
func (s *stage) commented(_ *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	env := s.cloud.Env()
	r, err := http.NewRequestWithContext(s.ctx(), http.MethodGet, env["GITHUB_API_URL"]+"/repos/"+repository+"/issues/"+args[0]+"/comments", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+s.token())
	res, err := s.cloud.HTTPClient().Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	var list []struct{ Body string }
	if err := json.Unmarshal(text, &list); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	if len(list) != 1 {
		return fmt.Errorf("there are %d comments", len(list))
	}
	if is, err := regexp.MatchString(args[1], list[0].Body); err != nil || !is {
		return fmt.Errorf("the comment does not match %s (%v):\n%s", args[1], err, list[0].Body)
	}
	return nil
}
