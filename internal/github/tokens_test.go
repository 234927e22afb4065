package github_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/promote-on-success/promote/internal/github"
	hub "github.com/promote-on-success/promote/internal/sandbox/github"
)

// What a token cannot do, GitHub refuses at different calls and in different words; the missing permission is told
// all the same.
func TestTokensThatMayNot(t *testing.T) {
	reader := hub.ReadOnly()
	for name, tt := range map[string]struct {
		permissions map[string]string
		deeds       []string // the ones that fail
		what, hint  string
	}{
		"write, as on a pull request from a fork": {reader, []string{"make a comment", "edit a comment", "make a release", "change a release", "have notes written",
			"file a deployment", "end earlier deployments", "settle deployments", "set a status"}, "the token may not do this (403)", "pull requests from forks, and Dependabot's, get a token that can only read"},
		"see pull requests": {map[string]string{"contents": "read"}, []string{"make a comment", "read a pull request", "find a pull request"}, "the token may not do this", "pull-requests"},
		"see anything":      {nil, []string{"find what changed", "read a release", "read a file", "list deployments", "find a job's deployment"}, "the token may not do this", "permissions: {"},
	} {
		for _, one := range tt.deeds {
			t.Run(name+": "+one, func(t *testing.T) {
				timeless(t, func(t *testing.T, w world) {
					proposed(t, w)
					grown(t, w)
					d := deeds()[one]
					if d.prepare != nil {
						d.prepare(t, w.open(t, nil))
					}
					must(t, w.AddToken(hub.Token{Value: "ghs_weak", Permissions: tt.permissions, Repositories: []string{repository}}))
					err := d.do(t.Context(), w.open(t, nil, "GITHUB_TOKEN", "ghs_weak"))
					w.tells(t, err, tt.what, tt.hint)
					w.tells(t, err, "", d.permission)
				})
			})
		}
	}
}

// Queries have an hour's limit of their own: one that is used up holds back queries, and nothing else.
func TestTheLimitOfQueries(t *testing.T) {
	answer := func(used *int, reset time.Time) answering {
		return func(r *http.Request) (int, http.Header, string) {
			if !strings.HasSuffix(r.URL.Path, "/graphql") {
				return 200, nil, `{"number": 7, "state": "open"}`
			}
			if time.Now().Before(reset) {
				*used++
				return 200, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {fmt.Sprint(reset.Unix())}},
					`{"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded for installation ID 7."}]}`
			}
			return 200, nil, `{"data": {"nodes": [{"latestStatus": {"state": "SUCCESS"}}], "viewer": {"login": "ada"}, "repository": {"pullRequest": {"comments": {"nodes": [
				{"url": "https://github.com/a/b/pull/7#issuecomment-5", "body": "` + marker + `", "author": {"__typename": "User", "login": "ada"}}]}}}}}`
		}
	}
	open := func(t *testing.T, used *int, wait time.Duration) *github.Client {
		client, err := github.Open(github.Options{Repository: repository, Token: "x", HTTPClient: &http.Client{Transport: answer(used, time.Now().Add(wait))}})
		must(t, err)
		return client
	}
	t.Run("it is waited for if it ends soon", func(t *testing.T) {
		timeless(t, func(t *testing.T, _ world) {
			used, begin := 0, time.Now()
			_, err := open(t, &used, 20*time.Second).UpsertComment(t.Context(), 7, marker, marker, github.CommentUpdate)
			must(t, err)
			if took := time.Since(begin); used != 1 || took < 20*time.Second || took > 22*time.Second {
				t.Errorf("%d refused in %v", used, took)
			}
		})
	})
	t.Run("it is told if it does not, and other calls go on", func(t *testing.T) {
		timeless(t, func(t *testing.T, w world) {
			used, begin := 0, time.Now()
			client := open(t, &used, time.Hour)
			for range 2 {
				_, err := client.UpsertComment(t.Context(), 7, marker, marker, github.CommentUpdate)
				w.tells(t, err, "GitHub's limit of calls is used up until", "")
			}
			if _, err := client.PullRequest(t.Context(), 7); err != nil || used != 1 || time.Since(begin) != 0 {
				t.Errorf("%v; %d refused in %v", err, used, time.Since(begin))
			}
		})
	})
}

// Answers that are none of GitHub's end in a fault, whatever they hold.
func TestStrangeAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"nothing": ``, "half of one": `{"data": {`, "a page": `<html>`, "a list": `[1]`, "a list of nulls": `[null]`, "null commits": `{"number": 7, "id": 1, "status": "ahead", "commits": [null], "labels": [null]}`, "null": `null`, "an empty one": `{}`, "another form": `{"data": []}`,
		"an error without words": `{"errors": [{}]}`, "another error": `{"errors": [{"message": "Something went wrong while executing your query."}]}`,
		"nulls": `{"data": {"viewer": null, "repository": null, "nodes": [null]}}`, "too many nodes": `{"data": {"nodes": [null, null, null]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, w world) {
				for what, d := range deeds() {
					client, err := github.Open(github.Options{Repository: repository, Token: "x", HTTPClient: &http.Client{Transport: answering(
						func(*http.Request) (int, http.Header, string) { return 200, nil, body })}})
					must(t, err)
					err = d.do(t.Context(), client)
					// No entries are an answer to whoever asks for a list.
					empty := name == "nothing" || name == "null" || name == "a list of nulls"
					if lists := map[string]bool{"find a pull request": true, "list deployments": true, "find a job's deployment": true,
						"end earlier deployments": true, "settle deployments": true}; err == nil && !(empty && lists[what]) && name != "null commits" {
						t.Errorf("%s: passes for done", what)
					}
				}
			})
		})
	}
}
