package github

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	api "github.com/google/go-github/v60/github"

	"github.com/promote-on-success/promote/internal/promotion"
)

// DeploymentTask is the task of the deployments that [Client.Deploy] files. GitHub files those of a job's own
// `environment:` as "deploy".
const DeploymentTask = "promote"

const (
	deploymentRead  = "deployments=read"
	deploymentWrite = "deployments=write"
)

// A DeploymentRequest is what a deployment is filed with.
type DeploymentRequest struct {
	Environment string
	Commit      string
	Description string          // cut to 140 characters
	Production  bool            // people use it directly; earlier ones are then never made inactive by GitHub itself
	Transient   bool            // it will be gone one day
	Payload     json.RawMessage // for programs; nil is none
}

// A Deployment is one as it was filed.
type Deployment struct {
	ID          int64
	Environment string
	Commit      string
	Task        string
	Creator     string // a login; github-actions[bot] for what a job's `environment:` or its token files
	Description string
	Payload     json.RawMessage
	Created     time.Time

	node string // its name in GraphQL
}

// Deploy files a deployment, with nothing merged and no checks awaited, and returns its number. It has no state until
// [Client.DeploymentStatus] gives it one. If the answer is lost, what was filed by this program for the same commit,
// environment and payload since is taken for it: a payload that names the run makes that certain. One call. Needs
// deployments: write.
//
// https://docs.github.com/en/rest/deployments/deployments#create-a-deployment
func (c *Client) Deploy(ctx context.Context, r DeploymentRequest) (int64, error) {
	deed := fmt.Sprintf("file deployment of %.7s to %s of %s", r.Commit, clean(r.Environment), c.Repository())
	switch wrong := promotion.CheckCommit(r.Commit); {
	case wrong != "":
		return 0, promotion.Fault{What: "file deployment of " + c.Repository() + ": " + wrong, Accepted: promotion.AcceptedCommit}
	case r.Environment == "":
		return 0, promotion.Fault{What: deed + ": the environment has no name"}
	case r.Payload != nil && !json.Valid(r.Payload):
		return 0, promotion.Fault{What: deed + ": the payload is no JSON"}
	}
	in := &api.DeploymentRequest{
		Ref: &r.Commit, Task: api.String(DeploymentTask), Environment: &r.Environment, Description: api.String(cut(r.Description)),
		// Without these GitHub merges the default branch into the commit's, and refuses while this very job is running.
		AutoMerge: api.Bool(false), RequiredContexts: &[]string{},
		TransientEnvironment: &r.Transient, ProductionEnvironment: &r.Production,
	}
	if r.Payload != nil {
		in.Payload = r.Payload
	}
	begun := time.Now()
	id, err := once(ctx, func() (int64, error) {
		d, _, err := c.api.Repositories.CreateDeployment(ctx, c.owner, c.name, in)
		return identified(d.GetID(), d.GetID(), err)
	}, func() (int64, bool, error) {
		list, err := c.listDeployments(ctx, api.DeploymentsListOptions{Environment: r.Environment, SHA: r.Commit, Task: DeploymentTask}, perPage)
		for _, one := range list {
			// GitHub's clock and ours may differ; a minute is less than lies between two runs of the same commit.
			if sameJSON(one.Payload, r.Payload) && one.Created.After(begun.Add(-time.Minute)) {
				return one.ID, true, nil
			}
		}
		return 0, false, err
	})
	if err != nil {
		return 0, c.explainNeeding(ctx, deed, deploymentWrite, err)
	}
	return id, nil
}

// Deployments lists what was filed for an environment, the newest first, a hundred at most; of one commit where one is
// given. One call. Needs deployments: read.
//
// https://docs.github.com/en/rest/deployments/deployments#list-deployments
func (c *Client) Deployments(ctx context.Context, environment, commit string) ([]Deployment, error) {
	list, err := c.listDeployments(ctx, api.DeploymentsListOptions{Environment: environment, SHA: commit}, perPage)
	if err != nil {
		return nil, c.explainNeeding(ctx, fmt.Sprintf("list deployments to %s of %s", clean(environment), c.Repository()), deploymentRead, err)
	}
	return list, nil
}

func (c *Client) listDeployments(ctx context.Context, o api.DeploymentsListOptions, most int) ([]Deployment, error) {
	var list []Deployment
	err := each(ctx, func(ctx context.Context, page api.ListOptions) ([]*api.Deployment, *api.Response, error) {
		o.ListOptions = page
		return c.api.Repositories.ListDeployments(ctx, c.owner, c.name, &o)
	}, func(d *api.Deployment) bool {
		list = append(list, Deployment{ID: d.GetID(), Environment: d.GetEnvironment(), Commit: d.GetSHA(), Task: d.GetTask(),
			Creator: d.GetCreator().GetLogin(), Description: d.GetDescription(), Payload: d.Payload, Created: d.GetCreatedAt().Time,
			node: d.GetNodeID()})
		return len(list) < most
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b Deployment) int { return int(b.ID - a.ID) })
	return list, nil
}

// sameJSON compares payloads. GitHub gives "" or {} for none, and a payload that was sent as an object may come back
// as its text.
func sameJSON(a, b json.RawMessage) bool {
	return bytes.Equal(plain(a), plain(b))
}

func plain(payload json.RawMessage) []byte {
	var v any
	if len(payload) == 0 || json.Unmarshal(payload, &v) != nil {
		return nil
	}
	if text, is := v.(string); is {
		if json.Unmarshal([]byte(text), &v) != nil {
			v = text
		}
	}
	if m, is := v.(map[string]any); v == "" || is && len(m) == 0 {
		return nil
	}
	out, _ := json.Marshal(v) // it was JSON
	return out
}
