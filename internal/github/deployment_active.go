package github

import (
	"context"
	"fmt"
	"strings"

	api "github.com/google/go-github/v60/github"
)

// jobsCreator files the deployments of a job's `environment:`, as "deploy".
const (
	jobsCreator = "github-actions[bot]"
	jobsTask    = "deploy"
)

// JobDeployment finds the deployment that the `environment:` of a run's job has filed, so that no second one need be:
// the same commit and environment, made by GitHub, with the run's log. The newest is meant if several jobs or attempts
// have one; nil is none, as with `deployment: false`. GitHub sets it to success or failure itself when the job has
// ended. Two calls, one if there is nothing like it. Needs deployments: read.
//
// https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/control-deployments
func (c *Client) JobDeployment(ctx context.Context, environment, commit string, run int64) (*Deployment, error) {
	deed := fmt.Sprintf("find the job's own deployment to %s of %s", clean(environment), c.Repository())
	list, err := c.listDeployments(ctx, api.DeploymentsListOptions{Environment: environment, SHA: commit, Task: jobsTask}, perPage)
	if err != nil {
		return nil, c.explainNeeding(ctx, deed, deploymentRead, err)
	}
	kept := list[:0]
	for _, one := range list {
		if one.Creator == jobsCreator {
			kept = append(kept, one)
		}
	}
	states, err := c.states(ctx, kept)
	if err != nil {
		return nil, c.explainNeeding(ctx, deed, deploymentRead, err)
	}
	for i, one := range states {
		if strings.Contains(one.log+"/", fmt.Sprintf("/actions/runs/%d/", run)) {
			return &kept[i], nil
		}
	}
	// Older Enterprise Servers name the job's log without its run: HOST/OWNER/NAME/runs/JOB.
	for i, one := range states {
		if one.state == "in_progress" && strings.Contains(one.log, "/runs/") && !strings.Contains(one.log, "/actions/") {
			return &kept[i], nil
		}
	}
	return nil, nil
}

// DeactivateOthers makes the active deployments of an environment inactive that were filed before the one to keep, and
// returns them. GitHub does so itself on a success, except in production. Later ones are another run's and are left
// alone, and so are those that are neither success nor ended: their runs may be on their way. Of the newest hundred.
// Two calls, and one for each. Needs deployments: write.
//
// https://docs.github.com/en/rest/deployments/deployments#inactive-deployments
func (c *Client) DeactivateOthers(ctx context.Context, environment string, keep int64) ([]Deployment, error) {
	deed := fmt.Sprintf("make earlier deployments to %s of %s inactive", clean(environment), c.Repository())
	list, states, err := c.withStates(ctx, environment)
	if err != nil {
		return nil, c.explainNeeding(ctx, deed, deploymentWrite, err)
	}
	var ended []Deployment
	for i, one := range list {
		if one.ID < keep && states[i].state == "success" {
			if err := c.DeploymentStatus(ctx, one.ID, "inactive", "", states[i].log, ""); err != nil {
				return ended, err
			}
			ended = append(ended, one)
		}
	}
	return ended, nil
}

// StaleActive lists the deployments that an environment shows as active although another commit is live there. A job
// whose `environment:` files a deployment leaves one when it ends well without having promoted: GitHub sets it to
// success after everything that the job could do about it. Two calls. Needs deployments: read.
func (c *Client) StaleActive(ctx context.Context, environment, live string) ([]Deployment, error) {
	stale, _, err := c.activity(ctx, environment, live)
	if err != nil {
		return nil, c.explainNeeding(ctx, fmt.Sprintf("find stale deployments to %s of %s", clean(environment), c.Repository()), deploymentRead, err)
	}
	return stale, nil
}

// SettleActive makes what [Client.StaleActive] finds inactive, and gives the live commit's newest deployment its
// success again where such a one has taken it away. It returns what it changed, and does nothing where nothing is
// stale. Two calls then, and one for each change. Needs deployments: write.
func (c *Client) SettleActive(ctx context.Context, environment, live string) (ended []Deployment, revived *Deployment, err error) {
	deed := fmt.Sprintf("settle the deployments to %s of %s", clean(environment), c.Repository())
	stale, lost, err := c.activity(ctx, environment, live)
	if err != nil {
		return nil, nil, c.explainNeeding(ctx, deed, deploymentWrite, err)
	}
	for _, one := range stale {
		if err := c.DeploymentStatus(ctx, one.ID, "inactive", "", "", fmt.Sprintf("%.7s is live", live)); err != nil {
			return ended, nil, err
		}
		ended = append(ended, one)
	}
	if len(ended) > 0 && lost != nil {
		if err := c.DeploymentStatus(ctx, lost.ID, "success", lost.was.url, lost.was.log, "live again"); err != nil {
			return ended, nil, err
		}
		revived = &lost.Deployment
	}
	return ended, revived, nil
}

type lostDeployment struct {
	Deployment
	was deploymentState
}

// activity finds the active deployments that are not the live commit's, and the newest of the live commit if none of
// its own is active any more.
func (c *Client) activity(ctx context.Context, environment, live string) (stale []Deployment, lost *lostDeployment, err error) {
	list, states, err := c.withStates(ctx, environment)
	if err != nil {
		return nil, nil, err
	}
	active := false
	for i, one := range list {
		switch {
		case one.Commit != live && states[i].state == "success":
			stale = append(stale, one)
		case one.Commit == live && states[i].state == "success":
			active = true
		case one.Commit == live && states[i].state == "inactive" && lost == nil:
			lost = &lostDeployment{one, states[i]}
		}
	}
	if active {
		lost = nil
	}
	return stale, lost, nil
}

func (c *Client) withStates(ctx context.Context, environment string) ([]Deployment, []deploymentState, error) {
	list, err := c.listDeployments(ctx, api.DeploymentsListOptions{Environment: environment}, perPage)
	if err != nil {
		return nil, nil, err
	}
	states, err := c.states(ctx, list)
	return list, states, err
}
