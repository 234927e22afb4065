package github_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/sandbox/github"
)

// deploy makes a deployment without merging and without contexts.
func deploy(t *testing.T, gh *api.Client, in api.DeploymentRequest) *api.Deployment {
	t.Helper()
	in.AutoMerge, in.RequiredContexts = api.Bool(false), &[]string{}
	d, _, err := gh.Repositories.CreateDeployment(ctx, "acme", "shop", &in)
	must(t, err)
	return d
}

// state sets one.
func state(t *testing.T, gh *api.Client, d *api.Deployment, in api.DeploymentStatusRequest) *api.DeploymentStatus {
	t.Helper()
	s, _, err := gh.Repositories.CreateDeploymentStatus(ctx, "acme", "shop", d.GetID(), &in)
	must(t, err)
	return s
}

// states are those of a deployment, newest first.
func states(t *testing.T, gh *api.Client, d *api.Deployment) string {
	t.Helper()
	list, _, err := gh.Repositories.ListDeploymentStatuses(ctx, "acme", "shop", d.GetID(), nil)
	must(t, err)
	var names []string
	for _, s := range list {
		names = append(names, s.GetState())
	}
	return strings.Join(names, " ")
}

func TestDeployments(t *testing.T) {
	_, base := newHub(t)
	gh := client(t, base, jobToken)
	success := api.DeploymentStatusRequest{State: api.String("success"), LogURL: api.String("https://example.com/run"), EnvironmentURL: api.String("https://shop.example.com")}

	old := deploy(t, gh, api.DeploymentRequest{Ref: api.String("main"), Environment: api.String("preprod"), Payload: map[string]any{"release": "r1"}})
	other := deploy(t, gh, api.DeploymentRequest{Ref: api.String("main"), Environment: api.String("dev")})
	passing := deploy(t, gh, api.DeploymentRequest{Ref: api.String("main"), Environment: api.String("preprod"), TransientEnvironment: api.Bool(true)})
	failed := deploy(t, gh, api.DeploymentRequest{Ref: api.String("main"), Environment: api.String("preprod")})
	live := deploy(t, gh, api.DeploymentRequest{Ref: api.String("main")})
	state(t, gh, old, api.DeploymentStatusRequest{State: api.String("in_progress")})
	for _, d := range []*api.Deployment{old, other, passing, live} {
		in := success
		in.AutoInactive = api.Bool(false)
		state(t, gh, d, in)
	}
	state(t, gh, failed, api.DeploymentStatusRequest{State: api.String("failure"), Description: api.String("red")})
	next := deploy(t, gh, api.DeploymentRequest{Ref: api.String(sha("c5")), Environment: api.String("preprod")})
	equal(t, "before the success", states(t, gh, old), "success in_progress")
	made := state(t, gh, next, success)

	t.Run("a success ends the success before it", func(t *testing.T) {
		equal(t, "log", made.GetLogURL(), "https://example.com/run")
		equal(t, "target", made.GetTargetURL(), "https://example.com/run")
		equal(t, "old", states(t, gh, old), "inactive success in_progress")
		equal(t, "next", states(t, gh, next), "success")
	})
	t.Run("it leaves other environments, transient ones and failures alone", func(t *testing.T) {
		equal(t, "other", states(t, gh, other), "success")
		equal(t, "transient", states(t, gh, passing), "success")
		equal(t, "failed", states(t, gh, failed), "failure")
	})
	t.Run("it leaves production alone, as GitHub documents", func(t *testing.T) {
		equal(t, "environment", live.GetEnvironment(), "production")
		state(t, gh, deploy(t, gh, api.DeploymentRequest{Ref: api.String("main")}), success)
		equal(t, "live", states(t, gh, live), "success")
	})
	t.Run("lists are filtered, newest first", func(t *testing.T) {
		list, _, err := gh.Repositories.ListDeployments(ctx, "acme", "shop", &api.DeploymentsListOptions{Environment: "preprod", SHA: sha("c6")})
		must(t, err)
		var ids []int64
		for _, d := range list {
			ids = append(ids, d.GetID())
		}
		equal(t, "ids", fmt.Sprint(ids), fmt.Sprint([]int64{failed.GetID(), passing.GetID(), old.GetID()}))
		equal(t, "payload", string(list[2].Payload), `{"release":"r1"}`)
	})
	t.Run("environments come of deployments", func(t *testing.T) {
		list, _, err := gh.Repositories.ListEnvironments(ctx, "acme", "shop", nil)
		must(t, err)
		equal(t, "count", list.GetTotalCount(), 3)
	})
	t.Run("an active one cannot be deleted, an inactive one can", func(t *testing.T) {
		_, err := gh.Repositories.DeleteDeployment(ctx, "acme", "shop", next.GetID())
		equal(t, "status", failure(t, err).Response.StatusCode, 422)
		_, err = gh.Repositories.DeleteDeployment(ctx, "acme", "shop", old.GetID())
		must(t, err)
	})
	for name, c := range map[string]struct{ body, message string }{
		"no state":                {`{}`, ""},
		"an unknown state":        {`{"state":"done"}`, "state is not included in the list"},
		"a long description":      {`{"state":"success","description":"` + strings.Repeat("ü", 141) + `"}`, "description is too long (maximum is 140 characters)"},
		"an address of no sort":   {`{"state":"success","log_url":"javascript:1"}`, "target_url must use http(s) scheme"},
		"a state that is no text": {`{"state":7}`, ""},
	} {
		t.Run("a status refuses "+name, func(t *testing.T) {
			r := call(t, "POST", fmt.Sprintf("%s/_github/api/v3/repos/acme/shop/deployments/%d/statuses", base, next.GetID()), jobToken, c.body)
			equal(t, "status", r.status, 422)
			if c.message != "" {
				equal(t, "message", dig(r.object(t), "errors", 0, "message"), any(c.message))
			}
		})
	}
	t.Run("140 characters are taken", func(t *testing.T) {
		state(t, gh, next, api.DeploymentStatusRequest{State: api.String("success"), Description: api.String(strings.Repeat("ü", 140))})
	})
}

func TestDeploymentRefusals(t *testing.T) {
	hub, base := newHub(t)
	gh := client(t, base, jobToken)
	create := func(in api.DeploymentRequest) error {
		_, _, err := gh.Repositories.CreateDeployment(ctx, "acme", "shop", &in)
		return err
	}
	t.Run("a job that runs is a context that is not met", func(t *testing.T) {
		e := failure(t, create(api.DeploymentRequest{Ref: api.String("main")}))
		equal(t, "status", e.Response.StatusCode, 409)
		equal(t, "message", e.Message, "Conflict: Commit status checks failed for main.")
	})
	t.Run("named contexts alone count", func(t *testing.T) {
		_, _, err := gh.Repositories.CreateStatus(ctx, "acme", "shop", sha("c6"), &api.RepoStatus{State: api.String("success"), Context: api.String("ci")})
		must(t, err)
		must(t, create(api.DeploymentRequest{Ref: api.String("main"), RequiredContexts: &[]string{"ci"}}))
		e := failure(t, create(api.DeploymentRequest{Ref: api.String("main"), RequiredContexts: &[]string{"ci", "other"}}))
		equal(t, "status", e.Response.StatusCode, 409)
	})
	t.Run("an unknown ref", func(t *testing.T) {
		equal(t, "message", failure(t, create(api.DeploymentRequest{Ref: api.String("none")})).Message, "No ref found for: none")
	})
	t.Run("a branch that is behind is merged instead, then deployed", func(t *testing.T) {
		in := api.DeploymentRequest{Ref: api.String("topic"), Description: api.String("x")}
		var accepted *api.AcceptedError
		if err := create(in); !errors.As(err, &accepted) {
			t.Fatalf("got %v, want 202", err)
		}
		got, _, err := gh.Repositories.CompareCommits(ctx, "acme", "shop", "main", "topic", nil)
		must(t, err)
		equal(t, "topic", got.GetStatus(), "ahead")
		must(t, create(in))
	})
	t.Run("a branch that conflicts is refused", func(t *testing.T) {
		_, err := hub.AddCommit("acme/shop", github.Commit{Message: "the same file", Branch: "clash", Parents: []string{sha("c3")}, Files: []github.File{{Path: "README.md"}}})
		must(t, err)
		e := failure(t, create(api.DeploymentRequest{Ref: api.String("clash")}))
		equal(t, "status", e.Response.StatusCode, 409)
		equal(t, "message", e.Message, "Conflict merging main into clash.")
		must(t, create(api.DeploymentRequest{Ref: api.String("clash"), AutoMerge: api.Bool(false)}))
	})
}

func TestCommitStatuses(t *testing.T) {
	_, base := newHub(t)
	gh := client(t, base, jobToken)
	combined := func() string {
		c, _, err := gh.Repositories.GetCombinedStatus(ctx, "acme", "shop", "main", nil)
		must(t, err)
		return fmt.Sprint(c.GetState(), " ", c.GetTotalCount())
	}
	put := func(context, state string) {
		_, _, err := gh.Repositories.CreateStatus(ctx, "acme", "shop", sha("c6"), &api.RepoStatus{Context: &context, State: &state})
		must(t, err)
	}
	equal(t, "none", combined(), "pending 0")
	put("a", "pending")
	put("b", "success")
	equal(t, "one pending", combined(), "pending 2")
	put("a", "success")
	equal(t, "the newest counts", combined(), "success 2")
	put("c", "error")
	equal(t, "one error", combined(), "failure 3")
	long := call(t, "POST", base+"/_github/api/v3/repos/acme/shop/statuses/"+sha("c6"), jobToken, `{"state":"success","description":"`+strings.Repeat("x", 141)+`"}`)
	equal(t, "long description", long.status, 422)
	unknown := call(t, "POST", base+"/_github/api/v3/repos/acme/shop/statuses/"+sha("none"), jobToken, `{"state":"success"}`)
	equal(t, "unknown commit", dig(unknown.object(t), "message"), any("No commit found for SHA: "+sha("none")))
}
